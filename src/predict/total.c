/* The whole set on production. */
#include "pgrehearse/predict/predict.h"

typedef struct total {
    double median, below, above; /* s; squared half-widths */
    size_t predicted, unsure, missing;
    int64_t wal;
} total;

/* WAL of the last quiet run. */
static int64_t wal_of(const rh_statement *statement)
{
    for (size_t r = statement->run_count; r-- > 0;)
        if (statement->runs[r].pass == RH_PASS_KIND_QUIET)
            return statement->runs[r].wal_bytes;
    return RH_UNKNOWN;
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
    int64_t wal = wal_of(statement);
    if (wal < 0 && framework == RH_FRAMEWORK_COMMAND) /* read once for several: it stands with the longest */
        wal = 0;
    t->wal = t->wal < 0 || wal < 0 ? RH_UNKNOWN : t->wal + wal;
}

void rh_predict_total(const rh_plan *plan, const rh_contention *contention, double level, rh_arena *arena,
                      rh_run_prediction *prediction)
{
    total t = {0};
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++)
            add_statement(&t, &plan->migrations[m].up.statements[i], plan->framework);
    bool whole = t.predicted > 0 && t.missing == 0;
    bool sure = whole && t.unsure == 0;
    prediction->median_s = whole ? t.median : NAN;
    prediction->low_s = sure ? t.median - sqrt(t.below) : NAN;
    prediction->high_s = sure ? t.median + sqrt(t.above) : NAN;
    prediction->level = sure ? level : NAN;
    prediction->wal_bytes = whole ? t.wal : RH_UNKNOWN;
    prediction->reads_blocked_s = contention->measured ? contention->reads_blocked_s : NAN;
    prediction->writes_blocked_s = contention->measured ? contention->writes_blocked_s : NAN;
    prediction->translated = false;
    prediction->basis = rh_arena_printf(
        arena, "hardware not translated: as on staging; %s",
        sure    ? "the statements' errors are taken as independent"
        : whole ? "not enough evidence for an interval: more quiet passes (repeat:) would give one"
                : "not every statement was measured in a quiet pass");
}
