/* Summaries of what was measured: median, histogram. */
#pragma once
#include "pgrehearse/base/clock.h"
#include <stddef.h>
#include <stdint.h>

/* Median of COUNT values, the mean of the two in the middle when they are even; NaN when there are none.
 * Sorts them: the least is then the first, the greatest the last. */
double rh_median(double *values, size_t count);

/* The ⌈(COUNT + 1) · LEVEL⌉-th smallest of SORTED, which COUNT > 0 values are; the largest where that is
 * beyond them: the half-width of split conformal prediction (Vovk, Gammerman, Shafer 2005). */
double rh_conformal_width(const double *sorted, size_t count, double level);

/* How far the mean of COUNT values is above 0, in standard errors of that mean; 0 where it is not, or for
 * fewer than two. */
double rh_standard_errors_above_zero(const double *values, size_t count);

/* Counts of durations in buckets of bounded relative width (HDR histogram: 2^7 sub-buckets an octave, error <
 * 0.8 %). Fixed memory; covers 0 µs to about 1 hour 11 minutes, larger values count in the last bucket and in
 * max. */

typedef struct rh_histogram rh_histogram;

rh_histogram *rh_histogram_new(void);
void rh_histogram_free(rh_histogram *histogram);
void rh_histogram_record(rh_histogram *histogram, rh_usec value);
void rh_histogram_merge(rh_histogram *into, const rh_histogram *from);
void rh_histogram_reset(rh_histogram *histogram);
int64_t rh_histogram_count(const rh_histogram *histogram);
/* The highest value equivalent to the QUANTILE'th (0..1) of the recorded ones, in µs; -1 when empty. */
rh_usec rh_histogram_quantile(const rh_histogram *histogram, double quantile);
/* Exact; -1 when empty. */
rh_usec rh_histogram_max(const rh_histogram *histogram);
/* Mean in µs from exact sums; NaN when empty. */
double rh_histogram_mean(const rh_histogram *histogram);
