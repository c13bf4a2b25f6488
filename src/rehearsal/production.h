/* Production's profile in a rehearsal: reads it, compares it with staging, and runs the same probe on
 * staging. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"

/* Reads the scenario's profile, if it names one, into run->production; refuses (RH_ERROR_REFUSED) a given
 * staging server that is the profile's own. Call before staging starts. */
bool rh_production_read(rh_run *run, const rh_progress *progress, rh_error *error);
/* Once the backup is restored and staging runs with its timed settings: compares tables and sizes
 * (RH_ERROR_SCENARIO when the profile is of another database) and runs the probe at CONNINFO. What was found
 * goes into run->not_measured, too. */
bool rh_production_compare(rh_run *run, const char *conninfo, const rh_progress *progress, rh_error *error);
/* After the timed passes: once more those of the machine, not of the tables. One that differs from the
 * earlier rounds widens the predictions' intervals. */
bool rh_production_probe_again(rh_run *run, const char *conninfo, const rh_progress *progress,
                               rh_error *error);
/* What production's profile sets besides PostgreSQL's defaults, in run->arena; none without a profile. */
const rh_setting *rh_production_own_settings(rh_run *run, size_t *count);
/* Fills in production's values of staging's settings. */
void rh_production_settings(rh_run *run);
