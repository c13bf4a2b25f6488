/* samples/: all samples as CSV files. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/model/run.h"

/* Writes load, waits, queue, deadlocks, cancelled, blocked, locks, statements and resources .csv into
 * DIRECTORY, which exists. Files whose stage never ran have their header only. */
bool rh_samples_write(const rh_run *run, const char *directory, rh_error *error);
/* Likewise, the sums in RECORD: waiters, blockers, templates, disturbances, lock policies … */
bool rh_samples_write_record(const rh_json *record, const char *directory, rh_error *error);
