/* The standby beside a backfill: its replay capacity, and the runs that confirm a setting with it. */
#pragma once
#include "sweep.h"

/* Times the replay of a standby while nothing else runs: batches fill its WAL while its replay is paused.
 * Ends with no standby running. What could not be measured is in the result. No connection may be open. */
bool rh_sweep_measure_replay(rh_sweep *sweep, rh_backfill_result *result, rh_error *error);
/* Runs the fastest settings that held their gates again, with the standby, until two have held replica_lag,
 * too; states by what was found. */
bool rh_sweep_confirm(rh_sweep *sweep, rh_backfill_result *result, rh_error *error);
