/* Where a backfill is proven: a sample of the current database. */
#pragma once
#include "pgrehearse/backfill/backfill.h"
#include "pgrehearse/staging/staging.h"
#include "pgrehearse/model/run.h"

/* What leads a program to the current database of STAGING through PROXY: for rh_backfill_programs. */
const char **rh_backfill_environment(void *staging, const struct rh_proxy *proxy, rh_arena *arena,
                                     rh_error *error);

/* The database has the migrations up to the backfill, and the sweep has filled RESULT: claims go there, too.
 */
bool rh_backfill_prove_on_sample(const rh_run *run, rh_staging *staging, const rh_backfill *backfill,
                                 const rh_progress *progress, rh_backfill_result *result, rh_notes *notes,
                                 rh_error *error);
