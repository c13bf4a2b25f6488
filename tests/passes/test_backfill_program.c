/* Batches of a backfill that is a program: what its transactions become, and when they tell nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfill/sweep.h"
#include "passes/scripted.h"
#include <string.h>

#define INSIDE "WHERE (id BETWEEN"
#define OUTSIDE "WHERE NOT (id BETWEEN"

static const char *const good[] = {"true", NULL}, *const bad[] = {"false", NULL},
                         *const range[] = {"{from}", "{to}", NULL};
static const char *const writes[] = {"SELECT id FROM orders", "UPDATE orders SET total = 1",
                                     "update orders set total = 2", NULL};
static const char *const nothing[] = {"SELECT 1", NULL};

static rh_arena *arena;
static rh_backfill backfill;
static rh_backfill_place place;
static rh_backfill_cursor cursors[1];
static rh_sweep sweep;
static rh_error error;

static const char **environment(void *data, const struct rh_proxy *proxy, rh_arena *in, rh_error *problem)
{
    (void)data, (void)proxy, (void)problem;
    return rh_arena_alloc(in, sizeof(const char *));
}

static int begin(void **state)
{
    (void)state;
    script_begin();
    arena = rh_arena_new();
    backfill = (rh_backfill){.name = "fill",
                             .table = "orders",
                             .command = good,
                             .range = range,
                             .stops = true,
                             .range_where = {.file = "s.yaml", .line = 7, .column = 12}};
    place = (rh_backfill_place){.conninfo = "dbname=x", .programs = {.environment = environment}};
    sweep = (rh_sweep){.backfill = &backfill, .place = &place, .arena = arena, .budget = 100};
    sweep.target = (rh_backfill_target){
        .table = "public.orders", .name = "orders", .key = {"id"}, .types = {"bigint"}, .key_count = 1};
    sweep.sql =
        (rh_backfill_statements){.find_first = "find first", .find_next = "find next", .position_size = 1};
    cursors[0] = (rh_backfill_cursor){.upper = {.values = {strdup("90")}, .size = 1}};
    sweep.census = (rh_backfill_census){.rows = 100, .cursors = cursors, .count = 1};
    scripted_program = writes;
    script_rows("find first", "1 1")->last = 1;
    script_rows("find first", "40 8");
    script_rows("txid_current", "700");
    script_rows("pg_current_wal_insert_lsn", "1000")->last = 1;
    script_rows("pg_current_wal_insert_lsn", "1800");
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_backfill_cursor_release(&cursors[0]);
    rh_error_release(&error);
    rh_arena_free(arena);
    scripted_program = NULL;
    return script_open_connections();
}

/* Two batches of four rows. */
static bool run(void)
{
    const rh_sweep_run two = {.setting = {.batch = 4, .workers = 1},
                              .quiet = true,
                              .until = rh_clock_monotonic() + 600 * RH_SECOND,
                              .visit = 2,
                              .most = 2,
                              .stride = 1};
    return rh_sweep_batches(&sweep, &two, NULL, &error);
}

static void its_transactions_are_batches(void **state)
{
    (void)state;
    script_rows(INSIDE, "8");
    assert_true(run());
    assert_null(sweep.no_capacity);
    assert_int_equal(sweep.evidence.batch_count, 2); /* the one that reads is a part of the first */
    for (size_t i = 0; i < 2; i++) {
        const rh_backfill_batch *batch = &sweep.evidence.batches[i].batch;
        assert_int_equal(batch->changed, 4);
        assert_int_equal(batch->wal_bytes, 400);
        assert_int_equal(batch->warmup, i == 0);
    }
    assert_int_equal(sweep.budget, 92);
    assert_string_equal(cursors[0].at.values[0], "40");
}

static void what_it_changes_outside_of_its_range_is_refused(void **state)
{
    (void)state;
    script_rows(INSIDE, "8");
    script_rows(OUTSIDE, "3");
    assert_false(run());
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_int_equal(error.line, 7);
    assert_non_null(strstr(error.message, "true ignores its range: it changed 3 rows outside"));
}

static void the_range_is_looked_at_once(void **state)
{
    (void)state;
    script_rows(INSIDE, "8");
    assert_true(run());
    script_rows("find next", "41 1")->last = 1;
    script_rows("find next", "80 8");
    assert_true(run());
    assert_int_equal(script_sent(NULL, OUTSIDE), 1);
}

static void one_that_fails_tells_nothing(void **state)
{
    (void)state;
    backfill.command = bad;
    assert_true(run());
    assert_string_equal(sweep.no_capacity, "false ended with status 1 on a part of the rows");
}

static void one_that_changes_no_row_tells_nothing(void **state)
{
    (void)state;
    scripted_program = nothing;
    assert_true(run());
    assert_string_equal(sweep.no_capacity, "true changed no row of its part");
}

static void one_whose_statements_are_not_seen_tells_nothing(void **state)
{
    (void)state;
    scripted_program = nothing;
    script_rows(INSIDE, "8");
    assert_true(run());
    assert_string_equal(sweep.no_capacity, "the statements by which true changes rows cannot be observed");
}

static void without_rows_it_is_not_started(void **state)
{
    (void)state;
    script_begin();
    assert_true(run());
    assert_int_equal(sweep.evidence.batch_count, 0);
    assert_int_equal(sweep.budget, 0);
    assert_int_equal(script_sent(NULL, "txid_current"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
        test(its_transactions_are_batches),          test(what_it_changes_outside_of_its_range_is_refused),
        test(the_range_is_looked_at_once),           test(one_that_fails_tells_nothing),
        test(one_that_changes_no_row_tells_nothing), test(one_whose_statements_are_not_seen_tells_nothing),
        test(without_rows_it_is_not_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
