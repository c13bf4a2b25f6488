/* PostgreSQL's table-level lock modes, by its own numbers (storage/lockdefs.h): a greater number is a
 * stronger mode. Of what a mode conflicts with: documentation, section 13.3.1. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef enum rh_lock_mode {
    RH_LOCK_NONE, /* none, or not known */
    RH_LOCK_ACCESS_SHARE,
    RH_LOCK_ROW_SHARE,
    RH_LOCK_ROW_EXCLUSIVE,
    RH_LOCK_SHARE_UPDATE_EXCLUSIVE,
    RH_LOCK_SHARE,
    RH_LOCK_SHARE_ROW_EXCLUSIVE,
    RH_LOCK_EXCLUSIVE,
    RH_LOCK_ACCESS_EXCLUSIVE,
    RH_LOCK_MODE_COUNT
} rh_lock_mode;

/* As pg_locks, the server's log and report.json name it: "AccessExclusiveLock"; NULL for RH_LOCK_NONE. */
const char *rh_lock_mode_name(rh_lock_mode mode);
/* The mode of that name; RH_LOCK_NONE for NULL and for every other text (SIReadLock, which blocks nothing).
 */
rh_lock_mode rh_lock_mode_named(const char *name);
/* As SQL has it: "ACCESS EXCLUSIVE"; NULL for RH_LOCK_NONE. */
const char *rh_lock_mode_sql(rh_lock_mode mode);
/* The same where columns are narrow: "ACCESS EXCL."; NULL for RH_LOCK_NONE. */
const char *rh_lock_mode_short(rh_lock_mode mode);
bool rh_lock_modes_conflict(rh_lock_mode a, rh_lock_mode b);
/* Conflicts with ACCESS SHARE (SELECT); with ROW EXCLUSIVE (INSERT, UPDATE, DELETE). */
bool rh_lock_mode_blocks_reads(rh_lock_mode mode);
bool rh_lock_mode_blocks_writes(rh_lock_mode mode);
/* What it blocks, in words: "reads and writes", "writes", "schema changes and VACUUM" … */
const char *rh_lock_mode_blocks(rh_lock_mode mode);

/* A lock of the migration's own session. */
typedef struct rh_lock {
    const char *relation; /* schema-qualified, quoted where needed */
    rh_lock_mode mode;
    double wait_s; /* until it was granted; 0 when no session held a conflicting lock */
    double held_s; /* until the end of its transaction */
    bool blocks_reads, blocks_writes;
    const char *table; /* of an index or TOAST relation: its table, named likewise; NULL: RELATION itself */
    bool inferred;     /* inferred from the statement's text, not observed: no gate counts it */
} rh_lock;
/* The table whose users meet the lock. */
const char *rh_lock_table(const rh_lock *lock);
/* The strongest of COUNT locks, the first among equals; NULL of none. */
const rh_lock *rh_lock_strongest(const rh_lock *locks, size_t count);

/* A lock that a statement takes, by its text and the definitions of the schema: expected, never measured. */
typedef struct rh_expected_lock {
    const char *relation; /* schema-qualified where the definitions tell, else as the statement names it */
    rh_lock_mode mode;
    const char *because;   /* "the default partition"; NULL: the statement names the relation */
    bool on_new;           /* the migrations created the relation: no session waits for it yet */
    const char *unindexed; /* columns of its foreign key that it is searched by, without an index; NULL */
} rh_expected_lock;
