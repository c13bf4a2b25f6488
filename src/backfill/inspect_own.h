/* sql: with :limit, tried before a batch runs. */
#pragma once
#include "statements.h"
#include "pgrehearse/adapters/pg.h"

/* In a transaction that the caller rolls back. False: RH_ERROR_SCENARIO with the place of what is wrong. */
bool rh_backfill_try_limited(rh_pg *pg, const rh_backfill *backfill, const rh_backfill_target *target,
                             rh_arena *arena, rh_error *error);

/* Rows of the table that PG has written in this transaction, and earlier ones that the server has not counted
 * yet; RH_UNKNOWN where it does not count. */
bool rh_backfill_count_written(rh_pg *pg, const rh_backfill_target *target, int64_t *count, rh_error *error);

/* Rows on which a backfill is tried. */
enum { RH_BACKFILL_TRIED = 100 };
