/* Settings that held their gates, run again with the standby: its lag, and what it costs the load. */
#include "pgrehearse/base/units.h"
#include "pgrehearse/staging/staging.h"
#include "screen.h"
#include "standby.h"
#include "wal_watch.h"
#include <math.h>

/* So many settings are to hold with the standby, and so many are tried for that at most. */
enum { WANTED = 2, TRIED_MAX = 4, COURSE_POINTS = 120 };
static const rh_usec WINDOW_MIN = 2 * RH_SECOND, WINDOW_MAX = 20 * RH_SECOND;

static const rh_backfill_figure NONE = {RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};

static bool makes_load_wait(rh_standby_mode mode)
{
    return mode == RH_STANDBY_SYNC || mode == RH_STANDBY_REMOTE_APPLY;
}

/* ---- one run ---- */

typedef struct watches {
    rh_wal_watch *primary, *standby;
} watches;

static bool start_watches(const rh_sweep *sweep, watches *w, rh_error *error)
{
    const rh_backfill_place *place = sweep->place;
    const rh_wal_watch_options inserted = {.conninfo = place->conninfo, .sql = RH_WAL_WRITTEN},
                               replayed = {.conninfo = rh_staging_standby_conninfo(place->staging),
                                           .sql = RH_WAL_REPLAYED,
                                           .release = makes_load_wait(sweep->backfill->standby)
                                                          ? place->conninfo
                                                          : NULL};
    w->primary = rh_wal_watch_start(&inserted, error);
    w->standby = w->primary ? rh_wal_watch_start(&replayed, error) : NULL;
    return w->standby != NULL;
}

/* The setting's window is the second of three. Its last WAL is replayed in the third. */
static void measure_lag(const rh_sweep *sweep, rh_wal_points primary, rh_wal_points standby,
                        rh_backfill_confirmed *c)
{
    const rh_backfill_window *windows = sweep->evidence.windows + sweep->evidence.window_count - 3;
    const double from_s = rh_seconds(windows[1].began), to_s = rh_seconds(windows[2].ended);
    const rh_lag_summary lag = rh_lag_of(primary, standby, from_s, to_s);
    c->lag_bound_s = lag.bound_s;
    c->lag_p99_s = lag.p99_s;
    c->lag_max_s = lag.max_s;
    c->lag_max_bytes = lag.max_bytes;
    c->course_count = rh_lag_course(primary, standby, from_s, to_s, COURSE_POINTS, sweep->arena, &c->course);
    if (isnan(lag.max_s))
        c->why_not = "its position in the WAL could not be read";
}

static bool run_one(rh_sweep *sweep, const rh_backfill_result *result, rh_usec duration,
                    rh_backfill_confirmed *c, rh_error *error)
{
    rh_sweep_round round = {.sweep = sweep};
    watches w = {0};
    bool lost = false;
    const size_t batches = sweep->evidence.batch_count;
    bool ok = rh_sweep_round_begin(&round, error) && start_watches(sweep, &w, error) &&
              rh_sweep_window(&round, result, SIZE_MAX, duration / 2, error) &&
              rh_sweep_window(&round, result, c->setting, duration, error) &&
              rh_sweep_window(&round, result, SIZE_MAX, duration / 2, error);
    const rh_wal_points standby = rh_wal_watch_finish(w.standby, sweep->arena, &lost);
    const rh_wal_points primary = rh_wal_watch_finish(w.primary, sweep->arena, &lost);
    rh_sweep_round_end(&round);
    if (!ok)
        return false;
    measure_lag(sweep, primary, standby, c);
    if (!rh_staging_standby_was_up(sweep->place->staging, &c->why_not) || lost)
        c->why_not = c->why_not ? c->why_not : "its connection was lost";
    if (sweep->evidence.batch_count == batches)
        c->why_not = "no batch ran during it";
    return true;
}

/* ---- what it says ---- */

/* At the end of the whole: by the queue, and by how the lag rose in this run. */
static double predict_lag(const rh_sweep *sweep, const rh_backfill_result *result,
                          const rh_backfill_cell *ran, const rh_backfill_confirmed *c)
{
    const rh_backfill_window *windows = sweep->evidence.windows + sweep->evidence.window_count - 3;
    const rh_backfill_cell *cell = &result->cells[c->setting];
    const double load_per_s = (double)windows[0].wal_bytes / rh_seconds(windows[0].ended - windows[0].began);
    const double batches = (double)ran->batches / cell->setting.workers;
    const double busy_s = (ran->find_s + ran->update_s + ran->commit_s) / (double)ran->batches;
    const rh_lag_queue queue = {.batch_s = busy_s,
                                .pause_s = fmax(c->elapsed_s / batches - busy_s, 0),
                                .batch_bytes = fmax(c->wal_per_s - load_per_s, 0) * c->elapsed_s / batches,
                                .load_per_s = load_per_s,
                                .capacity = result->standby.replay_bytes_per_s,
                                .total_s = cell->total_s.median};
    const double rises_s = rh_lag_growth(c->course, c->course_count) * cell->total_s.median;
    return fmax(rh_lag_predicted_s(&queue), rises_s);
}

/* A standby for which commits wait is part of the price: its p99 ratio counts as the setting's, and the
 * setting takes as much longer as this run changed fewer rows a second. */
static void charge(const rh_backfill_confirmed *c, rh_backfill_cell *cell)
{
    const double slower = cell->rows_per_s / c->rows_per_s;
    if (slower > 1) {
        cell->total_s.median *= slower;
        cell->total_s.low *= slower;
        cell->total_s.high *= slower;
    }
    if (!(c->p99_ratio.median > cell->p99_ratio.median))
        return;
    cell->p99_ratio = c->p99_ratio;
}

static void conclude(const rh_sweep *sweep, rh_backfill_result *result, rh_backfill_confirmed *c)
{
    rh_backfill_cell ran = {.setting = result->cells[c->setting].setting, .p99_ratio = NONE};
    rh_backfill_cell *cell = &result->cells[c->setting];
    rh_sweep_measure(sweep, c->setting, result, &ran);
    c->batches = ran.batches;
    c->rows = ran.rows;
    c->elapsed_s = ran.elapsed_s;
    c->rows_per_s = ran.rows_per_s;
    c->wal_per_s = ran.wal_per_s;
    c->p99_ratio = ran.p99_ratio;
    if (ran.batches > 0 && makes_load_wait(sweep->backfill->standby))
        charge(c, cell);
    if (ran.batches > 0 && !c->why_not) {
        c->predicted_lag_s = predict_lag(sweep, result, &ran, c);
        cell->replica_lag_s =
            (rh_backfill_figure){c->lag_max_s, c->lag_max_s, fmax(c->lag_bound_s, c->predicted_lag_s)};
    }
    rh_sweep_judge(sweep, sweep->place->load != NULL, cell);
}

/* ---- all of them ---- */

static bool was_tried(const rh_backfill_standby *standby, size_t index)
{
    for (size_t i = 0; i < standby->confirmed_count; i++)
        if (standby->confirmed[i].setting == index)
            return true;
    return false;
}

/* The fastest that held and was not tried; SIZE_MAX: none. */
static size_t next_setting(const rh_backfill_result *result)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < result->cell_count; i++)
        if (result->cells[i].state == RH_CELL_HELD && !was_tried(&result->standby, i) &&
            (best == SIZE_MAX || result->cells[i].total_s.median < result->cells[best].total_s.median))
            best = i;
    return best;
}

/* Whether the rows of this state last for a window of CELL; else a new one, with FULL rows, has more. */
static bool lasts(const rh_sweep *sweep, const rh_backfill_cell *cell, rh_usec duration, int64_t full)
{
    const double wanted = cell->rows_per_s * rh_seconds(duration);
    return sweep->budget >= cell->setting.batch && ((double)sweep->budget >= wanted || sweep->budget >= full);
}

/* The state in which the sweep began, and a standby of it. */
static bool renew(rh_sweep *sweep, rh_backfill_standby *standby, rh_error *error)
{
    const char *why_not = NULL;
    if (!rh_sweep_reset(sweep, error) ||
        !rh_staging_standby_start(sweep->place->staging, standby->mode, &why_not, error))
        return false;
    if (why_not)
        standby->why_not = rh_arena_strdup(sweep->arena, why_not);
    return true;
}

static bool try_settings(rh_sweep *sweep, rh_backfill_result *result, rh_error *error)
{
    rh_backfill_standby *standby = &result->standby;
    const rh_usec share = sweep->backfill->limit / 10;
    const rh_usec duration = share < WINDOW_MIN ? WINDOW_MIN : share > WINDOW_MAX ? WINDOW_MAX : share;
    int held = 0;
    bool ok = renew(sweep, standby, error);
    const int64_t full = sweep->budget;
    for (size_t index; ok && !standby->why_not && held < WANTED && standby->confirmed_count < TRIED_MAX &&
                       (index = next_setting(result)) != SIZE_MAX;) {
        if (!lasts(sweep, &result->cells[index], duration, full))
            ok = renew(sweep, standby, error);
        if (!ok || standby->why_not)
            break;
        rh_backfill_confirmed c = {.setting = index,
                                   .p99_ratio = NONE,
                                   .lag_p99_s = RH_NOT_MEASURED,
                                   .lag_max_s = RH_NOT_MEASURED,
                                   .lag_bound_s = RH_NOT_MEASURED,
                                   .lag_max_bytes = RH_UNKNOWN,
                                   .predicted_lag_s = RH_NOT_MEASURED};
        rh_progress_detail(sweep->place->progress, "backfill", "setting %zu with the standby", index + 1);
        ok = run_one(sweep, result, duration, &c, error);
        if (ok)
            conclude(sweep, result, &c);
        *rh_arena_add(sweep->arena, &standby->confirmed, &standby->confirmed_count) = c;
        held += result->cells[index].state == RH_CELL_HELD;
    }
    return ok;
}

/* With a gate on the lag, a setting without a run that measured it has not held every gate. */
static void require_lag(const rh_sweep *sweep, rh_backfill_result *result)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        rh_backfill_cell *cell = &result->cells[i];
        if (!sweep->backfill->gates[RH_BACKFILL_GATE_REPLICA_LAG].set || cell->state != RH_CELL_HELD ||
            !isnan(cell->replica_lag_s.median))
            continue;
        cell->state = RH_CELL_UNCLEAR;
        cell->why = rh_arena_printf(sweep->arena, "replica_lag was not measured%s%s",
                                    result->standby.why_not ? ": " : "",
                                    result->standby.why_not ? result->standby.why_not : "");
    }
}

bool rh_sweep_confirm(rh_sweep *sweep, rh_backfill_result *result, rh_error *error)
{
    rh_sweep_close_sessions(sweep);
    rh_sweep own = *sweep; /* its windows are no evidence of the screening's */
    own.evidence = (rh_backfill_evidence){0};
    bool ok = true;
    if (result->standby.mode != RH_STANDBY_NONE && sweep->place->staging && !result->standby.why_not &&
        next_setting(result) != SIZE_MAX)
        ok = try_settings(&own, result, error);
    rh_sweep_close_sessions(&own);
    sweep->census = own.census;
    require_lag(sweep, result);
    return ok;
}
