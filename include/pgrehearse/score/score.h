/* `pgrehearse score`: production's real durations against a run's prediction. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/prediction.h"

/* Matches the durations in ACTUAL with the predictions in REPORT and scores them. Everything in ARENA.
 *
 * A CSV file has the columns migration, seconds and, for single statements, statement (its ordinal in the
 * file); other columns are ignored. A migration may be named by its id ("000012"), its number without zeros,
 * or id_name. Of a server log (score/logged.h), statements are matched by their text without
 * literals; a statement that several sessions sent counts in the session that sent most of the run's; a file
 * that was sent at once counts as a whole.
 *
 * RH_ERROR_USAGE with file and line for missing columns, figures that are none, and a file of which nothing
 * fits. */
bool rh_score_read(const rh_json *report, const char *actual, rh_arena *arena, rh_score *score,
                   rh_error *error);
