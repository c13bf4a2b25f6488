/* From batches and windows to settings: figures, bounds, gates, and the one that is recommended. */
#include "backfill/sweep.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

enum { STRATA = 4, ROWS = 1000 };

static rh_arena *arena;
static rh_backfill backfill;
static rh_backfill_place place;
static rh_load load;
static rh_sweep sweep;
static rh_backfill_result result;
static int64_t BATCHES[] = {100, 200};
static rh_backfill_pause PAUSES[] = {{"0", 0, 0}, {"100%", 0, 1}, {"1s", RH_SECOND, 0}};
static int WORKERS[] = {1};

static int start(void **state)
{
    (void)state;
    arena = rh_arena_new();
    backfill = (rh_backfill){.name = "b",
                             .batches = BATCHES,
                             .batch_count = 2,
                             .pauses = PAUSES,
                             .pause_count = 1,
                             .workers = WORKERS,
                             .worker_count = 1};
    load = (rh_load){.rate_per_s = 100};
    place = (rh_backfill_place){.load = &load, .seed = 1};
    sweep = (rh_sweep){.backfill = &backfill, .place = &place, .arena = arena};
    sweep.states.autovacuum = true;
    sweep.census = (rh_backfill_census){.rows = STRATA * ROWS, .count = STRATA};
    result = (rh_backfill_result){.backfill = &backfill,
                                  .recommended = -1,
                                  .level = 0.9,
                                  .rows = STRATA * ROWS,
                                  .stratum_count = STRATA};
    result.strata = rh_arena_alloc(arena, STRATA * sizeof *result.strata);
    for (size_t h = 0; h < STRATA; h++)
        result.strata[h] = (rh_backfill_stratum){
            .rows = ROWS, .us_per_row = RH_NOT_MEASURED, .wal_per_row = RH_NOT_MEASURED};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

/* A batch of ROWS rows of STRATUM that took SECONDS, with 100 bytes of WAL a row. */
static void add_batch(bool quiet, size_t setting, size_t stratum, int64_t rows, double seconds)
{
    *rh_arena_add(arena, &sweep.evidence.batches, &sweep.evidence.batch_count) =
        (rh_backfill_measured){.setting = setting,
                               .quiet = quiet,
                               .batch = {.stratum = stratum,
                                         .find_s = seconds * 0.1,
                                         .update_s = seconds * 0.8,
                                         .commit_s = seconds * 0.1,
                                         .changed = rows,
                                         .wal_bytes = rows * 100}};
}

static void add_window(size_t setting, double p99_ms, double lock_wait_s)
{
    rh_backfill_evidence *evidence = &sweep.evidence;
    const rh_usec began = (rh_usec)evidence->window_count * 2 * RH_SECOND;
    *rh_arena_add(arena, &evidence->windows, &evidence->window_count) =
        (rh_backfill_window){.id = "w",
                             .setting = setting,
                             .began = began,
                             .ended = began + 2 * RH_SECOND,
                             .wal_bytes = 4000000,
                             .lock_wait_s = lock_wait_s,
                             .p99_ms = p99_ms,
                             .p99_low_ms = p99_ms * 0.9,
                             .p99_high_ms = p99_ms * 1.1};
}

/* Both sizes without load: 100 rows take 10 ms, 200 rows 20 ms. */
static void quiet_batches(void)
{
    for (size_t h = 0; h < STRATA; h++)
        for (size_t i = 0; i < 3; i++) {
            add_batch(true, 0, h, 100, 0.010);
            add_batch(true, 1, h, 200, 0.020);
        }
}

/* Windows of both sizes between baselines of 10 ms; batches in each stratum. */
static void loaded_windows(double small_p99_ms, double large_p99_ms)
{
    add_window(SIZE_MAX, 10, 0);
    add_window(0, small_p99_ms, 0.004);
    add_window(SIZE_MAX, 10, 0);
    add_window(1, large_p99_ms, 0.008);
    add_window(SIZE_MAX, 10, 0);
    for (size_t h = 0; h < STRATA; h++)
        for (size_t i = 0; i < 5; i++) {
            add_batch(false, 0, h, 100, 0.012);
            add_batch(false, 1, h, 200, 0.020);
        }
}

static void gate(rh_backfill_gate_kind kind, double limit)
{
    backfill.gates[kind] = (rh_gate_limit){.set = true, .limit = limit, .text = "the limit"};
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-6 * (1 + fabs(expected))))
        fail_msg("%g is not %g", value, expected);
}

static void whole(double small_p99_ms, double large_p99_ms)
{
    quiet_batches();
    rh_sweep_plan(&sweep, &result);
    loaded_windows(small_p99_ms, large_p99_ms);
    rh_sweep_measure_all(&sweep, &result);
    rh_sweep_conclude(&sweep, &result);
}

static void figures_of_a_setting(void **state)
{
    (void)state;
    backfill.pause_count = 3;
    whole(15, 30);
    assert_int_equal(result.cell_count, 6);
    const rh_backfill_cell *cell = &result.cells[0];
    assert_int_equal(cell->batches, 20);
    assert_int_equal(cell->rows, 2000);
    near(cell->rows_per_s, 1000);
    near(cell->update_s, 20 * 0.012 * 0.8);
    near(cell->batch_p50_s, 0.012);
    near(cell->batch_max_s, 0.012);
    near(cell->wal_per_s, 2000000);
    near(cell->p99_ratio.median, 1.5);
    near(cell->p99_ratio.low, 15 * 0.9 / 11);
    near(cell->p99_ratio.high, 15 * 1.1 / 9);
    near(cell->lock_wait_s, 0.004);
    near(cell->busy_s.median, 0.012 / 100 * STRATA * ROWS);
    near(cell->total_s.median, cell->busy_s.median);
    near(cell->wal_bytes.median, 100.0 * STRATA * ROWS);
    assert_int_equal(result.cells[2].state, RH_CELL_NOT_RUN);
    near(result.strata[0].us_per_row, 100);
    near(result.strata[0].wal_per_row, 100);
}

static void pauses_are_added(void **state)
{
    (void)state;
    PAUSES[0] = (rh_backfill_pause){"100%", 0, 1};
    whole(15, 30);
    near(result.cells[0].total_s.median, 2 * result.cells[0].busy_s.median);
    stop(NULL);
    start(NULL);
    PAUSES[0] = (rh_backfill_pause){"1s", RH_SECOND, 0};
    whole(15, 30);
    near(result.cells[0].total_s.median, result.cells[0].busy_s.median + STRATA * ROWS / 100);
    PAUSES[0] = (rh_backfill_pause){"0", 0, 0};
}

static void a_long_batch_is_excluded(void **state)
{
    (void)state;
    gate(RH_BACKFILL_GATE_LOCK_WAIT, 0.015);
    whole(15, 30);
    assert_int_equal(result.cells[1].state, RH_CELL_EXCLUDED);
    assert_non_null(strstr(result.cells[1].why, "lock_wait is the limit"));
    assert_int_equal(result.bound_count, 1);
    near(result.bounds[0].limit, 200);
    assert_int_equal(result.cells[0].state, RH_CELL_HELD);
    assert_int_equal(result.recommended, 0);
}

static void much_wal_is_excluded(void **state)
{
    (void)state;
    gate(RH_BACKFILL_GATE_WAL_RATE, 900000); /* 10,000 bytes in 10 ms are 1 MB/s */
    whole(15, 30);
    assert_int_equal(result.cells[0].state, RH_CELL_EXCLUDED);
    assert_non_null(strstr(result.cells[0].why, "wal_rate"));
    assert_int_equal(result.recommended, -1);
}

static void the_fastest_that_holds_is_recommended(void **state)
{
    (void)state;
    whole(15, 30);
    assert_int_equal(result.recommended, 1);
    assert_non_null(strstr(result.advice, "no gate is set"));
    stop(NULL);
    start(NULL);
    gate(RH_BACKFILL_GATE_P99_RATIO, 2);
    whole(15, 30);
    assert_int_equal(result.cells[1].state, RH_CELL_FAILED); /* 2.45 … 3.7 */
    assert_int_equal(result.recommended, 0);
    assert_true(result.cells[0].recommended);
    assert_non_null(strstr(result.advice, "every gate"));
}

static void a_gate_within_the_interval_is_unclear(void **state)
{
    (void)state;
    gate(RH_BACKFILL_GATE_P99_RATIO, 1.6); /* 15 ms: 1.23 … 1.83 */
    whole(15, 30);
    assert_int_equal(result.cells[0].state, RH_CELL_UNCLEAR);
    assert_non_null(strstr(result.cells[0].why, "but may be"));
    assert_int_equal(result.recommended, -1);
    assert_non_null(strstr(result.advice, "The nearest is 100 rows a batch"));
}

/* 200 rows take 20 ms, 100 rows 12 ms: with their locks for nine tenths of it, and without load only the
 * first. */
static void what_relaxing_a_gate_gives(void **state)
{
    (void)state;
    gate(RH_BACKFILL_GATE_LOCK_WAIT, 0.0105);
    whole(10, 10);
    assert_int_equal(result.recommended, -1);
    assert_non_null(strstr(result.advice,
                           "With lock_wait above 11 ms it would be 100 rows a batch, pause 0, 1 worker: "));
}

static void what_a_quarter_more_gives(void **state)
{
    (void)state;
    gate(RH_BACKFILL_GATE_P99_RATIO, 2);
    whole(10, 20);
    assert_int_equal(result.recommended, 0);
    assert_non_null(
        strstr(result.advice, "With response_p99_ratio higher by a quarter it would be 200 rows a batch"));
}

static void the_longest_batch_bounds_the_wait(void **state)
{
    (void)state;
    gate(RH_BACKFILL_GATE_LOCK_WAIT, 0.0105); /* the load waited 4 ms; a batch had its locks for 10.8 ms */
    whole(15, 30);
    assert_int_equal(result.cells[0].state, RH_CELL_UNCLEAR);
}

static void without_load_nothing_is_known_of_it(void **state)
{
    (void)state;
    place.load = NULL;
    gate(RH_BACKFILL_GATE_P99_RATIO, 2);
    whole(RH_NOT_MEASURED, RH_NOT_MEASURED);
    assert_int_equal(result.cells[0].state, RH_CELL_UNCLEAR);
    assert_non_null(strstr(result.cells[0].why, "was not measured"));
    assert_true(isnan(result.cells[0].p99_ratio.median));
}

static void other_gates(void **state)
{
    (void)state;
    gate(RH_BACKFILL_GATE_DURATION, 0.1);
    gate(RH_BACKFILL_GATE_LOAD_ERRORS, 0);
    whole(15, 30);
    assert_int_equal(result.cells[0].state, RH_CELL_FAILED); /* 0.48 s */
    assert_non_null(strstr(result.cells[0].why, "duration is"));
}

/* Without vacuums nothing says what the whole takes; what fails anyway, fails. */
static void autovacuum_off_leaves_it_unclear(void **state)
{
    (void)state;
    sweep.states.autovacuum = false;
    gate(RH_BACKFILL_GATE_DURATION, 10);
    whole(15, 30);
    assert_int_equal(result.cells[0].state, RH_CELL_UNCLEAR);
    assert_non_null(strstr(result.cells[0].why, "autovacuum is off"));
    assert_int_equal(result.recommended, -1);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        EACH(figures_of_a_setting),
        EACH(pauses_are_added),
        EACH(a_long_batch_is_excluded),
        EACH(much_wal_is_excluded),
        EACH(the_fastest_that_holds_is_recommended),
        EACH(a_gate_within_the_interval_is_unclear),
        EACH(what_relaxing_a_gate_gives),
        EACH(what_a_quarter_more_gives),
        EACH(the_longest_batch_bounds_the_wait),
        EACH(without_load_nothing_is_known_of_it),
        EACH(other_gates),
        EACH(autovacuum_off_leaves_it_unclear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
