#include "pgrehearse/base/statistics.h"
#include "growth.h"
#include "pgrehearse/predict/predict.h"
#include <stdlib.h>

/* A distance of less than a quarter of a doubling is that of a run that is repeated. */
static const double DISTANCE_MIN = 0.25;
/* A class's own residuals are used from so many times the fewest on: with fewer the largest of them decides.
 */
enum { OWN_CLASS = 2 };

void rh_heldouts_add(rh_heldouts *heldouts, rh_heldout residual, rh_arena *arena)
{
    *rh_arena_add(arena, &heldouts->rows, &heldouts->count) = residual;
}

/* The sample of SCALE, as the two or more smaller ones predict it. */
static void add_statement(const rh_statement *statement, double scale, rh_growth_model model,
                          rh_heldouts *heldouts, rh_arena *arena)
{
    double next = rh_sample_below(statement, scale);
    if (!(rh_sample_below(statement, next) > 0))
        return;
    rh_work_size size = {0};
    double actual = rh_sample_median(statement, scale, &size);
    const rh_growth growth =
        rh_growth_fit(statement, RH_COST_ELAPSED, 1u << RH_PASS_KIND_SCALED, next, model);
    double predicted = rh_growth_at(&growth, &size);
    if (!(actual >= RH_SAMPLE_FLOOR_S) || !(predicted > 0))
        return;
    rh_heldouts_add(heldouts,
                    (rh_heldout){.class_ = statement->class_,
                                 .distance = log2(rh_work_measure(&size) / growth.cost.largest),
                                 .log_error = log(actual / predicted)},
                    arena);
}

void rh_heldouts_of_samples(const rh_plan *plan, size_t needed, const rh_growth_choice growth[RH_CLASS_COUNT],
                            rh_heldouts *heldouts, rh_arena *arena)
{
    for (int below = 0; below == 0 || (below == 1 && heldouts->count < needed); below++)
        for (size_t m = 0; m < plan->migration_count; m++)
            for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++) {
                const rh_statement *statement = &plan->migrations[m].up.statements[i];
                double scale = rh_sample_below(statement, INFINITY);
                add_statement(statement, below ? rh_sample_below(statement, scale) : scale,
                              growth[statement->class_].model, heldouts, arena);
            }
}

void rh_heldouts_of_backtest(const rh_backtest *backtest, rh_heldouts *heldouts, rh_arena *arena)
{
    for (size_t i = 0; i < backtest->row_count; i++) {
        const rh_backtest_row *row = &backtest->rows[i];
        if (row->actual_s >= RH_PREDICT_FLOOR_S && row->predicted_s > 0)
            rh_heldouts_add(heldouts,
                            (rh_heldout){.class_ = row->class_,
                                         .distance = row->distance,
                                         .log_error = log(row->actual_s / row->predicted_s)},
                            arena);
    }
}

void rh_heldouts_of_history(const rh_history *history, rh_heldouts *heldouts, rh_arena *arena)
{
    static const double DOUBLINGS = 3;
    for (size_t i = 0; i < history->row_count; i++) {
        const rh_residual *row = &history->rows[i];
        if (row->kind == RH_RESIDUAL_BACKTEST && row->actual_s >= RH_PREDICT_FLOOR_S && row->predicted_s > 0)
            rh_heldouts_add(heldouts,
                            (rh_heldout){.class_ = row->class_,
                                         .distance = DOUBLINGS,
                                         .log_error = log(row->actual_s / row->predicted_s)},
                            arena);
    }
}

static double spread(double distance)
{
    return sqrt(sqrt(fmax(distance, DISTANCE_MIN)));
}

/* The scores of CLASS's residuals, or of all when ANY; heap. */
static double *scores_of(const rh_heldouts *heldouts, rh_statement_class class_, bool any, size_t *count)
{
    double *scores = rh_alloc((heldouts->count + 1) * sizeof *scores);
    *count = 0;
    for (size_t i = 0; i < heldouts->count; i++)
        if (any || heldouts->rows[i].class_ == class_)
            scores[(*count)++] = fabs(heldouts->rows[i].log_error) / spread(heldouts->rows[i].distance);
    return scores;
}

double rh_heldouts_width(const rh_heldouts *heldouts, rh_statement_class class_, double distance,
                         double level, size_t *used)
{
    size_t needed = rh_predict_residuals_needed(level);
    double *scores = scores_of(heldouts, class_, false, used);
    if (*used < OWN_CLASS * needed) {
        free(scores);
        scores = scores_of(heldouts, class_, true, used);
    }
    double width = NAN;
    if (*used > 0 && *used >= needed) {
        rh_median(scores, *used); /* sorts */
        width = rh_conformal_width(scores, *used, level) * spread(distance);
    }
    free(scores);
    return width;
}
