/* What a migration's locks will do on production: how long each is waited for, who stands behind it
 * meanwhile. Plain data; predict/lock_forecast.h has the formulas. Figures that could not be predicted are
 * RH_NOT_MEASURED.
 */
#pragma once
#include "pgrehearse/model/lock_mode.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* P(the lock is granted within t_s of the request). */
typedef struct rh_lock_chance {
    double t_s, probability;
} rh_lock_chance;

/* One lock of one statement that somebody waits for, or that waits for somebody. */
typedef struct rh_lock_forecast {
    const char *migration;
    int statement;
    const char *relation; /* "public.orders" */
    rh_lock_mode mode;
    bool blocks_reads, blocks_writes;
    bool concurrent; /* CREATE INDEX CONCURRENTLY and the like: it waits for others, nobody waits for it */

    double lock_timeout_s;         /* in force for the statement; 0: none */
    const char *lock_timeout_from; /* "the migration", "production's setting", "PostgreSQL's default" */

    const rh_lock_chance *chances; /* rising by t_s; those beyond lock_timeout_s are left out */
    size_t chance_count;
    double granted;      /* P(one try gets it): 1 without lock_timeout */
    double attempts;     /* expected until it has it; INFINITY when it never does */
    double wait_s;       /* of the try that gets it, expected */
    double wait_high_s;  /* of any try, at the level */
    double wait_total_s; /* over all tries, expected, pauses between them not counted */

    double hold_s, hold_high_s; /* until the end of its transaction */
    /* From the request to the end of its transaction: how long whom it blocks stands still. */
    double blocked_s, blocked_high_s;

    double reads_per_s,
        writes_per_s;          /* of the relation on production; at most, where rows stand for statements */
    double waiting;            /* connections queued at the end of blocked_s */
    double without_connection; /* requests that find none free by then */
    double pool_exhausted_s;   /* after the request; not measured: the pool lasts, or is not known */
    double drain_s;            /* until the backlog is worked off; INFINITY: never */

    const char *basis;   /* a sentence: what these figures come from */
    const char *unknown; /* a sentence: why figures are missing; NULL */
} rh_lock_forecast;

typedef struct rh_lock_forecasts {
    bool made;     /* false: there is no profile, or nothing was replayed */
    double level;  /* of every _high_ figure */
    int64_t looks; /* at production's open transactions */
    double watched_s;
    double connections;           /* the pool; not measured */
    const char *connections_from; /* "the scenario", "max_connections"; NULL */
    double service_per_s;         /* statements that production completes in a second at most; not measured */
    rh_lock_forecast *rows;       /* in the order the statements run */
    size_t row_count;
    /* The longest stretch on any relation, by the rows; not measured when a row that could be it is not. */
    double reads_blocked_s, reads_blocked_high_s, writes_blocked_s, writes_blocked_high_s;
    const rh_lock_forecast *reads_worst, *writes_worst; /* rows that have it; NULL: none blocks */
    const char *unknown; /* a sentence: why the longest stretches are missing; NULL */
} rh_lock_forecasts;
