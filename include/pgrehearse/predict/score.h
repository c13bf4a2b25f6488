/* Scores of predictions against actual durations. */
#pragma once
#include "pgrehearse/model/score.h"

/* Fills every figure of SCORE from its rows. Those that are predicted and took less than RH_PREDICT_FLOOR_S
 * are counted, but not scored: they are all overhead and noise. */
void rh_score_rows(rh_score *score);

/* 95 % confidence interval of a share: SUCCESSES of COUNT (Wilson 1927). NAN for a COUNT of 0. */
void rh_wilson_interval(size_t successes, size_t count, double *low, double *high);
