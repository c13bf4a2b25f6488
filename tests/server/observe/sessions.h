/* Sessions whose waits are known because the test makes them: shared by the sampler's tests. */
#pragma once
#include "pgrehearse/observe/sampler.h"
#include "server/cluster.h"
#include "pgrehearse/adapters/pg.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static test_cluster *cluster;
static rh_arena *arena;
static char conninfo[200];
static rh_usec sampler_began; /* second 0 of the last sampler */

static inline rh_pg *connect_as(const char *role)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(conninfo, role, &error);
    if (!pg)
        fail_msg("%s", error.message);
    return pg;
}

static inline void run(rh_pg *pg, const char *sql)
{
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        fail_msg("%s: %s", sql, error.message);
}

/* A cluster with SETTINGS, and DATABASE in it: the sampler has a waiter watch unless that is "postgres". */
static inline bool start_cluster(const char *const *settings, const char *database)
{
    cluster = test_cluster_start_with(settings);
    if (!cluster)
        return false;
    arena = rh_arena_new();
    snprintf(conninfo, sizeof conninfo, "%s", test_cluster_conninfo(cluster));
    if (strcmp(database, "postgres") == 0)
        return true;
    rh_pg *pg = connect_as(": setup");
    char sql[80];
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", database);
    run(pg, sql);
    rh_pg_close(pg);
    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=%s", cluster->directory, database);
    return true;
}

static inline int stop(void **state)
{
    (void)state;
    rh_arena_free(arena);
    test_cluster_stop(cluster);
    return 0;
}

static inline void sleep_ms(int ms)
{
    rh_clock_sleep_until(rh_clock_monotonic() + ms * RH_SECOND / 1000);
}

/* A session of its own that runs one statement; how long that took is the truth about its wait. */
typedef struct client {
    const char *sql;
    rh_pg *pg;
    pthread_t thread;
    rh_usec ended;
    double took_s;
    char sqlstate[6];
    bool ok;
} client;

static inline void *run_client(void *argument)
{
    client *c = argument;
    rh_pg_timing timing;
    rh_error error = {0};
    c->ok = rh_pg_timed(c->pg, c->sql, 0, &timing, &error);
    c->ended = timing.ended;
    c->took_s = rh_seconds(timing.ended - timing.started);
    memcpy(c->sqlstate, error.sqlstate, sizeof c->sqlstate);
    rh_error_release(&error);
    return NULL;
}

/* Over PG, or over a connection of its own when that is NULL. */
static inline void begin_over(client *c, rh_pg *pg, const char *sql)
{
    *c = (client){.sql = sql, .pg = pg ? pg : connect_as(": load")};
    pthread_create(&c->thread, NULL, run_client, c);
}

static inline void begin(client *c, const char *sql)
{
    begin_over(c, NULL, sql);
}

static inline void end(client *c)
{
    pthread_join(c->thread, NULL);
}

/* Until COUNT sessions wait for a lock, as another session sees it. */
static inline void await_waiters(rh_pg *pg, int64_t count)
{
    for (int64_t waiting = -1; waiting != count; sleep_ms(5)) {
        rh_error error = {0};
        if (!rh_pg_query_int(pg, "SELECT count(*) FROM pg_locks WHERE NOT granted", &waiting, &error))
            fail_msg("%s", error.message);
    }
}

/* Until the sampler has looked once more, as another session sees it, which may be in another database.
 * SAMPLER: asked to look; NULL: waited for. */
static inline void await_look(rh_pg *pg, rh_sampler *sampler)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrehearse: sampler' AND "
             "datname = '%s' AND state = 'idle' AND query_start > current_setting('test.since')::timestamptz",
             strstr(conninfo, "dbname=") + strlen("dbname="));
    run(pg, "SELECT pg_catalog.set_config('test.since', pg_catalog.clock_timestamp()::text, false)");
    for (int64_t looked = 0; looked == 0; sleep_ms(5)) {
        rh_error error = {0};
        if (sampler)
            rh_sampler_sample_now(sampler);
        if (!rh_pg_query_int(pg, sql, &looked, &error))
            fail_msg("%s", error.message);
    }
}

static inline rh_sampler *start_sampler(const rh_pg *migration, bool without_waitstart)
{
    rh_error error = {0};
    sampler_began = rh_clock_monotonic();
    rh_sampler_options options = {.conninfo = conninfo,
                                  .migration_pid = rh_pg_backend_pid(migration),
                                  .began = sampler_began,
                                  .local = true,
                                  .without_waitstart = without_waitstart};
    rh_sampler *sampler = rh_sampler_start(&options, &error);
    if (!sampler)
        fail_msg("%s", error.message);
    return sampler;
}

static inline const rh_wait *wait_of_pid(const rh_contention *contention, int pid)
{
    const rh_wait *found = NULL;
    for (size_t i = 0; i < contention->wait_count; i++) {
        if (contention->waits[i].waiter_pid != pid)
            continue;
        assert_null(found);
        found = &contention->waits[i];
    }
    assert_non_null(found);
    return found;
}

static inline const rh_wait *wait_of(const rh_contention *contention, const rh_pg *pg)
{
    return wait_of_pid(contention, rh_pg_backend_pid(pg));
}

/* For how long it has certainly waited: from now until COMMIT is sent. */
static inline double await_held_s(rh_pg *pg, rh_sampler *sampler, int64_t count, int ms)
{
    await_waiters(pg, count);
    rh_usec from = rh_clock_monotonic();
    await_look(pg, sampler);
    sleep_ms(ms);
    return rh_seconds(rh_clock_monotonic() - from);
}

/* Either end of a wait may lie between two samples, which are further apart on a busy machine. */
static inline double tolerance_s(const rh_contention *contention)
{
    return 0.025 + 2 * contention->shortest_sure_wait_ms / 1e3;
}

/* A client's own time is longer than its wait: it has to be scheduled before and after. */
static inline void assert_waited(const rh_wait *wait, double least_s, double most_s,
                                 const rh_contention *contention)
{
    double tolerance = tolerance_s(contention);
    if (wait->wait_s < least_s - tolerance || wait->wait_s > most_s + tolerance)
        fail_msg("waited %.3f s, not %.3f to %.3f s (tolerance %.3f s)", wait->wait_s, least_s, most_s,
                 tolerance);
}
