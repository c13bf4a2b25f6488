#include "pgrehearse/base/statistics.h"
#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rh_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double rh_conformal_width(const double *sorted, size_t count, double level)
{
    const size_t rank = (size_t)ceil((double)(count + 1) * level - 1e-9);
    return sorted[(rank < count ? rank : count) - 1];
}

double rh_standard_errors_above_zero(const double *values, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    const double n = (double)count, mean = sum / n;
    if (count < 2 || !(mean > 0))
        return 0;
    const double variance = fmax(squares / n - mean * mean, 0) * n / (n - 1);
    return mean / sqrt(fmax(variance / n, 1e-12));
}
