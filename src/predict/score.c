#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <stdlib.h>

void rh_wilson_interval(size_t successes, size_t count, double *low, double *high)
{
    const double z = 1.959964; /* 97.5 % quantile of the normal distribution */
    double n = (double)count, p = (double)successes / n;
    double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = count ? fmax(0, centre - half) : NAN;
    *high = count ? fmin(1, centre + half) : NAN;
}

void rh_score_rows(rh_score *score)
{
    double *relative = rh_alloc((score->row_count + 1) * sizeof *relative);
    double *absolute = rh_alloc((score->row_count + 1) * sizeof *absolute);
    size_t count = 0;
    score->with_interval = score->inside = score->too_short = 0;
    for (size_t i = 0; i < score->row_count; i++) {
        const rh_score_row *row = &score->rows[i];
        if (isnan(row->predicted_s) || !(row->actual_s > 0))
            continue;
        if (row->predicted_s < RH_PREDICT_FLOOR_S && row->actual_s < RH_PREDICT_FLOOR_S) {
            score->too_short++;
            continue;
        }
        relative[count] = row->predicted_s / row->actual_s - 1;
        absolute[count] = fabs(relative[count]);
        count++;
        if (isnan(row->low_s) || isnan(row->high_s))
            continue;
        score->with_interval++;
        score->inside += row->actual_s >= row->low_s && row->actual_s <= row->high_s;
    }
    score->scored = count;
    score->median_abs_error = rh_median(absolute, count);
    score->bias = rh_median(relative, count);
    score->coverage = score->with_interval ? (double)score->inside / (double)score->with_interval : NAN;
    rh_wilson_interval(score->inside, score->with_interval, &score->coverage_low, &score->coverage_high);
    free(relative);
    free(absolute);
}
