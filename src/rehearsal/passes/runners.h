/* The concurrent runners pass: several runners of the same migrations, started at once. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pass.h"
#include "pgrehearse/staging/staging.h"

typedef struct rh_runners_result {
    rh_pass_result pass;
    rh_runners runners;
} rh_runners_result;
/* Runs the program that migrates once alone, and then, from the restored state again,
 * migrations.concurrent_runners of it at once, each through a proxy of its own. Behind its first change a
 * runner is held until the others have made one, wait for a lock, or have ended (5 s at most), so that they
 * meet whatever the machine does. A program that fails then is a finding, not an error. */
rh_runners_result rh_pass_runners(const rh_run *run, rh_staging *staging, const rh_progress *progress,
                                  rh_error *error);
