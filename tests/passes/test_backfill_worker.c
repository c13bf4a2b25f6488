/* The batches of a backfill, as a worker and as a whole run of the proof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfill/runner.h"
#include "backfill/worker.h"
#include "passes/scripted.h"
#include <stdio.h>
#include <string.h>

static const rh_backfill backfill = {.name = "fill", .table = "t", .lock_timeout = 2 * RH_SECOND};
static const rh_backfill_statements keyset = {.find_first = "find first",
                                              .find_next = "find next",
                                              .update_first = "update first",
                                              .update_next = "update next",
                                              .position_size = 1};
static const rh_backfill_statements remaining = {.update_first = "update rows", .update_next = "update rows"};

static rh_backfill_worker *worker;
static rh_backfill_cursor cursor;
static rh_backfill_batch batch;
static rh_error error;

static int begin(void **state)
{
    (void)state;
    script_begin();
    batch = (rh_backfill_batch){.stratum = 3, .worker = 1};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_backfill_worker_close(worker);
    worker = NULL;
    rh_backfill_cursor_release(&cursor);
    cursor = (rh_backfill_cursor){0};
    rh_error_release(&error);
    return script_open_connections();
}

static void open_worker(const rh_backfill_statements *statements, bool count_wal, const char *progress)
{
    const rh_backfill_worker_options options = {
        .backfill = &backfill, .statements = statements, .count_wal = count_wal, .progress = progress};
    worker = rh_backfill_worker_open(&options, &error);
    assert_non_null(worker);
}

static bool next(void)
{
    return rh_backfill_worker_batch(worker, &cursor, 8, &batch, &error);
}

/* ---- a batch ---- */

static void it_goes_from_batch_to_batch(void **state)
{
    (void)state;
    script_rows("find first", "40 8");
    script_rows("find next", "90 3");
    script_rows("update first", "1;1;1;1;1;1;1");
    script_rows("update next", "1;1");
    open_worker(&keyset, false, NULL);
    assert_int_equal(script_sent(": backfill", "SET lock_timeout = 2000"), 1);
    assert_true(next());
    assert_string_equal(cursor.at.values[0], "40");
    assert_int_equal(batch.found, 8);
    assert_int_equal(batch.changed, 7);
    assert_int_equal(batch.stratum, 3);
    assert_true(next());
    assert_string_equal(cursor.at.values[0], "90");
    assert_int_equal(batch.found, 3);
    assert_int_equal(batch.changed, 2);
    assert_false(cursor.ended);
    assert_int_equal(script_sent(NULL, "BEGIN"), 2);
    assert_int_equal(script_sent(NULL, "COMMIT"), 2);
}

/* A statement of the team's: it finds its rows, changes them, and returns the last key. */
static char lowest[] = "-9";
static const rh_backfill_statements steps = {.step = "step", .lowest = lowest, .position_size = 1};

static void end_at(const char *upper)
{
    const rh_backfill_position position = {.values = {strdup(upper)}, .size = 1};
    cursor.upper = position;
}

static void own_sql_finds_and_changes(void **state)
{
    (void)state;
    script_rows("step", "40 8")->last = 1;
    script_rows("step", "90 3");
    end_at("90");
    open_worker(&steps, false, "record");
    assert_true(next());
    assert_string_equal(cursor.at.values[0], "40");
    assert_int_equal(batch.changed, 8);
    assert_true(next());
    assert_string_equal(cursor.at.values[0], "90");
    assert_false(cursor.ended);
    assert_true(next()); /* at the upper end */
    assert_true(cursor.ended);
    assert_int_equal(batch.changed, 0);
    assert_int_equal(script_sent(NULL, "step"), 2);
    assert_int_equal(script_sent(NULL, "record"), 2);
}

static void own_sql_that_returns_no_key_has_ended(void **state)
{
    (void)state;
    end_at("90");
    open_worker(&steps, false, "record");
    assert_true(next());
    assert_true(cursor.ended);
    assert_int_equal(script_sent(NULL, "record"), 0);
}

static void own_sql_that_stands_still_is_refused(void **state)
{
    (void)state;
    script_rows("step", "-9 8");
    end_at("90");
    open_worker(&steps, false, NULL);
    assert_false(next());
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_string_equal(error.message, "sql returned no key greater than :after");
    assert_int_equal(script_sent(NULL, "COMMIT"), 0);
}

static void without_a_next_row_it_has_ended(void **state)
{
    (void)state;
    open_worker(&keyset, false, "record");
    assert_true(next());
    assert_true(cursor.ended);
    assert_int_equal(batch.found, 0);
    assert_int_equal(batch.changed, 0);
    assert_int_equal(script_sent(NULL, "update"), 0);
    assert_int_equal(script_sent(NULL, "record"), 0);
}

static void a_walk_without_positions_ends_with_its_rows(void **state)
{
    (void)state;
    script_rows("update rows", "1;1")->last = 1;
    open_worker(&remaining, false, NULL);
    assert_true(next());
    assert_false(cursor.ended);
    assert_int_equal(batch.changed, 2);
    assert_int_equal(batch.found, RH_UNKNOWN);
    assert_true(next());
    assert_true(cursor.ended);
}

static void the_position_is_recorded_before_the_commit(void **state)
{
    (void)state;
    script_rows("find first", "40 8");
    script_add((script_rule){.pattern = "record", .action = SCRIPT_REFUSE, .sqlstate = "42501"});
    open_worker(&keyset, false, "record");
    assert_false(next());
    assert_string_equal(error.sqlstate, "42501");
    assert_int_equal(script_sent(NULL, "COMMIT"), 0);
    assert_int_equal(script_sent(NULL, "ROLLBACK"), 1);
    assert_int_equal(cursor.at.size, 0);
}

static void its_wal_is_the_servers_meanwhile(void **state)
{
    (void)state;
    script_rows("find first", "40 8");
    script_rows("pg_current_wal_insert_lsn", "1000")->last = 1;
    script_rows("pg_current_wal_insert_lsn", "1700");
    open_worker(&keyset, true, NULL);
    assert_true(next());
    assert_int_equal(batch.wal_bytes, 700);
}

static void wal_that_is_not_counted_is_unknown(void **state)
{
    (void)state;
    script_rows("find first", "40 8");
    open_worker(&keyset, false, NULL);
    assert_true(next());
    assert_int_equal(batch.wal_bytes, RH_UNKNOWN);
}

/* ---- a batch that fails ---- */

static void locked(const char *sqlstate, int times)
{
    script_rows("find first", "40 8");
    script_rule *rule = script_rows("update first", "");
    *rule = (script_rule){
        .pattern = "update first", .action = SCRIPT_REFUSE, .sqlstate = sqlstate, .last = times};
}

static void a_locked_row_is_tried_again(void **state)
{
    (void)state;
    locked("55P03", 1);
    open_worker(&keyset, false, NULL);
    assert_true(next());
    assert_int_equal(batch.retries, 1);
    assert_true(batch.failed_s > 0);
    assert_int_equal(script_sent(NULL, "ROLLBACK"), 1);
    assert_int_equal(script_sent(NULL, "COMMIT"), 1);
    assert_string_equal(cursor.at.values[0], "40");
}

static void a_deadlock_is_tried_again(void **state)
{
    (void)state;
    locked("40P01", 1);
    open_worker(&keyset, false, NULL);
    assert_true(next());
    assert_int_equal(batch.retries, 1);
}

static void what_would_fail_again_is_not_tried_again(void **state)
{
    (void)state;
    locked("23514", 1);
    open_worker(&keyset, false, NULL);
    assert_false(next());
    assert_string_equal(error.sqlstate, "23514");
    assert_int_equal(batch.retries, 0);
    assert_int_equal(cursor.at.size, 0);
}

static void a_worker_that_may_not_connect(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": backfill", .pattern = "SET lock_timeout", .action = SCRIPT_LOSE});
    const rh_backfill_worker_options options = {.backfill = &backfill, .statements = &keyset};
    assert_null(rh_backfill_worker_open(&options, &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
}

/* ---- a whole run ---- */

static rh_runner_start start;
static rh_runner_end ended;
static char message[200];

/* Runs to its end. */
static void run_whole(bool again)
{
    static const rh_proof_sessions sessions = {"dbname=copy", "dbname=copy user=backfill"};
    static const rh_backfill_target target = {
        .table = "public.t", .name = "t", .key = {"id"}, .types = {"bigint"}, .key_count = 1};
    start = (rh_runner_start){.backfill = &backfill,
                              .target = &target,
                              .statements = &keyset,
                              .setting = {.batch = 8, .workers = 1},
                              .sessions = &sessions,
                              .again = again};
    void *run = rh_runner_native.start(&start, &error);
    assert_non_null(run);
    while (!rh_runner_native.has_ended(run, &ended))
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 1000);
    snprintf(message, sizeof message, "%s", ended.message ? ended.message : "");
    rh_runner_native.free(run);
}

static void table_of_two_batches(void)
{
    script_rows("pg_try_advisory_lock", "1");
    script_rows("ORDER BY id DESC LIMIT 1", "90");
    script_rows("upper[1]", "90");
    script_rows("find first", "40 8");
    script_rows("find next", "90 3")->last = 1;
}

static void a_first_run_begins_at_the_first_row(void **state)
{
    (void)state;
    table_of_two_batches();
    run_whole(false);
    assert_true(ended.ok);
    assert_int_equal(script_sent(": backfill", "DELETE FROM pgrehearse_proof.progress"), 1);
    assert_int_equal(script_sent(": backfill", "find first"), 1);
    assert_int_equal(script_sent(": backfill", "find next"), 2);
    assert_int_equal(script_sent(": backfill", "UPDATE pgrehearse_proof.progress SET last = ARRAY[$1::text]"),
                     2);
}

static void one_that_was_killed_goes_on_where_it_was(void **state)
{
    (void)state;
    table_of_two_batches();
    script_rows("last[1]", "40");
    run_whole(true);
    assert_true(ended.ok);
    assert_int_equal(script_sent(": backfill", "DELETE FROM pgrehearse_proof.progress"), 0);
    assert_int_equal(script_sent(": backfill", "find first"), 0);
    assert_int_equal(script_sent(": backfill", "find next"), 2);
}

static void a_table_without_rows_ends_at_once(void **state)
{
    (void)state;
    script_rows("pg_try_advisory_lock", "1");
    run_whole(false);
    assert_true(ended.ok);
    assert_int_equal(script_sent(": backfill", "find"), 0);
}

static void beside_another_it_refuses(void **state)
{
    (void)state;
    script_rows("pg_try_advisory_lock", "0");
    run_whole(false);
    assert_false(ended.ok);
    assert_true(ended.refused);
    assert_int_equal(script_sent(": backfill", "DELETE"), 0);
}

static void a_batch_that_fails_ends_it(void **state)
{
    (void)state;
    script_add((script_rule){
        .pattern = "find next", .action = SCRIPT_REFUSE, .sqlstate = "22012", .message = "division by zero"});
    table_of_two_batches();
    run_whole(false);
    assert_false(ended.ok);
    assert_false(ended.refused);
    assert_string_equal(message, "division by zero");
    assert_int_equal(script_sent(": backfill", "COMMIT"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
        test(it_goes_from_batch_to_batch),
        test(own_sql_finds_and_changes),
        test(own_sql_that_returns_no_key_has_ended),
        test(own_sql_that_stands_still_is_refused),
        test(without_a_next_row_it_has_ended),
        test(a_walk_without_positions_ends_with_its_rows),
        test(the_position_is_recorded_before_the_commit),
        test(its_wal_is_the_servers_meanwhile),
        test(wal_that_is_not_counted_is_unknown),
        test(a_locked_row_is_tried_again),
        test(a_deadlock_is_tried_again),
        test(what_would_fail_again_is_not_tried_again),
        test(a_worker_that_may_not_connect),
        test(a_first_run_begins_at_the_first_row),
        test(one_that_was_killed_goes_on_where_it_was),
        test(a_table_without_rows_ends_at_once),
        test(beside_another_it_refuses),
        test(a_batch_that_fails_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
