/* The statements of a batch, by the walk of its backfill. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/backfill.h"

/* The table, as the server or the backup's definitions describe it. Names are quoted where needed. */
typedef struct rh_backfill_target {
    const char *table; /* qualified */
    const char *name;  /* by which SET and WHERE refer to it */
    const char *key[RH_BACKFILL_KEY_MAX], *types[RH_BACKFILL_KEY_MAX];
    size_t key_count;
    bool partitioned;
} rh_backfill_target;

/* A position is a value of the key as text, one parameter a column; with RH_WALK_CTID, a page number.
 *   find_first   upper end, rows → the last position of the batch, and how many rows it has (NULL: not
 * counted) find_next    position, upper end, rows → the same; no row: the walk has ended update_first last
 * position update_next  position, last position RH_WALK_REMAINING has no positions: find_first and find_next
 * are NULL, and both updates take rows. */
typedef struct rh_backfill_statements {
    const char *find_first, *find_next, *update_first, *update_next;
    size_t position_size; /* parameters of a position */
} rh_backfill_statements;

/* In ARENA, as below. */
rh_backfill_statements rh_backfill_statements_of(const rh_backfill *backfill,
                                                 const rh_backfill_target *target, rh_arena *arena);

/* The greatest position: the last key of the table, or the number of its pages. Fixed when a backfill begins,
 * so that it ends however many rows come in meanwhile. */
const char *rh_backfill_last_sql(const rh_backfill *backfill, const rh_backfill_target *target,
                                 rh_arena *arena);
/* How many rows up to a position are still to do. */
const char *rh_backfill_count_up_to(const rh_backfill *backfill, const rh_backfill_target *target,
                                    rh_arena *arena);

/* "id", "tenant, id"; PREFIX before each: "orders.id". In ARENA. */
const char *rh_backfill_key_list(const rh_backfill_target *target, const char *prefix, rh_arena *arena);
/* "id DESC", "tenant DESC, id DESC". */
const char *rh_backfill_key_order(const rh_backfill_target *target, rh_arena *arena);

/* SQL: relid of the table $1 and of its partitions at any depth. */
#define RH_BACKFILL_PARTS                                                                                    \
    "SELECT relid FROM pg_catalog.pg_partition_tree($1::regclass) UNION SELECT $1::regclass"
