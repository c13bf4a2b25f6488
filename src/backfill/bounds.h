/* Settings that cannot hold, by what the batches did without load: they are not run. */
#pragma once
#include "sweep.h"

/* What batches of one size did without load. */
typedef struct rh_quiet_batches {
    size_t count;
    double batch_s, rows, wal; /* means of a batch; NaN where none ran */
    double median_s;           /* of their times; likewise */
    double locks_p90_s;        /* nine in ten kept their rows locked for less; likewise */
} rh_quiet_batches;
/* Of BATCH rows; 0: of all sizes. */
rh_quiet_batches rh_sweep_quiet(const rh_sweep *sweep, int64_t batch);

/* Excludes the settings whose batches alone take longer than lock_wait, or write more than wal_rate. */
void rh_sweep_bound_batches(const rh_sweep *sweep, rh_backfill_result *result);
/* The rows a second that the standby, the archiver and vacuum keep up with, each as a bound with its reason;
 * excludes the settings that are far beyond one. Call once the evidence has a window without batches: the
 * load writes WAL, too. */
void rh_sweep_bound_rates(const rh_sweep *sweep, rh_backfill_result *result);
