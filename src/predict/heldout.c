#include "pgrehearse/base/statistics.h"
#include "cost.h"
#include "pgrehearse/predict/predict.h"
#include <stdlib.h>

/* A distance of less than a quarter of a doubling is that of a run that is repeated. */
static const double DISTANCE_MIN = 0.25;
/* Shorter runs on a sample are noise, not evidence. Seconds. */
static const double EVIDENCE_FLOOR_S = 0.005;
/* A class's own residuals are used from so many times the fewest on: with fewer the largest of them decides.
 */
enum { OWN_CLASS = 2 };

void rh_heldouts_add(rh_heldouts *heldouts, rh_heldout residual, rh_arena *arena)
{
    *rh_arena_add(arena, &heldouts->rows, &heldouts->count) = residual;
}

/* The largest scale of the scaled runs that is below LIMIT; 0: none. */
static double next_scale(const rh_statement *statement, double limit)
{
    double largest = 0;
    for (size_t i = 0; i < statement->run_count; i++)
        if (statement->runs[i].pass == RH_PASS_KIND_SCALED && statement->runs[i].scale < limit)
            largest = fmax(largest, statement->runs[i].scale);
    return largest;
}

static double median_at(const rh_statement *statement, double scale, rh_work_size *size)
{
    double *values = rh_alloc((statement->run_count + 1) * sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        if (run->pass != RH_PASS_KIND_SCALED || run->scale != scale || isnan(run->elapsed_s))
            continue;
        values[count++] = rh_cost_measured(run, RH_COST_ELAPSED);
        *size = run->size;
    }
    double median = rh_median(values, count);
    free(values);
    return median;
}

/* The sample of SCALE, as the two or more smaller ones predict it. */
static void add_statement(const rh_statement *statement, double scale, rh_heldouts *heldouts, rh_arena *arena)
{
    double next = next_scale(statement, scale);
    if (!(next_scale(statement, next) > 0))
        return;
    rh_work_size size = {0};
    double actual = median_at(statement, scale, &size);
    rh_cost cost = rh_cost_fit(statement, RH_COST_ELAPSED, 1u << RH_PASS_KIND_SCALED, next);
    double predicted = rh_cost_at(&cost, &size);
    if (!(actual >= EVIDENCE_FLOOR_S) || !(predicted > 0))
        return;
    rh_heldouts_add(heldouts,
                    (rh_heldout){.class_ = statement->class_,
                                 .distance = log2(rh_work_measure(&size) / cost.largest),
                                 .log_error = log(actual / predicted)},
                    arena);
}

void rh_heldouts_of_samples(const rh_plan *plan, size_t needed, rh_heldouts *heldouts, rh_arena *arena)
{
    for (int below = 0; below == 0 || (below == 1 && heldouts->count < needed); below++)
        for (size_t m = 0; m < plan->migration_count; m++)
            for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++) {
                const rh_statement *statement = &plan->migrations[m].up.statements[i];
                double scale = next_scale(statement, INFINITY);
                add_statement(statement, below ? next_scale(statement, scale) : scale, heldouts, arena);
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
