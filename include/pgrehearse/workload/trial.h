/* Calling templates as the application would, and undoing it: does this schema still serve them? */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/load.h"

/* Calls a template at most so often, each with another row of values. */
enum { RH_TRIAL_CALLS = 5 };

typedef struct rh_trial {
    bool good[RH_TRIAL_CALLS]; /* the call went well; one that was not made did not */
    int tried, failed;
    const char *sqlstate, *message; /* of the first failure; NULL: there was none */
} rh_trial;

/* Calls TEMPLATE of MIX on PG with the same rows of values each time, in a transaction that is rolled back,
 * each call with its deferred constraints; a call may take 5 s. ONLY (may be NULL): of these calls, those
 * that went well there; others are not made. A server that is lost or an interrupt is an error; what the
 * server refuses is in TRIAL, whose texts are in ARENA. */
bool rh_template_try(rh_pg *pg, const rh_mix *mix, const rh_template *template_, const rh_trial *only,
                     rh_arena *arena, rh_trial *trial, rh_error *error);
