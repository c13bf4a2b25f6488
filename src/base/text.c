#include "pgrehearse/base/text.h"
#include "pgrehearse/base/arena.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(rh_text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    if (needed <= text->capacity)
        return;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < needed)
        capacity *= 2;
    text->data = rh_realloc(text->data, capacity);
    text->capacity = capacity;
}

void rh_text_release(rh_text *text)
{
    if (!text)
        return;
    free(text->data);
    *text = (rh_text){0};
}

void rh_text_clear(rh_text *text)
{
    text->length = 0;
    if (text->data)
        text->data[0] = 0;
}

void rh_text_append_bytes(rh_text *text, const void *bytes, size_t length)
{
    reserve(text, length);
    if (length)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = 0;
}

void rh_text_append(rh_text *text, const char *string)
{
    rh_text_append_bytes(text, string, strlen(string));
}

void rh_text_append_char(rh_text *text, char c)
{
    rh_text_append_bytes(text, &c, 1);
}

void rh_text_vprintf(rh_text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length >= 0) {
        reserve(text, (size_t)length);
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void rh_text_printf(rh_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    rh_text_vprintf(text, format, args);
    va_end(args);
}

const char *rh_text_string(const rh_text *text)
{
    return text->data ? text->data : "";
}

int rh_leading_int(const char *text)
{
    errno = 0;
    long number = strtol(text, NULL, 10);
    return errno || number < INT_MIN || number > INT_MAX ? 0 : (int)number;
}

bool rh_starts_with(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool rh_ends_with(const char *string, const char *suffix)
{
    size_t a = strlen(string), b = strlen(suffix);
    return a >= b && strcmp(string + a - b, suffix) == 0;
}

const char *rh_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool rh_is_one_of(const char *string, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(string, *list) == 0)
            return true;
    return false;
}

size_t rh_edit_distance(const char *a, const char *b)
{
    size_t m = strlen(b);
    size_t *row = rh_alloc((m + 1) * sizeof *row);
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < m; j++) {
            size_t replace = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            size_t other = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            row[j + 1] = replace < other ? replace : other;
        }
    }
    size_t distance = row[m];
    free(row);
    return distance;
}

const char *rh_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = 4;
    for (size_t i = 0; i < count; i++) {
        size_t distance = rh_edit_distance(word, candidates[i]);
        if (distance < best_distance && 2 * distance <= strlen(word)) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    return best;
}

int rh_natural_compare(const char *a, const char *b)
{
    const char *p = a, *q = b;
    while (*p && *q) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            while (*p == '0')
                p++;
            while (*q == '0')
                q++;
            size_t m = strspn(p, "0123456789"), n = strspn(q, "0123456789");
            if (m != n)
                return m < n ? -1 : 1;
            int order = strncmp(p, q, m);
            if (order)
                return order;
            p += m;
            q += n;
        } else if (*p != *q) {
            return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
        } else {
            p++;
            q++;
        }
    }
    if (*p || *q)
        return *p ? 1 : -1;
    return strcmp(a, b);
}
