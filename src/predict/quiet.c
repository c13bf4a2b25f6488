/* Predicts durations, with intervals, from repeated quiet passes. */
#include "cost.h"
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/predict/predict.h"
#include <stdlib.h>

size_t rh_predict_residuals_needed(double level)
{
    return (size_t)ceil(level / (1 - level) - 1e-9);
}

double rh_predict_quiet_s(const rh_statement *statement)
{
    return rh_cost_quiet_median(statement, RH_COST_ELAPSED);
}

/* Durations of the quiet runs in the order they ran; heap. */
static double *quiet_durations(const rh_statement *statement, size_t *count)
{
    double *values = rh_alloc((statement->run_count + 1) * sizeof *values);
    *count = 0;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        if (run->pass == RH_PASS_KIND_QUIET && run->elapsed_s > 0)
            values[(*count)++] = rh_cost_measured(run, RH_COST_ELAPSED);
    }
    return values;
}

static double prefix_median(const double *values, size_t count)
{
    double *copy = rh_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = values[i];
    double median = rh_median(copy, count);
    free(copy);
    return median;
}

/* Held-out residuals of the plan's statements: one pool for each side of the floor. */
typedef struct residual_pools {
    double *values[2];
    size_t count[2];
} residual_pools;

static int pool_of(double median)
{
    return median >= RH_PREDICT_FLOOR_S;
}

static void add_residuals(residual_pools *pools, const rh_statement *statement)
{
    size_t count;
    double *values = quiet_durations(statement, &count);
    int pool = pool_of(prefix_median(values, count));
    for (size_t i = 1; i < count; i++) {
        size_t n = pools->count[pool]++;
        pools->values[pool] = rh_realloc(pools->values[pool], (n + 1) * sizeof(double));
        pools->values[pool][n] = fabs(log(values[i] / prefix_median(values, i)));
    }
    free(values);
}

/* The half-width in log space that LEVEL needs, or NAN. */
static double half_width(double *residuals, size_t count, double level)
{
    if (count == 0 || count < rh_predict_residuals_needed(level))
        return NAN;
    rh_median(residuals, count); /* sorts */
    return rh_conformal_width(residuals, count, level);
}

/* ", without 1.2 s for which other programs had the CPU"; empty where that is little. */
static const char *waits_of(const rh_statement *statement, rh_arena *arena)
{
    static const double LITTLE = 0.05;
    double elapsed = 0, own = 0;
    size_t count = 0;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        if (run->pass != RH_PASS_KIND_QUIET || !(run->elapsed_s > 0) || !(run->cpu_wait_s > 0))
            continue;
        elapsed += run->elapsed_s - (run->lock_wait_s > 0 ? run->lock_wait_s : 0);
        own += rh_cost_measured(run, RH_COST_ELAPSED);
        count++;
    }
    return count > 0 && elapsed - own > LITTLE * own
               ? rh_arena_printf(arena,
                                 ", without the %.0f %% of their time for which other programs of staging's "
                                 "machine had the CPU",
                                 100 * (1 - own / elapsed))
               : "";
}

static void predict(rh_statement *statement, const double *widths, const residual_pools *pools, double level,
                    rh_arena *arena)
{
    size_t count;
    double *values = quiet_durations(statement, &count);
    rh_prediction *p = &statement->prediction;
    *p = (rh_prediction){.median_s = rh_median(values, count), .low_s = NAN, .high_s = NAN, .level = NAN};
    free(values);
    if (count == 0) {
        p->basis = "no quiet pass ran it";
        return;
    }
    int pool = pool_of(p->median_s);
    if (isnan(widths[pool])) {
        p->basis = rh_arena_printf(arena,
                                   "median of %zu quiet run%s%s; not enough evidence for an interval "
                                   "(%zu held-out residuals, %.0f %% needs %zu)",
                                   count, count == 1 ? "" : "s", waits_of(statement, arena),
                                   pools->count[pool], level * 100, rh_predict_residuals_needed(level));
        return;
    }
    p->low_s = p->median_s * exp(-widths[pool]);
    p->high_s = p->median_s * exp(widths[pool]);
    p->level = level;
    p->basis =
        rh_arena_printf(arena,
                        "median of %zu quiet runs%s; interval from %zu held-out residuals of this run's "
                        "statements",
                        count, waits_of(statement, arena), pools->count[pool]);
}

void rh_predict_statements(rh_plan *plan, double level, rh_arena *arena)
{
    residual_pools pools = {0};
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++)
            add_residuals(&pools, &plan->migrations[m].up.statements[i]);
    double widths[2];
    for (int pool = 0; pool < 2; pool++)
        widths[pool] = half_width(pools.values[pool], pools.count[pool], level);
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++)
            predict(&plan->migrations[m].up.statements[i], widths, &pools, level, arena);
    free(pools.values[0]);
    free(pools.values[1]);
}
