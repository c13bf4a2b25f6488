/* What a standby, the archiver and vacuum cannot follow, and settings that no run with a standby has
 * confirmed. */
#include "backfill/bounds.h"
#include "backfill/standby.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static rh_arena *arena;
static rh_backfill backfill;
static rh_backfill_place place;
static rh_sweep sweep;
static rh_backfill_result result;
static int64_t BATCHES[] = {1000};
static rh_backfill_pause PAUSES[] = {{"0", 0, 0}, {"900%", 0, 9}};
static int WORKERS[] = {1};

/* Batches of 1,000 rows that take 10 ms and write 200 KB: 20 MB a second; beside a load that writes 2 MB. */
static int start(void **state)
{
    (void)state;
    arena = rh_arena_new();
    backfill = (rh_backfill){.name = "b",
                             .batches = BATCHES,
                             .batch_count = 1,
                             .pauses = PAUSES,
                             .pause_count = 2,
                             .workers = WORKERS,
                             .worker_count = 1,
                             .standby = RH_STANDBY_ASYNC};
    sweep = (rh_sweep){.backfill = &backfill, .place = &place, .arena = arena};
    sweep.states.autovacuum = true;
    sweep.census = (rh_backfill_census){.rows = 10000000};
    result = (rh_backfill_result){.backfill = &backfill, .rows = 10000000};
    result.standby = (rh_backfill_standby){.mode = RH_STANDBY_ASYNC, .replay_bytes_per_s = 12e6};
    for (int i = 0; i < 8; i++)
        *rh_arena_add(arena, &sweep.evidence.batches, &sweep.evidence.batch_count) = (rh_backfill_measured){
            .quiet = true, .batch = {.update_s = 0.01, .changed = 1000, .wal_bytes = 200000}};
    *rh_arena_add(arena, &sweep.evidence.windows, &sweep.evidence.window_count) =
        (rh_backfill_window){.setting = SIZE_MAX, .ended = 2 * RH_SECOND, .wal_bytes = 4000000};
    rh_sweep_plan(&sweep, &result);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static void gate(double limit)
{
    backfill.gates[RH_BACKFILL_GATE_REPLICA_LAG] =
        (rh_gate_limit){.set = true, .limit = limit, .text = "the limit"};
}

/* Of 1,000 rows a third would be used for less WAL than can be timed. */
static void a_small_sample_is_left_alone(void **state)
{
    (void)state;
    rh_error error = {0};
    place.staging = (rh_staging *)&place; /* not touched */
    sweep.budget = 1000;
    result.standby.replay_bytes_per_s = RH_NOT_MEASURED;
    assert_true(rh_sweep_measure_replay(&sweep, &result, &error));
    assert_int_equal(sweep.budget, 1000);
    assert_non_null(strstr(result.standby.replay_why_not, "too little WAL"));
    place.staging = NULL;
}

static void the_bound_is_in_rows(void **state)
{
    (void)state;
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.bound_count, 1);
    assert_string_equal(result.bounds[0].name, "rows a second");
    assert_true(fabs(result.bounds[0].limit - 50000) < 1); /* (12 − 2) MB / 200 bytes */
}

static void without_the_gate_nothing_is_excluded(void **state)
{
    (void)state;
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.cells[0].state, RH_CELL_NOT_RUN);
}

static void what_leaves_the_standby_behind_is_excluded(void **state)
{
    (void)state;
    gate(10);
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.cells[0].state, RH_CELL_EXCLUDED);
    assert_non_null(strstr(result.cells[0].why, "replica_lag is the limit"));
}

static void with_long_pauses_it_keeps_up(void **state)
{
    (void)state;
    gate(10);
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.cells[1].state, RH_CELL_NOT_RUN);
}

static void a_lag_within_the_gate_excludes_nothing(void **state)
{
    (void)state;
    gate(3600); /* 100 s of batches: at most 100 s behind */
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.cells[0].state, RH_CELL_NOT_RUN);
}

static void near_the_bound_it_is_run(void **state)
{
    (void)state;
    gate(10);
    result.standby.replay_bytes_per_s = 18e6; /* 80,000 rows a second; without load it does 100,000 */
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.cells[0].state, RH_CELL_NOT_RUN);
}

static void an_unknown_capacity_bounds_nothing(void **state)
{
    (void)state;
    gate(0);
    result.standby.replay_bytes_per_s = RH_NOT_MEASURED;
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.bound_count, 0);
    assert_int_equal(result.cells[0].state, RH_CELL_NOT_RUN);
}

/* ---- the archiver, and vacuum ---- */

static void what_the_archiver_cannot_take_is_excluded(void **state)
{
    (void)state;
    result.standby.replay_bytes_per_s = RH_NOT_MEASURED;
    backfill.archive_rate = 12e6;
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.bound_count, 1);
    assert_true(fabs(result.bounds[0].limit - 50000) < 1);
    assert_non_null(strstr(result.bounds[0].why, "archive.rate"));
    assert_int_equal(result.cells[0].state, RH_CELL_EXCLUDED);
    assert_non_null(strstr(result.cells[0].why, "more than the archiver can archive"));
    assert_int_equal(result.cells[1].state, RH_CELL_NOT_RUN);
}

static void a_setting_that_fills_the_archive_fails(void **state)
{
    (void)state;
    rh_backfill_cell cell = {.batches = 1, .wal_per_s = 13e6};
    backfill.archive_rate = 12e6;
    rh_sweep_judge(&sweep, true, &cell);
    assert_int_equal(cell.state, RH_CELL_FAILED);
    assert_non_null(strstr(cell.why, "the archiver can archive"));
    cell.wal_per_s = 11e6;
    rh_sweep_judge(&sweep, true, &cell);
    assert_int_equal(cell.state, RH_CELL_HELD);
}

/* A vacuum starts from 2 million dead rows on, and removes fewer than 100,000 a second. */
static void slow_vacuum(void)
{
    result.standby.replay_bytes_per_s = RH_NOT_MEASURED;
    sweep.states.pages = (rh_backfill_pages){.along = 0.02};
    sweep.states.vacuum = (rh_backfill_vacuum){.on = true,
                                               .table_rows = 1e7,
                                               .factor = 0.2,
                                               .naptime_s = 1,
                                               .index_pages = 30000,
                                               .s_per_credit = 1e-3,
                                               .slowdown = 1};
}

static void what_vacuum_cannot_follow_is_excluded(void **state)
{
    (void)state;
    slow_vacuum();
    backfill.gates[RH_BACKFILL_GATE_DEAD_ROWS] = (rh_gate_limit){.set = true, .limit = 0.25, .text = "25%"};
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.bound_count, 1);
    assert_non_null(strstr(result.bounds[0].why, "as many may die meanwhile"));
    assert_int_equal(result.cells[0].state, RH_CELL_EXCLUDED);
    assert_non_null(strstr(result.cells[0].why, "more than vacuum removes"));
}

static void without_the_gate_vacuum_excludes_nothing(void **state)
{
    (void)state;
    slow_vacuum();
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.bound_count, 1);
    assert_int_equal(result.cells[0].state, RH_CELL_NOT_RUN);
}

static void a_backfill_that_meets_no_vacuum_has_no_such_bound(void **state)
{
    (void)state;
    slow_vacuum();
    result.rows = 1000000;
    rh_sweep_bound_rates(&sweep, &result);
    assert_int_equal(result.bound_count, 0);
}

static void without_a_standby_the_gate_is_unclear(void **state)
{
    (void)state;
    rh_error error = {0};
    gate(10);
    result.standby.why_not = "it needs 3 GB of disk beside the cluster, and 1 GB are free";
    result.cells[0].state = RH_CELL_HELD;
    assert_true(rh_sweep_confirm(&sweep, &result, &error));
    assert_int_equal(result.cells[0].state, RH_CELL_UNCLEAR);
    assert_string_equal(result.cells[0].why, "replica_lag was not measured: it needs 3 GB of disk beside the "
                                             "cluster, and 1 GB are free");
}

static void without_the_gate_it_holds(void **state)
{
    (void)state;
    rh_error error = {0};
    result.standby.why_not = "there is none";
    result.cells[0].state = RH_CELL_HELD;
    assert_true(rh_sweep_confirm(&sweep, &result, &error));
    assert_int_equal(result.cells[0].state, RH_CELL_HELD);
}

static void the_lag_of_the_whole_decides(void **state)
{
    (void)state;
    gate(10);
    rh_backfill_cell *cell = &result.cells[0];
    cell->replica_lag_s = (rh_backfill_figure){2, 2, 40};
    rh_sweep_judge(&sweep, false, cell);
    assert_int_equal(cell->state, RH_CELL_UNCLEAR);
    cell->replica_lag_s = (rh_backfill_figure){12, 12, 12};
    rh_sweep_judge(&sweep, false, cell);
    assert_int_equal(cell->state, RH_CELL_FAILED);
    cell->replica_lag_s = (rh_backfill_figure){2, 2, 3};
    rh_sweep_judge(&sweep, false, cell);
    assert_int_equal(cell->state, RH_CELL_HELD);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        EACH(a_small_sample_is_left_alone),
        EACH(the_bound_is_in_rows),
        EACH(without_the_gate_nothing_is_excluded),
        EACH(what_leaves_the_standby_behind_is_excluded),
        EACH(with_long_pauses_it_keeps_up),
        EACH(a_lag_within_the_gate_excludes_nothing),
        EACH(near_the_bound_it_is_run),
        EACH(an_unknown_capacity_bounds_nothing),
        EACH(what_the_archiver_cannot_take_is_excluded),
        EACH(a_setting_that_fills_the_archive_fails),
        EACH(what_vacuum_cannot_follow_is_excluded),
        EACH(without_the_gate_vacuum_excludes_nothing),
        EACH(a_backfill_that_meets_no_vacuum_has_no_such_bound),
        EACH(without_a_standby_the_gate_is_unclear),
        EACH(without_the_gate_it_holds),
        EACH(the_lag_of_the_whole_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
