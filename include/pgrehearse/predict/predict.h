/* Pure arithmetic: from what was measured to what production will see. No I/O, no server.
 *
 * Durations are the statement's own: elapsed_s − lock_wait_s of its runs. The size of a statement is that of
 * what it works on when its pass begins.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/predict/heldout.h"

/* Shorter statements are all overhead and noise: they are predicted, but neither scored nor used to score
 * others. */
#define RH_PREDICT_FLOOR_S 0.010

/* A back-test row for every statement with scaled runs: its prediction and the naive baselines at SIZES[i],
 * for the i-th statement of the plan's migrations in order (applied ones have no statements). The interval
 * comes from the samples' own held-out residuals and those of HISTORY (may be NULL). Call before the quiet
 * passes: what it says is to be written down first. */
void rh_backtest_predict(const rh_plan *plan, const rh_work_size *sizes, const rh_heldouts *history,
                         double level, rh_arena *arena, rh_backtest *backtest);

/* Fills in the actual durations (median of the quiet runs) and scores the rows of RH_PREDICT_FLOOR_S or more:
 * median and worst absolute relative error, bias (median of predicted/actual − 1), and the same of each
 * baseline; of the intervals coverage and width. Rows that never ran are dropped. */
void rh_backtest_score(const rh_plan *plan, rh_arena *arena, rh_backtest *backtest);

/* Predicts every statement from its quiet runs: their median; and median · exp(±q), where q is the
 * ⌈(n+1)·level⌉-th smallest of the n held-out |log residuals| (each quiet run after the first against the
 * median of those before it, pooled over the statements above, or else below, the floor): split conformal
 * prediction (Vovk et al. 2005; Lei et al. 2018). No interval where n is too small for LEVEL. */
void rh_predict_statements(const rh_plan *plan, double level, rh_arena *arena);

/* The fewest held-out residuals that carry LEVEL: ⌈level / (1 − level)⌉. */
size_t rh_predict_residuals_needed(double level);

/* The whole set: medians add; half-widths add in quadrature (independent errors), and only where every
 * statement of RH_PREDICT_FLOOR_S or more has an interval; a shorter one without counts as anything from
 * nothing to the floor more than its median. Blocked times are those of the loaded pass. Leaves backtest and
 * disk_peak_bytes alone. */
void rh_predict_total(const rh_plan *plan, const rh_contention *contention, double level, rh_arena *arena,
                      rh_run_prediction *prediction);
