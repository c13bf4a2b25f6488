/* The backfill pass: each backfill of the scenario, on a database that has the migrations before it. */
#pragma once
#include "pass.h"

typedef struct rh_backfill_pass_result {
    rh_pass_result pass;
    rh_backfill_result backfill;
} rh_backfill_pass_result;

/* The migrations after which backfills run are pending: RH_ERROR_SCENARIO with the place of one that is not.
 */
bool rh_backfill_check_migrations(const rh_scenario *scenario, const rh_plan *plan, rh_error *error);

/* The programs of backfills can be started: RH_ERROR_SCENARIO with the place of one that cannot. */
bool rh_backfill_check_programs(const rh_scenario *scenario, rh_error *error);

/* Resets staging, runs the migrations up to the one that BACKFILL comes behind, makes the load's mix there,
 * and runs the sweep. */
rh_backfill_pass_result rh_pass_backfill(const rh_run *run, rh_staging *staging, const rh_backfill *backfill,
                                         const rh_progress *progress, rh_error *error);
/* Adds a gate for each backfill that has gates: held by the setting that is recommended. */
void rh_backfill_gates(rh_run *run);
