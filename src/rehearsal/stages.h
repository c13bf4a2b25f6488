/* The stages of a rehearsal, in the order of docs/design.md, section 5. */
#pragma once
#include "fetch.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* The level of every interval. */
#define RH_PREDICTION_LEVEL 0.9

typedef struct rh_rehearsal {
    const rh_scenario *scenario;
    rh_run *run;
    rh_staging *staging;
    rh_fetched fetched; /* what backup.command restored */
    const rh_progress *progress;
    const char *stage; /* the one under way: what failed, when something does */
} rh_rehearsal;

/* Does its part of R's run. False: ERROR ends the run, and r->stage is where. */
typedef bool rh_stage(rh_rehearsal *r, rh_error *error);

/* From the backup to a staging server at rest, NULL-ended (stages_before.c). */
extern rh_stage *const RH_STAGES_BEFORE[];
/* The passes, NULL-ended, that the pending migrations of PLAN need (stages_passes.c). */
rh_stage *const *rh_stages_of(const rh_plan *plan);
