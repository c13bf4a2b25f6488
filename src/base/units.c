#include "pgrehearse/base/units.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct unit {
    const char *name;
    double factor;
} unit;

static const unit DURATIONS[] = {{"us", 1},     {"ms", 1e3},  {"s", 1e6},
                                 {"min", 60e6}, {"h", 3.6e9}, {"d", 86.4e9}};
static const unit SIZES[] = {
    {"B", 1}, {"kB", 1024}, {"MB", 1048576}, {"GB", 1073741824.0}, {"TB", 1099511627776.0}};

static bool parse(const char *text, const unit *units, size_t count, int64_t *value)
{
    if (strcmp(text, "0") == 0) {
        *value = 0;
        return true;
    }
    size_t digits = strspn(text, "0123456789.");
    if (digits == 0 || text[0] == '.')
        return false;
    char *end;
    double number = strtod(text, &end);
    if (end != text + digits)
        return false;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < count; i++) {
        double result = number * units[i].factor;
        if (strcmp(end, units[i].name) == 0 && result < 9.0e18) {
            *value = llround(result);
            return true;
        }
    }
    return false;
}

bool rh_duration_parse(const char *text, rh_usec *value)
{
    return parse(text, DURATIONS, sizeof DURATIONS / sizeof *DURATIONS, value);
}

bool rh_size_parse(const char *text, int64_t *bytes)
{
    return parse(text, SIZES, sizeof SIZES / sizeof *SIZES, bytes);
}

char *rh_duration_format(double seconds, char *buffer, size_t size)
{
    if (isnan(seconds)) {
        snprintf(buffer, size, "not measured");
    } else if (seconds < 0.00095) {
        snprintf(buffer, size, "%.2g ms", seconds * 1e3);
    } else if (seconds < 0.9995) {
        snprintf(buffer, size, seconds < 0.01 ? "%.1f ms" : "%.0f ms", seconds * 1e3);
    } else if (seconds < 59.95) {
        snprintf(buffer, size, "%.1f s", seconds);
    } else if (seconds < 3599.5) {
        long total = lround(seconds);
        snprintf(buffer, size, "%ld min %ld s", total / 60, total % 60);
    } else {
        long minutes = lround(seconds / 60);
        snprintf(buffer, size, "%ld h %ld min", minutes / 60, minutes % 60);
    }
    return buffer;
}

char *rh_size_format(int64_t bytes, char *buffer, size_t size)
{
    static const char *const names[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    if (bytes < 0) {
        snprintf(buffer, size, "not measured");
        return buffer;
    }
    double value = (double)bytes;
    size_t i = 0;
    while (value >= 999.5 && i < 5) {
        value /= 1024;
        i++;
    }
    snprintf(buffer, size, i && value < 9.95 ? "%.1f %s" : "%.0f %s", value, names[i]);
    return buffer;
}

char *rh_count_format(int64_t count, char *buffer, size_t size)
{
    if (count < 0) {
        snprintf(buffer, size, "not measured");
        return buffer;
    }
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)count);
    size_t used = 0;
    for (int i = 0; i < length && used + 2 < size; i++) {
        if (i && (length - i) % 3 == 0)
            buffer[used++] = ',';
        buffer[used++] = digits[i];
    }
    buffer[used] = 0;
    return buffer;
}

const char *rh_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}
