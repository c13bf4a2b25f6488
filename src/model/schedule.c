/* When a backfill is done: its work walked through the windows of a schedule, minute by minute. */
#include "pgrehearse/model/backfill.h"
#include <math.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, DAYS_MAX = 3 * 365 };

/* Monday is 0; 1970-01-01 was a Thursday. */
static int weekday(int64_t local_s)
{
    return (int)((local_s / DAY + 3) % 7);
}

static bool opens_on(const rh_backfill_schedule *s, int day)
{
    return s->days == 0 || (s->days >> day & 1);
}

/* Windows belong to the day on which they open. */
static bool in_window(const rh_backfill_schedule *s, int64_t local_s)
{
    const int today = weekday(local_s), yesterday = (today + 6) % 7, minute = (int)(local_s % DAY / MINUTE);
    if (s->window_count == 0)
        return opens_on(s, today);
    for (size_t i = 0; i < s->window_count; i++) {
        const rh_schedule_window *w = &s->windows[i];
        if (w->from < w->to
                ? opens_on(s, today) && minute >= w->from && minute < w->to
                : (opens_on(s, today) && minute >= w->from) || (opens_on(s, yesterday) && minute < w->to))
            return true;
    }
    return false;
}

bool rh_schedule_is_open(const rh_backfill_schedule *s, int64_t utc_s, double most_load_per_s)
{
    const int64_t local_s = utc_s + rh_zone_offset_s(&s->zone, utc_s);
    if (!in_window(s, local_s))
        return false;
    if (s->hour_count == 0 || isnan(most_load_per_s))
        return true;
    const int hour = (int)(local_s % DAY / HOUR), of_week = weekday(local_s) * 24 + hour;
    return s->hours[s->hour_count == 24 ? hour : of_week] <= most_load_per_s;
}

/* From the start on until *LEFT_S of work are done, at most until UNTIL; *LEFT_S becomes what is then left.
 * Returns the moment. */
static double walk(const rh_backfill_schedule *s, double most_load_per_s, double until_s, double *left_s)
{
    double at = (double)s->start_s;
    while (*left_s > 0 && at < until_s) {
        const double next = fmin((floor(at / MINUTE) + 1) * MINUTE, until_s), step = next - at;
        if (!rh_schedule_is_open(s, (int64_t)at, most_load_per_s)) {
            at = next;
        } else if (*left_s <= step) {
            at += *left_s;
            *left_s = 0;
        } else {
            *left_s -= step;
            at = next;
        }
    }
    return at;
}

double rh_schedule_finish(const rh_backfill_schedule *s, double work_s, double most_load_per_s)
{
    double left_s = work_s;
    if (!(work_s >= 0))
        return RH_NOT_MEASURED;
    const double at = walk(s, most_load_per_s, (double)s->start_s + (double)DAYS_MAX * DAY, &left_s);
    return left_s > 0 ? INFINITY : at;
}

double rh_schedule_worked(const rh_backfill_schedule *s, double until_s, double most_load_per_s)
{
    double at = (double)s->start_s, worked = 0;
    while (at < until_s) {
        const double next = fmin((floor(at / MINUTE) + 1) * MINUTE, until_s);
        if (rh_schedule_is_open(s, (int64_t)at, most_load_per_s))
            worked += next - at;
        at = next;
    }
    return worked;
}
