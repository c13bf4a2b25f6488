/* What each setting measured under load, and what the whole takes with it. */
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/predict/predict.h"
#include "activity.h"
#include "sweep.h"
#include <math.h>
#include <stdlib.h>

rh_backfill_batch *rh_sweep_evidence(const rh_sweep *sweep, bool quiet, size_t index, size_t *count)
{
    const rh_backfill_evidence *evidence = &sweep->evidence;
    rh_backfill_batch *batches = rh_alloc((evidence->batch_count + 1) * sizeof *batches);
    *count = 0;
    for (size_t i = 0; i < evidence->batch_count; i++) {
        const rh_backfill_measured *measured = &evidence->batches[i];
        if (measured->quiet == quiet && measured->setting == index && measured->batch.changed > 0)
            batches[(*count)++] = measured->batch;
    }
    return batches;
}

double *rh_sweep_times(const rh_backfill_batch *batches, size_t count, double *median)
{
    double *times = rh_alloc((count + 1) * sizeof *times);
    for (size_t i = 0; i < count; i++)
        times[i] = rh_predict_batch_s(&batches[i]);
    *median = rh_median(times, count);
    return times;
}

/* The p99 of the windows without batches before and behind WINDOW, and its interval. */
static rh_backfill_figure baseline_of(const rh_backfill_evidence *evidence, size_t window)
{
    const rh_backfill_window *before = &evidence->windows[window - 1], *behind = before;
    if (window + 1 < evidence->window_count)
        behind = &evidence->windows[window + 1];
    return (rh_backfill_figure){.median = (before->p99_ms + behind->p99_ms) / 2,
                                .low = (before->p99_low_ms + behind->p99_low_ms) / 2,
                                .high = (before->p99_high_ms + behind->p99_high_ms) / 2};
}

/* The ratio of each window to its baseline; of several the median, and the widest interval. */
static void measure_windows(const rh_sweep *sweep, size_t index, rh_backfill_cell *cell)
{
    const rh_backfill_evidence *evidence = &sweep->evidence;
    double *ratios = rh_alloc((evidence->window_count + 1) * sizeof *ratios), wal = 0;
    size_t count = 0;
    for (size_t i = 1; i < evidence->window_count; i++) {
        const rh_backfill_window *window = &evidence->windows[i];
        if (window->setting != index)
            continue;
        const rh_backfill_figure baseline = baseline_of(evidence, i);
        cell->elapsed_s += rh_seconds(window->ended - window->began);
        wal += (double)window->wal_bytes;
        rh_activity_add(&cell->activity, &window->activity);
        cell->load_errors += window->errors;
        cell->lock_wait_s = fmax(cell->lock_wait_s, window->lock_wait_s);
        cell->response_p99_ms = fmax(cell->response_p99_ms, window->p99_ms);
        cell->baseline_p99_ms = fmax(cell->baseline_p99_ms, baseline.median);
        if (!(baseline.low > 0) || isnan(window->p99_ms))
            continue;
        ratios[count++] = window->p99_ms / baseline.median;
        cell->p99_ratio.low = fmin(cell->p99_ratio.low, window->p99_low_ms / baseline.high);
        cell->p99_ratio.high = fmax(cell->p99_ratio.high, window->p99_high_ms / baseline.low);
    }
    cell->p99_ratio.median = count > 0 ? rh_median(ratios, count) : RH_NOT_MEASURED;
    cell->wal_per_s = cell->elapsed_s > 0 ? wal / cell->elapsed_s : RH_NOT_MEASURED;
    free(ratios);
}

/* WAL that the load writes a second without the backfill. */
static double wal_of_others(const rh_sweep *sweep)
{
    double wal = 0, elapsed_s = 0;
    for (size_t i = 0; i < sweep->evidence.window_count; i++) {
        const rh_backfill_window *window = &sweep->evidence.windows[i];
        if (window->setting != SIZE_MAX)
            continue;
        wal += (double)window->wal_bytes;
        elapsed_s += rh_seconds(window->ended - window->began);
    }
    return elapsed_s > 0 ? wal / elapsed_s : 0;
}

size_t rh_sweep_without_warmup(rh_backfill_batch *batches, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!batches[i].warmup)
            batches[kept++] = batches[i];
    return kept > 0 ? kept : count;
}

/* The whole with the setting of CELL, from its BATCHES. */
static rh_backfill_whole predict_whole(const rh_sweep *sweep, const rh_backfill_result *result,
                                       const rh_backfill_batch *batches, size_t count,
                                       const rh_backfill_cell *cell)
{
    const rh_backfill_pause *pause = &cell->setting.pause;
    const double rows = (double)result->rows, batch_count = rows * (double)cell->batches / (double)cell->rows;
    double images = 0, sampled = 0;
    for (size_t i = 0; i < count; i++) {
        images += batches[i].images;
        sampled += (double)batches[i].changed;
    }
    rh_backfill_whole_input in = {
        .rows = rows,
        .sampled = rh_predict_backfill(result->strata, result->stratum_count, batches, count, result->level,
                                       sweep->place->seed),
        .sampled_images = images / sampled,
        .pause_share = pause->share,
        .pauses_s = pause->share > 0 ? 0 : batch_count * rh_seconds(pause->duration),
        .workers = cell->setting.workers,
        .pages = &sweep->states.pages,
        .prices = &sweep->states.prices,
        .checkpoints = sweep->states.checkpoints,
        .vacuum = &sweep->states.vacuum,
        .vacuum_measured = sweep->states.vacuum_measured,
        .table_bytes = (double)result->table_bytes,
        .index_bytes = (double)result->index_bytes,
        .index_pages = sweep->states.index_pages,
        .hot_share = sweep->states.hot_share};
    in.checkpoints.other_per_s = wal_of_others(sweep);
    rh_backfill_whole whole = rh_predict_whole(&in);
    double naive[RH_STRETCH_NAIVE_COUNT];
    rh_predict_naive(batches, count, naive);
    whole.exponential_s = naive[RH_STRETCH_EXPONENTIAL] / 1e6 * rows;
    return whole;
}

static void measure_batches(const rh_sweep *sweep, size_t index, const rh_backfill_result *result,
                            rh_backfill_cell *cell)
{
    size_t count;
    rh_backfill_batch *batches = rh_sweep_evidence(sweep, false, index, &count);
    for (size_t i = 0; i < count; i++) {
        cell->rows += batches[i].changed;
        cell->find_s += batches[i].find_s;
        cell->update_s += batches[i].update_s;
        cell->commit_s += batches[i].commit_s;
        cell->retries += batches[i].retries;
        cell->locks_max_s = fmax(cell->locks_max_s, batches[i].update_s + batches[i].commit_s);
        cell->pause_s += rh_sweep_pause_s(&cell->setting, rh_predict_batch_s(&batches[i]));
    }
    cell->batches = (int64_t)count;
    cell->rows_per_s = cell->elapsed_s > 0 ? (double)cell->rows / cell->elapsed_s : RH_NOT_MEASURED;
    double *times = rh_sweep_times(batches, count, &cell->batch_p50_s);
    if (count > 0) {
        cell->batch_p90_s = times[(count - 1) * 9 / 10];
        cell->batch_max_s = times[count - 1];
    }
    free(times);
    if (count > 0) {
        cell->whole = predict_whole(sweep, result, batches, rh_sweep_without_warmup(batches, count), cell);
        cell->busy_s = cell->whole.busy_s;
        cell->total_s = cell->whole.total_s;
        if (!isnan(cell->whole.wal_bytes.median))
            cell->wal_bytes = cell->whole.wal_bytes;
    }
    free(batches);
}

void rh_sweep_measure(const rh_sweep *sweep, size_t index, const rh_backfill_result *result,
                      rh_backfill_cell *cell)
{
    measure_windows(sweep, index, cell);
    measure_batches(sweep, index, result, cell);
}

void rh_sweep_measure_all(const rh_sweep *sweep, rh_backfill_result *result)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        rh_backfill_cell *cell = &result->cells[i];
        if (cell->state == RH_CELL_EXCLUDED)
            continue;
        rh_sweep_measure(sweep, i, result, cell);
    }
    for (size_t i = 0; i < sweep->evidence.batch_count; i++)
        result->changed += sweep->evidence.batches[i].batch.changed;
    result->hot_share = sweep->states.hot_share;
}

/* The duration by the model that the stretches chose; pauses come on top of the batches. */
static void apply_model(const rh_backfill_result *result, rh_backfill_cell *cell)
{
    const rh_backfill_whole *whole = &cell->whole;
    const rh_backfill_figure *busy = &whole->busy_s;
    const double by_model = rh_predict_by_model(result->score.model, busy->median, whole->exponential_s),
                 factor = by_model / busy->median,
                 a_second = (1 + cell->setting.pause.share) / cell->setting.workers;
    const rh_backfill_figure total = {whole->total_s.median + (factor - 1) * busy->median * a_second,
                                      whole->total_s.low + (factor - 1) * busy->low * a_second,
                                      whole->total_s.high + (factor - 1) * busy->high * a_second};
    const rh_backfill_figure chosen = {by_model, busy->low * factor, busy->high * factor};
    cell->busy_s = rh_predict_widen(&chosen, result->score.half_width);
    cell->total_s = rh_predict_widen(&total, result->score.half_width);
}

void rh_sweep_conclude(const rh_sweep *sweep, rh_backfill_result *result)
{
    result->score = rh_predict_stretch_score(result->stretches, result->stretch_count, result->level);
    for (size_t i = 0; i < result->cell_count; i++) {
        rh_backfill_cell *cell = &result->cells[i];
        if (cell->batches == 0)
            continue;
        apply_model(result, cell);
    }
    rh_sweep_schedule(result);
    for (size_t i = 0; i < result->cell_count; i++) {
        rh_backfill_cell *cell = &result->cells[i];
        if (cell->batches > 0 && cell->state != RH_CELL_EXCLUDED)
            rh_sweep_judge(sweep, sweep->place->load != NULL, cell);
    }
    rh_sweep_recommend(sweep, result);
    rh_sweep_course(sweep, result);
}
