/* Internal to migrations/: statements that wait for a prepared transaction. */
#pragma once
#include "pgrehearse/migrations/replay.h"

/* Of one replay: while a statement of PG takes long, a session of its own checks whether it waits for a
 * prepared transaction, which nothing of this run would ever end. */
typedef struct rh_prepared_watch {
    rh_pg *pg, *side; /* SIDE NULL: the server has no prepared transactions */
    const rh_plan *plan;
    rh_arena *arena;
    int seen; /* consecutive checks that found it so */
} rh_prepared_watch;

/* Looks every second from now on. Outside of a transaction of PG. */
void rh_prepared_watch_begin(rh_prepared_watch *watch, rh_pg *pg, const rh_plan *plan, rh_arena *arena);
void rh_prepared_watch_end(rh_prepared_watch *watch);
