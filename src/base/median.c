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
