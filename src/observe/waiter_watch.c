#include "waiter_watch.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/observe/counters.h"
#include "embedded/observe.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* What watch.sql adds to its result when a session waits. */
enum { SOMEBODY = 100 };

struct rh_waiter_watch {
    rh_pg *pg;
    bool busy;
};

rh_waiter_watch *rh_waiter_watch_open(const char *conninfo, const char *database)
{
    static const char *const keys[] = {"dbname"}, *const values[] = {"postgres"};
    if (strcmp(database, values[0]) == 0)
        return NULL;
    char *elsewhere = rh_pg_conninfo_with(conninfo, 1, keys, values, NULL);
    rh_pg *pg = elsewhere ? rh_pg_connect(elsewhere, ": sampler", NULL) : NULL;
    free(elsewhere);
    rh_waiter_watch *watch = pg ? rh_alloc(sizeof *watch) : NULL;
    if (watch)
        watch->pg = pg;
    if (watch &&
        rh_pg_execute(pg,
                      "SET statement_timeout = 0; SET jit = off; SET plan_cache_mode = "
                      "force_generic_plan; DO 'BEGIN END'",
                      NULL) &&
        rh_pg_set_nonblocking(pg, NULL))
        return watch;
    rh_waiter_watch_close(watch);
    return NULL;
}

void rh_waiter_watch_close(rh_waiter_watch *watch)
{
    if (!watch)
        return;
    /* A sleeping backend would not notice that its client has gone. */
    rh_usec until = rh_clock_monotonic() + RH_SECOND, gap;
    if (watch->busy && rh_pg_cancel(watch->pg))
        while (rh_waiter_watch_ask(watch, &gap) == RH_WAITERS_PENDING && rh_clock_monotonic() < until) {
            struct pollfd answer = {.fd = rh_pg_socket(watch->pg), .events = POLLIN};
            poll(&answer, 1, 100);
        }
    rh_pg_close(watch->pg);
    free(watch);
}

bool rh_waiter_watch_begin(rh_waiter_watch *watch, rh_usec interval, int rounds)
{
    rh_text sql = {0};
    rh_text_printf(&sql, "SET pgrehearse.interval = '%.6f'; SET pgrehearse.checks = '%d'; ",
                   rh_seconds(interval), rounds);
    rh_text_append(&sql, rh_sql_watch);
    watch->busy = rh_pg_send(watch->pg, sql.data) && rh_pg_flush(watch->pg);
    rh_text_release(&sql);
    return watch->busy;
}

bool rh_waiter_watch_is_busy(const rh_waiter_watch *watch)
{
    return watch->busy;
}

int rh_waiter_watch_socket(const rh_waiter_watch *watch)
{
    return rh_pg_socket(watch->pg);
}

rh_waiters rh_waiter_watch_ask(rh_waiter_watch *watch, rh_usec *gap)
{
    int64_t rows = 0;
    rh_pg_poll state = rh_pg_consume(watch->pg, &rows, NULL);
    if (state == RH_PG_BUSY)
        return RH_WAITERS_PENDING;
    watch->busy = false;
    if (state != RH_PG_DONE || rows < 0)
        return RH_WAITERS_UNKNOWN;
    *gap = rows % SOMEBODY * (RH_SECOND / 1000);
    return rows >= SOMEBODY ? RH_WAITERS_PRESENT : RH_WAITERS_ABSENT;
}

double rh_waiter_watch_cpu(const rh_waiter_watch *watch)
{
    return rh_proc_cpu(rh_pg_backend_pid(watch->pg));
}
