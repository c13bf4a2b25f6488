/* Predictions of stretches held against what they took, and what that says of the interval of the whole. */
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <stdlib.h>

static void score(double *errors, size_t count, rh_baseline *baseline)
{
    double *absolute = rh_alloc((count + 1) * sizeof *absolute);
    for (size_t i = 0; i < count; i++)
        absolute[i] = fabs(errors[i]);
    baseline->bias = rh_median(errors, count);
    baseline->median_abs_error = rh_median(absolute, count);
    baseline->worst_abs_error = count > 0 ? absolute[count - 1] : RH_NOT_MEASURED;
    free(absolute);
}

static double predicted_of(const rh_backfill_stretch *stretch, int naive)
{
    return naive < 0 ? stretch->us_per_row.median : stretch->naive_us_per_row[naive];
}

/* NAIVE -1: ours. */
static rh_baseline score_of(const rh_backfill_stretch *stretches, size_t count, int naive, const char *name)
{
    rh_baseline baseline = {.name = name};
    double *errors = rh_alloc((count + 1) * sizeof *errors);
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (predicted_of(&stretches[i], naive) > 0 && stretches[i].actual_us_per_row > 0)
            errors[known++] = predicted_of(&stretches[i], naive) / stretches[i].actual_us_per_row - 1;
    score(errors, known, &baseline);
    free(errors);
    return baseline;
}

rh_stretch_score rh_predict_stretch_score(const rh_backfill_stretch *stretches, size_t count, double level)
{
    static const char *const names[RH_STRETCH_NAIVE_COUNT] = {"first rows", "last second", "exponential mean",
                                                              "random batches"};
    rh_stretch_score s = {.ours = score_of(stretches, count, -1, "pgrehearse"),
                          .half_width = RH_NOT_MEASURED};
    for (int i = 0; i < RH_STRETCH_NAIVE_COUNT; i++)
        s.naive[i] = score_of(stretches, count, i, names[i]);
    double *scores = rh_alloc((count + 1) * sizeof *scores);
    for (size_t i = 0; i < count; i++) {
        const rh_backfill_stretch *stretch = &stretches[i];
        if (!(stretch->us_per_row.median > 0) || !(stretch->actual_us_per_row > 0))
            continue;
        scores[s.count++] = fabs(log(stretch->actual_us_per_row / stretch->us_per_row.median));
        s.with_interval += stretch->us_per_row.low > 0;
        s.inside += stretch->us_per_row.low <= stretch->actual_us_per_row &&
                    stretch->actual_us_per_row <= stretch->us_per_row.high;
    }
    rh_median(scores, s.count); /* sorts */
    if (s.count > 0) {
        const size_t rank = (size_t)ceil((double)(s.count + 1) * level - 1e-9);
        s.half_width = scores[(rank < s.count ? rank : s.count) - 1];
        s.enough = s.count >= rh_predict_residuals_needed(level);
    }
    free(scores);
    return s;
}

rh_backfill_figure rh_predict_widen(const rh_backfill_figure *figure, double half_width)
{
    const double width = exp(isnan(half_width) ? 0 : half_width), median = figure->median;
    return (rh_backfill_figure){median,
                                isnan(figure->low) ? median / width : fmin(figure->low, median / width),
                                isnan(figure->high) ? median * width : fmax(figure->high, median * width)};
}
