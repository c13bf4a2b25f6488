/* After a failed migration: the state in which its failure leaves the database, and whether the migrations
 * before it can be rolled back. Part of the pipeline. */
#pragma once
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* After a migration failed in a quiet pass: the loaded pass and the rollback of those before it, as the
 * scenario wants them; then, from the restored state, the failed one once more: the schema, rows, invalid
 * indexes and history that its failure leaves, and what running it again meets (an rh_interruption of
 * RH_INTERRUPTION_FAILURE). After one that failed under load only: the rollback of all. The outcomes stay
 * what they were; what goes wrong here is told in run->not_measured. */
void rh_after_failure(rh_run *run, rh_staging *staging, const rh_progress *progress);
