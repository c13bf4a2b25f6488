/* Batches of one setting, by as many workers as it has, spread over the strata. */
#include "pgrehearse/base/interrupt.h"
#include "sweep.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* What the workers of one run share. */
typedef struct crew {
    const rh_sweep *sweep;
    const rh_sweep_run *run;
    _Atomic int64_t rows_left, batches_left;
    atomic_bool stop;
} crew;

typedef struct hand {
    crew *crew;
    size_t step; /* it visits the strata number, number + step … */
    rh_backfill_worker *worker;
    int number;
    size_t stratum; /* visited next */
    rh_backfill_batch *batches;
    size_t count, capacity;
    rh_error error;
    pthread_t thread;
} hand;

int64_t rh_sweep_units(const rh_sweep *sweep, int64_t rows)
{
    const rh_backfill_census *census = &sweep->census;
    if (sweep->backfill->walk != RH_WALK_CTID || census->table_rows == 0)
        return rows;
    const int64_t pages = (rows * census->pages + census->table_rows - 1) / census->table_rows;
    return pages > 0 ? pages : 1;
}

double rh_sweep_pause_s(const rh_backfill_setting *setting, double batch_s)
{
    return setting->pause.share > 0 ? setting->pause.share * batch_s : rh_seconds(setting->pause.duration);
}

static void keep(hand *h, const rh_backfill_batch *batch)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity ? 2 * h->capacity : 64;
        h->batches = rh_realloc(h->batches, h->capacity * sizeof *h->batches);
    }
    h->batches[h->count++] = *batch;
}

/* The next stratum of this worker that has rows; false: none has. */
static bool move_on(hand *h)
{
    const rh_sweep *sweep = h->crew->sweep;
    for (size_t i = 0; i < sweep->census.count; i++) {
        h->stratum += h->step;
        if (h->stratum >= sweep->census.count)
            h->stratum = (size_t)h->number;
        if (!sweep->census.cursors[h->stratum].ended)
            return true;
    }
    return false;
}

static bool may_run_next_batch(const crew *c)
{
    return !atomic_load(&c->stop) && rh_clock_monotonic() < c->run->until && atomic_load(&c->rows_left) > 0 &&
           atomic_load(&c->batches_left) > 0 && !rh_interrupt_requested();
}

static void *work(void *data)
{
    hand *h = data;
    crew *c = h->crew;
    const rh_sweep_run *run = c->run;
    const int64_t units = rh_sweep_units(c->sweep, run->setting.batch);
    if (!rh_backfill_worker_begin(h->worker, &h->error))
        atomic_store(&c->stop, true);
    for (int visited = 0; may_run_next_batch(c);) {
        rh_backfill_cursor *cursor = &c->sweep->census.cursors[h->stratum];
        rh_backfill_batch batch = {.stratum = h->stratum, .worker = h->number};
        if (cursor->ended || visited == run->visit) {
            visited = 0;
            if (!move_on(h))
                break;
            continue;
        }
        if (!rh_backfill_worker_batch(h->worker, cursor, units, &batch, &h->error)) {
            atomic_store(&c->stop, true);
            break;
        }
        visited++;
        if (cursor->ended && batch.changed <= 0)
            continue;
        keep(h, &batch);
        atomic_fetch_sub(&c->rows_left, batch.changed);
        atomic_fetch_sub(&c->batches_left, 1);
        const double pause_s =
            rh_sweep_pause_s(&run->setting, batch.find_s + batch.update_s + batch.commit_s);
        const rh_usec next = rh_clock_monotonic() + (rh_usec)(pause_s * (double)RH_SECOND);
        rh_clock_sleep_until(next < run->until ? next : run->until);
    }
    return NULL;
}

/* Starts every worker that could be opened, waits for all; the first error counts. */
static bool run_hands(hand *hands, size_t count, rh_error *error)
{
    size_t started = 0;
    while (started < count && pthread_create(&hands[started].thread, NULL, work, &hands[started]) == 0)
        started++;
    if (started < count) {
        atomic_store(&hands[0].crew->stop, true);
        rh_error_set(error, RH_ERROR_INTERNAL, "could not start a thread");
    }
    for (size_t i = 0; i < started; i++)
        pthread_join(hands[i].thread, NULL);
    for (size_t i = 0; i < started; i++) {
        if (rh_error_is_set(&hands[i].error) && error && !rh_error_is_set(error))
            rh_error_move(error, &hands[i].error);
        rh_error_release(&hands[i].error);
    }
    return started == count && !rh_error_is_set(error);
}

static void file_batches(rh_sweep *sweep, const rh_sweep_run *run, const hand *h)
{
    rh_backfill_evidence *evidence = &sweep->evidence;
    for (size_t i = 0; i < h->count; i++)
        *rh_arena_add(sweep->arena, &evidence->batches, &evidence->batch_count) =
            (rh_backfill_measured){.setting = run->index, .quiet = run->quiet, .batch = h->batches[i]};
}

static bool rows_are_left(const rh_backfill_census *census)
{
    for (size_t i = 0; i < census->count; i++)
        if (!census->cursors[i].ended)
            return true;
    return false;
}

bool rh_sweep_batches(rh_sweep *sweep, const rh_sweep_run *run, rh_sweep_pids *pids, rh_error *error)
{
    if (sweep->backfill->command)
        return rh_sweep_program_batches(sweep, run, pids, error);
    crew c = {.sweep = sweep, .run = run};
    atomic_init(&c.rows_left, sweep->budget);
    atomic_init(&c.batches_left, run->most > 0 ? run->most : INT64_MAX);
    const size_t wanted = (size_t)run->setting.workers;
    const size_t count = wanted < sweep->census.count ? wanted : sweep->census.count;
    if (!rh_sweep_open_sessions(sweep, count, error))
        return false;
    hand *hands = rh_alloc(count * sizeof *hands);
    for (size_t i = 0; i < count; i++) {
        const size_t stratum = run->stride > 0 ? run->first : i + sweep->next / count * count;
        hands[i] = (hand){.crew = &c,
                          .step = run->stride > 0 ? run->stride : count,
                          .worker = sweep->sessions[i],
                          .number = (int)i,
                          .stratum = stratum < sweep->census.count ? stratum : i};
        if (pids)
            *rh_arena_add(sweep->arena, &pids->pids, &pids->count) = rh_backfill_worker_pid(hands[i].worker);
    }
    const bool ok = run_hands(hands, count, error);
    for (size_t i = 0; i < count; i++) {
        file_batches(sweep, run, &hands[i]);
        free(hands[i].batches);
    }
    sweep->next = count > 0 ? hands[0].stratum + 1 : 0;
    sweep->changed_since_reset += sweep->budget - atomic_load(&c.rows_left);
    sweep->budget = rows_are_left(&sweep->census) ? atomic_load(&c.rows_left) : 0;
    free(hands);
    return ok;
}
