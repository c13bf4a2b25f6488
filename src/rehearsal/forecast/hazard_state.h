/* Decides whether the measurement confirms or refutes a hazard. */
#pragma once
#include "pgrehearse/model/run.h"

/* A statement as it was measured. */
typedef struct rh_measured {
    rh_arena *arena;
    const rh_migration *migration;
    rh_statement *statement;
    const rh_statement_run
        *ran;            /* the run that tells: under load, else the last quiet one; NULL: it did not run */
    double elapsed_s;    /* the least of its quiet runs, else under load; RH_NOT_MEASURED */
    const rh_lock *lock; /* the strongest that its transaction had by its end; NULL: none was seen */
    const rh_statement *acquirer; /* which statement took LOCK */
    const rh_lock *kept; /* the strongest that an earlier statement of its transaction took and that keeps
                            out readers or writers; NULL: none was seen */
    const rh_statement *keeper; /* which one took KEPT */
    bool waits_first;           /* no earlier statement of its transaction took a lock that strong */
} rh_measured;

/* What is known of statement INDEX of MIGRATION; TRANSACTIONS as rh_plan_transactions gives them. */
rh_measured rh_measured_of(const rh_migration *migration, size_t index, const int *transactions,
                           rh_arena *arena);

/* Sets the state of the statement's hazards, drops a missing-lock-timeout when one was in force, and adds
 * those that only the measurement shows: a rewrite, a scan or an index build under a lock that the text does
 * not tell of, a lock waited for without limit, work that the text hides behind a lock. What took less than a
 * tenth of a second on a small table is no hazard. */
void rh_hazards_measure(const rh_measured *measured);

/* hazard_measured.c: adds those, unless the text warned of them; SMALL: what the statement did took no time
 * to speak of. */
void rh_hazards_add_measured(const rh_measured *measured, bool small);
/* A lock_timeout that does not protect other sessions: none (0), or more than a minute. Not read: false. */
bool rh_lock_timeout_is_missing(double limit_s);
/* From here on a duration is long, in s. */
#define RH_LONG_S 0.1
