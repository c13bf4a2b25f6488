#include "lookout.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/observe/counters.h"
#include "embedded/observe.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* How watch.sql says that somebody waits. */
enum { SOMEBODY = 100 };

struct rh_lookout {
    rh_pg *pg;
    bool busy;
};

rh_lookout *rh_lookout_open(const char *conninfo, const char *database)
{
    static const char *const keys[] = {"dbname"}, *const values[] = {"postgres"};
    if (strcmp(database, values[0]) == 0)
        return NULL;
    char *elsewhere = rh_pg_conninfo_with(conninfo, 1, keys, values, NULL);
    rh_pg *pg = elsewhere ? rh_pg_connect(elsewhere, ": sampler", NULL) : NULL;
    free(elsewhere);
    rh_lookout *lookout = pg ? rh_alloc(sizeof *lookout) : NULL;
    if (lookout)
        lookout->pg = pg;
    if (lookout &&
        rh_pg_execute(pg,
                      "SET statement_timeout = 0; SET jit = off; SET plan_cache_mode = "
                      "force_generic_plan; DO 'BEGIN END'",
                      NULL) &&
        rh_pg_set_nonblocking(pg, NULL))
        return lookout;
    rh_lookout_close(lookout);
    return NULL;
}

void rh_lookout_close(rh_lookout *lookout)
{
    if (!lookout)
        return;
    /* A backend in the middle of its nap would not notice that nobody listens. */
    rh_usec until = rh_clock_monotonic() + RH_SECOND, gap;
    if (lookout->busy && rh_pg_cancel(lookout->pg))
        while (rh_lookout_ask(lookout, &gap) == RH_LOOKOUT_BUSY && rh_clock_monotonic() < until) {
            struct pollfd answer = {.fd = rh_pg_socket(lookout->pg), .events = POLLIN};
            poll(&answer, 1, 100);
        }
    rh_pg_close(lookout->pg);
    free(lookout);
}

bool rh_lookout_begin(rh_lookout *lookout, rh_usec nap, int looks)
{
    rh_text sql = {0};
    rh_text_printf(&sql, "SET pgrehearse.nap = '%.6f'; SET pgrehearse.looks = '%d'; ", rh_seconds(nap),
                   looks);
    rh_text_append(&sql, rh_sql_watch);
    lookout->busy = rh_pg_send(lookout->pg, sql.data) && rh_pg_flush(lookout->pg);
    rh_text_release(&sql);
    return lookout->busy;
}

bool rh_lookout_is_busy(const rh_lookout *lookout)
{
    return lookout->busy;
}

int rh_lookout_socket(const rh_lookout *lookout)
{
    return rh_pg_socket(lookout->pg);
}

rh_lookout_answer rh_lookout_ask(rh_lookout *lookout, rh_usec *gap)
{
    int64_t rows = 0;
    rh_pg_poll state = rh_pg_consume(lookout->pg, &rows, NULL);
    if (state == RH_PG_BUSY)
        return RH_LOOKOUT_BUSY;
    lookout->busy = false;
    if (state != RH_PG_DONE || rows < 0)
        return RH_LOOKOUT_LOST;
    *gap = rows % SOMEBODY * (RH_SECOND / 1000);
    return rows >= SOMEBODY ? RH_LOOKOUT_SOMEBODY : RH_LOOKOUT_NOBODY;
}

double rh_lookout_cpu(const rh_lookout *lookout)
{
    return rh_proc_cpu(rh_pg_backend_pid(lookout->pg));
}
