/* Disturbers as the server sees them: what they hold while they run, and that nothing of them is left. */
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/workload/workload.h"
#include "server/cluster.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static test_cluster *cluster;
static rh_pg *pg;
static rh_disturb_place place;

static int start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    assert_non_null(cluster);
    pg = rh_pg_connect(test_cluster_conninfo(cluster), ": test", NULL);
    assert_non_null(pg);
    assert_true(
        rh_pg_execute(pg,
                      "CREATE TABLE t (id int PRIMARY KEY, x text);"
                      "INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 20000) g;"
                      "CREATE TABLE empty (id int); CREATE TABLE parts (id int) PARTITION BY LIST (id);"
                      "ANALYZE",
                      NULL));
    place = (rh_disturb_place){
        .conninfo = test_cluster_conninfo(cluster), .directory = cluster->directory, .own_cluster = true};
    static char pg_dump[300];
    snprintf(pg_dump, sizeof pg_dump, "%s/pg_dump", cluster->bindir);
    place.pg_dump = pg_dump;
    test_cluster_account(&place.uid, &place.gid);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rh_pg_close(pg);
    test_cluster_stop(cluster);
    return 0;
}

static int64_t ask(const char *sql)
{
    int64_t value = -1;
    rh_error error = {0};
    if (!rh_pg_query_int(pg, sql, &value, &error))
        fail_msg("%s: %s", sql, error.message);
    return value;
}

/* Starts SPEC, asks SQL meanwhile (it must give what EXPECTED says), stops it; the row. */
static rh_disturbance run(const rh_disturber *spec, const char *sql, int64_t expected, rh_arena *arena)
{
    rh_error error = {0};
    rh_disturbance *rows = NULL;
    size_t count = 0;
    rh_disturbers *disturbers = rh_disturbers_start(&place, &spec, 1, &error);
    if (!disturbers)
        fail_msg("%s", error.message);
    int64_t found = sql ? ask(sql) : expected;
    rh_disturbers_stop(disturbers, "1", 0, arena, &rows, &count);
    assert_int_equal(count, 1);
    if (found != expected)
        fail_msg("%s: %s gives %lld", rows->name, sql, (long long)found);
    assert_int_equal(
        ask("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgrehearse: disturber%' "
            "OR query LIKE '%prevent wraparound)' AND pid <> pg_backend_pid()"),
        0);
    assert_int_equal(ask("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass"), 0);
    return *rows;
}

static void each_file_has_its_content(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_disturber idle = {.kind = RH_DISTURBER_IDLE_IN_TRANSACTION, .table = "t", .duration = 20 * RH_SECOND};
    rh_disturbance row =
        run(&idle,
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE a.state = 'idle in transaction' AND l.relation = 't'::regclass AND l.granted "
            "AND l.mode IN ('RowExclusiveLock', 'RowShareLock') AND a.backend_xid IS NOT NULL",
            2, arena);
    assert_int_equal(row.outcome, RH_DISTURBANCE_STOPPED);
    assert_string_equal(row.table, "public.t");
    assert_int_equal(row.pid_count, 1);

    rh_disturber dump = {.kind = RH_DISTURBER_PG_DUMP, .duration = 20 * RH_SECOND};
    run(&dump,
        "SELECT count(*) FROM pg_locks WHERE relation IN ('t'::regclass, 'empty'::regclass) AND granted "
        "AND mode = 'AccessShareLock'",
        2, arena);

    rh_disturber query = {.kind = RH_DISTURBER_QUERY, .duration = 20 * RH_SECOND};
    row = run(&query,
              "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE "
              "'%again%LATERAL%public.t %' "
              "AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
              1, arena);
    assert_string_equal(row.table, "public.t"); /* the largest */

    rh_disturber snapshot = {.kind = RH_DISTURBER_SNAPSHOT, .duration = 20 * RH_SECOND};
    run(&snapshot,
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND backend_xmin IS NOT "
        "NULL",
        1, arena);
    rh_arena_free(arena);
}

static void the_autovacuum_is_a_real_one(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_disturber vacuum = {.kind = RH_DISTURBER_AUTOVACUUM, .table = "t", .duration = 20 * RH_SECOND};
    assert_true(rh_disturb_prepare(&place, &vacuum, 1, NULL));
    rh_disturbance row = run(&vacuum,
                             "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' "
                             "AND query ~ '^autovacuum: VACUUM .*public\\.t \\(to prevent wraparound\\)$'",
                             1, arena);
    assert_int_equal(row.outcome, RH_DISTURBANCE_STOPPED);
    assert_true(row.pid_count >= 1);
    assert_int_equal(ask("SELECT count(*) FROM pg_class WHERE oid = 't'::regclass AND reloptions IS NULL"),
                     1);
    assert_int_equal(ask("SELECT count(*) FROM pg_settings WHERE name = 'autovacuum' AND setting = 'on' OR "
                         "name = 'autovacuum_naptime' AND setting = '60'"),
                     2);
    vacuum.table = "parts";
    row = run(&vacuum, NULL, 0, arena);
    assert_int_equal(row.outcome, RH_DISTURBANCE_NOT_STARTED);
    assert_non_null(strstr(row.detail, "partitioned"));
    place.own_cluster = false;
    vacuum.table = "t";
    row = run(&vacuum, NULL, 0, arena);
    place.own_cluster = true;
    assert_int_equal(row.outcome, RH_DISTURBANCE_NOT_STARTED);
    assert_non_null(strstr(row.detail, "embedded"));
    rh_arena_free(arena);
}

static void a_failed_start_is_reported(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_disturber nowhere = {
        .kind = RH_DISTURBER_IDLE_IN_TRANSACTION, .table = "nowhere", .duration = RH_SECOND};
    rh_disturbance row = run(&nowhere, NULL, 0, arena);
    assert_int_equal(row.outcome, RH_DISTURBANCE_NOT_STARTED);
    assert_non_null(strstr(row.detail, "nowhere"));
    rh_disturber empty = {.kind = RH_DISTURBER_IDLE_IN_TRANSACTION, .table = "empty", .duration = RH_SECOND};
    row = run(&empty, NULL, 0, arena);
    assert_int_equal(row.outcome, RH_DISTURBANCE_STOPPED);
    assert_non_null(strstr(row.detail, "no row"));
    const char *pg_dump = place.pg_dump;
    place.pg_dump = "/bin/false";
    rh_disturber dump = {.kind = RH_DISTURBER_PG_DUMP, .duration = RH_SECOND};
    row = run(&dump, NULL, 0, arena);
    place.pg_dump = pg_dump;
    assert_int_equal(row.outcome, RH_DISTURBANCE_NOT_STARTED);
    assert_non_null(strstr(row.detail, "status 1"));
    rh_arena_free(arena);
}

static void one_that_the_server_ended_is_reported(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    rh_disturbance *rows = NULL;
    size_t count = 0;
    rh_disturber idle = {.kind = RH_DISTURBER_IDLE_IN_TRANSACTION, .table = "t", .duration = 20 * RH_SECOND};
    rh_disturber brief = {.kind = RH_DISTURBER_SNAPSHOT, .duration = RH_SECOND / 5};
    const rh_disturber *specs[] = {&idle, &brief};
    rh_disturbers *disturbers = rh_disturbers_start(&place, specs, 2, &error);
    assert_non_null(disturbers);
    assert_int_equal(rh_disturbers_started(disturbers), 2);
    ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_xid IS NOT NULL "
        "AND pid <> pg_backend_pid()");
    /* the one is gone because the server ended it, the other because its time is over */
    while (ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrehearse: disturber'") != 0)
        rh_clock_sleep_until(rh_clock_monotonic() + 5000);
    double gone_s = rh_seconds(rh_clock_monotonic());
    rh_disturbers_stop(disturbers, "1", 0, arena, &rows, &count);
    assert_int_equal(rows[0].outcome, RH_DISTURBANCE_ENDED);
    assert_non_null(strstr(rows[0].detail, "the server ended it"));
    assert_int_equal(rows[1].outcome, RH_DISTURBANCE_STOPPED);
    assert_true(rows[1].to_s - rows[1].from_s >= 0.2);
    assert_true(rows[1].to_s <= gone_s);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_has_its_content),
        cmocka_unit_test(the_autovacuum_is_a_real_one),
        cmocka_unit_test(a_failed_start_is_reported),
        cmocka_unit_test(one_that_the_server_ended_is_reported),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
