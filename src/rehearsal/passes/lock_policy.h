/* Searches a lock policy by trials: the lock_timeout with which a hazardous transaction succeeds, and its
 * effect on the load. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pass.h"
#include "pgrehearse/staging/staging.h"

typedef struct rh_lock_policy_result {
    rh_pass_result pass;
    rh_lock_policy_search search;
} rh_lock_policy_result;
/* Resets staging and goes through the pending migrations under load, with the disturbers. Each transaction
 * whose locks block the load's reads or writes of a table, and each CREATE INDEX or REINDEX CONCURRENTLY, is
 * tried with every lock_timeout and rolled back (an index is dropped), then executed, so that the next one
 * finds its state. Failures are in the result; they are no failures of the migration. */
rh_lock_policy_result rh_pass_lock_policy(const rh_run *run, rh_staging *staging, const rh_progress *progress,
                                          rh_error *error);

/* One trial: attempts with pauses in between, until one succeeds. */
typedef struct rh_lock_try {
    rh_usec timeout; /* 0: none */
    bool success;
    int attempts;
    double total_s, lock_wait_s; /* wait: the longest attempt that timed out; RH_NOT_MEASURED: none did */
    double response_max_ms, response_p99_ms; /* of the load meanwhile; RH_NOT_MEASURED: no arrival */
    int64_t load_errors;
    const char *failure; /* of the last attempt */
    const char *window;  /* the load's, for the figures above */
} rh_lock_try;

/* The pause after the N-th attempt (from 1): twice the lock_timeout, at least 200 ms, doubled each time, at
 * most 10 s. */
rh_usec rh_lock_policy_pause(rh_usec timeout, int attempt);

/* The figures of one lock_timeout from its COUNT trials. */
rh_lock_policy rh_lock_policy_of_tries(rh_usec timeout, const rh_lock_try *tries, size_t count);

/* Marks the recommended policy and returns its index, or -1. Of those that succeeded in every trial, it is
 * the one with the lowest worst response time of the load; among several within 20 % or 20 ms of it, one with
 * a lock_timeout before none, then the one that succeeded first. HOLD_S: the duration of the transaction
 * without conflicting sessions (may be RH_NOT_MEASURED). *WHY is a sentence in ARENA. */
int rh_lock_policy_choose(rh_lock_policy *policies, size_t count, double hold_s, rh_arena *arena,
                          const char **why);

/* Fills overall, recommended, why and settings from the cases. */
void rh_lock_policy_conclude(rh_lock_policy_search *search, rh_framework framework, rh_arena *arena);
