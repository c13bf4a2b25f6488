/* What a vacuum of the table costs, and what it does to batches beside it. */
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/predict/predict.h"
#include "sweep.h"
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

/* The longest that it may take; batches before it, at least so many beside it count. */
enum { SECONDS_MAX = 20, BEFORE = 8, BESIDE_MIN = 3 };
/* The share of the budget that it may use up. */
enum { BUDGET_SHARE = 6 };

typedef struct vacuuming {
    rh_pg *pg;
    const char *sql;
    bool ok; /* it was completed */
    rh_usec began, ended;
    pthread_t thread;
} vacuuming;

static void *run_vacuum(void *data)
{
    vacuuming *v = data;
    rh_error ignored = {0};
    v->began = rh_clock_monotonic();
    v->ok = rh_pg_execute_one(v->pg, v->sql, &ignored);
    v->ended = rh_clock_monotonic();
    rh_error_release(&ignored);
    return NULL;
}

/* A session that vacuums as autovacuum does; not VERBOSE, not FREEZE, no statistics. */
static bool prepare(rh_sweep *sweep, vacuuming *v, rh_error *error)
{
    const rh_backfill_states *s = &sweep->states;
    v->pg = rh_pg_connect(sweep->place->conninfo, ": backfill vacuum", error);
    v->sql = rh_arena_printf(sweep->arena, "VACUUM %s", sweep->target.table);
    return v->pg && rh_pg_executef(v->pg, error,
                                   "SET vacuum_cost_delay = %g; SET vacuum_cost_limit = %d; "
                                   "SET statement_timeout = '%ds'; SET lock_timeout = '1s'",
                                   s->cost_delay_ms, (int)s->cost_limit, SECONDS_MAX);
}

/* Seconds a row of the batches without load of SIZE in the evidence: of those that lie within the vacuum
 * (NULL: of all up to FIRST), from FIRST on; heap. */
static double *seconds_a_row(const rh_sweep *sweep, size_t size, size_t first, const vacuuming *within,
                             size_t *count)
{
    const rh_backfill_evidence *evidence = &sweep->evidence;
    double *times = rh_alloc((evidence->batch_count + 1) * sizeof *times);
    const size_t from = within ? first : 0, to = within ? evidence->batch_count : first;
    *count = 0;
    for (size_t i = from; i < to; i++) {
        const rh_backfill_measured *measured = &evidence->batches[i];
        const rh_backfill_batch *batch = &measured->batch;
        const rh_usec ended = batch->started + (rh_usec)(rh_predict_batch_s(batch) * (double)RH_SECOND);
        if (measured->quiet && measured->setting == size && batch->changed > 0 && !batch->warmup &&
            (!within || (batch->started >= within->began && ended <= within->ended)))
            times[(*count)++] = rh_predict_batch_s(batch) / (double)batch->changed;
    }
    return times;
}

/* Of the smallest size there are enough for a median. */
static size_t smallest_of(const rh_backfill *b)
{
    size_t smallest = 0;
    for (size_t i = 1; i < b->batch_count; i++)
        if (b->batches[i] < b->batches[smallest])
            smallest = i;
    return smallest;
}

static bool run_batches(rh_sweep *sweep, int64_t most, rh_usec until, rh_error *error)
{
    const rh_backfill *b = sweep->backfill;
    const size_t smallest = smallest_of(b);
    const rh_sweep_run run = {.setting = {.batch = b->batches[smallest], .workers = 1},
                              .index = smallest,
                              .quiet = true,
                              .until = until,
                              .visit = 2,
                              .most = most};
    return rh_sweep_batches(sweep, &run, NULL, error);
}

/* Batches alone, then the vacuum with batches beside it. */
static bool measure(rh_sweep *sweep, vacuuming *v, int64_t most, rh_error *error)
{
    const size_t first = sweep->evidence.batch_count;
    if (!run_batches(sweep, most, sweep->deadline, error))
        return false;
    const double dead = (double)sweep->changed_since_reset;
    const size_t then = sweep->evidence.batch_count, size = smallest_of(sweep->backfill);
    if (pthread_create(&v->thread, NULL, run_vacuum, v) != 0)
        return rh_error_set(error, RH_ERROR_INTERNAL, "could not start a thread");
    const bool ok = run_batches(sweep, most, rh_clock_monotonic() + SECONDS_MAX * RH_SECOND, error);
    pthread_join(v->thread, NULL);
    if (!ok)
        return false;
    rh_backfill_vacuum *vacuum = &sweep->states.vacuum;
    size_t alone_count, beside_count;
    double *alone = seconds_a_row(sweep, size, then, NULL, &alone_count),
           *beside = seconds_a_row(sweep, size, then, v, &beside_count);
    const double slowdown = rh_predict_slowdown(alone, alone_count, beside, beside_count, BESIDE_MIN),
                 credits = rh_predict_vacuum_credits(vacuum, &sweep->states.pages, dead);
    free(alone);
    free(beside);
    if (v->ok)
        vacuum->s_per_credit = fmax(rh_seconds(v->ended - v->began) / credits, vacuum->s_per_credit);
    if (!isnan(slowdown))
        vacuum->slowdown = slowdown;
    sweep->states.vacuum_measured = v->ok && !isnan(slowdown);
    return rh_states_follow(v->pg, &sweep->states, sweep->evidence.batches + first,
                            sweep->evidence.batch_count - first, error);
}

bool rh_sweep_vacuum(rh_sweep *sweep, rh_error *error)
{
    const rh_backfill *b = sweep->backfill;
    const int64_t most = sweep->budget / BUDGET_SHARE / 2 / b->batches[smallest_of(b)];
    const rh_backfill_vacuum *vacuum = &sweep->states.vacuum;
    if (!vacuum->on || most < BESIDE_MIN ||
        (double)sweep->census.rows < vacuum->threshold + vacuum->factor * vacuum->table_rows)
        return true;
    vacuuming v = {0};
    const bool ok = prepare(sweep, &v, error) && measure(sweep, &v, most < BEFORE ? most : BEFORE, error);
    rh_pg_close(v.pg);
    return ok;
}
