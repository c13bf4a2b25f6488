/* Runs beside clients that write to the same rows: lost updates, rows missed, the end, deadlocks. */
#include "clients.h"
#include "embedded/backfill.h"
#include "pgrehearse/base/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Rows that clients and backfill must both have changed for a claim about them. */
enum { HITS = 10 };
static const rh_usec STRETCH = RH_SECOND / 30;

typedef struct race {
    rh_proof *p;
    rh_clients_done clients;
    rh_proof_end end;
    rh_proof_counts counts;
} race;

/* One whole run beside clients of KINDS. SLOW: rows take longer, so that clients come between two of a batch.
 */
static bool run_beside(rh_proof *p, unsigned kinds, double inserts_until, bool slow, race *r, rh_error *error)
{
    const bool fed = inserts_until > 1;
    *r = (race){.p = p};
    if (!rh_proof_fresh(p, error))
        return false;
    const int64_t batch = p->reference.counts.largest > 0 ? p->reference.counts.largest : 1;
    const char *trigger = slow  ? rh_arena_printf(p->arena,
                                                  "BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION "
                                                   "pgrehearse_proof.stretch('%.6f')",
                                                  p->target.table, 20.0 / (double)batch)
                          : fed ? rh_arena_printf(p->arena,
                                                  "AFTER UPDATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION "
                                                  "pgrehearse_proof.feed()",
                                                  p->target.table)
                                : NULL;
    if (trigger &&
        !rh_pg_execute(p->side, rh_arena_printf(p->arena, "CREATE TRIGGER pgrehearse_wait %s", trigger),
                       error))
        return false;
    rh_clients *clients = rh_clients_start(p, kinds, inserts_until, error);
    void *run = clients ? rh_proof_start(p, false, fed ? 0 : STRETCH, error) : NULL;
    const bool ok = run && rh_proof_finish(p, run, fed, &r->end, error);
    r->clients = rh_clients_stop(clients);
    return ok && rh_proof_count(p, &r->counts, error);
}

static bool query_numbers(rh_proof *p, const char *sql, int64_t *a, int64_t *b, rh_error *error)
{
    rh_pg_result *row = rh_pg_query(p->side, sql, 0, NULL, error);
    if (!row)
        return false;
    *a = rh_pg_int(row, 0, 0, 0);
    *b = rh_pg_int(row, 0, 1, 0);
    rh_pg_result_free(row);
    return true;
}

/* Whether the run itself came to a good end; else CLAIM says how it ended. */
static bool ended_well(const race *r, rh_proof_claim claim)
{
    if (r->end.ending == RH_PROOF_ENDED && r->end.ok)
        return true;
    rh_proof_unknown(r->p, claim, "while clients write to its rows, it did not end without an error: %s",
                     rh_proof_ending_text(r->p, &r->end));
    return false;
}

/* ---- lost updates ---- */

static void add_columns(rh_proof *p, const char *numbers, rh_backfill_claim *claim)
{
    for (const char *at = numbers; at && *at; at += *at == ',') {
        char *end = NULL;
        const long number = strtol(at, &end, 10);
        if (end == at)
            return;
        at = end;
        if (number >= 1 && (size_t)number <= p->columns.count)
            *rh_arena_add(p->arena, &claim->columns, &claim->column_count) =
                p->columns.items[number - 1].plain;
    }
}

static bool judge_lost(race *r, rh_error *error)
{
    rh_proof *p = r->p;
    int64_t met = 0, unused = 0;
    rh_text numbers = {0};
    for (size_t i = 0; i < p->columns.count; i++)
        if (!p->columns.items[i].owned)
            rh_pg_array_add(&numbers, rh_arena_printf(p->arena, "%zu", i + 1));
    const char *parameters[] = {rh_pg_array_end(&numbers)};
    rh_pg_result *row = rh_pg_query(p->side, rh_sql_proof_lost, 1, parameters, error);
    rh_text_release(&numbers);
    bool ok = row && query_numbers(p,
                                   "SELECT count(DISTINCT b.key), 0 FROM pgrehearse_proof.journal b JOIN"
                                   " pgrehearse_proof.journal a ON a.key = b.key AND a.seq < b.seq AND NOT"
                                   " a.backfill WHERE b.backfill AND b.at - a.at < interval '2 s'",
                                   &met, &unused, error);
    const int64_t lost = ok ? rh_pg_int(row, 0, 0, 0) : 0;
    if (ok && lost > 0) {
        rh_proof_fail(
            p, RH_PROOF_KEEPS_UPDATES, "backfill-whole-row", lost,
            "%" PRId64 " of %" PRId64
            " rows that the application changed just before the backfill have their earlier values again",
            lost, met);
        add_columns(p, rh_pg_value(row, 0, 1), rh_proof_claim_of(p, RH_PROOF_KEEPS_UPDATES));
    } else if (ok && met < HITS) {
        rh_proof_unknown(p, RH_PROOF_KEEPS_UPDATES,
                         "clients changed only %" PRId64 " rows just before the backfill did", met);
    } else if (ok && ended_well(r, RH_PROOF_KEEPS_UPDATES)) {
        rh_proof_hold(p, RH_PROOF_KEEPS_UPDATES,
                      "Clients changed %" PRId64 " rows just before the backfill did: no change was lost",
                      met);
    }
    rh_pg_result_free(row);
    return ok;
}

static bool try_lost(rh_proof *p, rh_error *error)
{
    race r;
    rh_proof_claim_of(p, RH_PROOF_KEEPS_UPDATES)->runs = 1;
    if (!rh_clients_column(p)) {
        rh_proof_unknown(p, RH_PROOF_KEEPS_UPDATES,
                         "%s has no column that clients may change: each belongs to the key, an index, a "
                         "constraint or the backfill",
                         p->target.table);
        return true;
    }
    return run_beside(p, 1U << RH_CLIENT_UPDATE, 0, false, &r, error) && judge_lost(&r, error);
}

/* ---- rows missed ---- */

/* The condition of a row that is to do, of a row X of the table: by where, or because the backfill never
 * wrote it. */
static const char *still_to_do(const rh_proof *p, const char *key)
{
    if (p->condition)
        return rh_arena_printf(p->arena, "(%s\n)", p->condition);
    return rh_arena_printf(
        p->arena, "NOT EXISTS (SELECT FROM pgrehearse_proof.journal j WHERE j.backfill AND j.key = %s)", key);
}

static bool judge_complete(race *r, rh_error *error)
{
    rh_proof *p = r->p;
    int64_t left = 0, inserted = 0, passed = 0, unused = 0;
    const char *key = rh_arena_printf(p->arena, "hashtextextended(ROW(%s)::text, 0)",
                                      rh_backfill_key_list(&p->target, "", p->arena));
    const char *was_inserted = rh_arena_printf(
        p->arena,
        "EXISTS (SELECT FROM pgrehearse_proof.journal j WHERE NOT j.backfill AND j.op = 'INSERT' AND j.key = %s)",
        key);
    const char *sql =
        rh_arena_printf(p->arena, "SELECT count(*), count(*) FILTER (WHERE %s) FROM %s WHERE %s",
                        was_inserted, p->target.table, still_to_do(p, key));
    /* Of the rows left, those behind which, in the order of the key, the backfill wrote others. */
    const char *keys = rh_backfill_key_list(&p->target, "", p->arena);
    const char *passed_sql = rh_arena_printf(
        p->arena,
        "SELECT count(*), 0 FROM %s WHERE %s AND NOT %s AND (%s) < (SELECT %s FROM %s WHERE %s IN (SELECT key FROM "
        "pgrehearse_proof.journal WHERE backfill) ORDER BY %s LIMIT 1)",
        p->target.table, still_to_do(p, key), was_inserted, keys, keys, p->target.table, key,
        rh_backfill_key_descending(&p->target, p->arena));
    if (!query_numbers(p, sql, &left, &inserted, error) ||
        !query_numbers(p, passed_sql, &passed, &unused, error))
        return false;
    const int64_t before = left - inserted - (p->reference.left > 0 ? p->reference.left : 0);
    if (before > 0)
        rh_proof_fail(
            p, RH_PROOF_COMPLETE, 2 * passed < before ? "backfill-ends-early" : "backfill-skip-locked",
            before,
            "%" PRId64
            " rows that existed before it began are still to do%s: clients had changed, locked or deleted rows of a batch",
            before, r->end.ok ? "" : ", also after it had failed and was started again");
    else if (!ended_well(r, RH_PROOF_COMPLETE))
        return true;
    else if (inserted > 0 && p->backfill->dual_write && strcmp(p->backfill->dual_write, "none") == 0)
        rh_proof_fail(p, RH_PROOF_COMPLETE, "backfill-random-key", inserted,
                      "%" PRId64
                      " rows that were inserted during the first three quarters of it are still to do",
                      inserted);
    else if (inserted > 0 && !p->backfill->dual_write)
        rh_proof_unknown(
            p, RH_PROOF_COMPLETE,
            "it processed every row that existed at its start; of the rows inserted while it ran %" PRId64
            " are still to do, and dual_write: does not say whether the application fills them",
            inserted);
    else
        rh_proof_hold(p, RH_PROOF_COMPLETE,
                      "No row that existed at its start is still to do, with %" PRId64 " updates, %" PRId64
                      " deletes, %" PRId64 " locks and %" PRId64 " inserts%s",
                      r->clients.done[RH_CLIENT_UPDATE], r->clients.done[RH_CLIENT_DELETE],
                      r->clients.done[RH_CLIENT_LOCK], r->clients.done[RH_CLIENT_INSERT],
                      inserted > 0 ? "; the application fills the rows that it inserts" : "");
    return true;
}

static bool try_complete(rh_proof *p, rh_error *error)
{
    race r;
    rh_proof_claim_of(p, RH_PROOF_COMPLETE)->runs = 1;
    if (!run_beside(p,
                    1U << RH_CLIENT_UPDATE | 1U << RH_CLIENT_DELETE | 1U << RH_CLIENT_LOCK |
                        1U << RH_CLIENT_INSERT,
                    0.75, true, &r, error))
        return false;
    const rh_clients_done *c = &r.clients;
    if (c->done[RH_CLIENT_LOCK] == 0 || (c->done[RH_CLIENT_UPDATE] + c->done[RH_CLIENT_DELETE] == 0)) {
        const char *why = c->why[RH_CLIENT_DELETE] ? c->why[RH_CLIENT_DELETE] : "they were too late";
        rh_proof_unknown(p, RH_PROOF_COMPLETE, "clients could not write during it: %s", why);
        return true;
    }
    /* One that fails is seen, and started again: what that leaves was missed. */
    rh_proof_end again;
    if (r.end.ending == RH_PROOF_ENDED && !r.end.ok && !rh_proof_run(p, true, &again, error))
        return false;
    return judge_complete(&r, error);
}

/* ---- the end ---- */

static bool try_end(rh_proof *p, rh_error *error)
{
    race r;
    if (!run_beside(p, 1U << RH_CLIENT_INSERT, 1e9, false, &r, error))
        return false;
    rh_proof_claim_of(p, RH_PROOF_ENDS)->runs = 1;
    if (r.end.ending != RH_PROOF_ENDED)
        rh_proof_fail(p, RH_PROOF_ENDS, "backfill-never-ends", RH_UNKNOWN, "Beside %" PRId64 " inserts: %s",
                      r.clients.done[RH_CLIENT_INSERT], rh_proof_ending_text(p, &r.end));
    else if (r.clients.done[RH_CLIENT_INSERT] == 0)
        rh_proof_unknown(p, RH_PROOF_ENDS, "it ends without load; rows could not be inserted during it: %s",
                         r.clients.why[RH_CLIENT_INSERT] ? r.clients.why[RH_CLIENT_INSERT] : "none came in");
    else if (ended_well(&r, RH_PROOF_ENDS))
        rh_proof_hold(p, RH_PROOF_ENDS, "It ended during %" PRId64 " inserts, with %" PRId64 " rows written",
                      r.clients.done[RH_CLIENT_INSERT], r.counts.writes);
    return true;
}

/* ---- deadlocks ---- */

static bool count_deadlocks(rh_proof *p, int64_t *count, rh_error *error)
{
    return rh_pg_query_int(
        p->side, "SELECT deadlocks FROM pg_catalog.pg_stat_database WHERE datname = current_database()",
        count, error);
}

static bool try_deadlock(rh_proof *p, rh_error *error)
{
    race r;
    int64_t all = 0;
    if (!rh_clients_column(p)) {
        rh_proof_unknown(p, RH_PROOF_NO_DEADLOCK, "no column that clients may change");
        return true;
    }
    if (!run_beside(p, 1U << RH_CLIENT_PAIR | 1U << RH_CLIENT_PARENT, 0, true, &r, error) ||
        !count_deadlocks(p, &all, error))
        return false;
    rh_proof_claim_of(p, RH_PROOF_NO_DEADLOCK)->runs = 1;
    if (r.clients.deadlocks > 0)
        rh_proof_fail(
            p, RH_PROOF_NO_DEADLOCK, "backfill-lock-order", RH_UNKNOWN,
            "Clients that update two rows in either order, or a row and then the row that it references, were aborted by %" PRId64
            " deadlocks with it: its lock_timeout should be shorter than deadlock_timeout",
            r.clients.deadlocks);
    else if (r.end.ending != RH_PROOF_ENDED || !r.end.ok)
        rh_proof_fail(p, RH_PROOF_NO_DEADLOCK, "backfill-lock-order", RH_UNKNOWN,
                      "While clients update two rows in either order: %s", rh_proof_ending_text(p, &r.end));
    else if (r.clients.done[RH_CLIENT_PAIR] < HITS)
        rh_proof_unknown(p, RH_PROOF_NO_DEADLOCK, "clients changed only %" PRId64 " rows during it",
                         r.clients.done[RH_CLIENT_PAIR]);
    else
        rh_proof_hold(p, RH_PROOF_NO_DEADLOCK,
                      "Clients that updated two rows in either order, %" PRId64
                      " times, were not aborted by a deadlock",
                      r.clients.done[RH_CLIENT_PAIR] / 2);
    return true;
}

bool rh_proof_races(rh_proof *p, rh_error *error)
{
    return try_lost(p, error) && try_complete(p, error) && try_end(p, error) && try_deadlock(p, error);
}

/* Two at the same time: each ends without an error, or reports that another one runs. */
bool rh_proof_runners(rh_proof *p, rh_error *error)
{
    rh_proof_end ends[2];
    rh_backfill_claim found = {0};
    int64_t different = 0;
    if (!rh_proof_fresh(p, error))
        return false;
    void *first = rh_proof_start(p, false, 0, error),
         *second = first ? rh_proof_start(p, true, 0, error) : NULL;
    bool ok = second && rh_proof_watch(p, first, false, &ends[0], error) &&
              rh_proof_watch(p, second, false, &ends[1], error);
    p->runner->free(first);
    p->runner->free(second);
    if (!ok || !rh_proof_await_gone(p, error) || !rh_proof_compare(p, &found, &different, error))
        return false;
    rh_backfill_claim *claim = rh_proof_claim_of(p, RH_PROOF_NO_DEADLOCK);
    claim->runs++;
    if (ends[0].deadlock || ends[1].deadlock)
        rh_proof_fail(p, RH_PROOF_NO_DEADLOCK, "backfill-lock-order", RH_UNKNOWN,
                      "Two runners at the same time: one ended because of a deadlock with the other");
    else if (!ends[0].ok && !ends[1].ok)
        rh_proof_fail(p, RH_PROOF_NO_DEADLOCK, "backfill-lock-order", RH_UNKNOWN,
                      "Two runners at the same time: both failed: %s", rh_proof_ending_text(p, &ends[0]));
    else if (different != 0)
        rh_proof_fail(p, RH_PROOF_IDEMPOTENT, "backfill-not-idempotent", different,
                      "Two runners at the same time end with other rows than one runner");
    else if (claim->outcome == RH_PROOF_HELD)
        claim->why =
            rh_arena_printf(p->arena, "%s; two runners at the same time end with the rows of one%s",
                            claim->why, ends[0].ok && ends[1].ok ? "" : ", the second refuses to run");
    return true;
}
