#include "bounds.h"
#include "lag.h"
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/predict.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Batches under a load take longer than without it, so that a setting is excluded only far beyond a bound.
 */
static const double MARGIN = 1.5;

rh_quiet_batches rh_sweep_quiet(const rh_sweep *sweep, int64_t batch)
{
    const rh_backfill_evidence *evidence = &sweep->evidence;
    rh_quiet_batches q = {0};
    double *times = rh_alloc((evidence->batch_count + 1) * sizeof *times),
           *locked = rh_alloc((evidence->batch_count + 1) * sizeof *locked);
    for (size_t i = 0; i < evidence->batch_count; i++) {
        const rh_backfill_measured *m = &evidence->batches[i];
        if (!m->quiet || m->batch.changed <= 0 || (batch && sweep->backfill->batches[m->setting] != batch))
            continue;
        locked[q.count] = m->batch.update_s + m->batch.commit_s;
        times[q.count++] = rh_predict_batch_s(&m->batch);
        q.batch_s += rh_predict_batch_s(&m->batch);
        q.rows += (double)m->batch.changed;
        q.wal += (double)m->batch.wal_bytes;
    }
    const double n = q.count > 0 ? (double)q.count : NAN;
    q.batch_s /= n;
    q.rows /= n;
    q.wal /= n;
    q.median_s = q.locks_p90_s = NAN;
    if (q.count > 0) {
        q.median_s = rh_median(times, q.count);
        rh_median(locked, q.count); /* sorts */
        q.locks_p90_s = locked[(q.count - 1) * 9 / 10];
    }
    free(times);
    free(locked);
    return q;
}

/* WAL of the load a second, in the windows without batches. */
static double load_wal(const rh_sweep *sweep)
{
    double bytes = 0, elapsed_s = 0;
    for (size_t i = 0; i < sweep->evidence.window_count; i++) {
        const rh_backfill_window *w = &sweep->evidence.windows[i];
        if (w->setting != SIZE_MAX || w->wal_bytes < 0)
            continue;
        bytes += (double)w->wal_bytes;
        elapsed_s += rh_seconds(w->ended - w->began);
    }
    return elapsed_s > 0 ? bytes / elapsed_s : 0;
}

/* ---- a batch alone ---- */

static void exclude_cell(rh_backfill_cell *cell, const char *why)
{
    cell->state = RH_CELL_EXCLUDED;
    cell->why = why;
}

static bool has_bound(const rh_backfill_result *result, const char *name, double limit)
{
    for (size_t i = 0; i < result->bound_count; i++)
        if (strcmp(result->bounds[i].name, name) == 0 && result->bounds[i].limit == limit)
            return true;
    return false;
}

/* A writer of a row of the batch waits at most from its update to its commit. */
static void bound_lock_wait(const rh_sweep *sweep, rh_backfill_result *result, const rh_quiet_batches *q,
                            rh_backfill_cell *cell)
{
    static const char name[] = "rows of a batch";
    const rh_gate_limit *gate = &sweep->backfill->gates[RH_BACKFILL_GATE_LOCK_WAIT];
    char took[32];
    if (!gate->set || !(q->locks_p90_s > gate->limit))
        return;
    const double rows = (double)cell->setting.batch;
    const char *why = rh_arena_printf(
        sweep->arena,
        "a batch of %" PRId64
        " rows keeps them locked for %s without load, and a session may wait that long for one of its rows: lock_wait is %s",
        cell->setting.batch, rh_duration_format(q->locks_p90_s, took, sizeof took), gate->text);
    exclude_cell(cell, why);
    if (!has_bound(result, name, rows))
        *rh_arena_add(sweep->arena, &result->bounds, &result->bound_count) =
            (rh_backfill_bound){.name = name, .limit = rows, .why = why};
}

static void bound_wal_rate(const rh_sweep *sweep, const rh_quiet_batches *q, rh_backfill_cell *cell)
{
    const rh_gate_limit *gate = &sweep->backfill->gates[RH_BACKFILL_GATE_WAL_RATE];
    const double cycle_s = q->median_s + rh_sweep_pause_s(&cell->setting, q->median_s),
                 wal_per_s = q->wal / cycle_s * cell->setting.workers;
    char rate[32];
    if (gate->set && wal_per_s > gate->limit && cell->state != RH_CELL_EXCLUDED)
        exclude_cell(
            cell, rh_arena_printf(sweep->arena, "without load it writes %s of WAL a second: wal_rate is %s",
                                  rh_size_format((int64_t)wal_per_s, rate, sizeof rate), gate->text));
}

void rh_sweep_bound_batches(const rh_sweep *sweep, rh_backfill_result *result)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const rh_quiet_batches q = rh_sweep_quiet(sweep, result->cells[i].setting.batch);
        bound_lock_wait(sweep, result, &q, &result->cells[i]);
        bound_wal_rate(sweep, &q, &result->cells[i]);
    }
}

/* ---- rows a second ---- */

/* What is bounded, and by how much. */
typedef struct rates {
    const rh_sweep *sweep;
    rh_backfill_result *result;
    double load_per_s, wal_per_row;
} rates;

static const char *size_text(const rates *r, double bytes)
{
    char text[32];
    return rh_arena_strdup(r->sweep->arena, rh_size_format((int64_t)bytes, text, sizeof text));
}

static const char *duration_text(const rates *r, double seconds)
{
    char text[32];
    return rh_arena_strdup(r->sweep->arena, rh_duration_format(seconds, text, sizeof text));
}

static const char *count_text(const rates *r, double count)
{
    char text[32];
    return rh_arena_strdup(r->sweep->arena, rh_count_format((int64_t)count, text, sizeof text));
}

static double rows_per_s_of(const rates *r, const rh_backfill_cell *cell)
{
    const rh_quiet_batches q = rh_sweep_quiet(r->sweep, cell->setting.batch);
    return q.rows / (q.batch_s + rh_sweep_pause_s(&cell->setting, q.batch_s)) * cell->setting.workers;
}

static void add_bound(const rates *r, const char *name, double limit, const char *why)
{
    *rh_arena_add(r->sweep->arena, &r->result->bounds, &r->result->bound_count) =
        (rh_backfill_bound){.name = name, .limit = limit, .why = why};
}

/* Excludes the settings far beyond LIMIT rows a second for which BREAKS gives a reason. */
static void exclude(const rates *r, double limit,
                    const char *(*breaks)(const rates *r, const rh_backfill_cell *cell, double rows_per_s))
{
    for (size_t i = 0; i < r->result->cell_count; i++) {
        rh_backfill_cell *cell = &r->result->cells[i];
        const double rows_per_s = rows_per_s_of(r, cell);
        const char *why = cell->state != RH_CELL_EXCLUDED && rows_per_s > MARGIN * limit
                              ? breaks(r, cell, rows_per_s)
                              : NULL;
        if (!why)
            continue;
        exclude_cell(cell, rh_arena_printf(r->sweep->arena, "without load it changes %s rows a second, %s",
                                           count_text(r, rows_per_s), why));
    }
}

/* By CAPACITY, WAL bytes a second that WHAT takes ("the archiver archives"), WHEN ("" or a condition); 0: it
 * is not known. */
static void bound_wal(const rates *r, double capacity, const char *what, const char *when,
                      const char *(*breaks)(const rates *r, const rh_backfill_cell *cell, double rows_per_s))
{
    const double limit = fmax(capacity - r->load_per_s, 0) / r->wal_per_row;
    if (!(capacity > 0))
        return;
    add_bound(r, "rows a second", limit,
              rh_arena_printf(
                  r->sweep->arena, "%s %s of WAL a second%s; the load writes %s a second, and a row %s", what,
                  size_text(r, capacity), when, size_text(r, r->load_per_s), size_text(r, r->wal_per_row)));
    exclude(r, limit, breaks);
}

static const char *leaves_standby(const rates *r, const rh_backfill_cell *cell, double rows_per_s)
{
    const rh_gate_limit *gate = &r->sweep->backfill->gates[RH_BACKFILL_GATE_REPLICA_LAG];
    const rh_quiet_batches q = rh_sweep_quiet(r->sweep, cell->setting.batch);
    const rh_lag_queue queue = {.batch_s = q.batch_s,
                                .pause_s = rh_sweep_pause_s(&cell->setting, q.batch_s),
                                .batch_bytes = q.wal * cell->setting.workers,
                                .load_per_s = r->load_per_s,
                                .capacity = r->result->standby.replay_bytes_per_s,
                                .total_s = (double)r->result->rows / rows_per_s};
    const double lag_s = rh_lag_predicted_s(&queue);
    if (!gate->set || !(lag_s > gate->limit))
        return NULL;
    return rh_arena_printf(
        r->sweep->arena,
        "more than the standby can replay: at the end its lag would be %s, and replica_lag is %s",
        duration_text(r, lag_s), gate->text);
}

static const char *leaves_archiver(const rates *r, const rh_backfill_cell *cell, double rows_per_s)
{
    const double slower = rows_per_s / MARGIN, /* under load */
        behind = slower * r->wal_per_row + r->load_per_s - r->sweep->backfill->archive_rate,
                 total_s = (double)r->result->rows / slower;
    (void)cell;
    return rh_arena_printf(
        r->sweep->arena,
        "more than the archiver can archive: at the end %s of WAL would be waiting for it, and archive.rate is %s a second",
        size_text(r, fmax(behind, 0) * total_s), size_text(r, r->sweep->backfill->archive_rate));
}

static const char *leaves_vacuum(const rates *r, const rh_backfill_cell *cell, double rows_per_s)
{
    const rh_backfill_states *states = &r->sweep->states;
    const rh_gate_limit *gate = &r->sweep->backfill->gates[RH_BACKFILL_GATE_DEAD_ROWS];
    const rh_backfill_vacuums met =
        rh_predict_vacuums(&states->vacuum, &states->pages, (double)r->result->rows, rows_per_s / MARGIN);
    const double share = met.peak_dead / states->vacuum.table_rows;
    (void)cell;
    if (!gate->set || !(share > gate->limit))
        return NULL;
    return rh_arena_printf(
        r->sweep->arena,
        "more than vacuum removes: dead rows would reach %.0f %% of the table's, and dead_rows is "
        "%s",
        100 * share, gate->text);
}

/* While a vacuum removes the rows that were dead when it began, no more may die. */
static void bound_vacuum(const rates *r)
{
    const rh_backfill_states *states = &r->sweep->states;
    const rh_backfill_vacuum *vacuum = &states->vacuum;
    const double dead = vacuum->threshold + vacuum->factor * vacuum->table_rows,
                 takes_s = vacuum->s_per_credit * rh_predict_vacuum_credits(vacuum, &states->pages, dead);
    if (!vacuum->on || !(takes_s > 0) || (double)r->result->rows <= dead)
        return;
    add_bound(r, "rows a second", dead / takes_s,
              rh_arena_printf(r->sweep->arena,
                              "a vacuum starts at %s dead rows and takes %s (%s): as many may die meanwhile",
                              count_text(r, dead), duration_text(r, takes_s),
                              states->vacuum_measured ? "timed on the sample" : "by its cost settings"));
    exclude(r, dead / takes_s, leaves_vacuum);
}

void rh_sweep_bound_rates(const rh_sweep *sweep, rh_backfill_result *result)
{
    const rh_quiet_batches all = rh_sweep_quiet(sweep, 0);
    const rates r = {
        .sweep = sweep, .result = result, .load_per_s = load_wal(sweep), .wal_per_row = all.wal / all.rows};
    if (!(r.wal_per_row > 0))
        return;
    bound_wal(&r, result->standby.replay_bytes_per_s, "staging's standby replays", " while nothing else runs",
              leaves_standby);
    bound_wal(&r, sweep->backfill->archive_rate, "the archiver archives", " (archive.rate)", leaves_archiver);
    bound_vacuum(&r);
}
