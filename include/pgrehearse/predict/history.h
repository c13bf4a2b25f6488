/* What earlier predictions were off by, put into this run's. Pure arithmetic. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/history.h"

/* Corrects, widens or narrows the predictions of PLAN's statements by class, from HISTORY's rows that were
 * held against production, and appends a sentence for every class to history->applied. Residuals are r =
 * ln(actual / predicted before correction), of rows of RH_PREDICT_FLOOR_S or more whose prediction was
 * translated to production's hardware exactly if this one is.
 *   shift     from RH_HISTORY_CORRECTS rows of a class on: their median; the figures times exp(shift)
 *   interval  from ⌈level / (1 − level)⌉ rows on: exp(± the ⌈(n+1)·level⌉-th smallest |r − shift without
 * it|), which replaces what there was (jackknife; Barber et al. 2021); with fewer rows the largest of them,
 * where it is wider than what there was A class without rows of its own is widened by all the rows together.
 * Statements without a median, and shorter ones, are left alone. Call once, between rh_predict_statements and
 * rh_predict_total. */
void rh_history_apply(const rh_plan *plan, rh_history *history, double level, rh_arena *arena);

enum { RH_HISTORY_CORRECTS = 3 };
