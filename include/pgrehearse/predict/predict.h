/* Pure arithmetic: from what was measured to what production will see. No I/O, no server.
 *
 * Durations are the statement's own: elapsed_s − lock_wait_s of its runs. The size of a statement is
 * relation_bytes, the heap bytes of the relation it works on when its pass began.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/run.h"

/* Shorter statements are all overhead and noise: they are predicted, but neither scored nor used to score
 * others. */
#define RH_PREDICT_FLOOR_S 0.010

/* How durations grow with size: seconds = fixed_s + per_byte_s · bytes, both ≥ 0. */
typedef struct rh_growth {
    double fixed_s, per_byte_s;
    size_t observations;  /* 0: nothing to go by */
    double largest_bytes; /* of the observations: how far the extrapolation reaches */
} rh_growth;

/* Fits the scaled runs of STATEMENT by non-negative least squares of the relative error (weights 1/duration²;
 * two terms, so the active set is tried out: Lawson and Hanson 1974, chapter 23). */
rh_growth rh_growth_fit(const rh_statement *statement);

/* A back-test row for every statement with scaled runs: its prediction and the naive baselines at BYTES[i],
 * for the i-th statement of the plan's migrations in order (applied ones have no statements). Call before the
 * quiet passes: what it says is to be written down first. */
void rh_backtest_predict(const rh_plan *plan, const double *bytes, rh_arena *arena, rh_backtest *backtest);

/* Fills in the actual durations (median of the quiet runs) and scores the rows of RH_PREDICT_FLOOR_S or more:
 * median absolute relative error, bias (median of predicted/actual − 1), and the same of each baseline. Rows
 * that never ran are dropped. */
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

/* Median of COUNT values; sorts them. NAN when there are none. */
double rh_median(double *values, size_t count);
