/* After a failed migration: the state in which its failure leaves the database, and whether the migrations
 * before it can be rolled back. Part of the pipeline. */
#pragma once
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* After a migration failed in a quiet pass: runs the loaded pass and the rollback of the migrations before
 * it, if the scenario has them. Then, from the restored state, runs the failed one again and records the
 * schema, rows, invalid indexes and history rows after its failure, and the outcome of a second run (an
 * rh_interruption with RH_INTERRUPTION_FAILURE). After a failure under load only: the rollback of all.
 * Outcomes do not change; problems are added to run->not_measured. */
void rh_after_failure(rh_run *run, rh_staging *staging, const rh_progress *progress);
