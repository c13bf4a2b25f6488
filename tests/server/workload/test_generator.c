/* The generator under what happens during migrations: stalls, DDL, killed connections, overload. */
#include "load_support.h"
#include "workload/generator/arrivals.h"
#include <malloc.h>
#include <stdio.h>

static test_cluster *cluster;

static int start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    if (!cluster)
        return -1;
    rh_pg *pg = load_connect(cluster, "postgres");
    load_execute(pg, "CREATE TABLE shop (id serial PRIMARY KEY, name text, price int, note text);"
                     "INSERT INTO shop (name, price, note) SELECT 'n' || i, i, 'x' FROM generate_series(1, "
                     "5000) i; ANALYZE");
    rh_pg_close(pg);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

/* How many arrivals the schedule has before END_S: the generator must have had exactly these. */
static int64_t scheduled(const rh_mix *mix, double rate, double end_s)
{
    rh_arrivals arrivals;
    int64_t count = 0;
    rh_arrivals_init(&arrivals, mix, rate, 7);
    while ((double)rh_arrivals_next(&arrivals).intended / 1e6 < end_s)
        count++;
    rh_arrivals_release(&arrivals);
    return count;
}

/* The least response, at QUANTILE, of those who arrive in WINDOW and get no answer before its end. */
static double least_response_ms(const rh_mix *mix, double rate, const rh_load_window *window, double quantile)
{
    rh_arrivals arrivals;
    int64_t before = scheduled(mix, rate, window->start_s), all = scheduled(mix, rate, window->end_s);
    int64_t index = before + 1 + (int64_t)((1 - quantile) * (double)(all - before));
    double intended_s = 0;
    rh_arrivals_init(&arrivals, mix, rate, 7);
    for (int64_t i = 0; i <= index; i++)
        intended_s = (double)rh_arrivals_next(&arrivals).intended / 1e6;
    rh_arrivals_release(&arrivals);
    return 0.95 * 1e3 * (window->end_s - intended_s); /* a histogram's counts are of ranges */
}

static const char WAITING[] =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrehearse: load' "
    "AND wait_event_type = 'Lock'";

/* A lock for as long as a window: who arrives in it waits for the rest of it. With two connections, all but
 * two of these wait in the queue: their service is quick, their response is not. */
static void test_stall_counts_for_all_arrivals_in_it(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    rh_generator *generator = load_start(cluster, "postgres", &mix, 200, 2);
    int pids[4];
    assert_int_equal(rh_generator_pids(generator, pids, 4), 2);
    load_await_transactions(generator, 100);
    load_execute(pg, "BEGIN; LOCK shop IN ACCESS EXCLUSIVE MODE");
    rh_generator_window(generator, RH_WINDOW_DURING, "lock");
    load_await(pg, WAITING, 2);
    load_sleep(1.5); /* 300 arrivals */
    int in_flight = 0;
    rh_generator_progress(generator, NULL, NULL, &in_flight);
    assert_int_equal(in_flight, 2);
    rh_generator_window(generator, RH_WINDOW_AFTER, NULL);
    load_execute(pg, "COMMIT");
    load_await_transactions(generator, 200);
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    load_show_errors(&load);
    rh_load_second sum = load_totals(&load);
    assert_int_equal(sum.errors + sum.dropped, 0);
    assert_int_equal(load.window_count, 4);
    const rh_load_window *during = &load.windows[1], *after = &load.windows[3];
    assert_int_equal(sum.arrivals, scheduled(&mix, 200, after->end_s));
    assert_true(during->response_ms.max >= least_response_ms(&mix, 200, during, 1));
    assert_true(during->response_ms.p99 >= least_response_ms(&mix, 200, during, 0.99));
    assert_true(during->response_ms.p50 >= least_response_ms(&mix, 200, during, 0.5));
    assert_true(during->service_ms.p50 < during->response_ms.p50 / 2);
    assert_true(load.generator_cpu_s > 0);
    assert_false(load.saturated);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

/* What is allocated, whatever the allocator keeps of the rest. */
static int64_t heap_bytes(void)
{
    struct mallinfo2 heap = mallinfo2();
    return (int64_t)(heap.uordblks + heap.hblkhd);
}

/* A transaction leaves a count in a histogram, and a second some rows. What is allocated once, when a
 * response first takes as long or a connection first falls behind, comes to an end; a leak of 40 bytes a
 * transaction would show in each block of transactions. */
static void test_memory_does_not_grow_with_the_run(void **state)
{
    (void)state;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    skip(); /* a sanitizer keeps what was freed */
#endif
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    rh_generator *generator = load_start(cluster, "postgres", &mix, 4000, 8);
    enum { BLOCK = 8000, BLOCKS = 8, LEAK = 40 };
    int64_t grown = INT64_MAX;
    for (int block = 0; block < BLOCKS && grown >= BLOCK * LEAK; block++) {
        int64_t before = heap_bytes();
        load_await_transactions(generator, BLOCK);
        grown = heap_bytes() - before;
        print_message("%d transactions more: %lld bytes more\n", BLOCK, (long long)grown);
    }
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    load_totals(&load);
    assert_true(grown < BLOCK * LEAK);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

static const char CONNECTED[] =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrehearse: load'";

/* Each connection that is killed costs the one arrival that it was busy with. */
static void test_killed_connections_reconnect(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    rh_generator *generator = load_start(cluster, "postgres", &mix, 300, 4);
    for (int time = 0; time < 2; time++) {
        load_execute(pg, "BEGIN; LOCK shop IN ACCESS EXCLUSIVE MODE");
        load_await(pg, WAITING, 4);
        load_execute(pg, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
                         "application_name = 'pgrehearse: load'");
        load_execute(pg, "COMMIT");
        load_await(pg, CONNECTED, 4);
        load_await_transactions(generator, 100);
    }
    int pids[8];
    assert_int_equal(rh_generator_pids(generator, pids, 8), 4);
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    rh_load_second sum = load_totals(&load);
    assert_int_equal(sum.errors, 8);
    assert_true(load.error_count > 0);
    assert_string_equal(load.errors[0].sqlstate, "57P01");
    assert_true(sum.transactions > sum.arrivals / 2);
    load_await(pg, CONNECTED, 0);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

/* A column goes away under an application that still names it: errors, counted, until the end. */
static void test_dropped_column_is_counted(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    rh_generator *generator = load_start(cluster, "postgres", &mix, 300, 4);
    load_await_transactions(generator, 100);
    load_execute(pg, "ALTER TABLE shop DROP COLUMN note");
    for (int64_t errors = 0; errors <= 50; load_sleep(0.005))
        rh_generator_progress(generator, NULL, &errors, NULL);
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    rh_load_second sum = load_totals(&load);
    assert_true(sum.errors > 50);
    bool undefined_column = false;
    for (size_t i = 0; i < load.error_count; i++)
        undefined_column = undefined_column || strcmp(load.errors[i].sqlstate, "42703") == 0;
    assert_true(undefined_column);
    load_execute(pg, "ALTER TABLE shop ADD COLUMN note text");
    rh_arena_free(arena);
    rh_pg_close(pg);
}

/* A column changes its type: each connection sees "cached plan must not change result type" once a template,
 * then it works again. */
static void test_changed_type_is_an_error_once(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    rh_generator *generator = load_start(cluster, "postgres", &mix, 300, 4);
    load_await_transactions(generator, 100);
    load_execute(pg, "ALTER TABLE shop ALTER COLUMN price TYPE bigint");
    load_await_transactions(generator, 300);
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    rh_load_second sum = load_totals(&load);
    assert_true(sum.errors >= 1);
    assert_true(sum.errors <= 4 * (int64_t)mix.template_count);
    for (size_t i = 0; i < load.error_count; i++)
        assert_string_equal(load.errors[i].sqlstate, "0A000");
    load_execute(pg, "ALTER TABLE shop ALTER COLUMN price TYPE int");
    rh_arena_free(arena);
    rh_pg_close(pg);
}

/* Lock timeouts are tried again, and each failure is told; the arrival is done when a retry gets through. */
static void test_lock_timeout_is_retried(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    load_execute(pg, "ALTER DATABASE postgres SET lock_timeout = '100ms'");
    rh_generator *generator = load_start(cluster, "postgres", &mix, 50, 2);
    load_execute(pg, "ALTER DATABASE postgres RESET lock_timeout; BEGIN; LOCK shop IN ACCESS EXCLUSIVE MODE");
    load_await(pg, WAITING, 2);
    /* The server publishes waitstart a moment after the wait itself. */
    load_execute(pg, "CREATE TEMP TABLE first AS SELECT pid, coalesce(waitstart, clock_timestamp()) AS "
                     "waitstart FROM pg_locks WHERE NOT granted");
    /* both wait once more: the first wait has ended by the timeout */
    load_await(pg,
               "SELECT count(*) FROM pg_locks l JOIN first f USING (pid) WHERE NOT granted AND "
               "l.waitstart > f.waitstart",
               2);
    load_execute(pg, "COMMIT");
    load_await_transactions(generator, 2);
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    rh_load_second sum = load_totals(&load);
    assert_int_equal(sum.errors, 0);
    assert_true(load.error_count > 0);
    assert_string_equal(load.errors[0].sqlstate, "55P03");
    rh_arena_free(arena);
    rh_pg_close(pg);
}

/* More than the queue holds, with a server that gives nothing: dropped, counted, with the time they would at
 * least have waited. */
static void test_overload_is_dropped_and_counted(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    rh_arena *arena = rh_arena_new();
    const char *sql = "SELECT pg_sleep(30)";
    rh_template slow = {.name = "slow", .sql = sql, .relation = "none", .weight = 1};
    rh_mix mix = {.templates = &slow, .template_count = 1};
    rh_generator *generator = load_start(cluster, "postgres", &mix, 16, 2); /* a queue of 1000 */
    for (int in_flight = 0; in_flight < 2; load_sleep(0.005))
        rh_generator_progress(generator, NULL, NULL, &in_flight);
    rh_load load;
    rh_generator_finish(generator, arena, &load); /* 5 s of grace, then cancelled */
    rh_load_second sum = load_totals(&load);
    assert_int_equal(sum.transactions + sum.errors, 0);
    assert_true(sum.dropped > 0);
    assert_true(load.windows[0].response_ms.max >= 4900);
    generator = load_start(cluster, "postgres", &mix, 5000, 2);
    load_sleep(1); /* 5000 arrivals */
    rh_generator_finish(generator, arena, &load);
    sum = load_totals(&load);
    assert_int_equal(sum.arrivals, scheduled(&mix, 5000, load.windows[0].end_s));
    assert_int_equal(sum.dropped, sum.arrivals);
    assert_true(load.saturated);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

static void test_template_that_does_not_prepare(void **state)
{
    (void)state;
    rh_template broken = {
        .name = "broken one", .sql = "SELECT nosuch FROM shop", .relation = "shop", .weight = 1};
    rh_mix mix = {.templates = &broken, .template_count = 1};
    rh_generator_options options = {
        .conninfo = load_conninfo(cluster, "postgres"), .mix = &mix, .rate = 1, .connections = 2};
    rh_error error = {0};
    assert_null(rh_generator_start(&options, &error));
    assert_non_null(strstr(error.message, "broken one"));
    assert_string_equal(error.sqlstate, "42703");
    rh_error_release(&error);
}

/* The server dies under the load: the run ends, and tells of it. */
static void test_server_death(void **state)
{
    (void)state;
    test_cluster *doomed = test_cluster_start();
    assert_non_null(doomed);
    rh_pg *pg = load_connect(doomed, "postgres");
    load_execute(
        pg, "CREATE TABLE t (id serial PRIMARY KEY, v text); INSERT INTO t (v) VALUES ('a'), ('b'); ANALYZE");
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    rh_generator *generator = load_start(doomed, "postgres", &mix, 100, 3);
    load_await_transactions(generator, 10);
    rh_pg_close(pg);
    test_cluster_stop(doomed);
    load_sleep(0.3); /* 30 arrivals that find no server */
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    rh_load_second sum = load_totals(&load);
    assert_true(sum.transactions > 0);
    assert_true(sum.dropped > 0);
    assert_true(load.error_count > 0);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stall_counts_for_all_arrivals_in_it),
        cmocka_unit_test(test_memory_does_not_grow_with_the_run),
        cmocka_unit_test(test_killed_connections_reconnect),
        cmocka_unit_test(test_dropped_column_is_counted),
        cmocka_unit_test(test_changed_type_is_an_error_once),
        cmocka_unit_test(test_lock_timeout_is_retried),
        cmocka_unit_test(test_overload_is_dropped_and_counted),
        cmocka_unit_test(test_template_that_does_not_prepare),
        cmocka_unit_test(test_server_death),
    };
    return cmocka_run_group_tests_name("generator", tests, start, stop);
}
