/* The lag of a standby by positions in the WAL against injected pauses of its replay, beside
 * pg_last_xact_replay_timestamp() and pg_stat_replication.replay_lag, read in the same run.
 *
 *   bench_standby_lag DIRECTORY [MEGABYTES]
 *
 * DIRECTORY: for the cluster. MEGABYTES: size of its table (100). One client inserts a row every 10 ms.
 * Truth: from when the standby said that its replay is paused until it is resumed. */
#include "backfill/wal_watch.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/staging/staging.h"
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PAUSES_S[] = {0.2, 0.5, 1, 2, 5, 10};
enum { PAUSES = sizeof PAUSES_S / sizeof *PAUSES_S, REPEATS = 3, METHODS = 3, IDLE_S = 20 };
static const char *const METHOD_NAMES[METHODS] = {"positions", "replay_timestamp", "replay_lag"};

typedef struct injection {
    double wanted_s, from_s, to_s; /* the replay stood still */
} injection;

typedef struct bench {
    rh_arena *arena;
    rh_staging *staging;
    const char *primary, *standby; /* conninfo */
    rh_pg *control;                /* of the standby */
    atomic_bool write, stop;
    injection injections[PAUSES * REPEATS];
    size_t count;
    double idle_from_s, idle_to_s;
} bench;

static void die(const char *what, const rh_error *error)
{
    fprintf(stderr, "%s: %s\n", what, error && error->message ? error->message : "failed");
    exit(1);
}

static double now_s(void)
{
    return rh_seconds(rh_clock_monotonic());
}

static void wait_s(double seconds)
{
    rh_clock_sleep_until(rh_clock_monotonic() + (rh_usec)(seconds * (double)RH_SECOND));
}

static void execute(rh_pg *pg, const char *sql)
{
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        die(sql, &error);
}

static void *write_rows(void *data)
{
    bench *b = data;
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(b->primary, ": writer", &error);
    if (!pg)
        die("writer", &error);
    while (!atomic_load(&b->stop)) {
        if (atomic_load(&b->write))
            execute(pg, "INSERT INTO beat VALUES (now())");
        wait_s(0.01);
    }
    rh_pg_close(pg);
    return NULL;
}

static bool is_paused(rh_pg *pg)
{
    int64_t paused = 0;
    rh_pg_query_int(pg, "SELECT (pg_get_wal_replay_pause_state() = 'paused')::int", &paused, NULL);
    return paused == 1;
}

static void inject(bench *b, double seconds)
{
    injection *i = &b->injections[b->count++];
    i->wanted_s = seconds;
    execute(b->control, "SELECT pg_wal_replay_pause()");
    while (!is_paused(b->control))
        wait_s(0.001);
    i->from_s = now_s();
    wait_s(seconds);
    i->to_s = now_s();
    execute(b->control, "SELECT pg_wal_replay_resume()");
    wait_s(1 + seconds / 5);
}

/* The longest lag of METHOD from FROM_S to TO_S; METHODS but the first are points in microseconds. */
static double longest(int method, const rh_wal_points *points, double from_s, double to_s)
{
    double most = 0;
    if (method == 0)
        return rh_lag_of(points[0], points[1], from_s, to_s).max_s;
    const rh_wal_points of = points[method + 1];
    for (size_t i = 0; i < of.count; i++)
        if (of.points[i].at_s >= from_s && of.points[i].at_s <= to_s)
            most = fmax(most, (double)of.points[i].position / 1e6);
    return most;
}

static void report(const bench *b, const rh_wal_points *points)
{
    double worst[METHODS] = {0};
    printf("%10s", "injected");
    for (int m = 0; m < METHODS; m++)
        printf("%20s %9s", METHOD_NAMES[m], "error");
    printf("\n");
    for (size_t i = 0; i < b->count; i++) {
        const injection *of = &b->injections[i];
        const double truth = of->to_s - of->from_s;
        printf("%8.3f s", truth);
        for (int m = 0; m < METHODS; m++) {
            const double lag = longest(m, points, of->from_s - 0.1, of->to_s + 0.5), error = lag - truth;
            worst[m] = fmax(worst[m], fabs(error));
            printf("%18.3f s %6.0f ms", lag, error * 1000);
        }
        printf("\n");
    }
    printf("\nlargest error");
    for (int m = 0; m < METHODS; m++)
        printf("  %s %.0f ms", METHOD_NAMES[m], worst[m] * 1000);
    printf("\nidle for %.0f s, longest lag", b->idle_to_s - b->idle_from_s);
    for (int m = 0; m < METHODS; m++)
        printf("  %s %.0f ms", METHOD_NAMES[m], longest(m, points, b->idle_from_s, b->idle_to_s) * 1000);
    printf("\n");
}

static void make_cluster(bench *b, const char *directory, const char *megabytes)
{
    static rh_scenario scenario = {.name = "bench"};
    rh_error error = {0};
    scenario.staging.kind = RH_STAGING_EMBEDDED;
    scenario.staging.directory = directory;
    const rh_staging_request request = {.scenario = &scenario, .load_connections = 20};
    b->staging = rh_staging_start(&request, &error);
    if (!b->staging)
        die("cluster", &error);
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(b->staging), ": bench", &error);
    execute(pg, "CREATE TABLE beat (at timestamptz)");
    execute(pg, rh_arena_printf(b->arena,
                                "CREATE TABLE filler AS SELECT i, repeat('x', 1000) FROM "
                                "generate_series(1, %s * 1000) i",
                                megabytes));
    rh_pg_close(pg);
    if (!rh_staging_snapshot(b->staging, NULL, &error))
        die("snapshot", &error);
}

static void start_standby(bench *b)
{
    rh_error error = {0};
    const char *why_not = NULL;
    const double began = now_s();
    if (!rh_staging_standby_start(b->staging, RH_STANDBY_ASYNC, &why_not, &error) || why_not)
        die(why_not ? why_not : "standby", &error);
    printf("primary stopped, copied, both started and streaming: %.2f s\n", now_s() - began);
    const double again = now_s();
    if (!rh_staging_standby_start(b->staging, RH_STANDBY_ASYNC, &why_not, &error) || why_not)
        die(why_not ? why_not : "standby", &error);
    printf("the same again with the earlier copy: %.2f s\n\n", now_s() - again);
    b->primary = rh_staging_conninfo(b->staging);
    b->standby = rh_staging_standby_conninfo(b->staging);
    b->control = rh_pg_connect(b->standby, ": bench", &error);
    if (!b->control)
        die("standby", &error);
}

static void measure(bench *b)
{
    const rh_wal_watch_options options[] = {
        {.conninfo = b->primary, .sql = RH_WAL_WRITTEN},
        {.conninfo = b->standby, .sql = RH_WAL_REPLAYED},
        {.conninfo = b->standby,
         .sql =
             "SELECT coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000000, "
             "0)::bigint"},
        {.conninfo = b->primary,
         .sql = "SELECT coalesce((SELECT extract(epoch FROM replay_lag) * 1000000 FROM pg_stat_replication), "
                "0)::bigint"}};
    rh_error error = {0};
    rh_wal_watch *watches[4];
    rh_wal_points points[4];
    pthread_t writer;
    bool lost = false;
    atomic_store(&b->write, true);
    if (pthread_create(&writer, NULL, write_rows, b) != 0)
        die("thread", NULL);
    for (int i = 0; i < 4; i++)
        if (!(watches[i] = rh_wal_watch_start(&options[i], &error)))
            die("watch", &error);
    wait_s(2);
    for (int i = 0; i < PAUSES * REPEATS; i++)
        inject(b, PAUSES_S[i % PAUSES]);
    atomic_store(&b->write, false);
    wait_s(1);
    b->idle_from_s = now_s();
    wait_s(IDLE_S);
    b->idle_to_s = now_s();
    for (int i = 0; i < 4; i++)
        points[i] = rh_wal_watch_finish(watches[i], b->arena, &lost);
    atomic_store(&b->stop, true);
    pthread_join(writer, NULL);
    if (lost)
        die("a server was lost", NULL);
    report(b, points);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_standby_lag DIRECTORY [MEGABYTES]\n");
        return 64;
    }
    bench b = {.arena = rh_arena_new()};
    rh_interrupt_install();
    make_cluster(&b, argv[1], argc > 2 ? argv[2] : "100");
    start_standby(&b);
    measure(&b);
    rh_pg_close(b.control);
    rh_staging_free(b.staging, false);
    rh_arena_free(b.arena);
    return 0;
}
