/* Pure arithmetic: from what was measured to what production will see. No I/O, no server. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/run.h"

/* From the scaled runs of STATEMENT (pass SCALED) to the full size: before the quiet passes. BYTES: relation_bytes at full size; basis says what it rests on.
 * NAN median when there is nothing to go by. */
void rh_predict_from_scaled(const rh_statement *statement, double bytes, rh_arena *arena, rh_prediction *prediction);
/* The naive baselines on the same evidence. */
void rh_predict_baselines(const rh_statement *statement, double bytes, double *linear_largest, double *linear_smallest,
                          double *power_law);
/* From the quiet runs to production of the same size: median, and a prediction interval only where LEVEL can be carried by that many runs. */
void rh_predict_from_quiet(const rh_statement *statement, double level, rh_arena *arena, rh_prediction *prediction);
/* Scores predictions that were written down before: median absolute relative error, bias, coverage. */
void rh_backtest_score(rh_backtest *backtest, rh_arena *arena);
/* Totals for the set: adds medians, and uncertainties in quadrature where every statement has an interval. */
void rh_predict_run(const rh_plan *plan, const rh_contention *contention, double level, rh_arena *arena,
                    rh_run_prediction *prediction);
/* The fewest observations whose min..max carries a prediction interval of LEVEL for the next one: (n−1)/(n+1) ≥ LEVEL. */
int rh_predict_observations_needed(double level);
