/* The settings that are tried: each, but those that the batches without load exclude. */
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/predict.h"
#include "sweep.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* What the batches of one size took while nothing else ran. */
typedef struct quiet_size {
    size_t count;
    int64_t rows, wal_bytes;
    double median_s, p90_s;
} quiet_size;

static quiet_size quiet_of(const rh_sweep *sweep, size_t index)
{
    quiet_size q = {0};
    rh_backfill_batch *batches = rh_sweep_evidence(sweep, true, index, &q.count);
    double *times = rh_sweep_times(batches, q.count, &q.median_s);
    q.p90_s = q.count > 0 ? times[(q.count - 1) * 9 / 10] : RH_NOT_MEASURED;
    for (size_t i = 0; i < q.count; i++) {
        q.rows += batches[i].changed;
        q.wal_bytes += batches[i].wal_bytes;
    }
    free(times);
    free(batches);
    return q;
}

static void measure_strata(const rh_sweep *sweep, rh_backfill_result *result)
{
    for (size_t h = 0; h < result->stratum_count; h++) {
        rh_backfill_stratum *stratum = &result->strata[h];
        double time_s = 0, wal = 0;
        int64_t rows = 0;
        for (size_t i = 0; i < sweep->evidence.batch_count; i++) {
            const rh_backfill_measured *measured = &sweep->evidence.batches[i];
            if (!measured->quiet || measured->batch.stratum != h || measured->batch.changed <= 0)
                continue;
            time_s += rh_predict_batch_s(&measured->batch);
            wal += (double)measured->batch.wal_bytes;
            rows += measured->batch.changed;
            stratum->batches++;
        }
        if (rows > 0) {
            stratum->us_per_row = time_s / (double)rows * 1e6;
            stratum->wal_per_row = wal / (double)rows;
        }
    }
}

static void exclude(rh_backfill_cell *cell, const char *why)
{
    cell->state = RH_CELL_EXCLUDED;
    cell->why = why;
}

static void add_bound(const rh_sweep *sweep, rh_backfill_result *result, const char *name, double limit,
                      const char *why)
{
    *rh_arena_add(sweep->arena, &result->bounds, &result->bound_count) =
        (rh_backfill_bound){.name = name, .limit = limit, .why = why};
}

/* A writer of a row of the batch waits at most as long as the batch takes. */
static void bound_batch(const rh_sweep *sweep, rh_backfill_result *result, const quiet_size *q,
                        rh_backfill_cell *cell)
{
    const rh_gate_limit *gate = &sweep->backfill->gates[RH_BACKFILL_GATE_LOCK_WAIT];
    char took[32];
    if (!gate->set || !(q->p90_s > gate->limit) || cell->state == RH_CELL_EXCLUDED)
        return;
    const char *why =
        rh_arena_printf(sweep->arena,
                        "a batch of %" PRId64 " rows takes %s without load, and who waits for "
                        "one of its rows may wait that long: lock_wait is %s",
                        cell->setting.batch, rh_duration_format(q->p90_s, took, sizeof took), gate->text);
    exclude(cell, why);
    for (size_t i = 0; i < result->bound_count; i++)
        if (result->bounds[i].limit == (double)cell->setting.batch)
            return;
    add_bound(sweep, result, "rows of a batch", (double)cell->setting.batch, why);
}

static void bound_wal(const rh_sweep *sweep, const quiet_size *q, rh_backfill_cell *cell)
{
    const rh_gate_limit *gate = &sweep->backfill->gates[RH_BACKFILL_GATE_WAL_RATE];
    char rate[32];
    if (!gate->set || q->count == 0 || cell->state == RH_CELL_EXCLUDED)
        return;
    const double cycle_s = q->median_s + rh_sweep_pause_s(&cell->setting, q->median_s);
    const double wal_per_s =
        (double)q->wal_bytes / (double)q->count / cycle_s * (double)cell->setting.workers;
    if (wal_per_s > gate->limit)
        exclude(cell,
                rh_arena_printf(sweep->arena, "without load it writes %s of WAL a second: wal_rate is %s",
                                rh_size_format((int64_t)wal_per_s, rate, sizeof rate), gate->text));
}

void rh_sweep_plan(const rh_sweep *sweep, rh_backfill_result *result)
{
    static const rh_backfill_figure none = {RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    const rh_backfill *b = sweep->backfill;
    measure_strata(sweep, result);
    for (size_t i = 0; i < b->batch_count; i++) {
        const quiet_size q = quiet_of(sweep, i);
        for (size_t p = 0; p < b->pause_count; p++)
            for (size_t w = 0; w < b->worker_count; w++) {
                rh_backfill_cell *cell = rh_arena_add(sweep->arena, &result->cells, &result->cell_count);
                *cell = (rh_backfill_cell){
                    .setting = {b->batches[i], b->pauses[p], b->workers[w]},
                    .state = RH_CELL_NOT_RUN,
                    .why = "the limit of the sweep came first",
                    .p99_ratio = none,
                    .busy_s = none,
                    .total_s = none,
                    .wal_bytes = none,
                    .finish_s = none,
                    .whole = {.dead_share = none, .disk_bytes = none, .final_bytes = RH_NOT_MEASURED},
                    .response_p99_ms = RH_NOT_MEASURED,
                    .baseline_p99_ms = RH_NOT_MEASURED,
                    .lock_wait_s = RH_NOT_MEASURED,
                    .replica_lag_s = none,
                };
                if (q.rows > 0)
                    cell->wal_bytes.median =
                        (double)q.wal_bytes / (double)q.rows * (double)sweep->census.rows;
                bound_batch(sweep, result, &q, cell);
                bound_wal(sweep, &q, cell);
            }
    }
}
