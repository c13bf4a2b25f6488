/* The settings of the sweep, each with each, and what the batches without load say along the key. */
#include "pgrehearse/predict/predict.h"
#include "bounds.h"

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

void rh_sweep_plan(const rh_sweep *sweep, rh_backfill_result *result)
{
    static const rh_backfill_figure none = {RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    const rh_backfill *b = sweep->backfill;
    measure_strata(sweep, result);
    for (size_t i = 0; i < b->batch_count; i++) {
        const rh_quiet_batches q = rh_sweep_quiet(sweep, b->batches[i]);
        for (size_t p = 0; p < b->pause_count; p++)
            for (size_t w = 0; w < b->worker_count; w++) {
                rh_backfill_cell *cell = rh_arena_add(sweep->arena, &result->cells, &result->cell_count);
                *cell = (rh_backfill_cell){
                    .setting = {b->batches[i], b->pauses[p], b->workers[w]},
                    .state = RH_CELL_NOT_RUN,
                    .why = "the limit of the sweep was reached before",
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
                if (q.count > 0)
                    cell->wal_bytes.median = q.wal / q.rows * (double)sweep->census.rows;
            }
    }
    rh_sweep_bound_batches(sweep, result);
}
