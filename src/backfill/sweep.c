/* The sweep: inspect, count, batches without load, then each setting under load. */
#include "sweep.h"
#include "inspect.h"
#include "program.h"
#include "pgrehearse/predict/predict.h"
#include "standby.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Without load, batches of each size in so many strata, so many consecutive ones in each. */
enum { QUIET_STRATA = 4, QUIET_VISIT = 3 };
/* Rows of a table that may be changed however large a share of it they are: a smaller share would be less
 * than a few batches. */
enum { BUDGET_MIN = 100000 };
/* Of the limit, one part in so many is for the stretches. */
enum { STRETCHES_SHARE = 3 };

static const double LEVEL = 0.9;

static void set_budget(rh_sweep *sweep)
{
    const int64_t rows = sweep->census.rows, share = (int64_t)(sweep->backfill->sample * (double)rows);
    const int64_t least = rows < BUDGET_MIN ? rows : BUDGET_MIN;
    sweep->budget = sweep->most = share > least ? share : least;
    sweep->next = 0;
    sweep->changed_since_reset = 0;
}

static bool take_census(rh_sweep *sweep, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(sweep->place->conninfo, ": backfill census", error);
    const bool ok =
        pg &&
        rh_backfill_census_take(pg, sweep->backfill, &sweep->target, sweep->arena, &sweep->census, error) &&
        rh_states_checkpoint(pg, &sweep->states, error);
    rh_pg_close(pg);
    set_budget(sweep);
    return ok;
}

static bool read_states(rh_sweep *sweep, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(sweep->place->conninfo, ": backfill census", error);
    const bool ok = pg && rh_states_read(pg, sweep->backfill, &sweep->target, &sweep->census, sweep->arena,
                                         &sweep->states, error);
    rh_pg_close(pg);
    return ok;
}

/* The table, its key, the statements, and where the rows are. */
static bool inspect(rh_sweep *sweep, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(sweep->place->backfill_conninfo, ": backfill", error);
    const bool ok = pg && rh_backfill_inspect(pg, sweep->backfill, sweep->arena, &sweep->target, error);
    rh_pg_close(pg);
    if (!ok)
        return false;
    sweep->sql = rh_backfill_statements_of(sweep->backfill, &sweep->target, sweep->arena);
    return take_census(sweep, error) && read_states(sweep, error);
}

bool rh_sweep_reset(rh_sweep *sweep, rh_error *error)
{
    rh_sweep_close_sessions(sweep);
    if (!sweep->place->reset(sweep->place->data, error))
        return false;
    rh_backfill_census_release(&sweep->census);
    return take_census(sweep, error);
}

static bool runs_alone(const rh_sweep *sweep)
{
    bool alone = !sweep->place->load;
    for (size_t i = 0; i < sweep->backfill->worker_count; i++)
        alone = alone && sweep->backfill->workers[i] == 1;
    return alone;
}

/* What a row and an image cost, from the batches that ran alone: only their WAL is their own. */
static void price(rh_sweep *sweep)
{
    const rh_backfill_evidence *evidence = &sweep->evidence;
    const bool alone = runs_alone(sweep);
    rh_backfill_batch *batches = rh_alloc((evidence->batch_count + 1) * sizeof *batches);
    size_t count = 0;
    for (size_t i = 0; i < evidence->batch_count; i++)
        if (alone || evidence->batches[i].quiet)
            batches[count++] = evidence->batches[i].batch;
    sweep->states.prices = rh_predict_prices(batches, count);
    free(batches);
}

/* Batches of each size while nothing else runs, the first of them right after a checkpoint. */
static bool run_quiet(rh_sweep *sweep, rh_error *error)
{
    const rh_backfill *b = sweep->backfill;
    rh_pg *pg = rh_pg_connect(sweep->place->conninfo, ": backfill", error);
    bool ok = pg && rh_states_checkpoint(pg, &sweep->states, error);
    /* Each size has other strata, so that together they cover as many as there are. */
    const size_t stride = sweep->census.count > QUIET_STRATA ? sweep->census.count / QUIET_STRATA : 1;
    for (size_t i = 0; ok && i < b->batch_count; i++) {
        const int64_t most = sweep->budget / (int64_t)(3 * (b->batch_count - i)) / b->batches[i];
        const rh_sweep_run run = {.setting = {.batch = b->batches[i], .workers = 1},
                                  .index = i,
                                  .quiet = true,
                                  .until = sweep->deadline,
                                  .visit = QUIET_VISIT,
                                  .first = i % stride,
                                  .stride = stride,
                                  .most = most > QUIET_STRATA * QUIET_VISIT ? QUIET_STRATA * QUIET_VISIT
                                          : most > QUIET_VISIT              ? most
                                                                            : QUIET_VISIT};
        ok = rh_sweep_batches(sweep, &run, NULL, error);
        rh_progress_update(sweep->place->progress, "backfill", "batches without load", (int64_t)i + 1,
                           (int64_t)b->batch_count, RH_UNIT_ITEMS);
    }
    ok = ok &&
         rh_states_follow(pg, &sweep->states, sweep->evidence.batches, sweep->evidence.batch_count, error);
    rh_pg_close(pg);
    if (ok)
        price(sweep);
    return ok;
}

static void describe(const rh_sweep *sweep, rh_backfill_result *result)
{
    const rh_backfill_census *census = &sweep->census;
    result->table = sweep->target.table;
    result->key = rh_backfill_key_list(&sweep->target, "", sweep->arena);
    result->statement = sweep->sql.step ? sweep->sql.step : sweep->sql.update_next;
    result->table_rows = census->table_rows;
    result->rows = census->rows;
    result->table_bytes = census->table_bytes;
    result->index_bytes = census->index_bytes;
    result->strata = rh_arena_alloc(sweep->arena, (census->count + 1) * sizeof *result->strata);
    if (census->count > 0)
        memcpy(result->strata, census->strata, census->count * sizeof *result->strata);
    result->stratum_count = census->count;
}

/* A part of the limit is left for the stretches. */
static bool screen(rh_sweep *sweep, rh_backfill_result *result, rh_error *error)
{
    const rh_usec deadline = sweep->deadline;
    sweep->deadline -= (deadline - rh_clock_monotonic()) / STRETCHES_SHARE;
    const bool ok = rh_sweep_screen(sweep, result, error);
    sweep->deadline = deadline;
    return ok;
}

/* Each step of the sweep; for a program whose batches cannot be observed, the first is the last. */
static bool measure_settings(rh_sweep *sweep, rh_backfill_result *result, rh_error *error)
{
    const rh_usec began = rh_clock_monotonic();
    if (!rh_sweep_measure_replay(sweep, result, error))
        return false;
    sweep->deadline += rh_clock_monotonic() - began; /* the limit is for the settings */
    rh_sweep_plan(sweep, result);
    if (!rh_sweep_vacuum(sweep, error) || !screen(sweep, result, error))
        return false;
    if (sweep->no_capacity)
        return true;
    price(sweep); /* again: with the batches of the settings, where nothing ran beside them */
    rh_sweep_measure_all(sweep, result);
    rh_sweep_conclude(sweep, result); /* the setting whose predictions are to be tested */
    if (!rh_sweep_stretches(sweep, result, error))
        return false;
    rh_sweep_conclude(sweep, result);
    if (!rh_sweep_confirm(sweep, result, error))
        return false;
    rh_sweep_recommend(sweep, result);
    rh_sweep_course(sweep, result);
    return true;
}

static bool measure(rh_sweep *sweep, rh_backfill_result *result, rh_error *error)
{
    const rh_backfill *b = sweep->backfill;
    if (!inspect(sweep, error))
        return false;
    describe(sweep, result);
    if (sweep->census.rows == 0)
        result->why_not = "no row is left to do";
    else if (b->command && !b->range && !rh_program_needs_range(b))
        result->why_not =
            "the capacity of a program is measured on parts of the rows, but it has no range; only its proof runs";
    if (result->why_not)
        return true;
    if (!run_quiet(sweep, error) || (!sweep->no_capacity && !measure_settings(sweep, result, error)))
        return false;
    if (sweep->no_capacity) {
        result->why_not = sweep->no_capacity;
        result->cell_count = result->stretch_count = result->bound_count = 0;
        result->recommended = result->chosen = -1;
    }
    result->measured = !result->why_not;
    return true;
}

static void note_standby(const rh_sweep *sweep, const rh_backfill_result *result)
{
    const rh_backfill_standby *standby = &result->standby;
    const char *name = sweep->backfill->name;
    if (standby->why_not)
        rh_notes_printf(sweep->notes, sweep->arena, RH_UNMEASURED_BACKFILL,
                        "backfill %s: a standby and its lag: %s", name, standby->why_not);
    if (standby->replay_why_not)
        rh_notes_printf(sweep->notes, sweep->arena, RH_UNMEASURED_BACKFILL,
                        "backfill %s: the replay capacity of a standby: %s", name, standby->replay_why_not);
    for (size_t i = 0; i < standby->confirmed_count; i++)
        if (standby->confirmed[i].why_not)
            rh_notes_printf(sweep->notes, sweep->arena, RH_UNMEASURED_BACKFILL,
                            "backfill %s: the lag of its standby: %s", name, standby->confirmed[i].why_not);
}

bool rh_backfill_sweep(const rh_backfill *backfill, const rh_backfill_place *place, rh_arena *arena,
                       rh_backfill_result *result, rh_notes *notes, rh_error *error)
{
    rh_sweep sweep = {.backfill = backfill,
                      .place = place,
                      .arena = arena,
                      .notes = notes,
                      .deadline = rh_clock_monotonic() + backfill->limit};
    *result = (rh_backfill_result){.backfill = backfill,
                                   .recommended = -1,
                                   .standby = {.mode = backfill->standby,
                                               .replay_bytes_per_s = RH_NOT_MEASURED,
                                               .replay_bytes = RH_UNKNOWN},
                                   .chosen = -1,
                                   .level = LEVEL,
                                   .rate_per_s = place->load ? place->load->rate_per_s : 0};
    bool ok = measure(&sweep, result, error);
    rh_sweep_close_sessions(&sweep);
    rh_backfill_census_release(&sweep.census);
    note_standby(&sweep, result);
    if (ok && place->staging)
        ok = rh_staging_standby_remove(place->staging, error);
    return ok;
}
