/* The proof: the undisturbed run, and the claims in the order in which they are tried. */
#include "proof.h"
#include "inspect.h"
#include "program.h"
#include "worker.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/classify.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Batches that a run should have, so that a kill hits one of many. */
enum { BATCHES = 24 };
static const rh_usec PAUSE = 3 * RH_SECOND / 1000;

/* ---- claims ---- */

rh_backfill_claim *rh_proof_claim_of(rh_proof *p, rh_proof_claim claim)
{
    return &p->claims[claim];
}

static void conclude(rh_proof *p, rh_proof_claim claim, rh_proof_outcome outcome, const char *defect,
                     const char *format, va_list args)
{
    rh_backfill_claim *of = &p->claims[claim];
    if (of->outcome == RH_PROOF_FAILED)
        return;
    of->outcome = outcome;
    of->defect = defect;
    of->why = rh_arena_vprintf(p->arena, format, args);
}

void rh_proof_fail(rh_proof *p, rh_proof_claim claim, const char *defect, int64_t rows, const char *format,
                   ...)
{
    va_list args;
    va_start(args, format);
    if (p->claims[claim].outcome != RH_PROOF_FAILED)
        p->claims[claim].rows = rows;
    conclude(p, claim, RH_PROOF_FAILED, defect, format, args);
    va_end(args);
}

void rh_proof_hold(rh_proof *p, rh_proof_claim claim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    conclude(p, claim, RH_PROOF_HELD, NULL, format, args);
    va_end(args);
}

void rh_proof_unknown(rh_proof *p, rh_proof_claim claim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    conclude(p, claim, RH_PROOF_UNKNOWN, NULL, format, args);
    va_end(args);
}

/* ---- the undisturbed run ---- */

/* Columns that set assigns; without set those that the run changed. */
static void find_owned(rh_proof *p)
{
    rh_assigned *assigned = NULL;
    size_t count = 0;
    if (p->backfill->set)
        rh_sql_assigned(rh_arena_printf(p->arena, "UPDATE t SET %s", p->backfill->set), p->arena, &assigned,
                        &count);
    for (size_t i = 0; i < p->columns.count; i++) {
        rh_digest_column *column = &p->columns.items[i];
        for (size_t k = 0; k < count; k++)
            column->owned = column->owned || strcmp(assigned[k].column, column->plain) == 0;
        if (!p->backfill->set)
            column->owned = rh_digest_column_differs(&p->reference.before, &p->reference.after, i);
    }
}

/* Without where, a row is to do while a column that the backfill fills is null; unless it leaves nulls. */
static bool find_condition(rh_proof *p, rh_error *error)
{
    const char *condition = NULL;
    p->condition = p->backfill->condition;
    for (size_t i = 0; !p->condition && !p->backfill->set && i < p->columns.count; i++)
        if (p->columns.items[i].owned)
            condition = rh_arena_printf(p->arena, "%s%s%s IS NULL", condition ? condition : "",
                                        condition ? " OR " : "", p->columns.items[i].name);
    if (!condition)
        return true;
    p->condition = condition;
    int64_t left = 0;
    const bool ok = rh_proof_left(p, &left, error);
    if (left > 0)
        p->condition = NULL;
    return ok;
}

static bool read_places(rh_proof *p, rh_error *error)
{
    rh_proof_reference *r = &p->reference;
    rh_pg_result *rows = rh_pg_query(p->side,
                                     "SELECT place FROM (SELECT DISTINCT ON (key) key, place, seq FROM"
                                     " pgrehearse_proof.journal WHERE backfill AND op = 'UPDATE'"
                                     " ORDER BY key, seq) AS first ORDER BY seq",
                                     0, NULL, error);
    r->place_count = rows ? rh_pg_rows(rows) : 0;
    r->places = rh_arena_alloc(p->arena, (r->place_count + 1) * sizeof *r->places);
    for (size_t i = 0; i < r->place_count; i++)
        r->places[i] = rh_arena_strdup(p->arena, rh_pg_value(rows, i, 0));
    rh_pg_result_free(rows);
    return rows != NULL;
}

/* Values that depend on the time or on chance differ between two runs. */
static bool find_varying(rh_proof *p, rh_error *error)
{
    rh_digest second = {0};
    rh_proof_end end;
    if (!rh_proof_fresh(p, error) || !rh_proof_run(p, false, &end, error) ||
        !rh_digest_read(p->side, &p->target, &p->columns, p->arena, &second, error))
        return false;
    for (size_t i = 0; i < p->columns.count; i++)
        p->columns.items[i].varies = rh_digest_column_differs(&p->reference.after, &second, i);
    p->reference.after = second;
    return rh_digest_rows_read(p->side, &p->target, &p->columns, p->arena, &p->reference.after, error);
}

/* Says what the undisturbed run alone shows; false: without it nothing else can be compared. */
static bool judge_reference(rh_proof *p, const rh_proof_end *end)
{
    const rh_proof_reference *r = &p->reference;
    const char *text = rh_proof_ending_text(p, end);
    if (end->ending != RH_PROOF_ENDED)
        rh_proof_fail(p, RH_PROOF_ENDS, "backfill-never-ends", RH_UNKNOWN, "Without any load: %s", text);
    if (end->held > 2)
        rh_proof_fail(p, RH_PROOF_COMMITS, "backfill-held-snapshot", RH_UNKNOWN,
                      "A transaction was open while %" PRId64
                      " batches were committed: rows that died since it began cannot be vacuumed",
                      end->held);
    if (end->deadlock)
        rh_proof_fail(p, RH_PROOF_NO_DEADLOCK, "backfill-lock-order", RH_UNKNOWN,
                      "Without any load, a deadlock between two of its own sessions made it fail");
    if (end->ending == RH_PROOF_ENDED && !end->ok)
        for (int i = 0; i < RH_PROOF_CLAIM_COUNT; i++)
            rh_proof_unknown(p, (rh_proof_claim)i, "the backfill fails without any load: %s", text);
    else if (r->counts.writes == 0)
        for (int i = 0; i < RH_PROOF_CLAIM_COUNT; i++)
            rh_proof_unknown(p, (rh_proof_claim)i, "the backfill ended without changing a row of %s",
                             p->target.table);
    return end->ending == RH_PROOF_ENDED && end->ok && r->counts.writes > 0;
}

static void judge_transactions(rh_proof *p)
{
    const rh_proof_counts *c = &p->reference.counts;
    const int64_t batch = p->counts_batches ? p->setting.batch : RH_UNKNOWN;
    p->claims[RH_PROOF_COMMITS].runs = 1;
    if (c->transactions == 1 && (batch == RH_UNKNOWN || c->writes > 2 * batch))
        rh_proof_fail(p, RH_PROOF_COMMITS, "backfill-in-one-transaction", c->writes,
                      "All %" PRId64 " rows were changed in one transaction: their locks are held to its end",
                      c->writes);
    else if (batch != RH_UNKNOWN && c->largest > 4 * batch)
        rh_proof_fail(p, RH_PROOF_COMMITS, "backfill-key-not-unique", c->largest,
                      "A transaction changed %" PRId64 " rows, although a batch should have %" PRId64
                      ": its condition does not bound the batch",
                      c->largest, batch);
    else
        rh_proof_hold(p, RH_PROOF_COMMITS,
                      "%" PRId64 " transactions for %" PRId64 " rows, at most %" PRId64 " rows in one",
                      c->transactions, c->writes, c->largest);
}

/* Rows that it never wrote were missed. Rows that it wrote and that are to do all the same are the fault of
 * what it writes: in a sample, which lacks rows that it reads, that proves nothing. */
static bool judge_left(rh_proof *p, rh_error *error)
{
    const int64_t left = p->reference.left;
    int64_t missed = 0;
    if (left <= 0)
        return true;
    const char *sql =
        rh_arena_printf(p->arena,
                        "SELECT count(*) FROM %s WHERE (%s\n) AND xmin::text::bigint NOT IN"
                        " (SELECT xid %% 4294967296 FROM pgrehearse_proof.journal WHERE backfill)",
                        p->target.table, p->condition);
    if (!rh_pg_query_int(p->side, sql, &missed, error))
        return false;
    if (missed > 0)
        rh_proof_fail(p, RH_PROOF_COMPLETE, "backfill-rows-left", missed,
                      "It ended without an error, with %" PRId64 " rows still to do, without any load",
                      missed);
    else if (p->place->sampled)
        rh_notes_printf(p->notes, p->arena, RH_UNMEASURED_BACKFILL,
                        "backfill %s: its proof: %" PRId64 " rows of the sample of the database match where "
                        "after set, too: the sample may lack rows that set reads",
                        p->backfill->name, left);
    else
        rh_proof_fail(p, RH_PROOF_COMPLETE, "backfill-rows-left", left,
                      "%" PRId64 " rows are still to do after it has written them", left);
    return true;
}

bool rh_proof_reference_run(rh_proof *p, rh_error *error)
{
    rh_proof_reference *r = &p->reference;
    rh_proof_end end;
    const rh_usec began = rh_clock_monotonic();
    if (!rh_proof_fresh(p, error) ||
        !rh_digest_columns_read(p->side, &p->target, p->arena, &p->columns, error) ||
        !rh_digest_read(p->side, &p->target, &p->columns, p->arena, &r->before, error))
        return false;
    if (p->rows == 0)
        p->rows = r->before.rows;
    if (!rh_proof_run(p, false, &end, error) || !rh_proof_count(p, &r->counts, error) ||
        !rh_digest_read(p->side, &p->target, &p->columns, p->arena, &r->after, error))
        return false;
    r->elapsed_s = rh_seconds(rh_clock_monotonic() - began);
    find_owned(p);
    if (!find_condition(p, error) || !rh_proof_left(p, &r->left, error) || !read_places(p, error))
        return false;
    r->made = judge_reference(p, &end);
    if (!r->made)
        return true;
    judge_transactions(p);
    return judge_left(p, error) && find_varying(p, error);
}

/* ---- all of it ---- */

/* As many rows in a batch that there are enough of them. */
static void choose_setting(rh_proof *p, const rh_backfill_setting *setting)
{
    const rh_backfill *b = p->backfill;
    int64_t batch = setting ? setting->batch : b->batch_count ? b->batches[0] : 1000;
    for (size_t i = 0; !setting && i < b->batch_count; i++)
        batch = b->batches[i] < batch ? b->batches[i] : batch;
    const int64_t most = p->rows / BATCHES;
    p->setting = (rh_backfill_setting){.batch = batch < most ? batch
                                                : most > 0   ? most
                                                             : 1,
                                       .pause = {.text = "3ms", .duration = PAUSE},
                                       .workers = 1};
}

/* Batches by pages, and by values of the key: so many of these as ROWS rows to do take, or fewer in a quarter
 * of the table. */
static bool choose_positions(rh_proof *p, rh_pg *pg, int64_t rows, rh_error *error)
{
    const rh_backfill *b = p->backfill;
    const char *key = p->target.key[0];
    if (b->walk == RH_WALK_CTID && !b->command) {
        rh_backfill_position pages = {0};
        const bool ok = rh_backfill_last_position(pg, b, &p->target, p->arena, &pages, error);
        p->setting.batch = ok ? strtoll(pages.values[0], NULL, 10) / BATCHES + 1 : 1;
        rh_backfill_position_release(&pages);
        return ok;
    }
    if (b->walk != RH_WALK_RANGE || b->command)
        return true;
    const char *sql = rh_arena_printf(
        p->arena,
        "SELECT least(coalesce(percentile_disc(0.75) WITHIN GROUP (ORDER BY distance), 1), 1e15)::bigint\n"
        "FROM (SELECT %s::numeric - lag(%s, %" PRId64 ") OVER (ORDER BY %s) AS distance\n"
        "      FROM %s WHERE (%s\n)) AS distances",
        key, key, rows, key, p->target.table, b->condition ? b->condition : "true");
    return rh_pg_query_int(pg, sql, &p->setting.batch, error);
}

static bool inspect(rh_proof *p, const rh_backfill_setting *setting, rh_error *error)
{
    if (!p->place->fresh(p->place->data, &p->sessions, error))
        return false;
    rh_pg *pg = rh_pg_connect(p->sessions.own, ": proof", error);
    bool ok = pg && rh_backfill_inspect(pg, p->backfill, p->arena, &p->target, error);
    const char *sql = ok ? rh_arena_printf(p->arena, "SELECT count(*) FROM %s%s%s%s", p->target.table,
                                           p->backfill->condition ? " WHERE (" : "",
                                           p->backfill->condition ? p->backfill->condition : "",
                                           p->backfill->condition ? "\n)" : "")
                         : NULL;
    ok = ok && rh_pg_query_int(pg, sql, &p->rows, error);
    if (ok)
        choose_setting(p, setting);
    ok = ok && choose_positions(p, pg, p->setting.batch, error);
    rh_pg_close(pg);
    p->sql =
        ok && !p->backfill->command ? rh_backfill_statements_of(p->backfill, &p->target, p->arena) : p->sql;
    return ok;
}

static bool try_claims(rh_proof *p, rh_error *error)
{
    const rh_proof_options *options = &p->backfill->proof;
    if (!rh_proof_reference_run(p, error))
        return false;
    if (!p->reference.made)
        return true;
    return (!options->twice || rh_proof_twice(p, error)) && rh_proof_kills(p, error) &&
           rh_proof_stops(p, error) && rh_proof_reads(p, error) &&
           (!options->races || rh_proof_races(p, error)) &&
           (options->runners < 2 || rh_proof_runners(p, error)) && rh_proof_contract(p, error);
}

/* Claims that were not tried are left out, unless the undisturbed run says something of them. */
static void file(rh_proof *p, rh_backfill_result *result)
{
    for (int i = 0; i < RH_PROOF_CLAIM_COUNT; i++)
        if (p->claims[i].why)
            *rh_arena_add(p->arena, &result->claims, &result->claim_count) = p->claims[i];
}

bool rh_backfill_prove(const rh_backfill *backfill, const rh_backfill_setting *setting,
                       const rh_proof_place *place, rh_arena *arena, rh_backfill_result *result,
                       rh_notes *notes, rh_error *error)
{
    rh_proof p = {.backfill = backfill,
                  .place = place,
                  .arena = arena,
                  .notes = notes,
                  .runner = backfill->command           ? &rh_runner_program
                            : backfill->proof.procedure ? &rh_runner_procedure
                                                        : &rh_runner_native,
                  .stops = backfill->command ? backfill->stops : true,
                  .counts_batches =
                      backfill->command ? rh_program_mentions(backfill->command, "{batch}") : true,
                  .total = 2 * backfill->proof.kills + 18};
    for (int i = 0; i < RH_PROOF_CLAIM_COUNT; i++)
        p.claims[i] = (rh_backfill_claim){.claim = (rh_proof_claim)i, .rows = RH_UNKNOWN};
    bool ok = inspect(&p, setting, error);
    if (!ok && error->code == RH_ERROR_SCENARIO && result->measured) {
        /* The whole database has passed the same inspection: a sample lacks rows that SET reads. */
        rh_notes_printf(notes, arena, RH_UNMEASURED_BACKFILL,
                        "backfill %s: its proof: on the sample of the database, %s", backfill->name,
                        error->message);
        rh_error_release(error);
        return true;
    }
    if (ok && p.rows == 0)
        rh_notes_printf(notes, arena, RH_UNMEASURED_BACKFILL,
                        "backfill %s: its proof: the sample has no row that is to do", backfill->name);
    else
        ok = ok && try_claims(&p, error);
    if (ok)
        file(&p, result);
    rh_pg_close(p.side);
    return ok;
}
