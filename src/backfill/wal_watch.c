#include "wal_watch.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/clock.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const rh_usec EVERY = RH_SECOND / 20;

struct rh_wal_watch {
    rh_wal_watch_options options;
    rh_pg *pg;
    pthread_t thread;
    atomic_bool stop;
    bool lost;
    rh_wal_point *points;
    size_t count, capacity;
};

static void keep(rh_wal_watch *watch, rh_wal_point point)
{
    if (watch->count == watch->capacity) {
        watch->capacity = watch->capacity ? 2 * watch->capacity : 1024;
        watch->points = rh_realloc(watch->points, watch->capacity * sizeof *watch->points);
    }
    watch->points[watch->count++] = point;
}

/* What waits for the lost standby commits, with a warning to its client. */
static void release(rh_wal_watch *watch)
{
    static const char sql[] = "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity "
                              "WHERE wait_event = 'SyncRep'";
    rh_pg *pg = rh_pg_connect(watch->options.release, ": release", NULL);
    while (pg && !atomic_load(&watch->stop) && rh_pg_execute(pg, sql, NULL))
        rh_clock_sleep_until(rh_clock_monotonic() + EVERY);
    rh_pg_close(pg);
}

static void *watch_wal(void *data)
{
    rh_wal_watch *watch = data;
    for (rh_usec next = rh_clock_monotonic(); !atomic_load(&watch->stop);) {
        int64_t position;
        const rh_usec asked = rh_clock_monotonic();
        if (!rh_pg_query_int(watch->pg, watch->options.sql, &position, NULL)) {
            watch->lost = true;
            break;
        }
        const rh_usec answered = rh_clock_monotonic();
        keep(watch, (rh_wal_point){rh_seconds(asked + (answered - asked) / 2), position});
        next = next + EVERY > answered ? next + EVERY : answered;
        rh_clock_sleep_until(next);
    }
    if (watch->lost && watch->options.release)
        release(watch);
    return NULL;
}

rh_wal_watch *rh_wal_watch_start(const rh_wal_watch_options *options, rh_error *error)
{
    sigset_t all, before;
    rh_wal_watch *watch = rh_alloc(sizeof *watch);
    *watch = (rh_wal_watch){.options = *options};
    atomic_init(&watch->stop, false);
    watch->pg = rh_pg_connect(options->conninfo, ": watch", error);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = watch->pg && pthread_create(&watch->thread, NULL, watch_wal, watch) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        return watch;
    if (watch->pg)
        rh_error_set(error, RH_ERROR_INTERNAL, "could not start a thread");
    rh_pg_close(watch->pg);
    free(watch);
    return NULL;
}

rh_wal_points rh_wal_watch_finish(rh_wal_watch *watch, rh_arena *arena, bool *lost)
{
    rh_wal_points points = {0};
    if (!watch)
        return points;
    atomic_store(&watch->stop, true);
    pthread_join(watch->thread, NULL);
    *lost = *lost || watch->lost;
    if (watch->count > 0) {
        rh_wal_point *copy = rh_arena_alloc(arena, watch->count * sizeof *copy);
        memcpy(copy, watch->points, watch->count * sizeof *copy);
        points = (rh_wal_points){copy, watch->count};
    }
    rh_pg_close(watch->pg);
    free(watch->points);
    free(watch);
    return points;
}
