/* Errors in the scenario, with their line and column. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/model/backfill.h"

/* Sets RH_ERROR_SCENARIO at WHERE. HINT may be NULL. Returns false. */
bool rh_backfill_refuse(const rh_location *where, rh_error *error, const char *message, const char *hint);
/* An error of the server becomes one of the scenario's key WHAT, at WHERE; others stay. Returns false. */
bool rh_backfill_blame(const rh_location *where, const char *what, rh_error *error);
/* sql: returned no key behind :after. Returns false. */
bool rh_backfill_refuse_standstill(const rh_backfill *backfill, rh_error *error);
