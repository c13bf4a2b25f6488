/* pgbench scripts through the generator: transactions of several statements, retries, pauses, errors. */
#include "load_support.h"
#include <unistd.h>

static test_cluster *cluster;
static char folder[] = "/tmp/rh-pgbench-XXXXXX";

static const char *file(rh_arena *arena, const char *name, const char *text)
{
    const char *path = rh_arena_printf(arena, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* pgbench's own, as its documentation prints it. */
static const char tpcb[] =
    "\\set aid random(1, 100000 * :scale)\n\\set bid random(1, 1 * :scale)\n\\set tid random(1, 10 * "
    ":scale)\n"
    "\\set delta random(-5000, 5000)\nBEGIN;\n"
    "UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;\n"
    "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"
    "UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;\n"
    "UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;\n"
    "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, "
    "CURRENT_TIMESTAMP);\nEND;\n";

static const char tables[] =
    "CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88));"
    "CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84));"
    "CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84));"
    "CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));"
    "INSERT INTO pgbench_branches SELECT i, 0 FROM generate_series(1, 2) i;"
    "INSERT INTO pgbench_tellers SELECT i, 1 + (i - 1) / 10, 0 FROM generate_series(1, 20) i;"
    "INSERT INTO pgbench_accounts SELECT i, 1 + (i - 1) / 100000, 0 FROM generate_series(1, 200000) i;"
    "CREATE TABLE pair (id int PRIMARY KEY, v int); INSERT INTO pair VALUES (1, 0), (2, 0); ANALYZE";

static rh_mix scripts(rh_pg *pg, rh_arena *arena, const rh_workload_file *files, size_t count)
{
    rh_mix mix;
    rh_error error = {0};
    if (!rh_mix_from_pgbench(pg, NULL, files, count, arena, &mix, &error))
        fail_msg("%s:%d: %s", error.file ? error.file : "", error.line, error.message);
    return mix;
}

static void play(const rh_mix *mix, double rate, int connections, double seconds, rh_arena *arena,
                 rh_load *load)
{
    rh_generator *generator = load_start(cluster, "postgres", mix, rate, connections);
    load_sleep(seconds);
    rh_generator_finish(generator, arena, load);
    load_show_errors(load);
}

static int64_t number(rh_pg *pg, const char *sql)
{
    int64_t value;
    rh_error error = {0};
    if (!rh_pg_query_int(pg, sql, &value, &error))
        fail_msg("%s: %s", sql, error.message);
    return value;
}

static void test_tpcb_runs_unchanged(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_workload_file files[] = {
        {.path = file(arena, "tpcb.sql", tpcb), .weight = 3},
        {.path = file(arena, "select.sql",
                      "\\set aid random_zipfian(1, 100000 * :scale, 1.2)\n"
                      "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"),
         .weight = 1},
        {.path = file(arena, "never.sql", "SELECT 1"), .weight = 0},
    };
    rh_mix mix = scripts(pg, arena, files, 3);
    assert_int_equal(mix.template_count, 2);
    assert_int_equal(mix.scale, 2);
    assert_true(mix.templates[0].weight == 0.75);
    assert_string_equal(mix.templates[0].name, "tpcb");
    assert_int_equal(mix.templates[0].kind, RH_TEMPLATE_WRITE);
    assert_int_equal(mix.templates[1].kind, RH_TEMPLATE_READ);
    rh_load load;
    play(&mix, 400, 8, 3, arena, &load);
    rh_load_second sum = load_totals(&load);
    assert_int_equal(sum.errors + sum.dropped, 0);
    assert_true(sum.transactions > 900);
    int64_t history = number(pg, "SELECT count(*) FROM pgbench_history");
    assert_int_equal(history, load.windows[0].templates[0].transactions);
    assert_true(history > 600);
    assert_true(history < 3 * sum.transactions / 4 + 100);
    static const char *const sums[] = {"SELECT sum(abalance) FROM pgbench_accounts",
                                       "SELECT sum(tbalance) FROM pgbench_tellers",
                                       "SELECT sum(bbalance) FROM pgbench_branches"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(number(pg, sums[i]), number(pg, "SELECT sum(delta) FROM pgbench_history"));
    assert_true(number(pg, "SELECT count(DISTINCT aid) FROM pgbench_history") > history * 9 / 10);
    assert_true(number(pg, "SELECT max(aid) FROM pgbench_history") > 100000); /* :scale is 2 */
    rh_arena_free(arena);
    rh_pg_close(pg);
}

#define OPEN_TRANSACTIONS "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"

/* Two rows in either order: deadlocks, each of them retried from the script's beginning; nothing is half
 * done. */
static void test_deadlocks_are_retried(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_pg *pg = load_connect(cluster, "postgres");
    load_execute(pg, "ALTER SYSTEM SET deadlock_timeout = '20ms'; ");
    load_execute(pg, "SELECT pg_reload_conf()");
    rh_workload_file files[] = {
        {.path = file(arena, "pair.sql",
                      "\\set a random(1, 2)\nBEGIN;\nUPDATE pair SET v = v + 1 WHERE id = :a;\n"
                      "\\sleep 5 ms\nUPDATE pair SET v = v + 1 WHERE id = 3 - :a;\nCOMMIT;"),
         .weight = 1}};
    rh_mix mix = scripts(pg, arena, files, 1);
    rh_load load;
    play(&mix, 60, 6, 3, arena, &load);
    rh_load_second sum = load_totals(&load);
    assert_int_equal(number(pg, "SELECT sum(v) FROM pair"), 2 * sum.transactions);
    int64_t deadlocks = 0;
    for (size_t i = 0; i < load.error_count; i++)
        deadlocks += strcmp(load.errors[i].sqlstate, "40P01") == 0 ? load.errors[i].count : 0;
    assert_true(deadlocks > 0);
    assert_true(sum.errors < deadlocks);
    /* sessions that are closed end a moment later */
    load_await(pg, OPEN_TRANSACTIONS, 0);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

/* A script that fails in its transaction, one that leaves it open, one that computes nonsense, one that does
 * nothing: each ends, none holds the next one up. */
static void test_errors_of_the_plan(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_pg *pg = load_connect(cluster, "postgres");
    int64_t before = number(pg, "SELECT sum(v) FROM pair");
    rh_workload_file files[] = {
        {.path = file(arena, "fails.sql",
                      "BEGIN;\nUPDATE pair SET v = v + 1 WHERE id = 1;\n"
                      "\\set z 0\nSELECT 1 / :z::int;\nCOMMIT;"),
         .weight = 1},
        {.path = file(arena, "open.sql", "BEGIN;\nUPDATE pair SET v = v + 1 WHERE id = 2;"), .weight = 1},
        {.path = file(arena, "nonsense.sql", "BEGIN;\n\\set x 1 / 0\nSELECT :x;\nCOMMIT;"), .weight = 1},
        {.path = file(arena, "nothing.sql", "\\if false\nSELECT 1;\n\\endif\n"), .weight = 1},
    };
    rh_mix mix = scripts(pg, arena, files, 4);
    rh_load load;
    play(&mix, 400, 2, 2, arena, &load);
    rh_load_second sum = load_totals(&load);
    const rh_template_window *t = load.windows[0].templates;
    assert_int_equal(t[0].transactions, 0);
    assert_true(t[0].errors > 100);
    assert_int_equal(t[1].errors, 0);
    assert_true(t[2].errors > 100);
    assert_true(t[2].transactions == 0);
    assert_true(t[3].transactions > 100);
    assert_true(t[3].errors == 0);
    assert_int_equal(sum.dropped, 0);
    assert_int_equal(number(pg, "SELECT sum(v) FROM pair"), before);
    bool told = false;
    for (size_t i = 0; i < load.error_count; i++)
        told = told || strstr(load.errors[i].message, "division by zero");
    assert_true(told);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

/* The end of the run comes while scripts sleep: they are cut short, and their transactions with them. */
static void test_long_sleep_ends_with_the_run(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_workload_file files[] = {
        {.path = file(arena, "sleeps.sql", "BEGIN;\nSELECT 1;\n\\sleep 60 s\nCOMMIT;"), .weight = 1}};
    rh_mix mix = scripts(pg, arena, files, 1);
    rh_load load;
    play(&mix, 20, 4, 0.5, arena, &load);
    rh_load_second sum = load_totals(&load);
    assert_int_equal(sum.transactions + sum.errors, 0);
    assert_true(sum.dropped > 0);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

static void test_refused_statement_has_its_line(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_workload_file bad = {.path = file(arena, "bad.sql", "SELECT 1;\n\nSELECT * FROM nowhere;\n"),
                            .weight = 1};
    rh_mix mix;
    rh_error error = {0};
    assert_false(rh_mix_from_pgbench(pg, NULL, &bad, 1, arena, &mix, &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_int_equal(error.line, 3);
    assert_non_null(strstr(error.message, "nowhere"));
    rh_error_release(&error);
    bad.path = file(arena, "bad.sql", "SELECT 1;\n");
    bad.weight = 0;
    assert_false(rh_mix_from_pgbench(pg, NULL, &bad, 1, arena, &mix, &error));
    assert_non_null(strstr(error.message, "weight 0"));
    rh_error_release(&error);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

int main(void)
{
    cluster = test_cluster_start();
    if (!cluster || !mkdtemp(folder))
        return 1;
    rh_pg *pg = rh_pg_connect(load_conninfo(cluster, "postgres"), ": test", NULL);
    bool ready = pg && rh_pg_execute(pg, tables, NULL);
    rh_pg_close(pg);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tpcb_runs_unchanged), cmocka_unit_test(test_deadlocks_are_retried),
        cmocka_unit_test(test_errors_of_the_plan), cmocka_unit_test(test_long_sleep_ends_with_the_run),
        cmocka_unit_test(test_refused_statement_has_its_line)};
    int failed = ready ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    test_cluster_stop(cluster);
    test_cluster_remove(folder);
    return failed;
}
