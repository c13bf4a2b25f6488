/* Repeated runs: twice, half twice, stopped, two at the same time; and the migrations after a complete one.
 */
#include "proof.h"
#include <inttypes.h>
#include <string.h>

/* A smaller table is read whole as cheaply as in parts. */
enum { PAGES_MIN = 64 };

/* Fails CLAIM when a run that should have ended well did not, or when the rows are not those of the
 * undisturbed run. AFTER: what was done before it, as a clause. */
static bool same_as_reference(rh_proof *p, rh_proof_claim claim, const char *defect, const char *after,
                              const rh_proof_end *end, rh_error *error)
{
    int64_t different = 0, left = 0;
    rh_backfill_claim found = {0};
    if (!rh_proof_compare(p, &found, &different, error) || !rh_proof_left(p, &left, error))
        return false;
    rh_backfill_claim *of = rh_proof_claim_of(p, claim);
    if (of->outcome == RH_PROOF_FAILED)
        return true;
    if (end && (end->ending != RH_PROOF_ENDED || !end->ok))
        rh_proof_fail(p, claim, defect, RH_UNKNOWN, "%s, it fails: %s", after, rh_proof_ending_text(p, end));
    else if (left > p->reference.left)
        rh_proof_fail(p, claim, defect, left, "%s, it ends with %" PRId64 " rows still to do", after, left);
    else if (different != 0)
        rh_proof_fail(p, claim, defect, different, "%s, it ends with other rows than one undisturbed run",
                      after);
    else
        return true;
    of->columns = found.columns;
    of->column_count = found.column_count;
    return true;
}

static const char *varying(const rh_proof *p)
{
    const char *list = NULL;
    for (size_t i = 0; i < p->columns.count; i++)
        if (p->columns.items[i].varies)
            list = rh_arena_printf(p->arena, "%s%s%s", list ? list : "", list ? ", " : "",
                                   p->columns.items[i].name);
    return list;
}

/* The undisturbed run's copy is current: it is run again from its beginning. */
static bool run_again(rh_proof *p, rh_error *error)
{
    rh_digest first = p->reference.after, second = {0};
    rh_proof_counts before, after;
    rh_proof_end end;
    if (!rh_proof_count(p, &before, error) || !rh_proof_run(p, false, &end, error) ||
        !rh_proof_count(p, &after, error) ||
        !rh_digest_read(p->side, &p->target, &p->columns, p->arena, &second, error))
        return false;
    const int64_t again = after.writes - before.writes;
    bool chance = false;
    for (size_t i = 0; i < p->columns.count; i++)
        chance = chance || (p->columns.items[i].varies && rh_digest_column_differs(&first, &second, i));
    if (!same_as_reference(p, RH_PROOF_IDEMPOTENT, "backfill-not-idempotent", "Run a second time", &end,
                           error))
        return false;
    if (chance)
        rh_proof_unknown(p, RH_PROOF_IDEMPOTENT,
                         "a second run writes %" PRId64
                         " rows again, and gives %s other values: they depend on "
                         "the time or on chance",
                         again, varying(p));
    else if (again > 0)
        rh_proof_hold(p, RH_PROOF_IDEMPOTENT, "A second run writes the same values again: %" PRId64 " rows",
                      again);
    else
        rh_proof_hold(p, RH_PROOF_IDEMPOTENT, "A second run writes nothing");
    return true;
}

bool rh_proof_twice(rh_proof *p, rh_error *error)
{
    rh_backfill_claim *claim = rh_proof_claim_of(p, RH_PROOF_IDEMPOTENT);
    bool reached = false;
    rh_proof_end end;
    if (!run_again(p, error))
        return false;
    claim->runs = 2;
    const char *why = claim->why;
    if (claim->outcome != RH_PROOF_HELD)
        return true;
    if (!rh_proof_fresh(p, error))
        return false;
    void *run = rh_proof_start(p, false, 0, error);
    if (!run || !rh_proof_await(p, run, p->reference.counts.writes / 2, &reached, error) ||
        !rh_proof_kill(p, run, error) || !rh_proof_run(p, false, &end, error) ||
        !same_as_reference(p, RH_PROOF_IDEMPOTENT, "backfill-not-idempotent",
                           "Started again after its first half", &end, error))
        return false;
    claim->runs = reached ? 4 : 3;
    if (claim->outcome == RH_PROOF_HELD)
        claim->why = rh_arena_printf(p->arena, "%s%s%s%s%s", why,
                                     reached ? "; repeating the first half changes nothing" : "",
                                     varying(p) ? " (not compared: " : "", varying(p) ? varying(p) : "",
                                     varying(p) ? ", which depend on the time or on chance)" : "");
    return true;
}

/* ---- stopped ---- */

/* Asks RUN to stop; *AT: the server's time when it had been asked. What began before is not held against it,
 * however long the machine took from one to the other. */
static bool ask_to_stop(rh_proof *p, void *run, const char **at, rh_error *error)
{
    p->runner->stop(run);
    rh_pg_result *now = rh_pg_query(p->side, "SELECT clock_timestamp()", 0, NULL, error);
    *at = now ? rh_arena_strdup(p->arena, rh_pg_value(now, 0, 0)) : NULL;
    rh_pg_result_free(now);
    return *at != NULL;
}

static bool count_batches_behind(rh_proof *p, const char *at, int64_t *batches, rh_error *error)
{
    rh_pg_result *count = rh_pg_query(p->side,
                                      "SELECT count(DISTINCT xid) FROM pgrehearse_proof.journal"
                                      " WHERE backfill AND journal.at > $1::timestamptz",
                                      1, &at, error);
    *batches = count ? rh_pg_int(count, 0, 0, 0) : 0;
    rh_pg_result_free(count);
    return count != NULL;
}

bool rh_proof_stops(rh_proof *p, rh_error *error)
{
    const char *at;
    bool reached = false;
    int64_t behind = 0;
    rh_proof_end end;
    if (!p->stops)
        return true;
    if (!rh_proof_fresh(p, error))
        return false;
    void *run = rh_proof_start(p, false, 0, error);
    if (!run || !rh_proof_await(p, run, p->reference.counts.writes / 4, &reached, error))
        return false;
    if (!reached) {
        rh_proof_unknown(p, RH_PROOF_STOPS, "it ended before it could be stopped");
        p->runner->free(run);
        return rh_proof_await_gone(p, error);
    }
    if (!ask_to_stop(p, run, &at, error) || !rh_proof_finish(p, run, false, &end, error) ||
        !count_batches_behind(p, at, &behind, error))
        return false;
    if (end.ending != RH_PROOF_ENDED)
        rh_proof_fail(p, RH_PROOF_STOPS, "backfill-does-not-stop", RH_UNKNOWN, "Asked to stop: %s",
                      rh_proof_ending_text(p, &end));
    else if (behind > 2 * p->setting.workers)
        rh_proof_fail(p, RH_PROOF_STOPS, "backfill-does-not-stop", RH_UNKNOWN,
                      "Asked to stop, it began %" PRId64 " more batches", behind);
    else
        rh_proof_hold(p, RH_PROOF_STOPS, "Asked to stop, it ended after %" PRId64 " more batches", behind);
    rh_proof_claim_of(p, RH_PROOF_STOPS)->runs = 1;
    return rh_proof_run(p, true, &end, error) && same_as_reference(p, RH_PROOF_RESUMES, "backfill-no-resume",
                                                                   "Started again after a stop", &end, error);
}

/* ---- pages read ---- */

/* A whole run in batches of BATCH rows: pages of the table that it read, and batches. The planner prefers
 * indexes, as it does on a table of production's size. */
static bool count_reads(rh_proof *p, int64_t batch, int64_t *pages, int64_t *batches, bool *ok,
                        rh_error *error)
{
    static const char prefer[] = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET random_page_cost = 1',"
                                 " current_database()); END $$";
    const rh_backfill_setting setting = p->setting;
    rh_proof_counts counts;
    rh_proof_end end;
    if (!rh_proof_fresh(p, error) || !rh_pg_execute(p->side, prefer, error))
        return false;
    p->setting.batch = batch;
    const bool ran = rh_proof_run(p, false, &end, error) && rh_proof_count(p, &counts, error);
    p->setting = setting;
    if (!ran)
        return false;
    *ok = end.ending == RH_PROOF_ENDED && end.ok;
    *batches = counts.transactions;
    const char *parameters[] = {p->target.table};
    rh_pg_result *row = rh_pg_query(
        p->side,
        "SELECT sum(heap_blks_read + heap_blks_hit) FROM pg_catalog.pg_statio_user_tables WHERE relid IN"
        " (" RH_BACKFILL_PARTS ")",
        1, parameters, error);
    *pages = row && rh_pg_rows(row) ? rh_pg_int(row, 0, 0, RH_UNKNOWN) : RH_UNKNOWN;
    rh_pg_result_free(row);
    return row != NULL;
}

/* With batches of a quarter of the rows: the pages that each additional batch reads besides its rows, one or
 * two, or a part of the table. */
bool rh_proof_reads(rh_proof *p, rh_error *error)
{
    int64_t pages[2], batches[2], size = 0;
    bool ok[2];
    if (!p->counts_batches || p->setting.batch < 8)
        return true;
    const char *parameters[] = {p->target.table};
    for (int i = 0; i < 2; i++)
        if (!count_reads(p, i ? p->setting.batch / 4 : p->setting.batch, &pages[i], &batches[i], &ok[i],
                         error))
            return false;
    rh_pg_result *row = rh_pg_query(
        p->side,
        "SELECT (sum(pg_catalog.pg_relation_size(relid)) / current_setting('block_size')::int)::bigint FROM"
        " (" RH_BACKFILL_PARTS ") AS parts",
        1, parameters, error);
    if (!row)
        return false;
    size = rh_pg_int(row, 0, 0, 0);
    rh_pg_result_free(row);
    if (size < PAGES_MIN) /* it says nothing of a large one */
        return true;
    rh_proof_claim_of(p, RH_PROOF_READS_ONCE)->runs = 2;
    const int64_t more = batches[1] - batches[0];
    const double each = more > 0 ? (double)(pages[1] - pages[0]) / (double)more : 0;
    if (!ok[0] || !ok[1] || more < batches[0] || pages[0] == RH_UNKNOWN || pages[1] == RH_UNKNOWN)
        rh_proof_unknown(p, RH_PROOF_READS_ONCE,
                         "the pages that a batch reads could not be determined: %" PRId64 " and %" PRId64
                         " batches, a table of %" PRId64 " pages",
                         batches[0], batches[1], size);
    else if (each > (double)size / 20)
        rh_proof_fail(p, RH_PROOF_READS_ONCE, "backfill-rescan", RH_UNKNOWN,
                      "Each additional batch reads %.0f more pages, of a table of %" PRId64
                      ": it reads the rows of earlier batches again",
                      each, size);
    else
        rh_proof_hold(p, RH_PROOF_READS_ONCE,
                      "An additional batch reads %.1f more pages, of a table of %" PRId64,
                      each > 0 ? each : 0.0, size);
    return true;
}

/* ---- contract ---- */

bool rh_proof_contract(rh_proof *p, rh_error *error)
{
    const char *why = NULL;
    bool of_rows = false;
    rh_proof_end end;
    if (!p->place->contract)
        return true;
    if (!rh_proof_fresh(p, error) || !rh_proof_run(p, false, &end, error))
        return false;
    rh_pg_close(p->side);
    p->side = NULL;
    if (!p->place->contract(p->place->data, &why, &of_rows, error))
        return false;
    if (why && !of_rows)
        rh_proof_unknown(p, RH_PROOF_CONTRACT, "on the backfilled sample, %s", why);
    else if (why)
        rh_proof_fail(p, RH_PROOF_CONTRACT, "backfill-contract", RH_UNKNOWN, "Behind it, %s", why);
    else
        rh_proof_hold(p, RH_PROOF_CONTRACT, "The migrations that follow pass on the backfilled sample");
    rh_proof_claim_of(p, RH_PROOF_CONTRACT)->runs = 1;
    return true;
}
