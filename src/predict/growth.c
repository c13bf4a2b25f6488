#include "growth.h"
#include "pgrehearse/base/statistics.h"
#include <math.h>
#include <stdlib.h>

/* ---- samples ---- */

double rh_sample_below(const rh_statement *statement, double limit)
{
    double largest = 0;
    for (size_t i = 0; i < statement->run_count; i++)
        if (statement->runs[i].pass == RH_PASS_KIND_SCALED && statement->runs[i].scale < limit)
            largest = fmax(largest, statement->runs[i].scale);
    return largest;
}

double rh_sample_median(const rh_statement *statement, double scale, rh_work_size *size)
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
    const double median = rh_median(values, count);
    free(values);
    return median;
}

/* ---- models ---- */

/* In proportion to the size, from the least run at the largest. */
static void fit_line(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                     double scale_max, rh_growth *growth)
{
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        const double value = rh_cost_measured(run, quantity), measure = rh_work_measure(&run->size);
        if (!(passes & 1u << run->pass) || isnan(run->elapsed_s) || isnan(value) || !(measure > 0) ||
            run->scale > scale_max)
            continue;
        if (!(measure <= growth->line_measure) ||
            (measure == growth->line_measure && value < growth->line_value)) {
            growth->line_measure = measure;
            growth->line_value = value;
        }
    }
}

/* The rows of the relation that a statement changes and those of the relation that it joins grow alike from
 * sample to sample, but not from there to the whole: a sample has all rows that others refer to, and so a
 * larger share of one of the two. Where either explains the samples, which of them it was is not known. */
static void fit_join(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                     double scale_max, rh_growth *growth)
{
    static const double ALIKE = 0.05;
    const unsigned rows = 1u << RH_TERM_ROWS | 1u << RH_TERM_SORT, other = 1u << RH_TERM_REFERENCED_ROWS;
    if (statement->class_ == RH_CLASS_FOREIGN_KEY)
        return;
    growth->own = rh_cost_fit_without(statement, quantity, passes, scale_max, other);
    growth->joined = rh_cost_fit_without(statement, quantity, passes, scale_max, rows);
    const double best = growth->cost.residual + ALIKE;
    growth->ambiguous = growth->joined.coefficient[RH_TERM_REFERENCED_ROWS] > 0 &&
                        growth->own.residual <= best && growth->joined.residual <= best;
}

rh_growth rh_growth_fit(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                        double scale_max, rh_growth_model model)
{
    rh_growth growth = {.model = model,
                        .cost = rh_cost_fit(statement, quantity, passes, scale_max),
                        .line_value = NAN,
                        .line_measure = NAN};
    fit_line(statement, quantity, passes, scale_max, &growth);
    fit_join(statement, quantity, passes, scale_max, &growth);
    return growth;
}

double rh_growth_doubt(const rh_growth *growth, const rh_work_size *size)
{
    const double doubt =
        growth->ambiguous ? fabs(log(rh_cost_at(&growth->joined, size) / rh_cost_at(&growth->own, size))) / 2
                          : 0;
    return isfinite(doubt) ? doubt : 0;
}

double rh_growth_at(const rh_growth *growth, const rh_work_size *size)
{
    const double work = growth->ambiguous
                            ? sqrt(rh_cost_at(&growth->own, size) * rh_cost_at(&growth->joined, size))
                            : rh_cost_at(&growth->cost, size),
                 line = growth->line_value * rh_work_measure(size) / growth->line_measure;
    if (growth->model == RH_GROWTH_WORK || !(line > 0))
        return work;
    return growth->model == RH_GROWTH_LINE ? line : sqrt(work * line);
}

/* ---- choice ---- */

/* Errors on held-out samples are noise for the most part, which all models share. */
static const double MATERIAL = 0.8;

/* By how much less each model was off than the work's terms, in log space, a held-out sample each. */
typedef struct evidence {
    double *less[RH_GROWTH_COUNT], *error[RH_GROWTH_COUNT];
    size_t count;
} evidence;

static void add_error(evidence *e, const double error[RH_GROWTH_COUNT])
{
    for (int m = 0; m < RH_GROWTH_COUNT; m++) {
        e->less[m] = rh_realloc(e->less[m], (e->count + 1) * sizeof(double));
        e->error[m] = rh_realloc(e->error[m], (e->count + 1) * sizeof(double));
        e->less[m][e->count] = error[RH_GROWTH_WORK] - error[m];
        e->error[m][e->count] = error[m];
    }
    e->count++;
}

/* The sample of SCALE, predicted from those up to MOST. */
static void hold_out(const rh_statement *statement, double scale, double most, evidence *e)
{
    rh_work_size size = {0};
    const double actual = rh_sample_median(statement, scale, &size);
    double error[RH_GROWTH_COUNT];
    if (!(most > 0) || !(rh_sample_below(statement, most) > 0) || !(actual >= RH_SAMPLE_FLOOR_S))
        return;
    for (int m = 0; m < RH_GROWTH_COUNT; m++) {
        const rh_growth growth =
            rh_growth_fit(statement, RH_COST_ELAPSED, 1u << RH_PASS_KIND_SCALED, most, (rh_growth_model)m);
        error[m] = fabs(log(actual / rh_growth_at(&growth, &size)));
        if (!isfinite(error[m]))
            return;
    }
    add_error(e, error);
}

static void gather(const rh_plan *plan, evidence by_class[RH_CLASS_COUNT])
{
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++) {
            const rh_statement *statement = &plan->migrations[m].up.statements[i];
            double scale = rh_sample_below(statement, INFINITY);
            for (int largest = 0; largest < 2 && scale > 0; largest++) {
                const double half = rh_sample_below(statement, scale);
                hold_out(statement, scale, half, &by_class[statement->class_]);
                hold_out(statement, scale, rh_sample_below(statement, half), &by_class[statement->class_]);
                scale = half;
            }
        }
}

static rh_growth_choice choose(const evidence *e)
{
    rh_growth_choice choice = {.model = RH_GROWTH_WORK, .heldouts = e->count};
    for (int m = 0; m < RH_GROWTH_COUNT; m++) {
        choice.error[m] = rh_median(e->error[m], e->count);
        if (e->count >= RH_GROWTH_HELDOUTS && choice.error[m] < choice.error[choice.model] &&
            choice.error[m] < MATERIAL * choice.error[RH_GROWTH_WORK] &&
            rh_standard_errors_above_zero(e->less[m], e->count) > RH_GROWTH_CLEARLY)
            choice.model = (rh_growth_model)m;
    }
    return choice;
}

static void release(evidence *e)
{
    for (int m = 0; m < RH_GROWTH_COUNT; m++) {
        free(e->less[m]);
        free(e->error[m]);
    }
}

void rh_growth_choose(const rh_plan *plan, rh_growth_choice choices[RH_CLASS_COUNT])
{
    evidence by_class[RH_CLASS_COUNT] = {0};
    gather(plan, by_class);
    for (int c = 0; c < RH_CLASS_COUNT; c++) {
        choices[c] = choose(&by_class[c]);
        release(&by_class[c]);
    }
}

const char *rh_growth_describe(const rh_growth_choice *choice, rh_arena *arena)
{
    if (choice->model == RH_GROWTH_WORK)
        return "";
    return rh_arena_printf(arena,
                           ", by the %s, which missed %zu held-out samples by %.0f %%, the terms of the "
                           "work by %.0f %%",
                           rh_growth_model_name(choice->model), choice->heldouts,
                           100 * (exp(choice->error[choice->model]) - 1),
                           100 * (exp(choice->error[RH_GROWTH_WORK]) - 1));
}
