/* Durations under the load: what is predicted alone, times what the load slowed each statement down by on
 * staging, plus the wait for its locks. */
#include "pgrehearse/base/statistics.h"
#include "cost.h"
#include "pgrehearse/predict/predict.h"
#include <string.h>

/* What the load does to durations, from the loaded pass. */
typedef struct slowdown {
    double brief;  /* factor of the statements below RH_PREDICT_FLOOR_S, all together */
    double spread; /* half-width of the logarithm of the others' factors */
} slowdown;

/* The run under load; NULL: none that ended. */
static const rh_statement_run *loaded_run(const rh_statement *statement)
{
    for (size_t r = 0; r < statement->run_count; r++)
        if (statement->runs[r].pass == RH_PASS_KIND_LOADED && !isnan(statement->runs[r].elapsed_s))
            return &statement->runs[r];
    return NULL;
}

static double loaded_s(const rh_statement *statement)
{
    const rh_statement_run *run = loaded_run(statement);
    return run ? rh_cost_measured(run, RH_COST_ELAPSED) : NAN;
}

static bool is_long(const rh_statement *statement)
{
    return rh_predict_quiet_s(statement) >= RH_PREDICT_FLOOR_S;
}

/* A load speeds nothing up: a factor below 1 is noise. */
static double factor_of(const rh_statement *statement, const slowdown *s)
{
    return fmax(1, is_long(statement) ? loaded_s(statement) / rh_predict_quiet_s(statement) : s->brief);
}

/* ⌈(n + 1) · LEVEL⌉-th smallest distance of the COUNT logarithms from their median, the largest where that is
 * beyond it: noise of the one loaded run, and what differs from statement to statement; the first is not
 * known apart, so both count. */
static double spread_of(double *logarithms, size_t count, double level)
{
    if (count == 0)
        return 0;
    const double median = rh_median(logarithms, count);
    for (size_t i = 0; i < count; i++)
        logarithms[i] = fabs(logarithms[i] - median);
    rh_median(logarithms, count); /* sorts */
    return rh_conformal_width(logarithms, count, level);
}

/* False: not every statement that has a prediction ran under load. */
static bool measure(const rh_plan *plan, double level, rh_arena *arena, slowdown *s)
{
    double alone = 0, loaded = 0, *logarithms = NULL;
    size_t count = 0;
    bool any = false;
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++) {
            const rh_statement *statement = &plan->migrations[m].up.statements[i];
            if (isnan(loaded_s(statement)) || isnan(statement->prediction.median_s))
                return false;
            any = true;
            if (is_long(statement)) {
                *rh_arena_add(arena, &logarithms, &count) =
                    log(loaded_s(statement) / rh_predict_quiet_s(statement));
            } else {
                alone += rh_predict_quiet_s(statement);
                loaded += loaded_s(statement);
            }
        }
    *s = (slowdown){.brief = alone > 0 ? loaded / alone : 1, .spread = spread_of(logarithms, count, level)};
    return any;
}

/* ---- waits ---- */

/* As forecast from production's own transactions; 0: it meets none. */
static double forecast_wait(const rh_lock_forecasts *locks, const char *migration, int statement)
{
    double wait = 0;
    for (size_t i = 0; i < locks->row_count; i++) {
        const rh_lock_forecast *row = &locks->rows[i];
        if (!row->inferred && row->statement == statement && strcmp(row->migration, migration) == 0 &&
            isfinite(row->wait_total_s))
            wait += row->wait_total_s;
    }
    return wait;
}

static double measured_wait(const rh_statement *statement)
{
    const double wait = loaded_run(statement)->lock_wait_s;
    return wait > 0 ? wait : 0;
}

static double wait_of(const rh_predict_load *load, const rh_migration *migration,
                      const rh_statement *statement)
{
    if (load->locks->made)
        return forecast_wait(load->locks, migration->id, statement->ordinal);
    return load->disturbed ? 0 : measured_wait(statement);
}

/* ---- the figures ---- */

/* Errors of the figure alone and of the factor are independent: their half-widths add in quadrature. The one
 * loaded run scatters at least as the quiet ones do. */
static double half_width(double alone, const slowdown *s)
{
    return hypot(alone, fmax(alone, s->spread));
}

static rh_loaded_prediction predict(const rh_migration *migration, const rh_statement *statement,
                                    const slowdown *s, const rh_predict_load *load)
{
    const rh_prediction *alone = &statement->prediction;
    const double factor = factor_of(statement, s), wait = wait_of(load, migration, statement);
    const double below = log(alone->median_s / alone->low_s), above = log(alone->high_s / alone->median_s);
    const double median = alone->median_s * factor;
    const bool brief = !is_long(statement); /* the factor of them all is known better than each of them */
    return (rh_loaded_prediction){
        .median_s = median + wait,
        .low_s = median * exp(brief ? -below : -half_width(below, s)) + wait,
        .high_s = median * exp(brief ? above : half_width(above, s)) + wait,
        .wait_s = wait,
        .factor = factor,
    };
}

static const char *basis_of(const rh_predict_load *load, rh_arena *arena)
{
    const char *waits = load->locks->made ? "lock waits as forecast from production's transactions"
                        : load->disturbed ? "without lock waits, since disturbers caused those of the run"
                                          : "lock waits as in the loaded pass";
    return rh_arena_printf(arena,
                           "the prediction alone, times what the load slowed each statement down by in the "
                           "loaded pass; %s",
                           waits);
}

/* A statement too short for an interval counts as in rh_predict_total. */
static void add(const rh_loaded_prediction *one, rh_loaded_prediction *sum, double *below, double *above)
{
    const bool brief = isnan(one->high_s) && one->median_s < RH_PREDICT_FLOOR_S;
    sum->median_s += one->median_s;
    sum->wait_s += one->wait_s;
    *below +=
        brief ? one->median_s * one->median_s : (one->median_s - one->low_s) * (one->median_s - one->low_s);
    *above += brief ? RH_PREDICT_FLOOR_S * RH_PREDICT_FLOOR_S
                    : (one->high_s - one->median_s) * (one->high_s - one->median_s);
}

void rh_predict_loaded(rh_plan *plan, const rh_predict_load *load, rh_arena *arena,
                       rh_run_prediction *prediction)
{
    static const rh_loaded_prediction unknown = {.median_s = NAN, .low_s = NAN, .high_s = NAN, .wait_s = NAN};
    slowdown s;
    double own_s = prediction->median_s, below = 0, above = 0;
    const bool known = measure(plan, load->level, arena, &s);
    rh_loaded_prediction sum = {.basis = known ? basis_of(load, arena) : NULL};
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++) {
            rh_statement *statement = &plan->migrations[m].up.statements[i];
            statement->prediction.loaded =
                known ? predict(&plan->migrations[m], statement, &s, load) : unknown;
            statement->prediction.loaded.basis = sum.basis;
            own_s -= statement->prediction.median_s;
            add(&statement->prediction.loaded, &sum, &below, &above);
        }
    prediction->loaded = unknown;
    if (!known || isnan(prediction->median_s))
        return;
    sum.median_s += fmax(0, own_s); /* of programs, outside of their statements */
    sum.low_s = sum.median_s - sqrt(below);
    sum.high_s = isnan(prediction->high_s) ? NAN : sum.median_s + sqrt(above);
    if (isnan(sum.high_s))
        sum.low_s = NAN;
    sum.factor = fmax(1, (sum.median_s - sum.wait_s) / prediction->median_s);
    prediction->loaded = sum;
}
