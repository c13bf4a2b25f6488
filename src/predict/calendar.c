/* The course of a backfill on the calendar. */
#include "pgrehearse/predict/predict.h"
#include <math.h>

double rh_predict_work_at(const rh_backfill_stratum *strata, size_t count, double rows)
{
    double all = 0, done = 0, before = 0, price = 0;
    size_t priced = 0;
    for (size_t h = 0; h < count; h++)
        if (strata[h].us_per_row > 0) {
            price += strata[h].us_per_row;
            priced++;
        }
    for (size_t h = 0; h < count; h++) {
        const double rows_here = (double)strata[h].rows, cost = strata[h].us_per_row > 0
                                                                    ? strata[h].us_per_row
                                                                : priced > 0 ? price / (double)priced
                                                                             : 1;
        all += rows_here * cost;
        done += fmin(fmax(rows - before, 0), rows_here) * cost;
        before += rows_here;
    }
    return all > 0 ? fmin(done / all, 1) : RH_NOT_MEASURED;
}

double rh_predict_rows_at(const rh_backfill_stratum *strata, size_t count, double share)
{
    double rows = 0, low = 0, high;
    for (size_t h = 0; h < count; h++)
        rows += (double)strata[h].rows;
    high = rows;
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        *(rh_predict_work_at(strata, count, middle) < share ? &low : &high) = middle;
    }
    return share >= 1 ? rows : high;
}

size_t rh_predict_course(const rh_backfill_schedule *s, const rh_backfill_figure *total_s,
                         const rh_backfill_stratum *strata, size_t count, double most_load_per_s,
                         size_t points, rh_backfill_course_point *course)
{
    const double longest = isnan(total_s->high) ? total_s->median : total_s->high;
    const double end = rh_schedule_finish(s, longest, most_load_per_s);
    if (!isfinite(end) || points < 2)
        return 0;
    for (size_t i = 0; i < points; i++) {
        const double at = (double)s->start_s + (end - (double)s->start_s) * (double)i / (double)(points - 1),
                     worked = rh_schedule_worked(s, at, most_load_per_s);
        course[i] = (rh_backfill_course_point){
            .at_s = at,
            .rows = {rh_predict_rows_at(strata, count, worked / total_s->median),
                     isnan(total_s->high) ? RH_NOT_MEASURED
                                          : rh_predict_rows_at(strata, count, worked / total_s->high),
                     isnan(total_s->low) ? RH_NOT_MEASURED
                                         : rh_predict_rows_at(strata, count, worked / total_s->low)}};
    }
    return points;
}
