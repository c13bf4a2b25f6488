/* Files the results of passes into the run. The pipeline calls these functions; passes do not. Each returns
 * whether its pass succeeded. */
#pragma once
#include "backfill.h"
#include "compatibility.h"
#include "lock_policy.h"
#include "pass.h"
#include "runners.h"

/* Runs, outcomes, records, notes. */
bool rh_file_pass(rh_run *run, const rh_pass_result *result);
/* Of the first quiet pass also its locks, which stand until a loaded pass says more, and the constraints. */
bool rh_file_quiet(rh_run *run, const rh_quiet_result *result);
/* Names the load's templates and the disturbers in the lock waits. */
bool rh_file_loaded(rh_run *run, const rh_loaded_result *result);
bool rh_file_compatibility(rh_run *run, const rh_compatibility_result *result);
bool rh_file_rollback(rh_run *run, const rh_rollback_result *result);
bool rh_file_interruption(rh_run *run, const rh_interruption_result *result);
bool rh_file_runners(rh_run *run, const rh_runners_result *result);
/* Also the backfill itself. */
bool rh_file_backfill(rh_run *run, const rh_backfill_pass_result *result);
bool rh_file_lock_policy(rh_run *run, const rh_lock_policy_result *result);
