/* The relation locks of a session. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/migration.h"

/* The relation locks that PG's own session holds now (exact), one a relation with its strongest mode,
 * strongest first, without the system catalogs. An index or TOAST table is left out when its table is locked
 * as strongly, or when it came into being in this very transaction, so that nobody else can meet it. A
 * relation that this transaction made, and a temporary one, blocks nobody: blocks_reads and blocks_writes are
 * false. wait_s is 0 and held_s not measured: the caller knows them. Everything in ARENA. A relation that
 * this transaction dropped has no name any more for its own session: "OID 16390"; see rh_locks_held_with. Not
 * to be asked right after BEGIN or SET TRANSACTION: it would take the transaction's snapshot. */
bool rh_locks_held(rh_pg *pg, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error);

/* The same; what PG's session cannot name is looked up over SIDE (in the same database), where a drop that is
 * not committed has not happened yet. A failure on SIDE only leaves the OID. */
bool rh_locks_held_with(rh_pg *pg, rh_pg *side, rh_arena *arena, rh_lock **locks, size_t *count,
                        rh_error *error);

/* The same for the session PID, seen from outside over SIDE: relations that its open transaction made are
 * left out, since SIDE cannot know them. For statements in autocommit while they run. */
bool rh_locks_of_pid(rh_pg *side, int pid, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error);
