/* What the application's role may do of a load's mix. */
#pragma once
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* Calls each template of LOAD's mix once as the workload's role, undone, and takes those out that the server
 * refuses this role each time: such errors are not the migrations'. They are told in the
 * mix's left_out, their number in what was not measured. A superuser's mix stays as it is. */
bool rh_load_keep_allowed(rh_run *run, rh_staging *staging, rh_load *load, rh_error *error);
