/* Runs the steps of prepare: and verify:, SQL files and commands. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"

/* Bytes of a step's SQL file at the most. */
enum { RH_STEP_SQL_LIMIT = 256 << 20 };

/* Runs every step in order on the staging database; stops at the first that fails (RH_ERROR_SCENARIO, with
 * the line in the step's own file). Fills run->prepare. */
/* The same of backup.before, in the empty database. */
bool rh_steps_before(rh_run *run, const char *conninfo, const rh_progress *progress, rh_error *error);
bool rh_steps_prepare(rh_run *run, const char *conninfo, const rh_progress *progress, rh_error *error);

/* Runs every step, also after a failure. Every row that a statement returns, a statement that fails, and a
 * command that does not end with 0 are failures. Fills run->verify and run->verify_outcome; false only when
 * it could not be carried out. */
bool rh_steps_verify(rh_run *run, const char *conninfo, const rh_progress *progress, rh_error *error);
