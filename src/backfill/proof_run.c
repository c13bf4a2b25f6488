/* One run of the backfill in a copy of the sample: started, watched by the journal, ended. */
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "embedded/backfill.h"
#include "session_end.h"
#include "proof.h"
#include <inttypes.h>
#include <string.h>

/* How often a run is looked at; how long it may change nothing, and take in all. */
static const rh_usec GLANCE = RH_SECOND / 500, LOOK = RH_SECOND / 25, STANDSTILL = 60 * RH_SECOND,
                     LONGEST = 600 * RH_SECOND;
/* A run that has written so many times the rows to do writes the same again, or is fed. */
enum { TIMES = 3 };

static const char SESSIONS[] = "FROM pg_catalog.pg_stat_activity a WHERE a.datname = current_database() AND "
                               "a.backend_type = 'client backend' AND (a.application_name = 'pgrehearse: "
                               "backfill' OR a.application_name NOT LIKE 'pgrehearse%')";

static bool install(rh_proof *p, rh_error *error)
{
    rh_text key = {0};
    for (size_t i = 0; i < p->target.key_count; i++)
        rh_pg_array_add(&key, rh_relation_of(p->target.key[i], p->arena).name);
    const char *parameters[] = {p->target.table, rh_pg_array_end(&key)};
    rh_pg_result *set = rh_pg_query(p->side,
                                    "SELECT set_config('pgrehearse.table', $1, false),"
                                    " set_config('pgrehearse.key', $2, false)",
                                    2, parameters, error);
    rh_text_release(&key);
    rh_pg_result_free(set);
    return set && rh_pg_execute(p->side, rh_sql_proof_journal, error) &&
           rh_pg_execute(p->side, rh_runner_native_schema, error);
}

bool rh_proof_fresh(rh_proof *p, rh_error *error)
{
    rh_pg_close(p->side);
    p->side = NULL;
    if (!p->place->fresh(p->place->data, &p->sessions, error))
        return false;
    atomic_store(&p->written, 0);
    p->side = rh_pg_connect(p->sessions.own, ": proof", error);
    return p->side && install(p, error);
}

void *rh_proof_start(rh_proof *p, bool again, rh_usec stretch, rh_error *error)
{
    const rh_runner_start start = {.backfill = p->backfill,
                                   .target = &p->target,
                                   .statements = &p->sql,
                                   .setting = p->setting,
                                   .sessions = &p->sessions,
                                   .place = p->place,
                                   .again = again,
                                   .stretch = stretch};
    rh_progress_update(p->place->progress, "backfill", "proof", ++p->done, p->total, RH_UNIT_ITEMS);
    return p->runner->start(&start, error);
}

/* ---- watching ---- */

static bool look(rh_proof *p, rh_error *error)
{
    if (rh_interrupt_requested())
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
    rh_pg_result *row = rh_pg_query_again(
        p->side, "SELECT count(*), count(DISTINCT xid) FROM pgrehearse_proof.journal WHERE backfill", 0, NULL,
        error);
    if (!row)
        return false;
    atomic_store(&p->written, rh_pg_int(row, 0, 0, 0));
    p->transactions = rh_pg_int(row, 0, 1, 0);
    rh_pg_result_free(row);
    return true;
}

/* Transactions of the backfill that ended since its oldest open one began. */
static bool read_oldest_transaction(rh_proof *p, rh_proof_end *end, rh_error *error)
{
    int64_t held = 0;
    const char *sql = rh_arena_printf(
        p->arena,
        "SELECT count(DISTINCT j.xid) FROM pgrehearse_proof.journal j WHERE j.backfill AND j.at > (SELECT "
        "min(a.xact_start) %s)",
        SESSIONS);
    if (!rh_pg_query_int(p->side, sql, &held, error))
        return false;
    end->held = held > end->held ? held : end->held;
    return true;
}

/* Whether the run has to be ended, and why. */
static bool must_end(const rh_proof *p, bool fed, rh_usec began, rh_usec changed, rh_proof_end *end)
{
    const rh_usec now = rh_clock_monotonic();
    const int64_t batch = p->setting.batch < p->rows ? p->setting.batch : p->rows; /* it may be key values */
    const int64_t most = TIMES * (p->rows + batch), written = atomic_load(&p->written);
    const rh_proof_counts *r = &p->reference.counts;
    end->ending = fed && written >= r->writes && p->transactions > TIMES * (r->transactions + 2)
                      ? RH_PROOF_ENDLESS
                  : written > most             ? RH_PROOF_REPEATS
                  : now - changed > STANDSTILL ? RH_PROOF_STANDS
                  : now - began > LONGEST      ? RH_PROOF_TOO_LONG
                                               : RH_PROOF_ENDED;
    return end->ending != RH_PROOF_ENDED;
}

static void keep_end(rh_proof *p, const rh_runner_end *said, rh_proof_end *end)
{
    end->ok = said->ok;
    end->refused = said->refused;
    end->message = rh_arena_strdup(p->arena, said->message);
    end->deadlock = said->sqlstate && strcmp(said->sqlstate, "40P01") == 0;
}

bool rh_proof_watch(rh_proof *p, void *run, bool fed, rh_proof_end *end, rh_error *error)
{
    const rh_usec began = rh_clock_monotonic();
    rh_usec changed = began, next = began;
    rh_runner_end said = {0};
    bool ok = true;
    *end = (rh_proof_end){.ending = RH_PROOF_ENDED};
    while (ok && !p->runner->has_ended(run, &said)) {
        if (rh_clock_monotonic() >= next) {
            const int64_t before = atomic_load(&p->written);
            ok = look(p, error) && read_oldest_transaction(p, end, error);
            changed = atomic_load(&p->written) != before ? rh_clock_monotonic() : changed;
            if (ok && must_end(p, fed, began, changed, end)) {
                p->runner->kill(run);
                break;
            }
            next = rh_clock_monotonic() + LOOK;
        }
        rh_clock_sleep_until(rh_clock_monotonic() + GLANCE);
    }
    if (ok && end->ending == RH_PROOF_ENDED)
        keep_end(p, &said, end);
    return ok && look(p, error);
}

bool rh_proof_finish(rh_proof *p, void *run, bool fed, rh_proof_end *end, rh_error *error)
{
    const bool ok = rh_proof_watch(p, run, fed, end, error);
    p->runner->free(run);
    return ok && rh_proof_await_gone(p, error) && look(p, error);
}

bool rh_proof_await(rh_proof *p, void *run, int64_t rows, bool *reached, rh_error *error)
{
    rh_runner_end end;
    const rh_usec deadline = rh_clock_monotonic() + STANDSTILL;
    for (;;) {
        const bool ended = p->runner->has_ended(run, &end);
        if (!look(p, error))
            return false;
        *reached = atomic_load(&p->written) >= rows && !ended;
        if (*reached || ended || rh_clock_monotonic() > deadline)
            return true;
        rh_clock_sleep_until(rh_clock_monotonic() + GLANCE);
    }
}

bool rh_proof_await_session(rh_proof *p, void *run, const char *condition, bool *seen, rh_error *error)
{
    rh_runner_end end;
    const char *sql = rh_arena_printf(p->arena, "SELECT count(*) %s AND (%s)", SESSIONS, condition);
    const rh_usec deadline = rh_clock_monotonic() + STANDSTILL;
    for (int64_t count = 0;;) {
        const bool ended = p->runner->has_ended(run, &end);
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
        if (!rh_pg_query_int(p->side, sql, &count, error))
            return false;
        *seen = count > 0;
        if (count > 0 || ended || rh_clock_monotonic() > deadline)
            return true;
    }
}

bool rh_proof_await_gone(rh_proof *p, rh_error *error)
{
    return rh_backfill_await_sessions(p->side, rh_arena_printf(p->arena, "SELECT count(*) %s", SESSIONS),
                                      error);
}

bool rh_proof_kill(rh_proof *p, void *run, rh_error *error)
{
    p->runner->kill(run);
    p->runner->free(run);
    return rh_proof_await_gone(p, error);
}

bool rh_proof_run(rh_proof *p, bool again, rh_proof_end *end, rh_error *error)
{
    void *run = rh_proof_start(p, again, 0, error);
    return run && rh_proof_finish(p, run, false, end, error);
}

/* ---- the state at its end ---- */

bool rh_proof_count(rh_proof *p, rh_proof_counts *counts, rh_error *error)
{
    rh_pg_result *row =
        rh_pg_query(p->side,
                    "SELECT count(*), count(DISTINCT key), count(DISTINCT xid), coalesce((SELECT max(n) FROM"
                    " (SELECT count(*) AS n FROM pgrehearse_proof.journal WHERE backfill GROUP BY xid) x), 0)"
                    " FROM pgrehearse_proof.journal WHERE backfill",
                    0, NULL, error);
    if (!row)
        return false;
    *counts = (rh_proof_counts){rh_pg_int(row, 0, 0, 0), rh_pg_int(row, 0, 1, 0), rh_pg_int(row, 0, 2, 0),
                                rh_pg_int(row, 0, 3, 0)};
    rh_pg_result_free(row);
    return true;
}

bool rh_proof_left(rh_proof *p, int64_t *left, rh_error *error)
{
    *left = RH_UNKNOWN;
    return !p->condition || rh_pg_query_int(p->side,
                                            rh_arena_printf(p->arena, "SELECT count(*) FROM %s WHERE (%s\n)",
                                                            p->target.table, p->condition),
                                            left, error);
}

bool rh_proof_compare(rh_proof *p, rh_backfill_claim *claim, int64_t *different, rh_error *error)
{
    rh_digest now = {0};
    *different = 0;
    if (!rh_digest_read(p->side, &p->target, &p->columns, p->arena, &now, error))
        return false;
    bool differs = now.rows != p->reference.after.rows;
    for (size_t i = 0; i < p->columns.count; i++) {
        const rh_digest_column *column = &p->columns.items[i];
        if (column->varies || !rh_digest_column_differs(&p->reference.after, &now, i))
            continue;
        differs = true;
        *rh_arena_add(p->arena, &claim->columns, &claim->column_count) = column->plain;
    }
    if (!differs)
        return true;
    if (!rh_digest_rows_read(p->side, &p->target, &p->columns, p->arena, &now, error))
        return false;
    *different = rh_digest_different_rows(&p->reference.after, &now);
    if (*different == 0)
        *different = RH_UNKNOWN; /* in columns that the backfill does not own */
    return true;
}

const char *rh_proof_ending_text(const rh_proof *p, const rh_proof_end *end)
{
    switch (end->ending) {
    case RH_PROOF_REPEATS:
        return rh_arena_printf(p->arena,
                               "it wrote the same rows repeatedly: %lld writes for %" PRId64 " rows",
                               (long long)atomic_load(&p->written), p->rows);
    case RH_PROOF_ENDLESS:
        return "it does not end while rows are inserted";
    case RH_PROOF_STANDS:
        return rh_arena_printf(p->arena, "it changed nothing for %.0f s and did not end",
                               rh_seconds(STANDSTILL));
    case RH_PROOF_TOO_LONG:
        return rh_arena_printf(p->arena, "it had not ended after %.0f s", rh_seconds(LONGEST));
    default:
        return end->message ? end->message : "it failed without a message";
    }
}
