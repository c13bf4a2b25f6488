/* Lock waits predicted from a profile of a loaded server, against waits measured on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/base/clock.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/predict/predict.h"
#include "pgrehearse/profile/profile.h"
#include "rehearsal/forecast/lock_forecast.h"
#include "server/cluster.h"
#include <math.h>

enum { REQUESTS = 24 };

/* Twelve transactions a second that read the table and stay open for 10 ms to 0.5 s, 0.1 s on average: one or
 * two are always open. */
static const char LOAD[] = "\\set ms random_exponential(10, 500, 5.4)\nBEGIN;\nSELECT count(*) FROM busy;\n"
                           "\\sleep :ms ms\nCOMMIT;\n";

static test_cluster *cluster;
static char monitor[160];

static int start(void **state)
{
    (void)state;
    char path[96];
    rh_error error = {0};
    cluster = test_cluster_start();
    if (!cluster)
        return -1;
    rh_pg *pg = rh_pg_connect(cluster->conninfo, ": test", &error);
    if (!pg ||
        !rh_pg_execute(pg,
                       "CREATE ROLE mon LOGIN IN ROLE pg_monitor;"
                       "CREATE TABLE busy AS SELECT g AS a FROM generate_series(1, 1000) g; ANALYZE busy",
                       &error))
        fail_msg("%s", error.message);
    rh_pg_close(pg);
    snprintf(monitor, sizeof monitor, "host=%s user=mon dbname=postgres", cluster->directory);
    snprintf(path, sizeof path, "%s/load.sql", cluster->directory);
    FILE *file = fopen(path, "w");
    if (!file)
        fail_msg("no load.sql");
    fputs(LOAD, file);
    fclose(file);
    return chmod(path, 0644);
}

static int stop(void **state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

static pid_t start_load(void)
{
    char load[96];
    snprintf(load, sizeof load, "%s/load.sql", cluster->directory);
    const char *argv[] = {"pgbench", "-n",       "-h", cluster->directory, "-U", "postgres", "-c",
                          "16",      "-j",       "1",  "--rate=12",        "-T", "120",      "-f",
                          load,      "postgres", NULL};
    return test_cluster_spawn(cluster, argv);
}

static rh_profile profile_of(rh_arena *arena)
{
    rh_error error = {0};
    rh_profile profile;
    rh_profile_options options = {.watch = 6 * RH_SECOND};
    rh_json *root = rh_profile_collect(monitor, &options, &error);
    if (!root || !rh_profile_parse(root, "test", arena, &profile, &error))
        fail_msg("%s", error.message);
    rh_json_free(root);
    return profile;
}

static rh_lock_forecast forecast(const rh_profile *profile, rh_arena *arena)
{
    rh_lock lock = {.relation = "public.busy",
                    .mode = RH_LOCK_ACCESS_EXCLUSIVE,
                    .held_s = 0.001,
                    .blocks_reads = true,
                    .blocks_writes = true};
    rh_statement_run run = {.pass = RH_PASS_KIND_QUIET, .elapsed_s = 0.001, .locks = &lock, .lock_count = 1};
    rh_statement statement = {.ordinal = 1,
                              .sql = "ALTER TABLE busy ADD COLUMN b int",
                              .class_ = RH_CLASS_CATALOG,
                              .runs = &run,
                              .run_count = 1,
                              .prediction = {.median_s = 0.001, .low_s = NAN, .high_s = NAN}};
    rh_migration migration = {
        .id = "1", .pending = true, .up = {.statements = &statement, .statement_count = 1}};
    rh_scenario scenario = {0};
    rh_pass_record pass = {.complete = true};
    rh_run whole = {.arena = arena,
                    .scenario = &scenario,
                    .plan = {.migrations = &migration, .migration_count = 1},
                    .passes = &pass,
                    .pass_count = 1,
                    .production = {.profile = profile}};
    rh_lock_forecast_production(&whole, 0.9);
    assert_int_equal(whole.production.locks.row_count, 1);
    assert_null(whole.production.locks.unknown);
    assert_true(whole.prediction.reads_blocked_s > 0);
    return whole.production.locks.rows[0];
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How long a lock is waited for; 0: it was free, which the server says, however slow the answer is. */
static double request(rh_pg *pg)
{
    rh_error error = {0};
    if (rh_pg_execute(pg, "BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE NOWAIT; COMMIT", &error))
        return 0;
    assert_string_equal(error.sqlstate, "55P03");
    rh_error_release(&error);
    rh_usec began = rh_clock_monotonic();
    if (!rh_pg_execute(pg, "ROLLBACK; BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE; COMMIT", &error))
        fail_msg("%s", error.message);
    return rh_seconds(rh_clock_monotonic() - began);
}

static void waits_are_as_predicted(void **state)
{
    (void)state;
    rh_error error = {0};
    char pgbench[300];
    snprintf(pgbench, sizeof pgbench, "%s/pgbench", cluster->bindir);
    if (access(pgbench, X_OK) != 0)
        skip();
    rh_arena *arena = rh_arena_new();
    pid_t load = start_load();
    rh_pg *pg = rh_pg_connect(cluster->conninfo, ": migration", &error);
    for (int64_t open = 0; open == 0;) { /* until the load is there */
        if (!rh_pg_query_int(pg, "SELECT count(*) FROM pg_locks WHERE relation = 'busy'::regclass", &open,
                             &error))
            fail_msg("%s", error.message);
    }
    rh_profile profile = profile_of(arena);
    rh_lock_forecast f = forecast(&profile, arena);
    double waits[REQUESTS], sum = 0;
    size_t at_once = 0, below_high = 0;
    for (int i = 0; i < REQUESTS; i++) {
        waits[i] = request(pg);
        sum += waits[i];
        at_once += waits[i] == 0;
        rh_clock_sleep_until(rh_clock_monotonic() + 400000 + i % 7 * 10000); /* who queued has gone on */
    }
    kill(-load, SIGKILL);
    waitpid(load, NULL, 0);
    rh_pg_close(pg);
    qsort(waits, REQUESTS, sizeof *waits, ascending);
    double mean = sum / REQUESTS;
    for (int i = 0; i < REQUESTS; i++)
        below_high += waits[i] <= f.wait_high_s;
    print_message(
        "mean wait predicted %.3f s, measured %.3f s; at once %.0f %%, %.0f %%; 90 %% within %.3f s, "
        "%.3f s; %lld looks\n",
        f.wait_s, mean, f.chances[0].probability * 100, 100.0 * (double)at_once / REQUESTS, f.wait_high_s,
        waits[REQUESTS * 9 / 10 - 1], (long long)profile.samples);
    /* Some 25 looks and 24 requests: each mean is known to a fifth. */
    assert_true(mean < 2.5 * f.wait_s);
    assert_true(f.wait_s < 2.5 * mean);
    assert_true(below_high >= REQUESTS * 6 / 10);
    assert_true(fabs(f.chances[0].probability - (double)at_once / REQUESTS) < 0.4);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits_are_as_predicted)};
    return cmocka_run_group_tests(tests, start, stop);
}
