/* Definitions shared by the lock policy's files. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "lock_policy.h"
#include "pgrehearse/workload/workload.h"

/* One transaction of a migration: its statements with indexes FIRST … LAST. */
typedef struct rh_lock_unit {
    const rh_migration *migration;
    size_t first, last;
    const rh_statement *heaviest; /* with the lock that makes it hazardous; NULL: none has */
    const char *relation;         /* of that lock */
    rh_lock_mode mode;
    bool concurrent; /* a single statement that runs outside a transaction and can be retried */
} rh_lock_unit;

/* The transactions of MIGRATION, in ARENA; returns their count. A transaction is hazardous if a lock of it
 * blocks reads or writes of MIX on a relation. */
size_t rh_lock_units(const rh_migration *migration, const rh_mix *mix, rh_arena *arena, rh_lock_unit **units);

/* The session of the migration, and the current case. */
typedef struct rh_lock_attempts {
    const rh_run *run;
    rh_pg *pg;
    const rh_lock_unit *unit;
    rh_lock_policy_case *one; /* invalid indexes are added here */
    rh_usec deadline;         /* of the whole search (monotonic) */
    int64_t newest;           /* OID of the newest index before the case */
} rh_lock_attempts;

/* Attempts the transaction with TRY's lock_timeout until it succeeds, and fills TRY. False for an error that
 * a further attempt cannot repair. Rolls back; an index that was built CONCURRENTLY stays until rh_lock_undo.
 */
bool rh_lock_try_run(rh_lock_attempts *attempts, rh_lock_try *one_try, rh_error *error);
bool rh_lock_undo(rh_lock_attempts *attempts, rh_error *error);
/* Executes the transaction and commits it. */
bool rh_lock_unit_apply(rh_lock_attempts *attempts, rh_error *error);
