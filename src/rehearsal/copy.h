/* The rehearsal of a physical copy, where it differs from that of a dump. */
#pragma once
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* RH_ERROR_SCENARIO for keys that a physical copy cannot have. */
bool rh_copy_check_keys(const rh_scenario *scenario, rh_error *error);
/* Before anything starts: the same, and RH_ERROR_BACKUP for a copy that cannot be restored; true for a dump.
 */
bool rh_copy_check(const rh_run *run, rh_error *error);
/* Makes the copy the content of STAGING. */
bool rh_copy_restore(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error);
