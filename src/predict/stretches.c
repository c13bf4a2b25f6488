/* Predictions of stretches held against what they took, and what that says of the interval of the whole. */
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <stdlib.h>

/* The last batches that an exponential mean sees, and its weight (as GitLab's optimizer has them). */
enum { EXPONENTIAL_LAST = 20 };
static const double EXPONENTIAL_WEIGHT = 0.4;
/* Stretches from which on another model may be preferred to the states, and standard errors by which it is.
 */
enum { CHOOSE_MIN = 4 };
static const double CLEARLY = 2;

/* ---- estimates of others, and models ---- */

void rh_predict_naive(const rh_backfill_batch *batches, size_t count, double *us_per_row)
{
    double first_s = 0, first_rows = 0, all_s = 0, all_rows = 0, last_s = 0, last_rows = 0, mean = NAN;
    size_t first_stratum = SIZE_MAX;
    for (size_t i = 0; i < count; i++)
        first_stratum = batches[i].stratum < first_stratum ? batches[i].stratum : first_stratum;
    for (size_t i = 0; i < count; i++) {
        const double seconds = rh_predict_batch_s(&batches[i]), rows = (double)batches[i].changed;
        all_s += seconds;
        all_rows += rows;
        first_s += batches[i].stratum == first_stratum ? seconds : 0;
        first_rows += batches[i].stratum == first_stratum ? rows : 0;
        if (i + EXPONENTIAL_LAST >= count)
            mean = isnan(mean) ? seconds / rows
                               : EXPONENTIAL_WEIGHT * seconds / rows + (1 - EXPONENTIAL_WEIGHT) * mean;
    }
    for (size_t i = count; i-- > 0 && last_s < 1;) {
        last_s += rh_predict_batch_s(&batches[i]);
        last_rows += (double)batches[i].changed;
    }
    us_per_row[RH_STRETCH_FIRST_ROWS] = 1e6 * first_s / first_rows;
    us_per_row[RH_STRETCH_LAST_SECOND] = 1e6 * last_s / last_rows;
    us_per_row[RH_STRETCH_EXPONENTIAL] = 1e6 * mean;
    us_per_row[RH_STRETCH_RANDOM] = 1e6 * all_s / all_rows;
}

double rh_predict_by_model(rh_backfill_model model, double states, double exponential)
{
    if (model == RH_MODEL_STATES || !(exponential > 0))
        return states;
    return model == RH_MODEL_EXPONENTIAL ? exponential : sqrt(states * exponential);
}

static double residual(const rh_backfill_stretch *stretch, rh_backfill_model model)
{
    return log(stretch->actual_us_per_row /
               rh_predict_by_model(model, stretch->states_us_per_row,
                                   stretch->naive_us_per_row[RH_STRETCH_EXPONENTIAL]));
}

static bool is_known(const rh_backfill_stretch *stretch)
{
    return stretch->us_per_row.median > 0 && stretch->states_us_per_row > 0 && stretch->actual_us_per_row > 0;
}

/* By how much less MODEL was off than the states, in standard errors of the mean of the differences: a few
 * noisy stretches prefer nothing. */
static double preferred_by(const rh_backfill_stretch *stretches, size_t count, rh_backfill_model model)
{
    double *less = rh_alloc((count + 1) * sizeof *less);
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (is_known(&stretches[i]))
            less[known++] =
                fabs(residual(&stretches[i], RH_MODEL_STATES)) - fabs(residual(&stretches[i], model));
    const double preferred = rh_standard_errors_above_zero(less, known);
    free(less);
    return preferred;
}

/* The states, unless another model was clearly off by less. */
static void choose(const rh_backfill_stretch *stretches, size_t count, rh_stretch_score *s)
{
    s->model = RH_MODEL_STATES;
    s->chosen = s->count >= CHOOSE_MIN;
    for (int m = 0; m < RH_MODEL_COUNT; m++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            if (is_known(&stretches[i]))
                sum += fabs(residual(&stretches[i], (rh_backfill_model)m));
        s->model_error[m] = s->count > 0 ? sum / (double)s->count : RH_NOT_MEASURED;
        if (s->chosen && m != RH_MODEL_STATES && s->model_error[m] < s->model_error[s->model] &&
            preferred_by(stretches, count, (rh_backfill_model)m) > CLEARLY)
            s->model = (rh_backfill_model)m;
    }
}

/* ---- how far they were off ---- */

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

/* The half-width that holds LEVEL of the residuals of the chosen model. */
static void measure_width(const rh_backfill_stretch *stretches, size_t count, double level,
                          rh_stretch_score *s)
{
    double *scores = rh_alloc((count + 1) * sizeof *scores);
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (is_known(&stretches[i]))
            scores[known++] = fabs(residual(&stretches[i], s->model));
    rh_median(scores, known); /* sorts */
    if (known > 0) {
        s->half_width = rh_conformal_width(scores, known, level);
        s->enough = known >= rh_predict_residuals_needed(level);
    }
    free(scores);
}

rh_stretch_score rh_predict_stretch_score(const rh_backfill_stretch *stretches, size_t count, double level)
{
    static const char *const names[RH_STRETCH_NAIVE_COUNT] = {"first rows", "last second", "exponential mean",
                                                              "random batches"};
    rh_stretch_score s = {.ours = score_of(stretches, count, -1, "pgrehearse"),
                          .half_width = RH_NOT_MEASURED};
    for (int i = 0; i < RH_STRETCH_NAIVE_COUNT; i++)
        s.naive[i] = score_of(stretches, count, i, names[i]);
    for (size_t i = 0; i < count; i++)
        if (is_known(&stretches[i])) {
            const rh_backfill_stretch *stretch = &stretches[i];
            s.count++;
            s.with_interval += stretch->us_per_row.low > 0;
            s.inside += stretch->us_per_row.low <= stretch->actual_us_per_row &&
                        stretch->actual_us_per_row <= stretch->us_per_row.high;
        }
    choose(stretches, count, &s);
    measure_width(stretches, count, level, &s);
    return s;
}

rh_backfill_figure rh_predict_widen(const rh_backfill_figure *figure, double half_width)
{
    const double width = exp(isnan(half_width) ? 0 : half_width), median = figure->median;
    return (rh_backfill_figure){median,
                                isnan(figure->low) ? median / width : fmin(figure->low, median / width),
                                isnan(figure->high) ? median * width : fmax(figure->high, median * width)};
}
