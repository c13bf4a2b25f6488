/* `pgrehearse score`: production's real durations against a run's prediction. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/score.h"

/* Matches the lines of the CSV file ACTUAL (columns migration, seconds and, for single statements, statement:
 * its ordinal in the file; other columns are ignored) with the predictions in REPORT and scores them. A
 * migration may be named by its id ("000012"), its number without zeros, or id_name. RH_ERROR_USAGE with file
 * and line for missing columns, figures that are none, and a file of which no line fits. Everything in ARENA.
 */
bool rh_score_read(const rh_json *report, const char *actual, rh_arena *arena, rh_score *score,
                   rh_error *error);
