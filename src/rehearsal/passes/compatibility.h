/* The compatibility pass: the running release on the new schema, and the next release on the old one. */
#pragma once
#include "pass.h"
#include "pgrehearse/staging/staging.h"

/* True if the pass has something to test: a mix of the next release, or errors of the load that a changed
 * schema can cause. */
bool rh_compatibility_wanted(const rh_run *run);
typedef struct rh_compatibility_result {
    rh_pass_result pass;
    rh_compatibility compatibility;
} rh_compatibility_result;
/* Resets staging and replays the pending migrations without load. Calls the templates of the load's mix
 * before the first and after each one; those of workload.next on the migrated copy and then, after another
 * reset, before the first and after each one. Staging is migrated afterwards. */
rh_compatibility_result rh_pass_compatibility(const rh_run *run, rh_staging *staging,
                                              const rh_progress *progress, rh_error *error);
