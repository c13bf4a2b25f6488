/* Finishing dates: windows, days off, hours with too much load, and the days on which clocks change. */
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

enum { HOUR = 3600 };

static rh_arena *arena;

static int start(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

/* In Berlin, from BEGINS by the clocks there. */
static rh_backfill_schedule schedule(const char *begins)
{
    rh_backfill_schedule s = {.set = true};
    rh_civil_time time;
    assert_true(rh_civil_parse(begins, &time));
    assert_true(rh_zone_read("Europe/Berlin", 1735689600, 1861920000, arena, &s.zone)); /* 2025 – 2028 */
    s.start_s = rh_zone_utc_s(&s.zone, time.local_s);
    return s;
}

static void finishes(const rh_backfill_schedule *s, double hours, const char *expected)
{
    char stamp[32];
    const double at = rh_schedule_finish(s, hours * HOUR, NAN);
    assert_true(isfinite(at));
    assert_string_equal(rh_zone_format(&s->zone, (int64_t)at, stamp, sizeof stamp), expected);
}

static rh_schedule_window night = {22 * 60, 6 * 60};

/* ---- windows ---- */

static void without_windows_it_runs_on(void **state)
{
    (void)state;
    const rh_backfill_schedule s = schedule("2026-12-01T22:00");
    finishes(&s, 7.5, "2026-12-02T05:30:00+01:00");
}

static void a_night_holds_eight_hours(void **state)
{
    (void)state;
    rh_backfill_schedule s = schedule("2026-12-01T22:00");
    s.windows = &night;
    s.window_count = 1;
    finishes(&s, 8, "2026-12-02T06:00:00+01:00");
    finishes(&s, 13 + 1.0 / 6, "2026-12-03T03:10:00+01:00");
    s.start_s += 10 * HOUR; /* behind the window: the next one */
    finishes(&s, 1, "2026-12-02T23:00:00+01:00");
}

static void several_windows_a_day(void **state)
{
    (void)state;
    rh_schedule_window windows[] = {{2 * 60, 4 * 60}, {12 * 60, 13 * 60}};
    rh_backfill_schedule s = schedule("2026-12-01T00:00");
    s.windows = windows;
    s.window_count = 2;
    finishes(&s, 4, "2026-12-02T03:00:00+01:00");
}

/* A window belongs to the day on which it opens: Friday's ends on Saturday morning. */
static void days_off(void **state)
{
    (void)state;
    rh_backfill_schedule s = schedule("2026-12-04T22:00"); /* a Friday */
    s.windows = &night;
    s.window_count = 1;
    s.days = 0x1f; /* Monday to Friday */
    finishes(&s, 8, "2026-12-05T06:00:00+01:00");
    finishes(&s, 9, "2026-12-07T23:00:00+01:00");
}

/* ---- clocks ---- */

/* On 2026-10-25 the hour from 2 to 3 comes twice: the night has nine hours. */
static void the_night_that_is_longer(void **state)
{
    (void)state;
    rh_backfill_schedule s = schedule("2026-10-24T22:00");
    s.windows = &night;
    s.window_count = 1;
    finishes(&s, 9, "2026-10-25T06:00:00+01:00");
    finishes(&s, 4.5, "2026-10-25T02:30:00+02:00");
    finishes(&s, 5.5, "2026-10-25T02:30:00+01:00");
}

/* On 2026-03-29 the hour from 2 to 3 is left out: seven. */
static void the_night_that_is_shorter(void **state)
{
    (void)state;
    rh_backfill_schedule s = schedule("2026-03-28T22:00");
    s.windows = &night;
    s.window_count = 1;
    finishes(&s, 7, "2026-03-29T06:00:00+02:00");
    finishes(&s, 8, "2026-03-29T23:00:00+02:00");
}

static void a_start_that_the_clocks_leave_out(void **state)
{
    (void)state;
    const rh_backfill_schedule s = schedule("2026-03-29T02:30");
    finishes(&s, 0, "2026-03-29T03:00:00+02:00");
}

static void zones_and_times(void **state)
{
    (void)state;
    rh_zone zone;
    rh_civil_time time;
    char stamp[32];
    assert_false(rh_zone_read("Europe/Nowhere", 0, 86400, arena, &zone));
    assert_false(rh_zone_read("../etc/passwd", 0, 86400, arena, &zone));
    assert_true(rh_zone_read("UTC", 0, 86400, arena, &zone));
    assert_true(rh_civil_parse("2026-12-01 22:00:30.5+05:30", &time));
    assert_true(time.has_offset && time.offset_s == 5 * HOUR + 1800);
    assert_string_equal(rh_zone_format(&zone, time.local_s, stamp, sizeof stamp),
                        "2026-12-01T22:00:30+00:00");
    assert_true(rh_civil_parse("2028-02-29T00:00Z", &time));
    static const char *const wrong[] = {"2026-02-29T00:00", "2026-13-01T00:00",  "2026-12-01",
                                        "2026-12-01T24:00", "2026-12-01T22:00+", "tomorrow"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(rh_civil_parse(wrong[i], &time));
}

/* ---- load ---- */

/* Hours in which the load is above the rehearsed one are closed. */
static void hours_with_more_load_are_closed(void **state)
{
    (void)state;
    rh_backfill_schedule s = schedule("2026-12-01T08:00");
    s.hour_count = 24;
    for (int hour = 0; hour < 24; hour++)
        s.hours[hour] = hour >= 9 && hour < 17 ? 500 : 100;
    const double at = rh_schedule_finish(&s, 2 * HOUR, 200);
    assert_true(at == (double)s.start_s + 10 * HOUR);
    assert_true(isinf(rh_schedule_finish(&s, HOUR, 50))); /* never */
    assert_true(rh_schedule_worked(&s, (double)s.start_s + 9 * HOUR, 200) == HOUR);
}

/* ---- the course ---- */

static void the_course_follows_the_cost_along_the_key(void **state)
{
    (void)state;
    const rh_backfill_stratum strata[] = {{.rows = 1000, .us_per_row = 1}, {.rows = 1000, .us_per_row = 3}};
    assert_true(fabs(rh_predict_work_at(strata, 2, 1000) - 0.25) < 1e-9);
    assert_true(fabs(rh_predict_rows_at(strata, 2, 0.25) - 1000) < 1e-3);
    assert_true(fabs(rh_predict_rows_at(strata, 2, 0.625) - 1500) < 1e-3);
    const rh_backfill_schedule s = schedule("2026-12-01T08:00");
    const rh_backfill_figure total_s = {4 * HOUR, 3 * HOUR, 6 * HOUR};
    rh_backfill_course_point course[7]; /* an hour apart */
    assert_int_equal(rh_predict_course(&s, &total_s, strata, 2, NAN, 7, course), 7);
    assert_true(course[0].rows.median == 0 || fabs(course[0].rows.median) < 1e-3);
    assert_true(fabs(course[1].rows.median - 1000) < 1e-3);
    assert_true(course[6].rows.low == 2000 && course[6].rows.high == 2000);
    for (size_t i = 0; i < 7; i++)
        assert_true(course[i].rows.low <= course[i].rows.median &&
                    course[i].rows.median <= course[i].rows.high);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        EACH(without_windows_it_runs_on),
        EACH(a_night_holds_eight_hours),
        EACH(several_windows_a_day),
        EACH(days_off),
        EACH(the_night_that_is_longer),
        EACH(the_night_that_is_shorter),
        EACH(a_start_that_the_clocks_leave_out),
        EACH(zones_and_times),
        EACH(hours_with_more_load_are_closed),
        EACH(the_course_follows_the_cost_along_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
