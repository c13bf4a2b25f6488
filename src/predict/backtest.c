/* Predicts the full-size passes from the scaled ones, and scores the predictions against naive baselines.
 * */
#include "pgrehearse/base/statistics.h"
#include "growth.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/predict.h"
#include <stdlib.h>
#include <string.h>

/* Proportional to the largest and to the smallest scaled run, and a line through logarithms. */
static void baselines(const rh_statement *statement, double measure, rh_backtest_row *row)
{
    const rh_statement_run *small = NULL, *large = NULL;
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        double at = rh_work_measure(&run->size);
        if (run->pass != RH_PASS_KIND_SCALED || !(at > 0) || !(run->elapsed_s > 0))
            continue;
        if (!small || at < rh_work_measure(&small->size))
            small = run;
        if (!large || at > rh_work_measure(&large->size))
            large = run;
        double x = log(at), y = log(run->elapsed_s);
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    row->linear_largest_s = large ? large->elapsed_s * measure / rh_work_measure(&large->size) : NAN;
    row->linear_smallest_s = small ? small->elapsed_s * measure / rh_work_measure(&small->size) : NAN;
    double spread = n * sxx - sx * sx;
    double slope = spread > 1e-9 ? (n * sxy - sx * sy) / spread : NAN;
    row->power_law_s = exp((sy - slope * sx) / n + slope * log(measure));
}

/* What the samples cannot tell; empty where they can. */
static const char *doubt_of(const rh_growth *growth, const rh_work_size *size, rh_arena *arena)
{
    char own[32], joined[32];
    if (!growth->ambiguous)
        return "";
    rh_duration_format(rh_cost_at(&growth->own, size), own, sizeof own);
    rh_duration_format(rh_cost_at(&growth->joined, size), joined, sizeof joined);
    return rh_arena_printf(
        arena,
        "; the samples do not show whether the time goes with the rows that it changes (%s) "
        "or with those that it joins (%s): between the two",
        own, joined);
}

/* The interval that the samples themselves, and HISTORY, give; none when they are too few. */
static void widen(rh_backtest_row *row, const rh_heldouts *residuals, double doubt, double level)
{
    size_t used;
    double width = hypot(rh_heldouts_width(residuals, row->class_, row->distance, level, &used), doubt);
    row->low_s = row->predicted_s * exp(-width);
    row->high_s = row->predicted_s * exp(width);
}

static void predict_row(const rh_statement *statement, const rh_work_size *size, const rh_heldouts *residuals,
                        const rh_growth_choice *choice, double level, rh_arena *arena, rh_backtest_row *row)
{
    const rh_growth growth =
        rh_growth_fit(statement, RH_COST_ELAPSED, 1u << RH_PASS_KIND_SCALED, 1, choice->model);
    const rh_cost *cost = &growth.cost;
    row->model = choice->model;
    row->statement = statement->ordinal;
    row->class_ = statement->class_;
    row->predicted_s = rh_growth_at(&growth, size);
    row->distance = fmax(0, log2(rh_work_measure(size) / cost->largest));
    row->actual_s = row->low_s = row->high_s = NAN;
    row->basis = rh_arena_printf(arena, "%zu runs on samples of at most 1/%.0f of its size: %s%s%s",
                                 cost->observations, exp2(row->distance), rh_cost_describe(cost, size, arena),
                                 rh_growth_describe(choice, arena), doubt_of(&growth, size, arena));
    if (row->predicted_s >= RH_PREDICT_FLOOR_S)
        widen(row, residuals, rh_growth_doubt(&growth, size), level);
    baselines(statement, rh_work_measure(size), row);
}

static bool was_sampled(const rh_statement *statement)
{
    for (size_t i = 0; i < statement->run_count; i++)
        if (statement->runs[i].pass == RH_PASS_KIND_SCALED && rh_work_measure(&statement->runs[i].size) > 0)
            return true;
    return false;
}

void rh_backtest_predict(const rh_plan *plan, const rh_work_size *sizes, const rh_heldouts *history,
                         double level, rh_arena *arena, rh_backtest *backtest)
{
    rh_heldouts residuals = {0};
    size_t index = 0;
    *backtest = (rh_backtest){.median_abs_error = NAN,
                              .worst_abs_error = NAN,
                              .bias = NAN,
                              .coverage = NAN,
                              .coverage_low = NAN,
                              .coverage_high = NAN,
                              .width = NAN,
                              .level = level};
    for (size_t i = 0; history && i < history->count; i++)
        rh_heldouts_add(&residuals, history->rows[i], arena);
    rh_growth_choose(plan, backtest->growth);
    rh_heldouts_of_samples(plan, rh_predict_residuals_needed(level), backtest->growth, &residuals, arena);
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_migration *migration = &plan->migrations[m];
        for (size_t i = 0; i < migration->up.statement_count; i++, index++) {
            const rh_statement *statement = &migration->up.statements[i];
            if (!was_sampled(statement) || !(rh_work_measure(&sizes[index]) > 0))
                continue;
            rh_backtest_row *row = rh_arena_add(arena, &backtest->rows, &backtest->row_count);
            row->migration = migration->id;
            predict_row(statement, &sizes[index], &residuals, &backtest->growth[statement->class_], level,
                        arena, row);
        }
    }
}

static const rh_statement *find(const rh_plan *plan, const rh_backtest_row *row)
{
    for (size_t m = 0; m < plan->migration_count; m++)
        if (strcmp(plan->migrations[m].id, row->migration) == 0)
            return &plan->migrations[m].up.statements[row->statement - 1];
    return NULL;
}

typedef enum predictor { OURS, LINEAR_LARGEST, LINEAR_SMALLEST, POWER_LAW } predictor;

static double predicted_by(const rh_backtest_row *row, predictor who)
{
    const double all[] = {row->predicted_s, row->linear_largest_s, row->linear_smallest_s, row->power_law_s};
    return all[who];
}

/* Median and worst of |predicted/actual − 1| over the rows that count, and the median of the signed one. */
static size_t errors(const rh_backtest *backtest, predictor who, double *median, double *worst, double *bias)
{
    double *absolute = rh_alloc((backtest->row_count + 1) * sizeof *absolute);
    double *relative = rh_alloc((backtest->row_count + 1) * sizeof *relative);
    size_t count = 0;
    for (size_t i = 0; i < backtest->row_count; i++) {
        const rh_backtest_row *row = &backtest->rows[i];
        double predicted = predicted_by(row, who);
        if (row->actual_s < RH_PREDICT_FLOOR_S || isnan(predicted))
            continue;
        relative[count] = predicted / row->actual_s - 1;
        absolute[count] = fabs(relative[count]);
        count++;
    }
    *median = rh_median(absolute, count); /* sorts */
    *worst = count ? absolute[count - 1] : NAN;
    *bias = rh_median(relative, count);
    free(absolute);
    free(relative);
    return count;
}

static void score_intervals(rh_backtest *backtest)
{
    double *widths = rh_alloc((backtest->row_count + 1) * sizeof *widths);
    backtest->with_interval = backtest->inside = 0;
    for (size_t i = 0; i < backtest->row_count; i++) {
        const rh_backtest_row *row = &backtest->rows[i];
        if (row->actual_s < RH_PREDICT_FLOOR_S || isnan(row->low_s))
            continue;
        widths[backtest->with_interval++] = row->high_s / row->low_s;
        backtest->inside += row->actual_s >= row->low_s && row->actual_s <= row->high_s;
    }
    backtest->width = rh_median(widths, backtest->with_interval);
    backtest->coverage =
        backtest->with_interval ? (double)backtest->inside / (double)backtest->with_interval : NAN;
    rh_wilson_interval(backtest->inside, backtest->with_interval, &backtest->coverage_low,
                       &backtest->coverage_high);
    free(widths);
}

static const char *sentence_of(const rh_backtest *backtest, rh_arena *arena)
{
    if (backtest->scored == 0)
        return NULL;
    const char *off = rh_arena_printf(arena,
                                      "On this database, such predictions were off by %.0f %% in the "
                                      "median",
                                      100 * backtest->median_abs_error);
    if (backtest->with_interval == 0)
        return rh_arena_printf(arena, "%s; there was not enough evidence to give them intervals.", off);
    return rh_arena_printf(arena, "%s; %zu of %zu fell in their interval.", off, backtest->inside,
                           backtest->with_interval);
}

void rh_backtest_score(const rh_plan *plan, rh_arena *arena, rh_backtest *backtest)
{
    static const char *const names[] = {NULL, "linear from the largest sample",
                                        "linear from the smallest sample", "power law"};
    size_t kept = 0;
    for (size_t i = 0; i < backtest->row_count; i++) {
        rh_backtest_row row = backtest->rows[i];
        const rh_statement *statement = find(plan, &row);
        row.actual_s = statement ? rh_cost_quiet_median(statement, RH_COST_ELAPSED) : NAN;
        if (!isnan(row.actual_s))
            backtest->rows[kept++] = row;
    }
    backtest->row_count = kept;
    backtest->scored =
        errors(backtest, OURS, &backtest->median_abs_error, &backtest->worst_abs_error, &backtest->bias);
    score_intervals(backtest);
    backtest->sentence = sentence_of(backtest, arena);
    backtest->baseline_count = 0;
    for (predictor who = LINEAR_LARGEST; who <= POWER_LAW; who++) {
        rh_baseline *baseline = rh_arena_add(arena, &backtest->baselines, &backtest->baseline_count);
        baseline->name = names[who];
        errors(backtest, who, &baseline->median_abs_error, &baseline->worst_abs_error, &baseline->bias);
    }
}
