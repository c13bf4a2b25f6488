/* PostgreSQL's table-level lock modes, with the numbers of storage/lockdefs.h. Here "stronger" means the
 * greater number. For conflicts between modes, see the documentation, section 13.3.1. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef enum rh_lock_mode {
    RH_LOCK_NONE, /* no lock, or a mode that is not known */
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
/* The mode of that name; RH_LOCK_NONE for NULL and for any other text (such as SIReadLock, which does not
 * block). */
rh_lock_mode rh_lock_mode_named(const char *name);
/* As SQL writes it: "ACCESS EXCLUSIVE"; NULL for RH_LOCK_NONE. */
const char *rh_lock_mode_sql(rh_lock_mode mode);
/* Abbreviated, for narrow columns: "ACCESS EXCL."; NULL for RH_LOCK_NONE. */
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
    double wait_s; /* sum of the statement's observed waits for locks on the relation; 0: none */
    double held_s; /* from the start of its statement to the end of its transaction; if the statement
                      runs outside a transaction or the lock is inferred: the statement's duration */
    bool blocks_reads, blocks_writes;
    const char *table; /* of an index or TOAST relation: its table, named likewise; NULL: RELATION itself */
    bool inferred;     /* inferred from the statement's text, not observed: no gate fails because of it */
} rh_lock;
/* The table whose users the lock blocks: TABLE if it is set, else RELATION. */
const char *rh_lock_table(const rh_lock *lock);
/* The strongest of COUNT locks, the first of several such; NULL if COUNT is 0. */
const rh_lock *rh_lock_strongest(const rh_lock *locks, size_t count);

/* A lock that a statement is expected to take, by its text and the schema's definitions. */
typedef struct rh_expected_lock {
    const char *relation; /* schema-qualified if the definitions have it, else as the statement names it */
    rh_lock_mode mode;
    const char *because;   /* "the default partition"; NULL: the statement names the relation */
    bool on_new;           /* the migrations created the relation: no session waits for it yet */
    const char *unindexed; /* columns of a foreign key by which it is searched without an index; NULL */
} rh_expected_lock;
