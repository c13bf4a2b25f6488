/* The prediction for all pending migrations. */
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/predict.h"
#include <string.h>

typedef struct total {
    double median, below, above; /* s; squared half-widths */
    size_t predicted, unsure, missing;
    int64_t wal;
    rh_duration_parts parts;
    double staging;
    double own; /* of programs, outside of their statements */
    bool translated;
    const rh_migration *widest_migration; /* whose statement adds most to the uncertainty */
    const rh_statement *widest;
    double widest_square;
} total;

/* WAL of the last quiet run. */
static int64_t wal_of(const rh_statement *statement)
{
    for (size_t r = statement->run_count; r-- > 0;)
        if (statement->runs[r].pass == RH_PASS_KIND_QUIET)
            return statement->runs[r].wal_bytes;
    return RH_UNKNOWN;
}

/* As many of them as the prediction, which scores may have corrected since. */
static void add_parts(total *t, const rh_prediction *p)
{
    double sum = p->parts.cpu_s + p->parts.read_s + p->parts.write_s + p->parts.wal_s + p->parts.wait_s;
    t->staging += p->staging_s;
    t->translated |= p->translated;
    if (!(sum > 0)) {
        t->parts.wait_s += p->median_s;
        return;
    }
    t->parts.cpu_s += p->parts.cpu_s * p->median_s / sum;
    t->parts.read_s += p->parts.read_s * p->median_s / sum;
    t->parts.write_s += p->parts.write_s * p->median_s / sum;
    t->parts.wal_s += p->parts.wal_s * p->median_s / sum;
    t->parts.wait_s += p->parts.wait_s * p->median_s / sum;
}

static void find_widest(total *t, const rh_migration *migration, const rh_statement *statement)
{
    double half = isnan(statement->prediction.high_s)
                      ? statement->prediction.median_s
                      : statement->prediction.high_s - statement->prediction.median_s;
    if (!(half * half > t->widest_square))
        return;
    t->widest_square = half * half;
    t->widest = statement;
    t->widest_migration = migration;
}

static void add_statement(total *t, const rh_statement *statement, rh_framework framework)
{
    const rh_prediction *p = &statement->prediction;
    if (isnan(p->median_s)) {
        t->missing++;
        return;
    }
    t->predicted++;
    t->median += p->median_s;
    if (isnan(p->high_s) && p->median_s >= RH_PREDICT_FLOOR_S) {
        t->unsure++;
    } else if (isnan(
                   p->high_s)) { /* too short to matter by itself: anything from nothing to the floor more */
        t->below += p->median_s * p->median_s;
        t->above += RH_PREDICT_FLOOR_S * RH_PREDICT_FLOOR_S;
    } else {
        t->below += (p->median_s - p->low_s) * (p->median_s - p->low_s);
        t->above += (p->high_s - p->median_s) * (p->high_s - p->median_s);
    }
    add_parts(t, p);
    int64_t wal = wal_of(statement);
    if (wal < 0 && framework == RH_FRAMEWORK_COMMAND) /* read once for several: it is with the longest */
        wal = 0;
    t->wal = t->wal < 0 || wal < 0 ? RH_UNKNOWN : t->wal + wal;
}

/* A program's time outside of its statements: the median of its quiet passes, from the least to the most. */
static void add_own_time(total *t, const rh_migration *migration, rh_arena *arena)
{
    enum { FEWEST = 3 };
    const size_t count = migration->own_count;
    if (count == 0)
        return;
    double *sorted = rh_arena_alloc(arena, count * sizeof *sorted);
    memcpy(sorted, migration->own_s, count * sizeof *sorted);
    const double median = rh_median(sorted, count), least = sorted[0], most = sorted[count - 1];
    t->predicted++;
    t->median += median;
    t->staging += median;
    t->parts.wait_s += median;
    t->below += (median - least) * (median - least);
    t->above += (most - median) * (most - median);
    t->unsure += count < FEWEST && median >= RH_PREDICT_FLOOR_S;
    t->own += median;
}

void rh_predict_total(const rh_plan *plan, const rh_contention *contention, double level, rh_arena *arena,
                      rh_run_prediction *prediction)
{
    total t = {0};
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++)
            find_widest(&t, &plan->migrations[m], &plan->migrations[m].up.statements[i]);
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++)
            add_statement(&t, &plan->migrations[m].up.statements[i], plan->framework);
    for (size_t m = 0; m < plan->migration_count; m++)
        add_own_time(&t, &plan->migrations[m], arena);
    bool whole = t.predicted > 0 && t.missing == 0;
    bool sure = whole && t.unsure == 0;
    prediction->median_s = whole ? t.median : NAN;
    prediction->low_s = sure ? t.median - sqrt(t.below) : NAN;
    prediction->high_s = sure ? t.median + sqrt(t.above) : NAN;
    prediction->level = sure ? level : NAN;
    prediction->wal_bytes = whole ? t.wal : RH_UNKNOWN;
    prediction->reads_blocked_s =
        contention->measured ? rh_plan_blocked_s(plan, NULL, true, contention->reads_blocked_s) : NAN;
    prediction->writes_blocked_s =
        contention->measured ? rh_plan_blocked_s(plan, NULL, false, contention->writes_blocked_s) : NAN;
    prediction->translated = t.translated;
    prediction->parts = t.parts;
    prediction->staging_s = whole ? t.staging : NAN;
    if (t.widest) {
        double share = t.above > 0 ? fmin(1, t.widest_square / t.above) : 1;
        prediction->drivers =
            rh_arena_printf(arena, "migration %s, statement %d, for %.0f %% of it: %s",
                            t.widest_migration->id, t.widest->ordinal, 100 * share,
                            t.widest->prediction.drivers ? t.widest->prediction.drivers : "too few runs");
        prediction->narrows = t.widest->prediction.narrows;
    }
    char own[32];
    prediction->basis = rh_arena_printf(
        arena, "%s%s%s; %s",
        t.translated ? "translated to production's size, settings and hardware by its profile"
                     : "hardware not translated: as on staging",
        t.own > 0 ? "; with the programs' own time outside of their statements, as on staging: " : "",
        t.own > 0 ? rh_duration_format(t.own, own, sizeof own) : "",
        sure    ? "the statements' errors are taken as independent"
        : whole ? "not enough evidence for an interval: more quiet passes (repeat:) would give one"
                : "not every statement was measured in a quiet pass");
}
