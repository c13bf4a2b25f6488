/* Settings under load: windows of batches, with windows without them in between as the baseline. */
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/random.h"
#include "screen.h"
#include "activity.h"
#include "bounds.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How often each setting runs, arrivals and batches that a window wants, and its shortest and longest
 * duration. */
enum { REPLICATES = 2, ARRIVALS = 3000, BATCHES = 15 };
static const rh_usec WINDOW_MIN = 2 * RH_SECOND, WINDOW_MAX = 20 * RH_SECOND;
/* Consecutive batches in a stratum before the next one is visited. */
enum { VISIT = 5 };

static void on_overdue(void *sampler)
{
    rh_sampler_sample_now(sampler);
}

/* Sessions for the setting with the most workers: none is opened while the load is measured. */
static bool open_sessions(rh_sweep *sweep, rh_error *error)
{
    size_t most = 1;
    for (size_t i = 0; i < sweep->backfill->worker_count; i++)
        most = (size_t)sweep->backfill->workers[i] > most ? (size_t)sweep->backfill->workers[i] : most;
    return rh_sweep_open_sessions(sweep, most < sweep->census.count ? most : sweep->census.count, error);
}

bool rh_sweep_round_begin(rh_sweep_round *r, rh_error *error)
{
    const rh_backfill_place *place = r->sweep->place;
    r->first_window = r->sweep->evidence.window_count;
    r->side = rh_pg_connect(place->conninfo, ": side", error);
    if (!r->side || !open_sessions(r->sweep, error))
        return false;
    if (place->load) {
        const rh_generator_options options = {.conninfo = place->load_conninfo,
                                              .mix = &place->load->mix,
                                              .rate = place->load->rate_per_s,
                                              .connections = place->load->connections,
                                              .seed = place->seed + r->first_window};
        r->generator = rh_generator_start(&options, error);
        if (!r->generator)
            return false;
    }
    r->began = rh_clock_monotonic();
    const rh_sampler_options watch = {.conninfo = place->conninfo, .began = r->began, .local = place->local};
    r->sampler = rh_sampler_start(&watch, error);
    if (r->sampler && r->generator)
        rh_generator_on_overdue(r->generator, on_overdue, r->sampler);
    return r->sampler != NULL;
}

static bool has_pid(const rh_sweep_pids *pids, int pid)
{
    for (size_t i = 0; i < pids->count; i++)
        if (pids->pids[i] == pid)
            return true;
    return false;
}

/* Whether a worker is in the chain of what the session waited for, and the session is not a worker itself. */
static bool waited_for_worker(const rh_sweep_round *r, const rh_wait *wait)
{
    if (has_pid(&r->pids, wait->waiter_pid))
        return false;
    bool found = has_pid(&r->pids, wait->blocker_pid) || has_pid(&r->pids, wait->root_pid);
    for (size_t i = 0; i < wait->chain_count && !found; i++)
        found = has_pid(&r->pids, wait->chain[i].pid);
    return found;
}

static void add_waits(const rh_sweep_round *r, const rh_contention *contention, rh_backfill_window *window)
{
    for (size_t i = 0; i < contention->wait_count; i++) {
        const rh_wait *wait = &contention->waits[i];
        const rh_usec at = r->began + (rh_usec)(wait->at_s * (double)RH_SECOND);
        if (at >= window->began && at < window->ended && waited_for_worker(r, wait))
            window->lock_wait_s = fmax(window->lock_wait_s, wait->wait_s);
    }
}

static void add_load(const rh_load *load, rh_backfill_window *window)
{
    for (size_t i = 0; i < load->window_count; i++) {
        const rh_load_window *of = &load->windows[i];
        if (!of->migration || strcmp(of->migration, window->id) != 0)
            continue;
        window->errors = of->errors + of->dropped;
        window->p99_ms = of->response_ms.p99;
        window->p99_low_ms = of->response_p99_low_ms;
        window->p99_high_ms = of->response_p99_high_ms;
    }
}

void rh_sweep_round_end(rh_sweep_round *r)
{
    rh_sweep *sweep = r->sweep;
    rh_contention contention = {0};
    rh_load load = {0};
    if (r->generator)
        rh_generator_on_overdue(r->generator, NULL, NULL);
    rh_sampler_finish(r->sampler, sweep->arena, &contention);
    rh_generator_finish(r->generator, sweep->arena, &load);
    rh_pg_close(r->side);
    for (size_t i = r->first_window; i < sweep->evidence.window_count; i++) {
        rh_backfill_window *window = &sweep->evidence.windows[i];
        if (contention.measured)
            add_waits(r, &contention, window);
        else
            window->lock_wait_s = RH_NOT_MEASURED;
        add_load(&load, window);
    }
}

/* Seconds from one batch of SETTING to the next, as they ran without load; NaN: none did. */
static double cycle_of(const rh_sweep *sweep, const rh_backfill_setting *setting)
{
    size_t index = 0, batches;
    double median_s;
    while (sweep->backfill->batches[index] != setting->batch)
        index++;
    rh_backfill_batch *quiet = rh_sweep_evidence(sweep, true, index, &batches);
    free(rh_sweep_times(quiet, batches, &median_s));
    free(quiet);
    return batches > 0 ? (median_s + rh_sweep_pause_s(setting, median_s)) / setting->workers
                       : RH_NOT_MEASURED;
}

/* Fewer consecutive batches where a window would not come round to every stratum. */
static int visit_of(const rh_sweep *sweep, const rh_backfill_setting *setting, rh_usec duration)
{
    const double visits = rh_seconds(duration) / cycle_of(sweep, setting) / (double)sweep->census.count;
    return visits < 1 ? 1 : visits < VISIT ? (int)visits : VISIT;
}

/* A window that is being measured. */
typedef struct opening {
    rh_sweep_round *round;
    rh_backfill_window *window;
    int64_t wal;                   /* when it began */
    rh_backfill_activity activity; /* likewise */
    bool ok;
    rh_error *error;
} opening;

static void open_window(void *data)
{
    opening *o = data;
    rh_sweep *sweep = o->round->sweep;
    o->ok = rh_activity_read(o->round->side, sweep->target.table, sweep->arena, &o->activity, o->error) &&
            rh_backfill_wal_position(o->round->side, &o->wal, o->error);
    if (o->round->generator)
        rh_generator_window(o->round->generator, RH_WINDOW_DURING, o->window->id);
    o->window->began = rh_clock_monotonic();
}

/* The batches of the setting INDEX in the window. */
static bool fill_window(opening *o, const rh_backfill_result *result, size_t index, rh_usec duration)
{
    rh_sweep_round *r = o->round;
    rh_sweep *sweep = r->sweep;
    const bool program = sweep->backfill->command != NULL;
    const rh_sweep_run run = {.setting = result->cells[index].setting,
                              .index = index,
                              .until = o->window->began + duration,
                              .visit = visit_of(sweep, &result->cells[index].setting, duration),
                              .duration = program ? duration : 0,
                              .opened = open_window,
                              .data = o};
    const size_t first = sweep->evidence.batch_count;
    rh_sampler_statement(r->sampler, "backfill", 1);
    const bool ok = rh_sweep_batches(sweep, &run, &r->pids, o->error) && o->ok &&
                    rh_states_follow(r->side, &sweep->states, sweep->evidence.batches + first,
                                     sweep->evidence.batch_count - first, o->error);
    rh_sampler_statement(r->sampler, NULL, 0);
    return ok;
}

/* What its batches did is counted only when their sessions have published it. Before 15 they cannot. */
static bool close_window(opening *o)
{
    rh_sweep *sweep = o->round->sweep;
    rh_pg *side = o->round->side;
    rh_backfill_activity now;
    int64_t wal;
    o->window->ended = rh_clock_monotonic();
    if (!rh_backfill_wal_position(side, &wal, o->error) ||
        (rh_pg_server_version(side) >= 150000 && !rh_sweep_flush_statistics(sweep, o->error)) ||
        !rh_activity_read(side, sweep->target.table, sweep->arena, &now, o->error))
        return false;
    o->window->wal_bytes = wal - o->wal;
    o->window->activity = rh_activity_between(&o->activity, &now);
    return true;
}

bool rh_sweep_window(rh_sweep_round *r, const rh_backfill_result *result, size_t index, rh_usec duration,
                     rh_error *error)
{
    rh_sweep *sweep = r->sweep;
    rh_backfill_evidence *evidence = &sweep->evidence;
    rh_backfill_window window = {.id = rh_arena_printf(sweep->arena, "%zu", evidence->window_count),
                                 .setting = index,
                                 .wal_bytes = RH_UNKNOWN,
                                 .p99_ms = RH_NOT_MEASURED,
                                 .p99_low_ms = RH_NOT_MEASURED,
                                 .p99_high_ms = RH_NOT_MEASURED};
    opening o = {.round = r, .window = &window, .error = error};
    open_window(&o); /* a program opens it again, with its first batch */
    bool ok = o.ok;
    if (ok && index == SIZE_MAX)
        rh_clock_sleep_until(window.began + duration);
    else if (ok)
        ok = fill_window(&o, result, index, duration);
    ok = ok && close_window(&o);
    *rh_arena_add(sweep->arena, &evidence->windows, &evidence->window_count) = window;
    if (ok && rh_interrupt_requested())
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted in the backfill pass");
    return ok;
}

/* The settings that are to run, REPLICATES times each, in random order a replicate. */
static size_t order_cells(const rh_sweep *sweep, const rh_backfill_result *result, size_t **order)
{
    rh_random random;
    size_t count = 0;
    *order = rh_arena_alloc(sweep->arena, (REPLICATES * result->cell_count + 1) * sizeof **order);
    rh_random_seed(&random, sweep->place->seed);
    for (int replicate = 0; replicate < REPLICATES; replicate++) {
        const size_t first = count;
        for (size_t i = 0; i < result->cell_count; i++)
            if (result->cells[i].state != RH_CELL_EXCLUDED)
                (*order)[count++] = i;
        for (size_t i = count; i > first + 1; i--) {
            const size_t with = first + (size_t)rh_random_below(&random, i - first), swap = (*order)[i - 1];
            (*order)[i - 1] = (*order)[with];
            (*order)[with] = swap;
        }
    }
    return count;
}

/* Long enough for the arrivals that a 99th percentile needs, as far as the limit allows: a baseline of half
 * the duration goes before each. */
static rh_usec window_duration(const rh_sweep *sweep, size_t count)
{
    const double rate = sweep->place->load ? sweep->place->load->rate_per_s : 0;
    rh_usec wanted = rate > 0 ? (rh_usec)(ARRIVALS / rate * (double)RH_SECOND) : WINDOW_MIN;
    const rh_usec left = sweep->deadline - rh_clock_monotonic();
    const rh_usec share = left / (rh_usec)(2 * count + 1);
    wanted = wanted > WINDOW_MAX ? WINDOW_MAX : wanted;
    wanted = wanted > share ? share : wanted;
    return wanted < WINDOW_MIN ? WINDOW_MIN : wanted;
}

/* A window of CELL: DURATION, or longer for the batches that its prediction wants, as far as the limit
 * allows. */
static rh_usec cell_duration(const rh_sweep *sweep, const rh_backfill_cell *cell, size_t count,
                             rh_usec duration)
{
    const rh_usec left = sweep->deadline - rh_clock_monotonic(), share = left / (rh_usec)(2 * count + 1);
    const double cycle_s = cycle_of(sweep, &cell->setting);
    if (isnan(cycle_s))
        return duration;
    rh_usec wanted = (rh_usec)(BATCHES * cycle_s * (double)RH_SECOND);
    wanted = wanted > share ? share : wanted;
    return wanted > duration ? wanted : duration;
}

/* Runs settings of ORDER from *NEXT on until the rows of this state do not last for a batch. */
static bool run_round(rh_sweep *sweep, rh_backfill_result *result, const size_t *order, size_t count,
                      size_t *next, rh_usec duration, rh_error *error)
{
    rh_sweep_round r = {.sweep = sweep};
    bool ok = rh_sweep_round_begin(&r, error) && rh_sweep_window(&r, result, SIZE_MAX, duration / 2, error);
    if (ok && r.first_window == 0) /* the first look at the load's own WAL */
        rh_sweep_bound_rates(sweep, result);
    for (bool first = true;
         ok && !sweep->no_capacity && *next < count && rh_clock_monotonic() + duration <= sweep->deadline;
         first = false) {
        if (result->cells[order[*next]].state == RH_CELL_EXCLUDED) { /* since then */
            ++*next;
            continue;
        }
        const int64_t batch = result->cells[order[*next]].setting.batch;
        if (sweep->budget < batch && !(first && sweep->budget > 0))
            break;
        const rh_usec longer = cell_duration(sweep, &result->cells[order[*next]], count - *next, duration);
        ok = rh_sweep_window(&r, result, order[*next], longer, error) &&
             rh_sweep_window(&r, result, SIZE_MAX, duration / 2, error);
        ++*next;
        rh_progress_update(sweep->place->progress, "backfill", "settings under load", (int64_t)*next,
                           (int64_t)count, RH_UNIT_ITEMS);
    }
    ok = ok && rh_sweep_flush_statistics(sweep, error) &&
         rh_states_read_hot(r.side, &sweep->target, &sweep->states, error);
    rh_sweep_round_end(&r);
    return ok;
}

bool rh_sweep_screen(rh_sweep *sweep, rh_backfill_result *result, rh_error *error)
{
    size_t *order, next = 0;
    const size_t count = order_cells(sweep, result, &order);
    if (count == 0)
        return true;
    const rh_usec duration = window_duration(sweep, count);
    bool ok = true;
    while (ok && !sweep->no_capacity && next < count && rh_clock_monotonic() + duration <= sweep->deadline) {
        const bool enough = sweep->budget >= result->cells[order[next]].setting.batch;
        ok = enough || rh_sweep_reset(sweep, error);
        ok = ok && run_round(sweep, result, order, count, &next, duration, error);
    }
    return ok;
}
