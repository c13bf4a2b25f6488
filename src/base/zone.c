/* Time zones: offsets read once from the C library, so that the rest is arithmetic. */
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HOUR = 3600, DAY = 86400 };

/* ---- reading ---- */

/* The C library takes an unknown zone for UTC: its file decides. */
static bool is_known(const char *name)
{
    char path[256];
    const char *directory = getenv("TZDIR");
    if (strcmp(name, "UTC") == 0)
        return true;
    if (!*name || *name == '/' || strstr(name, "..") ||
        name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/")])
        return false;
    snprintf(path, sizeof path, "%s/%s", directory ? directory : "/usr/share/zoneinfo", name);
    return access(path, R_OK) == 0;
}

static int offset_now(int64_t utc_s)
{
    const time_t at = (time_t)utc_s;
    struct tm t;
    localtime_r(&at, &t);
    return (int)t.tm_gmtoff;
}

static void read_steps(int64_t from_s, int64_t to_s, rh_arena *arena, rh_zone *zone)
{
    *rh_arena_add(arena, &zone->steps, &zone->step_count) = (rh_zone_step){from_s, offset_now(from_s)};
    for (int64_t at = from_s; at < to_s; at += HOUR) {
        const int last = zone->steps[zone->step_count - 1].offset_s;
        int64_t low = at, high = at + HOUR;
        if (offset_now(high) == last)
            continue;
        while (high - low > 1) {
            const int64_t middle = low + (high - low) / 2;
            *(offset_now(middle) == last ? &low : &high) = middle;
        }
        *rh_arena_add(arena, &zone->steps, &zone->step_count) = (rh_zone_step){high, offset_now(high)};
    }
}

bool rh_zone_read(const char *name, int64_t from_s, int64_t to_s, rh_arena *arena, rh_zone *zone)
{
    *zone = (rh_zone){.name = rh_arena_strdup(arena, name)};
    if (!is_known(name))
        return false;
    char *before = getenv("TZ") ? rh_strdup(getenv("TZ")) : NULL;
    setenv("TZ", name, 1);
    tzset();
    read_steps(from_s, to_s, arena, zone);
    if (before)
        setenv("TZ", before, 1);
    else
        unsetenv("TZ");
    tzset();
    free(before);
    return true;
}

/* ---- arithmetic ---- */

int rh_zone_offset_s(const rh_zone *zone, int64_t utc_s)
{
    size_t i = zone->step_count;
    while (i > 1 && zone->steps[i - 1].from_s > utc_s)
        i--;
    return i > 0 ? zone->steps[i - 1].offset_s : 0;
}

int64_t rh_zone_utc_s(const rh_zone *zone, int64_t local_s)
{
    /* The earliest moment at which the clocks show it; of an hour that they leave out, the moment of the
     * change. */
    for (size_t i = 0; i < zone->step_count; i++) {
        const int64_t utc_s = local_s - zone->steps[i].offset_s;
        const bool last = i + 1 == zone->step_count;
        if (last || utc_s < zone->steps[i + 1].from_s)
            return i > 0 && utc_s < zone->steps[i].from_s ? zone->steps[i].from_s : utc_s;
    }
    return local_s;
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    const int y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "Z", "+01:00", "+01", or nothing. */
static bool read_offset(const char *text, rh_civil_time *time)
{
    int hours = 0, minutes = 0, used = 0;
    time->has_offset = *text != 0;
    if (!*text || strcmp(text, "Z") == 0)
        return true;
    const char sign = *text++;
    if ((sign != '+' && sign != '-') || sscanf(text, "%2d%n", &hours, &used) != 1 || used != 2)
        return false;
    text += used;
    if (*text && (sscanf(text, ":%2d%n", &minutes, &used) != 1 || used != 3 || text[used]))
        return false;
    time->offset_s = (sign == '-' ? -1 : 1) * (hours * HOUR + minutes * 60);
    return hours < 24 && minutes < 60;
}

bool rh_civil_parse(const char *text, rh_civil_time *time)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, second = 0, used = 0;
    char between;
    *time = (rh_civil_time){0};
    if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d%n", &year, &month, &day, &between, &hour, &minute, &used) != 6 ||
        used != 16 || (between != 'T' && between != ' '))
        return false;
    text += used;
    if (*text == ':') {
        if (sscanf(text, ":%2d%n", &second, &used) != 1 || used != 3)
            return false;
        text += used;
        if (*text == '.')
            text += 1 + strspn(text + 1, "0123456789");
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    const int64_t days = days_of(year, month, day);
    if (month == 2 && day == 29 && days == days_of(year, 3, 1))
        return false; /* no leap year */
    time->local_s = days * DAY + hour * HOUR + minute * 60 + second;
    return read_offset(text, time);
}

char *rh_zone_format(const rh_zone *zone, int64_t utc_s, char *buffer, size_t size)
{
    const int offset_s = rh_zone_offset_s(zone, utc_s), minutes = abs(offset_s) / 60;
    const time_t local = (time_t)(utc_s + offset_s);
    struct tm t;
    char stamp[24];
    gmtime_r(&local, &t);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(buffer, size, "%s%c%02d:%02d", stamp, offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return buffer;
}
