/* Internal to score/: the predictions of a run's record, and rows for them. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/prediction.h"

/* What MIGRATION of report.json predicts for its statement ORDINAL, or as a whole (0): medians add,
 * half-widths in quadrature, as for the whole set. *LEVEL is set where there is an interval. */
rh_score_row rh_score_prediction(const rh_json *migration, int ordinal, double *level, rh_arena *arena);

/* Adds a row for every statement, or whole migration, of REPORT that the server log at ACTUAL tells of. */
bool rh_score_log(const rh_json *report, const char *actual, rh_arena *arena, rh_score *score,
                  rh_error *error);

/* Adds a sentence to score->unmatched. */
void rh_score_left_out(rh_score *score, rh_arena *arena, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
