/* backfills: what is read, what is the default, and where each mistake is reported. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/model/backfill.h"
#include "pgrehearse/scenario/scenario.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define BASE "name: n\nbackup: {path: b.dump}\nbackfills:\n" /* three lines */

static char folder[] = "/tmp/rh_test_backfill_XXXXXX";
static rh_arena *arena;
static rh_scenario scenario;

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    write_file("b.dump", "x");
    write_file("fill.sql", "UPDATE o SET a = 1 -- :from\nWHERE id BETWEEN :from AND :to + :limit\n");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    rh_error error = {0};
    assert_int_equal(chdir("/"), 0);
    return rh_tree_remove(folder, &error) ? 0 : -1;
}

static int new_arena(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static const rh_backfill *loads(const char *items)
{
    rh_error error = {0};
    write_file("s.yaml", rh_arena_printf(arena, BASE "%s", items));
    if (!rh_scenario_load("s.yaml", NULL, 0, arena, &scenario, &error))
        fail_msg("%d:%d: %s", error.line, error.column, error.message);
    return scenario.backfills;
}

static void complains(const char *items, int line, int column, const char *message)
{
    rh_error error = {0};
    write_file("s.yaml", rh_arena_printf(arena, BASE "%s", items));
    if (rh_scenario_load("s.yaml", NULL, 0, arena, &scenario, &error))
        fail_msg("accepted: %s", items);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    rh_error_release(&error);
}

static void test_defaults(void **state)
{
    (void)state;
    const rh_backfill *b = loads("  - {table: orders, set: total = 1}\n");
    assert_int_equal(scenario.backfill_count, 1);
    assert_string_equal(b->name, "1");
    assert_null(b->condition);
    assert_int_equal(b->key_count, 0);
    assert_int_equal(b->walk, RH_WALK_KEYSET);
    assert_int_equal(b->batch_count, 4);
    assert_int_equal(b->batches[3], 10000);
    assert_int_equal(b->pause_count, 2);
    assert_true(b->pauses[1].share == 1);
    assert_int_equal(b->worker_count, 1);
    assert_true(b->sample == 0.1);
    assert_int_equal(b->limit, 1800 * RH_SECOND);
    assert_int_equal(b->lock_timeout, RH_SECOND / 2);
    assert_int_equal(b->proof.kills, 20);
    assert_true(b->proof.races && b->proof.twice && !b->proof.off);
    assert_null(b->dual_write);
    assert_int_equal(b->standby, RH_STANDBY_ASYNC);
}

static void test_every_key(void **state)
{
    (void)state;
    const rh_backfill *b = loads(
        "  - name: totals\n    after: \"000019\"\n    table: shop.orders\n    set: total = s.sum -- cents\n"
        "    from: (SELECT 1 AS id, 2 AS sum) s\n    join: s.id = orders.id\n    where: total IS NULL\n"
        "    key: [tenant, id]\n    walk: ctid\n    lock_timeout: 250ms\n"
        "    standby: remote_apply\n"
        "    sweep: {batch: [500, 1000], pause: [100ms, 50%], workers: [1, 2], sample: 5%, limit: 10min}\n"
        "    gates: {response_p99_ratio: 1.5, lock_wait: 250ms, wal_rate: 50MB, load_errors: 0, "
        "duration: 12h, replica_lag: 10s}\n"
        "    dual_write: application\n    proof: {kills: 50, races: false, twice: true, runners: 1}\n");
    assert_string_equal(b->dual_write, "application");
    assert_int_equal(b->proof.kills, 50);
    assert_false(b->proof.races);
    assert_int_equal(b->proof.runners, 1);
    assert_string_equal(b->name, "totals");
    assert_string_equal(b->after, "000019");
    assert_string_equal(b->set, "total = s.sum -- cents");
    assert_int_equal(b->key_count, 2);
    assert_string_equal(b->key[1], "id");
    assert_int_equal(b->walk, RH_WALK_CTID);
    assert_int_equal(b->batch_count, 2);
    assert_int_equal(b->pauses[0].duration, RH_SECOND / 10);
    assert_true(b->pauses[1].share == 0.5);
    assert_int_equal(b->workers[1], 2);
    assert_true(b->sample == 0.05);
    assert_true(b->gates[RH_BACKFILL_GATE_WAL_RATE].limit == 50.0 * 1024 * 1024);
    assert_true(b->gates[RH_BACKFILL_GATE_DURATION].limit == 12 * 3600);
    assert_true(b->gates[RH_BACKFILL_GATE_REPLICA_LAG].limit == 10);
    assert_int_equal(b->standby, RH_STANDBY_REMOTE_APPLY);
    assert_int_equal(b->condition_where.line, 10);
}

static void test_programs(void **state)
{
    (void)state;
    const rh_backfill *b =
        loads("  - {table: o, command: [bin/fill, \"{batch}\"], resume: [bin/fill, on]}\n");
    assert_string_equal(b->command[1], "{batch}");
    assert_null(b->command[2]);
    assert_string_equal(b->resume[1], "on");
    assert_true(b->stops);
}

static void test_programs_that_do_a_part(void **state)
{
    (void)state;
    const rh_backfill *b =
        loads("  - {table: o, command: [f, \"{batch}\", \"{pause_ms}\"], range: [\"{from}\", \"{to}\"]}\n");
    assert_string_equal(b->range[1], "{to}");
    assert_int_equal(b->pause_count, 2);
    assert_int_equal(b->pauses[1].duration, RH_SECOND / 10);
    assert_int_equal(b->batch_count, 4);
    b = loads("  - {table: o, command: [f, \"{from}\", \"{to}\"], sweep: {batch: 300}}\n");
    assert_null(b->range);
    assert_int_equal(b->pause_count, 1);
    complains("  - {table: o, set: a = 1, range: [x]}\n", 4, 5, "range without command");
    complains("  - {table: o, command: [f, \"{batch}\", \"{from}\"]}\n", 4, 5, "command has no {to}");
    complains("  - {table: o, command: [f, \"{batch}\"], range: [\"{to}\"]}\n", 4, 5, "range has no {from}");
    complains("  - {table: o, command: [f, \"{batch}{from}{to}\"], range: [\"{from}{to}\"]}\n", 4, 5,
              "are both in command and in range");
    complains("  - {table: o, key: [a, b], command: [f, \"{batch}{from}{to}\"]}\n", 4, 5,
              "a key of one column");
    complains("  - {table: o, command: [f, \"{from}{to}\"]}\n", 4, 5, "command has no {batch}");
    complains("  - {table: o, command: [f], sweep: {batch: [1, 2]}}\n", 4, 5, "sweep.batch has 2 values");
    complains("  - {table: o, command: [f], sweep: {pause: 50%}}\n", 4, 5, "is a duration, not 50%");
    complains("  - {table: o, command: [f], sweep: {pause: [0, 1ms]}}\n", 4, 5, "no {pause_ms}");
    complains("  - {table: o, command: [f], sweep: {workers: [1, 2]}}\n", 4, 5, "no {workers}");
}

static void test_auto(void **state)
{
    (void)state;
    const rh_backfill *b = loads("  - {auto: true, sweep: {batch: 300}, gates: {duration: 1h}}\n");
    assert_true(b->offered);
    assert_int_equal(b->batches[0], 300);
    write_file("s.yaml", "name: n\nbackup: {path: b.dump}\nbackfills: auto\n");
    rh_error error = {0};
    assert_true(rh_scenario_load("s.yaml", NULL, 0, arena, &scenario, &error));
    assert_int_equal(scenario.backfill_count, 1);
    assert_true(scenario.backfills[0].offered);
    assert_int_equal(scenario.backfills[0].batch_count, 4);
    complains("  - {auto: true, table: o}\n", 4, 5, "auto has what the migrations say");
    complains("  - {auto: false, table: o, set: a = 1}\n", 4, 12, "or write true");
}

static void test_own_sql(void **state)
{
    (void)state;
    const rh_backfill *b =
        loads("  - {table: o, sql: \"UPDATE o SET a = b::int WHERE id BETWEEN :from AND :to; -- ;\"}\n");
    assert_string_equal(b->sql, "UPDATE o SET a = b::int WHERE id BETWEEN :from AND :to");
    assert_null(b->set);
}

static void test_own_sql_with_a_limit(void **state)
{
    (void)state;
    const rh_backfill *b =
        loads("  - {table: o, sql: \"UPDATE o SET a = 1 WHERE id IN (SELECT id FROM o WHERE id > "
              ":after ORDER BY id LIMIT :limit) RETURNING id\"}\n");
    assert_int_equal(b->own, RH_OWN_AFTER);
    assert_int_equal(b->walk, RH_WALK_KEYSET);
    b = loads(
        "  - {table: o, where: a IS NULL, sql: \"UPDATE o SET a = 1 WHERE id IN (SELECT id FROM o WHERE a IS "
        "NULL LIMIT :limit)\"}\n");
    assert_int_equal(b->own, RH_OWN_LIMIT);
    assert_int_equal(b->walk, RH_WALK_REMAINING);
}

#define AFTER "UPDATE o SET a = 1 WHERE id > :after AND id < :limit"
static void test_mistakes_in_own_sql(void **state)
{
    (void)state;
    complains("  - {table: o, sql: fill.sql}\n", 2, 34, "uses :limit together with :from");
    complains("  - {table: o, sql: \"UPDATE o SET a = 1 WHERE id > :after RETURNING id\"}\n", 4, 21,
              "does not use :limit");
    complains("  - {table: o, sql: \"" AFTER "\"}\n", 4, 21, "must return one column, the key");
    complains("  - {table: o, sql: \"" AFTER " RETURNING *\"}\n", 4, 21, "must return one column, the key");
    complains("  - {table: o, sql: \"" AFTER " RETURNING id, a\"}\n", 4, 21,
              "must return one column, the key");
    complains("  - {table: o, sql: \"WITH d AS (DELETE FROM p WHERE id > :after) " AFTER " RETURNING id\"}\n",
              4, 21, "changes rows in WITH");
    complains("  - {table: o, walk: range, sql: \"" AFTER " RETURNING id\"}\n", 4, 5, "needs walk: keyset");
    complains("  - {table: o, key: [a, b], sql: \"" AFTER " RETURNING id\"}\n", 4, 5, "a key of one column");
    complains("  - {table: o, sql: \"UPDATE o SET a = 1 WHERE id < :limit\"}\n", 4, 5,
              "with :limit alone needs where");
    complains("  - {table: o, where: a, walk: ctid, sql: \"UPDATE o SET a = 1 WHERE id < :limit\"}\n", 4, 5,
              "needs walk: remaining");
}

static void test_mistakes(void **state)
{
    (void)state;
    complains("  orders\n", 4, 3, "must be a list");
    complains("  - orders\n", 4, 5, "is a map of keys");
    complains("  - {table: orders}\n", 4, 5, "needs table and set");
    complains("  - {tabel: orders, set: a = 1}\n", 4, 6, "did you mean \"table\"");
    complains("  - {table: o, set: a = 1, command: [x]}\n", 4, 5, "only one of set, sql and command");
    complains("  - {table: o, sql: \"UPDATE o SET a = 1 WHERE id >= :from AND id < :upto\"}\n", 4, 21,
              "has :upto, which has no value");
    complains("  - {table: o, sql: \"UPDATE o SET a = ':to' WHERE id >= :from\"}\n", 4, 21,
              "does not use :to");
    complains("  - {table: o, sql: \"UPDATE o SET a = WHERE id BETWEEN :from AND :to\"}\n", 4, 21,
              "syntax error");
    complains("  - {table: o, sql: \"SELECT fill(:from, :to)\"}\n", 4, 21,
              "must be an UPDATE, INSERT, DELETE or MERGE");
    complains("  - {table: o, command: x}\n", 4, 25, "must be a list");
    complains("  - {table: o, command: [x, \"{bach}\"]}\n", 4, 29, "{bach}, which has no value");
    complains("  - {table: o, set: a = 1, proof: {kils: 3}}\n", 4, 36, "did you mean \"kills\"");
    complains("  - {table: o, set: a = 1, proof: 3}\n", 4, 35, "must be a map of keys");
    complains("  - {table: o, set: a = 1, dual_write: yes}\n", 4, 40, "cannot be \"yes\"");
    complains("  - {table: o, set: a = 1, walk: keys}\n", 4, 34, "cannot be \"keys\"");
    complains("  - {table: o, set: a = 1, walk: remaining}\n", 4, 5, "would never end");
    complains("  - {table: o, set: a = 1, from: b}\n", 4, 5, "from without join");
    complains("  - {table: o, set: a = 1, key: a}\n", 4, 5, "set changes a, a column of the key");
    complains("  - {table: o, set: a = 1, sweep: {sample: 80%}}\n", 4, 44, "between 0.1% and 50%");
    complains("  - {table: o, set: a = 1, sweep: {pause: 100}}\n", 4, 43, "has no unit");
    complains("  - {table: o, set: a = 1, sweep: {batches: 100}}\n", 4, 36, "did you mean \"batch\"");
    complains("  - {table: o, set: a = 1, gates: {lag: 1s}}\n", 4, 36, "unknown key");
    complains("  - {table: o, set: a = 1, archive: {rate: 80}}\n", 4, 44, "must be a size");
    complains("  - {table: o, set: a = 1, archive: {rate: 0MB}}\n", 4, 44, "must be more than 0");
    complains("  - {table: o, set: a = 1, standby: replica}\n", 4, 37, "cannot be \"replica\"");
    complains("  - {table: o, set: a = 1, standby: none, gates: {replica_lag: 1s}}\n", 4, 64,
              "needs a standby");
    complains("  - {name: x, table: o, set: a = 1}\n  - {name: x, table: o, set: a = 1}\n", 5, 12,
              "two backfills are called");
}

/* What is pasted into a statement must be what it says, whatever it closes or comments out. */
static void test_sql(void **state)
{
    (void)state;
    complains("  - {table: o, set: a ==}\n", 4, 21, "syntax error");
    complains("  - {table: o, set: a = 1 WHERE b}\n", 4, 21, "more than assignments");
    complains("  - {table: o, set: \"a = 1; DROP TABLE o\"}\n", 4, 21, "semicolon");
    complains("  - {table: o, set: a = $1}\n", 4, 21, "parameter");
    complains("  - {table: o, set: a = 1, where: \"true) OR (true\"}\n", 4, 35, "syntax error");
    complains("  - {table: o, set: a = 1, where: true LIMIT 1}\n", 4, 35, "syntax error");
    complains("  - {table: o, set: a = 1, join: x, from: b WHERE true}\n", 4, 43, "syntax error");
}

/* ---- schedule ---- */

static void a_schedule(void **state)
{
    (void)state;
    write_file("hours.csv",
               "hour,tps\n0,10\n1,10\n2,10\n3,10\n4,10\n5,10\n6,10\n7,10\n8,10\n9,10\n10,10\n11,10\n"
               "12,10\n13,10\n14,10\n15,10\n16,10\n17,10\n18,10\n19,10\n20,10\n21,10\n22,10\n23,99\n");
    const rh_backfill *b = loads(
        "  - table: o\n    set: a = 1\n"
        "    schedule: {start: 2026-12-01T22:00, window: [\"22:00-06:00\", \"12:00-13:00\"], days: [mon, sun], "
        "zone: Europe/Berlin, load: hours.csv}\n"
        "    gates: {dead_rows: 25%, disk: 1GB, finish_by: 2026-12-04T06:00}\n");
    assert_true(b->schedule.set && b->schedule.window_count == 2 && b->schedule.days == 0x41);
    assert_int_equal(b->schedule.start_s, 1796158800); /* 21:00 UTC */
    assert_int_equal(b->schedule.windows[0].to, 360);
    assert_true(b->schedule.hour_count == 24 && b->schedule.hours[23] == 99);
    assert_true(b->gates[RH_BACKFILL_GATE_FINISH_BY].limit == 1796360400);
    assert_true(b->gates[RH_BACKFILL_GATE_DEAD_ROWS].limit == 0.25);
    assert_true(b->gates[RH_BACKFILL_GATE_DISK].limit == 1024.0 * 1024 * 1024);
}

#define SCHEDULE "  - table: o\n    set: a = 1\n    schedule: "
static void schedules_that_are_refused(void **state)
{
    (void)state;
    complains(SCHEDULE "{window: 22:00-06:00}\n", 6, 15, "needs start");
    complains(SCHEDULE "{start: soon}\n", 6, 23, "a date and a time");
    complains(SCHEDULE "{start: 2026-12-01T22:00, window: 22:00-22:00}\n", 6, 49, "never opens");
    complains(SCHEDULE "{start: 2026-12-01T22:00, window: []}\n", 6, 49, "never opens");
    complains(SCHEDULE "{start: 2026-12-01T22:00, days: []}\n", 6, 47, "never opens");
    complains(SCHEDULE "{start: 2026-12-01T22:00, window: 9-5}\n", 6, 49, "two times of day");
    complains(SCHEDULE "{start: 2026-12-01T22:00, zone: Moon}\n", 6, 47, "no time zone");
    complains(SCHEDULE "{start: 2026-12-01T22:00, until: 1}\n", 6, 41, "unknown key");
    complains("  - table: o\n    set: a = 1\n    gates: {finish_by: 2026-12-04T06:00}\n", 6, 24,
              "needs a schedule");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, new_arena, free_arena)
    const struct CMUnitTest tests[] = {
        EACH(test_defaults),
        EACH(test_every_key),
        EACH(test_programs),
        EACH(test_programs_that_do_a_part),
        EACH(test_auto),
        EACH(test_own_sql),
        EACH(test_own_sql_with_a_limit),
        EACH(test_mistakes_in_own_sql),
        EACH(test_mistakes),
        EACH(test_sql),
        EACH(a_schedule),
        EACH(schedules_that_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
