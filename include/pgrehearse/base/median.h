/* The middle of what was measured. */
#pragma once
#include <stddef.h>

/* Median of COUNT values, the mean of the two in the middle when they are even; NaN when there are none.
 * Sorts them: the least is then the first, the greatest the last. */
double rh_median(double *values, size_t count);
