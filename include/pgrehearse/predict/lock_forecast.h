/* The migrations' locks on production: waits from what its profile saw of open transactions (lock_wait.h),
 * holds from the predicted durations, queues from its rates. Pure arithmetic.
 *
 * A lock is held from the statement that takes it to the end of its transaction: as long as in the last quiet
 * run, times what is predicted for the statements in between over what they took then. Whom it blocks stands
 * still from the request on, because PostgreSQL makes later conflicting requests queue behind it.
 *
 * Rates: a read of the relation is a scan of it or of its indexes that is not an update's or a delete's, a
 * write a row inserted, updated or deleted; together at most the database's commits. A statement that touches
 * several rows counts more than once, so queues are upper bounds. What production completes in a second:
 * CPUs / mean time of a statement.
 */
#pragma once
#include "pgrehearse/model/prediction.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/profile.h"

/* lock_timeout as it is in force when a statement begins. */
typedef struct rh_lock_timeout {
    double seconds;   /* 0: none; RH_NOT_MEASURED: not known */
    const char *from; /* "the migration", "production's setting" … */
} rh_lock_timeout;

typedef struct rh_lock_forecast_input {
    const rh_plan *plan; /* replayed, its statements predicted */
    const rh_profile *profile;
    const char *const *unlisted; /* "public.orders": tables of the copy that the profile does not have */
    size_t unlisted_count;
    const rh_lock_timeout *timeouts; /* of the plan's statements in order */
    double connections;              /* the application's; RH_NOT_MEASURED: what max_connections leaves */
    double level;                    /* 0.9 */
} rh_lock_forecast_input;

/* The fewest looks at the open transactions after which having seen none supports, with confidence LEVEL,
 * that the lock is free with probability LEVEL: exp(−N) ≥ level, and n looks that saw nothing bound N by
 * −ln(1 − level) / n. */
int64_t rh_lock_samples_needed(double level);

/* A row for every lock of a pending statement that keeps others out of a table of the copy, or waits for
 * others: ShareUpdateExclusiveLock and stronger. Tables that the migrations made themselves have none. What
 * the profile does not tell is RH_NOT_MEASURED, with the reason in the row's unknown. */
void rh_lock_forecast_make(const rh_lock_forecast_input *input, rh_arena *arena,
                           rh_lock_forecasts *forecasts);
