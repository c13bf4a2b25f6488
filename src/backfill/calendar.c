/* The finishing date of each setting, and the course of the one to use. */
#include "pgrehearse/predict/predict.h"
#include "sweep.h"
#include <math.h>

enum { POINTS = 49 };

static double most_load_of(const rh_backfill_result *result)
{
    return result->rate_per_s > 0 ? RH_SCHEDULE_LOAD_MARGIN * result->rate_per_s : NAN;
}

static double finish(const rh_backfill_result *result, double total_s)
{
    return rh_schedule_finish(&result->backfill->schedule, total_s, most_load_of(result));
}

void rh_sweep_schedule(rh_backfill_result *result)
{
    const rh_backfill_figure none = {RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    for (size_t i = 0; i < result->cell_count; i++) {
        rh_backfill_cell *cell = &result->cells[i];
        const rh_backfill_figure *total = &cell->total_s;
        cell->finish_s = none;
        if (result->backfill->schedule.set && cell->batches > 0)
            cell->finish_s = (rh_backfill_figure){finish(result, total->median), finish(result, total->low),
                                                  finish(result, total->high)};
    }
}

void rh_sweep_course(const rh_sweep *sweep, rh_backfill_result *result)
{
    const rh_backfill_schedule *schedule = &result->backfill->schedule;
    const int chosen = rh_sweep_chosen(result);
    result->chosen = chosen;
    if (!schedule->set || chosen < 0)
        return;
    const rh_backfill_cell *cell = &result->cells[chosen];
    if (isinf(cell->finish_s.median))
        result->finish_why =
            schedule->hour_count > 0
                ? "it would not end within three years: in too few hours of its windows does the load not exceed the rehearsal's"
                : "it would not end within three years";
    else if (schedule->hour_count > 0 && !(result->rate_per_s > 0))
        result->finish_why = "without load in the rehearsal, the hours of schedule.load do not count";
    result->course = rh_arena_alloc(sweep->arena, POINTS * sizeof *result->course);
    result->course_count = rh_predict_course(schedule, &cell->total_s, result->strata, result->stratum_count,
                                             most_load_of(result), POINTS, result->course);
}
