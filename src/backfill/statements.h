/* The statements of a batch, by the walk of its backfill. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
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
 * RH_WALK_REMAINING has none: there is nothing to find, and both updates take rows. RH_OWN_AFTER has STEP and
 * LOWEST instead of the others. */
typedef struct rh_backfill_statements {
    const char *find_first;   /* upper end, rows → the batch's last position, rows (NULL: not counted) */
    const char *find_next;    /* position, upper end, rows → the same; no row: the walk has ended */
    const char *update_first; /* last position */
    const char *update_next;  /* position, last position */
    const char *step;         /* as find_next, and the rows are changed */
    char *lowest;             /* position before the first row */
    size_t position_size;     /* parameters of a position */
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
const char *rh_backfill_key_descending(const rh_backfill_target *target, rh_arena *arena);

/* A value of the key's type that lies before all others; NULL: not known. */
const char *rh_backfill_lowest(const rh_backfill_target *target);
/* Refuses sql with :after where no value is known for the first batch: RH_ERROR_SCENARIO with its place. */
bool rh_backfill_check_first(const rh_backfill *backfill, const rh_backfill_target *target, rh_arena *arena,
                             rh_error *error);

/* SQL: relid of the table $1 and of its partitions at any depth. */
#define RH_BACKFILL_PARTS                                                                                    \
    "SELECT relid FROM pg_catalog.pg_partition_tree($1::regclass) UNION SELECT $1::regclass"
