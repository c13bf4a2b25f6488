/* A backfill checked against its table, before a batch runs. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "statements.h"

/* Resolves the table and its key in PG (a session of the backfill's role) and refuses what cannot be
 * backfilled, with the place in the scenario (RH_ERROR_SCENARIO): a view, a key that is not unique or may be
 * null, SET that changes the key, SQL that the server refuses, rows that still match WHERE after SET. The
 * last is tried on some rows in a transaction that is rolled back. In ARENA. */
bool rh_backfill_inspect(rh_pg *pg, const rh_backfill *backfill, rh_arena *arena, rh_backfill_target *target,
                         rh_error *error);
