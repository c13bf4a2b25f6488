/* The settings: which are tried, what each measured, and whether it holds the gates. */
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/predict.h"
#include "sweep.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* ---- from the batches without load ---- */

/* What the batches of one size took while nothing else ran. */
typedef struct quiet_size {
    size_t count;
    int64_t rows, wal_bytes;
    double median_s, p90_s;
} quiet_size;

static bool takes_part(const rh_backfill_measured *measured, bool quiet, size_t index)
{
    return measured->quiet == quiet && measured->setting == index && measured->batch.changed > 0;
}

/* Seconds of the batches of INDEX; heap, sorted. */
static double *times_of(const rh_sweep *sweep, bool quiet, size_t index, size_t *count, double *median)
{
    const rh_backfill_evidence *evidence = &sweep->evidence;
    double *times = rh_alloc((evidence->batch_count + 1) * sizeof *times);
    *count = 0;
    for (size_t i = 0; i < evidence->batch_count; i++)
        if (takes_part(&evidence->batches[i], quiet, index))
            times[(*count)++] = rh_predict_batch_s(&evidence->batches[i].batch);
    *median = rh_median(times, *count);
    return times;
}

static quiet_size quiet_of(const rh_sweep *sweep, size_t index)
{
    const rh_backfill_evidence *evidence = &sweep->evidence;
    quiet_size q = {0};
    double *times = times_of(sweep, true, index, &q.count, &q.median_s);
    q.p90_s = q.count > 0 ? times[(q.count - 1) * 9 / 10] : RH_NOT_MEASURED;
    free(times);
    for (size_t i = 0; i < evidence->batch_count; i++)
        if (takes_part(&evidence->batches[i], true, index)) {
            q.rows += evidence->batches[i].batch.changed;
            q.wal_bytes += evidence->batches[i].batch.wal_bytes;
        }
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
                    .response_p99_ms = RH_NOT_MEASURED,
                    .baseline_p99_ms = RH_NOT_MEASURED,
                    .lock_wait_s = RH_NOT_MEASURED,
                };
                if (q.rows > 0)
                    cell->wal_bytes.median =
                        (double)q.wal_bytes / (double)q.rows * (double)sweep->census.rows;
                bound_batch(sweep, result, &q, cell);
                bound_wal(sweep, &q, cell);
            }
    }
}

/* ---- from the windows beside the load ---- */

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

/* The batches of INDEX; heap. */
static rh_backfill_batch *batches_of(const rh_sweep *sweep, size_t index, size_t *count)
{
    rh_backfill_batch *batches = rh_alloc((sweep->evidence.batch_count + 1) * sizeof *batches);
    *count = 0;
    for (size_t i = 0; i < sweep->evidence.batch_count; i++)
        if (takes_part(&sweep->evidence.batches[i], false, index))
            batches[(*count)++] = sweep->evidence.batches[i].batch;
    return batches;
}

static double with_pauses(const rh_backfill_cell *cell, double busy_s, double batch_count)
{
    const double pauses_s = cell->setting.pause.share > 0
                                ? cell->setting.pause.share * busy_s
                                : batch_count * rh_seconds(cell->setting.pause.duration);
    return (busy_s + pauses_s) / cell->setting.workers;
}

static void measure_batches(const rh_sweep *sweep, size_t index, const rh_backfill_result *result,
                            rh_backfill_cell *cell)
{
    size_t count;
    rh_backfill_batch *batches = batches_of(sweep, index, &count);
    for (size_t i = 0; i < count; i++) {
        cell->rows += batches[i].changed;
        cell->find_s += batches[i].find_s;
        cell->update_s += batches[i].update_s;
        cell->commit_s += batches[i].commit_s;
        cell->retries += batches[i].retries;
        cell->pause_s += rh_sweep_pause_s(&cell->setting, rh_predict_batch_s(&batches[i]));
    }
    cell->batches = (int64_t)count;
    cell->rows_per_s = cell->elapsed_s > 0 ? (double)cell->rows / cell->elapsed_s : RH_NOT_MEASURED;
    cell->busy_s = rh_predict_backfill(result->strata, result->stratum_count, batches, count, result->level,
                                       sweep->place->seed);
    free(batches);
    if (count == 0)
        return;
    double *times = times_of(sweep, false, index, &count, &cell->batch_p50_s);
    cell->batch_p90_s = times[(count - 1) * 9 / 10];
    cell->batch_max_s = times[count - 1];
    free(times);
    const double batch_count = (double)result->rows / ((double)cell->rows / (double)cell->batches);
    cell->total_s = (rh_backfill_figure){with_pauses(cell, cell->busy_s.median, batch_count),
                                         with_pauses(cell, cell->busy_s.low, batch_count),
                                         with_pauses(cell, cell->busy_s.high, batch_count)};
}

/* ---- gates ---- */

typedef struct reading {
    double figure, low, high; /* HIGH: what must be within the limit */
} reading;

static reading read_gate(const rh_backfill_cell *cell, rh_backfill_gate_kind kind)
{
    switch (kind) {
    case RH_BACKFILL_GATE_P99_RATIO:
        return (reading){cell->p99_ratio.median, cell->p99_ratio.low, cell->p99_ratio.high};
    case RH_BACKFILL_GATE_LOCK_WAIT: /* who came at the wrong moment would wait as long as a batch takes */
        return (reading){cell->lock_wait_s, cell->lock_wait_s, fmax(cell->lock_wait_s, cell->batch_max_s)};
    case RH_BACKFILL_GATE_WAL_RATE:
        return (reading){cell->wal_per_s, cell->wal_per_s, cell->wal_per_s};
    case RH_BACKFILL_GATE_LOAD_ERRORS:
        return (reading){(double)cell->load_errors, (double)cell->load_errors, (double)cell->load_errors};
    case RH_BACKFILL_GATE_DURATION:
        return (reading){cell->total_s.median, cell->total_s.low, cell->total_s.high};
    case RH_BACKFILL_GATE_COUNT:
        break;
    }
    return (reading){RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
}

static const char *format_reading(rh_backfill_gate_kind kind, double value, rh_arena *arena)
{
    char buffer[32];
    switch (kind) {
    case RH_BACKFILL_GATE_LOCK_WAIT:
    case RH_BACKFILL_GATE_DURATION:
        return rh_arena_strdup(arena, rh_duration_format(value, buffer, sizeof buffer));
    case RH_BACKFILL_GATE_WAL_RATE:
        return rh_arena_strdup(arena, rh_size_format((int64_t)value, buffer, sizeof buffer));
    default:
        return rh_arena_printf(arena, "%.3g", value);
    }
}

/* The first gate that the cell does not hold decides; one that fails goes before one that is unclear. */
static void judge(const rh_sweep *sweep, bool has_load, rh_backfill_cell *cell)
{
    cell->state = RH_CELL_HELD;
    cell->why = NULL;
    for (int kind = 0; kind < RH_BACKFILL_GATE_COUNT && cell->state != RH_CELL_FAILED; kind++) {
        const rh_gate_limit *gate = &sweep->backfill->gates[kind];
        const reading r = read_gate(cell, (rh_backfill_gate_kind)kind);
        const char *name = rh_backfill_gate_name((rh_backfill_gate_kind)kind);
        const bool of_load = kind == RH_BACKFILL_GATE_P99_RATIO || kind == RH_BACKFILL_GATE_LOCK_WAIT ||
                             kind == RH_BACKFILL_GATE_LOAD_ERRORS;
        if (!gate->set)
            continue;
        if ((of_load && !has_load) || isnan(r.high) || isnan(r.figure)) {
            cell->state = RH_CELL_UNCLEAR;
            cell->why = rh_arena_printf(sweep->arena, "%s was not measured", name);
        } else if (r.low > gate->limit) {
            cell->state = RH_CELL_FAILED;
            cell->why = rh_arena_printf(sweep->arena, "%s is %s, the gate %s", name,
                                        format_reading((rh_backfill_gate_kind)kind, r.figure, sweep->arena),
                                        gate->text);
        } else if (r.high > gate->limit && cell->state == RH_CELL_HELD) {
            cell->state = RH_CELL_UNCLEAR;
            cell->why = rh_arena_printf(sweep->arena, "%s is %s, but may be %s: the gate is %s", name,
                                        format_reading((rh_backfill_gate_kind)kind, r.figure, sweep->arena),
                                        format_reading((rh_backfill_gate_kind)kind, r.high, sweep->arena),
                                        gate->text);
        }
    }
}

/* ---- the recommendation ---- */

static bool has_gate(const rh_backfill *b)
{
    for (int kind = 0; kind < RH_BACKFILL_GATE_COUNT; kind++)
        if (b->gates[kind].set)
            return true;
    return false;
}

/* The fastest of those in STATE; -1: none. */
static int fastest(const rh_backfill_result *result, rh_backfill_cell_state state)
{
    int best = -1;
    for (size_t i = 0; i < result->cell_count; i++)
        if (result->cells[i].state == state && result->cells[i].total_s.median > 0 &&
            (best < 0 || result->cells[i].total_s.median < result->cells[best].total_s.median))
            best = (int)i;
    return best;
}

static const char *name_of(const rh_backfill_cell *cell, rh_arena *arena)
{
    char rows[32];
    return rh_arena_printf(arena, "%s rows a batch, pause %s, %d worker%s",
                           rh_count_format(cell->setting.batch, rows, sizeof rows), cell->setting.pause.text,
                           cell->setting.workers, cell->setting.workers == 1 ? "" : "s");
}

static void recommend(const rh_sweep *sweep, rh_backfill_result *result)
{
    rh_arena *arena = sweep->arena;
    const int held = fastest(result, RH_CELL_HELD);
    result->recommended = held;
    if (held >= 0) {
        result->cells[held].recommended = true;
        result->advice = has_gate(sweep->backfill)
                             ? rh_arena_printf(arena,
                                               "%s: the fastest setting that holds every gate with the "
                                               "upper end of its interval.",
                                               name_of(&result->cells[held], arena))
                             : rh_arena_printf(arena,
                                               "%s: the fastest setting; no gate is set, so the price "
                                               "for the load did not count.",
                                               name_of(&result->cells[held], arena));
        return;
    }
    const int unclear = fastest(result, RH_CELL_UNCLEAR), failed = fastest(result, RH_CELL_FAILED);
    const int nearest = unclear >= 0 ? unclear : failed;
    result->advice =
        nearest < 0 ? "No setting was run."
                    : rh_arena_printf(arena, "No setting holds every gate. The nearest is %s: %s.",
                                      name_of(&result->cells[nearest], arena), result->cells[nearest].why);
}

void rh_sweep_conclude(const rh_sweep *sweep, rh_backfill_result *result)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        rh_backfill_cell *cell = &result->cells[i];
        if (cell->state == RH_CELL_EXCLUDED)
            continue;
        measure_windows(sweep, i, cell);
        measure_batches(sweep, i, result, cell);
        if (cell->batches > 0)
            judge(sweep, sweep->place->load != NULL, cell);
    }
    for (size_t i = 0; i < sweep->evidence.batch_count; i++)
        result->changed += sweep->evidence.batches[i].batch.changed;
    recommend(sweep, result);
}
