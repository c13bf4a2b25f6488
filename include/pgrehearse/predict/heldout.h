/* How far predictions were off, as evidence for the width of the next ones.
 *
 * Split conformal prediction (Vovk, Gammerman, Shafer 2005; Lei et al. 2018): the interval is the prediction
 * times exp(±q), q being the ⌈(n + 1) · level⌉-th smallest of n held-out |log(actual / predicted)|. Errors of
 * extrapolations over different distances are made comparable first: divided by distance^¼, and multiplied by
 * that of the distance at hand. That lies between the two things that they consist of: what repeats of the
 * same size differ by, which does not grow with the distance, and errors of the model that add up at random
 * with each doubling, √distance; tests/bench/prediction.sh tells their shares.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/history.h"
#include "pgrehearse/model/run.h"

/* One prediction that was held against what then happened. */
typedef struct rh_heldout {
    rh_statement_class class_;
    double distance;  /* doublings from the largest size that was seen to the one predicted; 0: none */
    double log_error; /* log(actual / predicted) */
} rh_heldout;

typedef struct rh_heldouts {
    rh_heldout *rows;
    size_t count;
} rh_heldouts;

void rh_heldouts_add(rh_heldouts *heldouts, rh_heldout residual, rh_arena *arena);

/* Of each statement of PLAN that ran on three samples or more: what the smaller ones say of the largest,
 * against what it took there. Where these, and what HELDOUTS has, are fewer than NEEDED, the second largest
 * is held out as well. */
void rh_heldouts_of_samples(const rh_plan *plan, size_t needed, rh_heldouts *heldouts, rh_arena *arena);

/* The rows of a scored back-test. */
void rh_heldouts_of_backtest(const rh_backtest *backtest, rh_heldouts *heldouts, rh_arena *arena);

/* The back-tests of earlier runs (whose samples were an eighth of the whole, too). */
void rh_heldouts_of_history(const rh_history *history, rh_heldouts *heldouts, rh_arena *arena);

/* The half-width q in log space that LEVEL needs for a statement of CLASS over DISTANCE: from the residuals
 * of its class when they are enough, else from all. NAN when those are too few. *USED: how many. */
double rh_heldouts_width(const rh_heldouts *heldouts, rh_statement_class class_, double distance,
                         double level, size_t *used);
