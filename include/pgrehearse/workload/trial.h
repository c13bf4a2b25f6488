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

/* What a template's rows of values came to. */
typedef struct rh_sieve {
    size_t tried, kept;  /* the same: all rows of values are kept, also those that were not tried */
    const char *message; /* of the first that the server refused; NULL: none was */
} rh_sieve;

/* Calls TEMPLATE on PG with up to some thousand of its rows of values, each call undone. Where the server
 * refuses some, or a call that has a row to change changes none, TEMPLATE keeps those that went well. Errors
 * as below. */
bool rh_template_sieve(rh_pg *pg, rh_template *template_, rh_arena *arena, rh_sieve *sieve, rh_error *error);

/* Calls TEMPLATE of MIX on PG with the same rows of values each time, in a transaction that is rolled back,
 * each call with its deferred constraints; a call may take 5 s. ONLY (may be NULL): of these calls, those
 * that went well there; others are not made. A server that is lost or an interrupt is an error; what the
 * server refuses is in TRIAL, whose texts are in ARENA. */
bool rh_template_try(rh_pg *pg, const rh_mix *mix, const rh_template *template_, const rh_trial *only,
                     rh_arena *arena, rh_trial *trial, rh_error *error);
