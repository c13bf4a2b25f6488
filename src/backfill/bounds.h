/* Settings that cannot hold, by what the batches did without load: they are not run. */
#pragma once
#include "sweep.h"

/* What batches of one size did without load: of a batch, NaN where none ran. */
typedef struct rh_quiet_batches {
    double batch_s, rows, wal;
} rh_quiet_batches;
/* Of BATCH rows; 0: of all sizes. */
rh_quiet_batches rh_sweep_quiet(const rh_sweep *sweep, int64_t batch);

/* The rows a second that the standby, the archiver and vacuum keep up with, each as a bound with its reason;
 * excludes the settings that are far beyond one. Call once the evidence has a window without batches: the
 * load writes WAL, too. */
void rh_sweep_bound_rates(const rh_sweep *sweep, rh_backfill_result *result);
