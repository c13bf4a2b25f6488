/* `pgrehearse score`: production's real durations against a run's prediction. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/backfill.h"
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

/* ---- the course of a backfill ---- */

/* Rows done at a moment, and what was predicted for it. */
typedef struct rh_progress_row {
    double at_s, rows; /* since 1970 */
    rh_backfill_figure expected;
    bool inside; /* the band */
} rh_progress_row;

typedef struct rh_progress_score {
    const char *name; /* of the backfill */
    rh_backfill_schedule schedule;
    rh_backfill_stratum *strata;
    size_t stratum_count;
    rh_backfill_figure total_s;
    double all_rows, level, most_load_per_s;
    rh_progress_row *rows;
    size_t row_count, inside;
    double pace; /* work done over the work predicted for the same hours; 1: as predicted */
    rh_backfill_figure corrected_s; /* the finishing date, since 1970, if the pace goes on */
} rh_progress_score;

/* Compares the CSV file PATH (columns time and rows: rows done by then; times by the schedule's zone or with
 * an offset) with the course that REPORT predicts for the backfill NAME (NULL: the only one with a schedule).
 * In ARENA. False: RH_ERROR_USAGE with file and line. */
bool rh_score_progress(const rh_json *report, const char *name, const char *path, rh_arena *arena,
                       rh_progress_score *score, rh_error *error);
