/* How a statement's duration grows with the size of what it works on. */
#include "pgrehearse/predict/predict.h"

typedef struct sums {
    double w, wx, wxx, wy, wxy;
} sums;

static double duration_of(const rh_statement_run *run)
{
    double duration = run->elapsed_s - (isnan(run->lock_wait_s) ? 0 : run->lock_wait_s);
    return duration > 1e-6 ? duration : 1e-6;
}

/* Up to a constant. */
static double squared_error(const sums *s, double a, double b)
{
    return -2 * (a * s->wy + b * s->wxy) + a * a * s->w + 2 * a * b * s->wx + b * b * s->wxx;
}

rh_growth rh_growth_fit(const rh_statement *statement)
{
    rh_growth growth = {0};
    sums s = {0};
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        if (run->pass != RH_PASS_KIND_SCALED || isnan(run->elapsed_s) || isnan(run->relation_bytes))
            continue;
        double x = run->relation_bytes, y = duration_of(run), w = 1 / (y * y);
        s.w += w;
        s.wx += w * x;
        s.wxx += w * x * x;
        s.wy += w * y;
        s.wxy += w * x * y;
        growth.observations++;
        if (x > growth.largest_bytes)
            growth.largest_bytes = x;
    }
    if (growth.observations == 0)
        return growth;
    double only_fixed = s.wy / s.w, only_slope = s.wxx > 0 ? s.wxy / s.wxx : 0;
    double determinant = s.w * s.wxx - s.wx * s.wx;
    if (determinant > 1e-9 * s.w * s.wxx) {
        double b = (s.w * s.wxy - s.wx * s.wy) / determinant;
        double a = (s.wy - b * s.wx) / s.w;
        if (a >= 0 && b >= 0) {
            growth.fixed_s = a;
            growth.per_byte_s = b;
            return growth;
        }
    }
    if (squared_error(&s, 0, only_slope) < squared_error(&s, only_fixed, 0))
        growth.per_byte_s = only_slope;
    else
        growth.fixed_s = only_fixed;
    return growth;
}
