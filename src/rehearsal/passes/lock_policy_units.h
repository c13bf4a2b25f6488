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
    bool concurrent; /* a single statement that runs in no transaction and can be tried again */
} rh_lock_unit;

/* The transactions of MIGRATION's way up, in ARENA; returns their count. Hazardous is what takes a lock that
 * keeps MIX's reads or writes out of a relation that it uses. */
size_t rh_lock_units(const rh_migration *migration, const rh_mix *mix, rh_arena *arena, rh_lock_unit **units);

/* The session that migrates, and what is known of the one case. */
typedef struct rh_lock_attempts {
    const rh_run *run;
    rh_pg *pg;
    const rh_lock_unit *unit;
    rh_lock_policy_case *one; /* invalid indexes are told here */
    rh_usec deadline;         /* of the whole search (monotonic) */
    int64_t newest;           /* OID of the newest index before the case */
} rh_lock_attempts;

/* Attempts until one gets through, with TRY's lock_timeout; fills TRY. False with an error that no further
 * attempt would mend. Nothing of it stays but an index that was built CONCURRENTLY: rh_lock_undo drops that.
 */
bool rh_lock_try_run(rh_lock_attempts *attempts, rh_lock_try *one_try, rh_error *error);
bool rh_lock_undo(rh_lock_attempts *attempts, rh_error *error);
/* Carries the transaction out. */
bool rh_lock_unit_apply(rh_lock_attempts *attempts, rh_error *error);
