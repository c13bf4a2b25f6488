/* The lag of a standby from the positions of two servers. */
#include "backfill/lag.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define POINTS(list) ((rh_wal_points){list, sizeof list / sizeof *list})
#define about(a, b) assert_true(fabs((a) - (b)) < 1e-9)

/* 1,000 bytes a second from 0 to 10 s, then nothing. */
static const rh_wal_point PRIMARY[] = {{0, 100000}, {5, 105000}, {10, 110000}, {20, 110000}, {100, 110000}};

static void it_is_the_time_since_the_primary_was_there(void **state)
{
    (void)state;
    about(rh_lag_s(POINTS(PRIMARY), 10, 105000), 5);
    about(rh_lag_s(POINTS(PRIMARY), 10, 102500), 7.5);
    assert_int_equal(rh_lag_bytes(POINTS(PRIMARY), 10, 102500), 7500);
}

static void idle_is_no_lag(void **state)
{
    (void)state;
    about(rh_lag_s(POINTS(PRIMARY), 100, 110000), 0);
    assert_int_equal(rh_lag_bytes(POINTS(PRIMARY), 100, 110000), 0);
}

static void behind_an_idle_primary_it_grows(void **state)
{
    (void)state;
    about(rh_lag_s(POINTS(PRIMARY), 90, 109000), 81);
}

static void after_a_silence_it_counts_from_the_new_wal(void **state)
{
    (void)state;
    static const rh_wal_point primary[] = {{0, 8000}, {50, 8000}, {50.1, 9000}, {60, 9000}};
    about(rh_lag_s(POINTS(primary), 50.2, 8000), 0.2);
    about(rh_lag_s(POINTS(primary), 60, 8000), 10);
}

static void a_standby_ahead_of_the_last_look_is_not_behind(void **state)
{
    (void)state;
    about(rh_lag_s(POINTS(PRIMARY), 7, 106900), 0); /* the primary was last looked at at 5 s */
}

static void a_page_header_is_no_lag(void **state)
{
    (void)state;
    static const rh_wal_point primary[] = {{0, 16000}, {1, 16384 + 24}, {50, 16384 + 24}};
    about(rh_lag_s(POINTS(primary), 50, 16384), 0);
    assert_int_equal(rh_lag_bytes(POINTS(primary), 50, 16384), 0);
    assert_true(rh_lag_s(POINTS(primary), 50, 16376) > 40);
}

static void what_was_not_seen_is_not_measured(void **state)
{
    (void)state;
    assert_true(isnan(rh_lag_s(POINTS(PRIMARY), -1, 100000)));
    assert_true(isnan(rh_lag_s(POINTS(PRIMARY), 5, 99999)));
    assert_true(isnan(rh_lag_s((rh_wal_points){0}, 5, 100000)));
    assert_true(isnan(rh_lag_of(POINTS(PRIMARY), (rh_wal_points){0}, 0, 100).max_s));
}

static void the_summary_is_of_the_stretch(void **state)
{
    (void)state;
    static const rh_wal_point standby[] = {{1, 100500}, {2, 102000}, {10, 106000}, {30, 110000}};
    const rh_lag_summary whole = rh_lag_of(POINTS(PRIMARY), POINTS(standby), 0, 100),
                         begin = rh_lag_of(POINTS(PRIMARY), POINTS(standby), 0, 5);
    about(whole.max_s, 4);
    about(begin.max_s, 0); /* by then the primary was last seen at 100000 */
    assert_int_equal(begin.max_bytes, 0);
}

static void between_two_points_the_lag_is_bounded(void **state)
{
    (void)state;
    static const rh_wal_point standby[] = {{5, 105000}, {8, 108000}, {12, 110000}};
    const rh_lag_summary lag = rh_lag_of(POINTS(PRIMARY), POINTS(standby), 5, 12);
    about(lag.max_s, 0);
    about(lag.bound_s,
          7); /* at 12 s it may have been at 108000 still, where the primary may have been at 5 s */
    assert_true(isnan(rh_lag_of(POINTS(PRIMARY), (rh_wal_points){0}, 0, 100).bound_s));
}

static void the_course_keeps_the_longest(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_wal_point primary[1000], standby[1000];
    rh_lag_point *course;
    for (int i = 0; i < 1000; i++) {
        primary[i] = (rh_wal_point){i * 0.05, INT64_C(1000) * i};
        standby[i] = (rh_wal_point){i * 0.05, INT64_C(1000) * (i == 517 ? 300 : i)};
    }
    const size_t count = rh_lag_course(POINTS(primary), POINTS(standby), 0, 50, 20, arena, &course);
    double longest = 0;
    assert_true(count <= 20);
    assert_true(count >= 19);
    for (size_t i = 0; i < count; i++)
        longest = fmax(longest, course[i].lag_s);
    about(longest, 217 * 0.05);
    rh_arena_free(arena);
}

static void a_lag_that_rises_is_seen(void **state)
{
    (void)state;
    rh_lag_point rising[40], level[40];
    for (int i = 0; i < 40; i++) {
        rising[i] = (rh_lag_point){i, 0.1 * i, 0};
        level[i] = (rh_lag_point){i, i % 7 * 0.5, 0};
    }
    assert_true(fabs(rh_lag_growth(rising, 40) - 0.1) < 0.01);
    about(rh_lag_growth(level, 40), 0);
    about(rh_lag_growth(rising, 5), 0);
}

static void a_queue_below_the_capacity_has_only_the_burst(void **state)
{
    (void)state;
    rh_lag_queue q = {.batch_s = 1, .pause_s = 3, .batch_bytes = 40e6, .capacity = 20e6, .total_s = 3600};
    about(rh_lag_predicted_s(&q), 1);
    q.batch_bytes = 10e6;
    about(rh_lag_predicted_s(&q), 0);
}

static void a_queue_above_it_grows_to_the_end(void **state)
{
    (void)state;
    const rh_lag_queue q = {
        .batch_s = 1, .batch_bytes = 30e6, .load_per_s = 10e6, .capacity = 20e6, .total_s = 1000};
    about(rh_lag_predicted_s(&q), 1 + 500); /* the burst of a batch; half of the time */
    assert_true(isnan(rh_lag_predicted_s(&(rh_lag_queue){.batch_s = 1, .batch_bytes = 1, .capacity = NAN})));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_time_since_the_primary_was_there),
        cmocka_unit_test(idle_is_no_lag),
        cmocka_unit_test(behind_an_idle_primary_it_grows),
        cmocka_unit_test(after_a_silence_it_counts_from_the_new_wal),
        cmocka_unit_test(a_standby_ahead_of_the_last_look_is_not_behind),
        cmocka_unit_test(a_page_header_is_no_lag),
        cmocka_unit_test(what_was_not_seen_is_not_measured),
        cmocka_unit_test(the_summary_is_of_the_stretch),
        cmocka_unit_test(between_two_points_the_lag_is_bounded),
        cmocka_unit_test(the_course_keeps_the_longest),
        cmocka_unit_test(a_lag_that_rises_is_seen),
        cmocka_unit_test(a_queue_below_the_capacity_has_only_the_burst),
        cmocka_unit_test(a_queue_above_it_grows_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
