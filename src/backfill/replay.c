/* How much WAL a standby replays in a second. */
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/predict.h"
#include "pgrehearse/staging/staging.h"
#include "bounds.h"
#include "standby.h"
#include "wal_watch.h"
#include <inttypes.h>
#include <math.h>

/* WAL that is piled up, and the least of it that gives a rate. */
static const int64_t PILE = INT64_C(256) << 20, PILE_LEAST = INT64_C(4) << 20;
static const char TOO_LITTLE[] = "the sample gives too little WAL to time its replay";
/* Batches between two looks at how much there is, and how long all of it may take. */
enum { STEP_BATCHES = 5 };
static const rh_usec PILE_LIMIT = 60 * RH_SECOND, PATIENCE = 300 * RH_SECOND;

/* ---- the capacity ---- */

static bool wait_until(rh_pg *pg, const char *sql, int64_t position, rh_usec every, rh_error *error)
{
    const rh_usec deadline = rh_clock_monotonic() + PATIENCE;
    for (;;) {
        int64_t at;
        if (!rh_pg_query_int(pg, sql, &at, error))
            return false;
        if (at >= position)
            return true;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted in the backfill pass");
        if (rh_clock_monotonic() > deadline)
            return rh_error_set(error, RH_ERROR_SLOW, "it did not receive or replay the WAL within %.0f s",
                                rh_seconds(PATIENCE));
        rh_clock_sleep_until(rh_clock_monotonic() + every);
    }
}

static int64_t left_batches(int64_t rows, int64_t batch)
{
    const int64_t batches = (rows + batch - 1) / batch;
    return batches < STEP_BATCHES ? batches : STEP_BATCHES;
}

/* Batches of the largest size, which are no evidence, until there is enough WAL or a third of the sample's
 * rows is used. */
static bool pile_up(rh_sweep *sweep, rh_error *error)
{
    const rh_backfill *b = sweep->backfill;
    rh_pg *side = rh_pg_connect(sweep->place->conninfo, ": side", error);
    rh_sweep pile = *sweep;
    pile.evidence = (rh_backfill_evidence){0};
    const int64_t least = sweep->budget - sweep->budget / 3;
    const rh_usec until = rh_clock_monotonic() + PILE_LIMIT;
    const int64_t batch = b->batches[b->batch_count - 1];
    int64_t began = 0, now = 0, left = -1;
    bool ok = side && rh_backfill_wal_position(side, &began, error);
    while (ok && now - began < PILE && pile.budget > least && pile.budget != left &&
           rh_clock_monotonic() < until) {
        const rh_sweep_run run = {.setting = {.batch = batch, .workers = 1},
                                  .quiet = true,
                                  .until = until,
                                  .visit = 1,
                                  .most = left_batches(pile.budget - least, batch)};
        left = pile.budget;
        ok = rh_sweep_batches(&pile, &run, NULL, error) && rh_backfill_wal_position(side, &now, error);
    }
    rh_pg_close(side);
    rh_sweep_close_sessions(&pile);
    sweep->budget = pile.budget;
    sweep->next = pile.next;
    return ok;
}

/* Time of the replay from where it was paused up to the last byte that was received. */
static bool time_replay(rh_sweep *sweep, rh_pg *standby, rh_backfill_standby *found, rh_error *error)
{
    static const char received[] = "SELECT (pg_catalog.pg_last_wal_receive_lsn() - '0/0'::pg_lsn)::bigint";
    int64_t from = 0, to = 0;
    rh_pg *side = rh_pg_connect(sweep->place->conninfo, ": side", error);
    bool ok = side && rh_pg_query_int(side,
                                      "SELECT (pg_catalog.pg_current_wal_flush_lsn() - "
                                      "'0/0'::pg_lsn)::bigint",
                                      &to, error);
    rh_pg_close(side);
    ok = ok && wait_until(standby, received, to, RH_SECOND / 100, error) &&
         rh_pg_query_int(standby, RH_WAL_REPLAYED, &from, error);
    if (ok && to - from < PILE_LEAST)
        found->replay_why_not = TOO_LITTLE;
    if (!ok || found->replay_why_not)
        return ok;
    const rh_usec began = rh_clock_monotonic();
    ok = rh_pg_execute(standby, "SELECT pg_catalog.pg_wal_replay_resume()", error) &&
         wait_until(standby, RH_WAL_REPLAYED, to, RH_SECOND / 500, error);
    const double elapsed_s = rh_seconds(rh_clock_monotonic() - began);
    if (ok) {
        found->replay_bytes = to - from;
        found->replay_bytes_per_s = (double)(to - from) / elapsed_s;
    }
    return ok;
}

static bool measure(rh_sweep *sweep, rh_backfill_standby *found, rh_error *error)
{
    rh_pg *standby = rh_pg_connect(rh_staging_standby_conninfo(sweep->place->staging), ": standby", error);
    const bool ok = standby && rh_pg_execute(standby, "SELECT pg_catalog.pg_wal_replay_pause()", error) &&
                    pile_up(sweep, error) && time_replay(sweep, standby, found, error);
    rh_pg_close(standby);
    return ok;
}

/* The batches that made the WAL have changed pages of this checkpoint cycle: the next begins. */
static bool settle(rh_sweep *sweep, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(sweep->place->conninfo, ": backfill", error);
    const bool ok = pg && rh_states_checkpoint(pg, &sweep->states, error);
    rh_pg_close(pg);
    return ok;
}

bool rh_sweep_measure_replay(rh_sweep *sweep, rh_backfill_result *result, rh_error *error)
{
    rh_backfill_standby *found = &result->standby;
    rh_staging *staging = sweep->place->staging;
    rh_error problem = {0};
    const char *why_not = NULL;
    if (found->mode == RH_STANDBY_NONE || !staging)
        return true;
    const rh_quiet_batches all = rh_sweep_quiet(sweep, 0);
    if (!(all.wal / all.rows * (double)sweep->budget / 3 >= (double)PILE_LEAST)) {
        found->replay_why_not = TOO_LITTLE;
        return true;
    }
    rh_progress_detail(sweep->place->progress, "backfill", "replay capacity of a standby");
    rh_sweep_close_sessions(sweep);
    if (!rh_staging_standby_start(staging, RH_STANDBY_ASYNC, &why_not, error))
        return false;
    if (why_not) {
        found->why_not = rh_arena_strdup(sweep->arena, why_not);
        return true;
    }
    if (!measure(sweep, found, &problem)) {
        const bool lost = problem.code == RH_ERROR_INTERRUPTED || !rh_staging_was_up(staging, NULL);
        if (lost) {
            rh_error_move(error, &problem);
            return false;
        }
        found->replay_why_not = rh_arena_strdup(sweep->arena, problem.message);
        rh_error_release(&problem);
    }
    return rh_staging_standby_stop(staging, error) && settle(sweep, error);
}
