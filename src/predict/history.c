#include "pgrehearse/base/statistics.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the rows of a class say; SHIFT and HALF are natural logarithms. */
typedef struct correction {
    size_t rows;
    double shift;
    double half;   /* NAN: no correction */
    bool replaces; /* HALF is the interval; else it only widens */
} correction;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Residuals of CLASS_ (any class: −1); heap. */
static double *residuals_of(const rh_history *history, int class_, bool translated, size_t *count)
{
    double *values = rh_alloc((history->row_count + 1) * sizeof *values);
    *count = 0;
    for (size_t i = 0; i < history->row_count; i++) {
        const rh_residual *row = &history->rows[i];
        double before = row->predicted_s / (row->correction > 0 ? row->correction : 1);
        if (row->kind == RH_RESIDUAL_PRODUCTION &&
            (class_ < 0 || row->class_ == (rh_statement_class)class_) && row->translated == translated &&
            before > 0 && row->actual_s > 0 && fmax(before, row->actual_s) >= RH_PREDICT_FLOOR_S)
            values[(*count)++] = log(row->actual_s / before);
    }
    return values;
}

/* The median of VALUES without the one at LEFT_OUT (COUNT: of all). */
static double median_without(const double *values, size_t count, size_t left_out)
{
    double *rest = rh_alloc((count + 1) * sizeof *rest);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i != left_out)
            rest[kept++] = values[i];
    double median = kept ? rh_median(rest, kept) : 0;
    free(rest);
    return median;
}

static correction correction_of(const rh_history *history, int class_, bool translated, double level)
{
    correction l = {.half = NAN};
    double *values = residuals_of(history, class_, translated, &l.rows);
    bool corrects = class_ >= 0 && l.rows >= RH_HISTORY_CORRECTS;
    if (corrects)
        l.shift = median_without(values, l.rows, l.rows);
    double *off = rh_alloc((l.rows + 1) * sizeof *off);
    for (size_t i = 0; i < l.rows; i++)
        off[i] = fabs(values[i] - (corrects ? median_without(values, l.rows, i) : 0));
    qsort(off, l.rows, sizeof *off, ascending);
    l.replaces = class_ >= 0 && l.rows >= rh_predict_residuals_needed(level);
    if (l.rows > 0)
        l.half = rh_conformal_width(off, l.rows, level);
    free(values);
    free(off);
    return l;
}

static void scale(rh_prediction *p, double factor)
{
    double *figures[] = {&p->median_s,     &p->low_s,         &p->high_s,      &p->parts.cpu_s,
                         &p->parts.read_s, &p->parts.write_s, &p->parts.wal_s, &p->parts.wait_s};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        *figures[i] *= factor;
    p->correction = factor;
}

/* How a correction changed the interval. */
typedef enum outcome { LEFT, WIDENED, NARROWED, GIVEN } outcome;

static outcome apply(const correction *l, double level, rh_prediction *p)
{
    double before = p->high_s / p->low_s;
    if (l->shift != 0)
        scale(p, exp(l->shift));
    if (isnan(l->half) || (isnan(p->low_s) && !l->replaces))
        return LEFT;
    double below = log(p->median_s / p->low_s), above = log(p->high_s / p->median_s);
    if (l->replaces || below < l->half)
        below = l->half;
    if (l->replaces || above < l->half)
        above = l->half;
    p->low_s = p->median_s * exp(-below);
    p->high_s = p->median_s * exp(above);
    p->level = level;
    double after = p->high_s / p->low_s;
    return isnan(before)            ? GIVEN
           : after > 1.001 * before ? WIDENED
           : after < 0.999 * before ? NARROWED
                                    : LEFT;
}

/* The report's sentence about a class: the errors of its earlier predictions, and the correction made. */
static const char *sentence_of(const char *name, const correction *l, outcome how, rh_arena *arena)
{
    static const char *const words[] = {"the interval stays", "the interval is wider",
                                        "the interval is narrower", "it gives the interval"};
    const char *rows = rh_arena_printf(arena, "%s: %zu earlier prediction%s held against production", name,
                                       l->rows, l->rows == 1 ? "" : "s");
    double percent = (exp(l->shift) - 1) * 100;
    if (l->shift == 0)
        return rh_arena_printf(arena, "%s; %s", rows, words[how]);
    return rh_arena_printf(arena, "%s took %.0f %% %s (median): corrected by × %.2f; %s", rows, fabs(percent),
                           percent < 0 ? "less" : "longer", exp(l->shift), words[how]);
}

static void apply_to_class(rh_plan *plan, rh_statement_class class_, bool translated, rh_history *history,
                           double level, rh_arena *arena)
{
    correction l = correction_of(history, (int)class_, translated, level);
    const char *name = rh_statement_class_name(class_);
    if (l.rows == 0) {
        l = correction_of(history, -1, translated, level);
        name = rh_arena_printf(arena, "%s, of which none was scored", name);
    }
    outcome most = LEFT;
    bool any = false;
    for (size_t m = 0; l.rows > 0 && m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++) {
            rh_statement *s = &plan->migrations[m].up.statements[i];
            rh_prediction *p = &s->prediction;
            if (s->class_ != class_ || p->translated != translated || !(p->median_s >= RH_PREDICT_FLOOR_S))
                continue;
            outcome how = apply(&l, level, p);
            most = how == LEFT ? most : how;
            any = true;
            p->basis = rh_arena_printf(arena, "%s; %zu earlier score%s taken into account",
                                       p->basis ? p->basis : "", l.rows, l.rows == 1 ? "" : "s");
        }
    if (any)
        *rh_arena_add(arena, &history->applied, &history->applied_count) = sentence_of(name, &l, most, arena);
}

void rh_history_apply(rh_plan *plan, rh_history *history, double level, rh_arena *arena)
{
    if (history->scored_runs == 0)
        return;
    for (int class_ = 0; class_ < RH_CLASS_COUNT; class_++)
        for (int translated = 0; translated < 2; translated++)
            apply_to_class(plan, (rh_statement_class)class_, translated, history, level, arena);
}
