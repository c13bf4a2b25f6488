/* The committed state of every table, materialized view and index of a database. The difference of two states
 * shows what other sessions did to relations in between. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/statement.h"

/* Counts are cumulative, and hold what sessions have published: PostgreSQL 15 and newer do so at a
 * transaction's end, when a second has passed since they last did, and when they end. */
typedef struct rh_committed_relation {
    int64_t oid, table; /* table: of an index; else 0 */
    int64_t filenode, relpages, reltuples;
    int64_t pages; /* by the size of its files; RH_UNKNOWN if not requested */
    int64_t blocks, scans, inserted, updated, deleted;
    const char *name; /* qualified, quoted where needed */
    char kind;        /* 'r', 'm', 'i' */
    bool valid;
} rh_committed_relation;

/* The number of columns of a relation in the query; other columns may follow. */
enum { RH_COMMITTED_COLUMNS = 14 };
rh_committed_relation rh_committed_row(const rh_pg_result *result, size_t row, rh_arena *arena);
/* Sets the counts of WORK to NOW − LAST; false if all are 0. */
bool rh_committed_difference(const rh_committed_relation *last, const rh_committed_relation *now,
                             rh_relation_work *work);

/* By OID. System catalogs, TOAST and temporary relations are not in it. */
typedef struct rh_committed {
    rh_committed_relation *relations;
    size_t count;
} rh_committed;

typedef struct rh_relation_change {
    int64_t oid;
    const char *name_before; /* differs from work.relation when it was renamed; NULL when it was created */
    bool dropped;            /* then nothing of WORK but its name is known */
    rh_relation_work work;   /* is_private: created since the earlier state */
} rh_relation_change;

/* Reads the state over SIDE. SIZES: with the tables' sizes in pages, which takes a short ACCESS SHARE lock on
 * each. */
bool rh_committed_read(rh_pg *side, bool sizes, rh_arena *arena, rh_committed *state);
/* Sets pages_after of the tables and indexes in CHANGES that were created or rewritten. Takes the same locks.
 */
void rh_committed_read_sizes(rh_pg *side, rh_relation_change *changes, size_t count);
/* The relations that differ between BEFORE and AFTER, in ARENA: those that were read, changed or created. */
void rh_committed_compare(const rh_committed *before, const rh_committed *after, rh_arena *arena,
                          rh_relation_change **changes, size_t *count);
