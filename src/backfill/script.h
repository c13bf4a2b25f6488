/* A backfill as SQL to paste. */
#pragma once
#include "statements.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/migration.h"

/* The table of BACKFILL as PLAN's definitions and its migrations before the backfill make it. False:
 * RH_ERROR_SCENARIO for a table or a key that they do not tell, with the key to write. */
bool rh_backfill_target_of(const rh_backfill *backfill, const rh_plan *plan, rh_arena *arena,
                           rh_backfill_target *target, rh_error *error);

/* The parts of the printed SQL that run it. In ARENA. */
typedef struct rh_backfill_procedure {
    const char *definitions;          /* of the table of progress and the procedure */
    const char *procedure, *progress; /* their names, qualified */
} rh_backfill_procedure;
rh_backfill_procedure rh_backfill_procedure_of(const rh_backfill *backfill, const rh_backfill_target *target,
                                               rh_arena *arena);
