#include "watch.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include "locks.h"
#include "match.h"
#include "reading.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENT_LIMIT = 10000 }; /* rows; further ones are counted */
static const rh_usec LONG_TRANSACTION = RH_SECOND / 20, SAMPLING_ALLOWED = RH_SECOND / 4,
                     LEAVING_PATIENCE = RH_SECOND / 4;

typedef rh_program_event seen;
typedef rh_program_link link;

typedef struct table_size {
    const char *name;
    double bytes;
} table_size;

struct rh_program_watch {
    const rh_run *run;
    rh_arena *arena;
    rh_pg *side;
    const rh_migration *migration;
    const rh_script *script;
    rh_program_options options;
    rh_program_list all;
    rh_program_list added; /* of these, the ones that the script does not have yet */
    rh_program_match *match;
    size_t unlisted; /* past the limit */
    link *links;
    size_t link_count;
    int pid; /* that the sampler knows */
    table_size *sizes;
    size_t size_count;
    double all_bytes;
    rh_program_failure failure;
    rh_usec began, reading_us; /* what counters and locks have taken to read */
    rh_usec sampling_us;       /* and samples */
    int transactions;          /* that have begun */
    rh_program_work *work;     /* NULL: classes are not measured in this run */
    bool unseen;               /* a statement since the last sample may have changed something */
    bool unseen_schema_change; /* one of them may have made files */
    bool unpublished;          /* at the last sample a session had more to publish */
};

static rh_sampler *sampler_of(const rh_program_watch *w)
{
    return w->options.observer ? rh_observer_sampler(w->options.observer) : NULL;
}

/* ---- which statement of the script is it ---- */

/* Gives ITEM its place in the script, a new one if need be. */
static void place(rh_program_watch *w, seen *item)
{
    item->index = rh_program_match_find(w->match, item->sql);
    if (item->index != SIZE_MAX)
        return;
    if (w->script->statement_count + w->added.count < STATEMENT_LIMIT) {
        item->index = w->script->statement_count + w->added.count;
        rh_program_list_add(&w->added, item, w->arena);
    } else {
        w->unlisted++;
    }
}

/* ---- the proxy's events; in its thread ---- */

static link *link_of(rh_program_watch *w, int connection)
{
    while (w->link_count < (size_t)connection)
        rh_arena_add(w->arena, &w->links, &w->link_count);
    return &w->links[connection - 1];
}

/* The statement as an earlier run left it; NULL: it is new. */
static const rh_statement *known_statement(const rh_program_watch *w, const seen *item)
{
    return item->index < w->script->statement_count ? &w->script->statements[item->index] : NULL;
}

static void on_begun(void *user, rh_proxy_statement *statement)
{
    rh_program_watch *w = user;
    link *l = link_of(w, statement->connection);
    rh_sampler *sampler = sampler_of(w);
    seen *item = rh_arena_alloc(w->arena, sizeof *item);
    item->sql = rh_arena_strdup(w->arena, statement->sql);
    place(w, item);
    rh_program_list_add(&w->all, item, w->arena);
    if (!l->has_counters) {
        l->pid = statement->pid;
        rh_publishing_begin(&l->publishing, statement->connected);
        rh_program_read_counters(l, w->side, w->run->staging.local);
    }
    if (l->transaction.count == 0)
        l->number = ++w->transactions;
    item->transaction = l->number;
    w->unseen |= !rh_is_read_only_statement(item->sql);
    w->unseen_schema_change |= rh_program_may_lock(item->sql, RH_LOCK_ACCESS_EXCLUSIVE);
    if (sampler && w->pid != statement->pid)
        rh_sampler_migration_pid(sampler, w->pid = statement->pid);
    if (sampler)
        rh_sampler_statement(sampler, w->migration->id, (int)item->index + 1);
    rh_program_list_add(&l->unread, item, w->arena);
    rh_program_list_add(&l->transaction, item, w->arena);
    statement->started = rh_clock_monotonic();
    item->run = (rh_statement_run){
        .pass = w->options.pass,
        .repeat = w->options.repeat,
        .scale = w->options.scale,
        .started = statement->started,
        .relation_bytes = RH_NOT_MEASURED,
        .elapsed_s = RH_NOT_MEASURED,
        .lock_wait_s = RH_NOT_MEASURED,
        .lock_timeout_s = RH_NOT_MEASURED,
        .lock_wait_limit_s = RH_NOT_MEASURED,
        .cpu_user_s = RH_NOT_MEASURED,
        .cpu_system_s = RH_NOT_MEASURED,
        .read_bytes = RH_UNKNOWN,
        .write_bytes = RH_UNKNOWN,
        .wal_bytes = RH_UNKNOWN,
        .temp_bytes = RH_UNKNOWN,
        .rows = RH_UNKNOWN,
        .shared_hit_blocks = RH_UNKNOWN,
        .shared_read_blocks = RH_UNKNOWN,
        .cached_read_bytes = RH_UNKNOWN,
        .cached_write_bytes = RH_UNKNOWN,
        .wal_images = RH_UNKNOWN,
        .fsyncs = RH_UNKNOWN,
    };
    statement->mark = item;
    if (w->options.program_hooks && known_statement(w, item))
        w->options.program_hooks->begun(w->options.program_hooks->user, known_statement(w, item),
                                        statement->pid);
}

static void note_failure(rh_program_watch *w, const rh_proxy_statement *statement)
{
    const seen *item = statement->mark;
    char *redacted = rh_pg_redact_message(statement->sqlstate, statement->error_function, statement->message,
                                          statement->sql);
    if (strcmp(statement->sqlstate, "42601") == 0)
        rh_sql_redact_message(redacted);
    w->failure = (rh_program_failure){.ordinal = item && item->index != SIZE_MAX ? (int)item->index + 1 : 0,
                                      .raw = rh_arena_strdup(w->arena, statement->message),
                                      .message = rh_arena_strdup(w->arena, redacted),
                                      .sqlstate = rh_arena_strdup(w->arena, statement->sqlstate)};
    free(redacted);
}

static void on_ended(void *user, const rh_proxy_statement *statement)
{
    rh_program_watch *w = user;
    seen *item = statement->mark;
    if (statement->sqlstate)
        note_failure(w, statement);
    if (!item)
        return;
    item->ended = true;
    item->ok = !statement->sqlstate;
    rh_usec took = statement->ended - statement->started - statement->held;
    item->run.elapsed_s = rh_seconds(took > 0 ? took : 1); /* in a pipeline two answers may come at once */
    item->run.rows = statement->rows;
    item->run.command_tag = rh_arena_strdup(w->arena, statement->command_tag);
    if (sampler_of(w))
        rh_sampler_statement(sampler_of(w), NULL, 0);
    if (w->options.program_hooks && known_statement(w, item))
        w->options.program_hooks->ended(w->options.program_hooks->user, known_statement(w, item), item->ok);
}

/* Its statements belong to the interval in which it ends. */
static void end_transaction(const rh_program_watch *w, link *l, bool undone)
{
    for (size_t i = 0; i < l->transaction.count; i++) {
        l->transaction.items[i]->undone = undone;
        l->transaction.items[i]->interval = w->work ? rh_program_work_interval(w->work) : 0;
    }
    l->transaction = (rh_program_list){0};
    l->held = NULL;
    l->held_count = 0;
}

static void on_transaction_ended(void *user, int connection, rh_usec at)
{
    rh_program_watch *w = user;
    link *l = link_of(w, connection);
    bool undone = false;
    for (size_t i = 0; i < l->transaction.count; i++) {
        rh_statement_run *run = &l->transaction.items[i]->run;
        for (size_t k = 0; k < run->lock_count; k++)
            run->locks[k].held_s = rh_seconds(at - run->started);
        undone |= !l->transaction.items[i]->ok || strcmp(run->command_tag, "ROLLBACK") == 0;
    }
    if (l->transaction.count > 0)
        rh_publishing_transaction(&l->publishing, l->transaction.items[l->transaction.count - 1]->run.started,
                                  at);
    end_transaction(w, l, undone);
}

/* In a pipeline: the server has done all that it was sent. Also when it cannot be asked. */
static bool waits_for_the_program(rh_program_watch *w, int pid)
{
    static const char sql[] =
        "SELECT wait_event IS NOT DISTINCT FROM 'ClientRead' FROM pg_catalog.pg_stat_activity "
        "WHERE pid = $1::pg_catalog.int4";
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    rh_pg_result *result = rh_pg_query(w->side, sql, 1, (const char *const[]){text}, NULL);
    bool waits = !result || rh_pg_rows(result) == 0 || rh_pg_bool(result, 0, 0);
    rh_pg_result_free(result);
    return waits;
}

/* A transaction of a few short statements that only change rows holds what their texts say, and not for long;
 * it is read behind too as long as all readings take no more than a hundredth of the program's time. */
static bool is_worth_reading(const rh_program_watch *w, const link *l)
{
    rh_usec now = rh_clock_monotonic();
    if (l->transaction.count > 0 && now - l->transaction.items[0]->run.started >= LONG_TRANSACTION)
        return true;
    for (size_t i = 0; i < l->transaction.count; i++)
        if (rh_program_may_lock(l->transaction.items[i]->sql, RH_LOCK_ACCESS_EXCLUSIVE))
            return true;
    return w->reading_us * 100 <= now - w->began;
}

/* No transaction is open; *LEAVING: a session was asked to end and has not yet ended, which is when it will
 * publish all. */
static bool is_quiet(const rh_program_watch *w, bool *published, bool *leaving)
{
    rh_usec now = rh_clock_monotonic();
    *published = true;
    *leaving = false;
    for (size_t i = 0; i < w->link_count; i++) {
        const link *l = &w->links[i];
        if (l->transaction.count > 0 && !l->leaving)
            return false;
        *published &= l->closed || !l->publishing.pending;
        *leaving |= !l->closed && l->leaving && now - l->leaving < LEAVING_PATIENCE;
    }
    return true;
}

/* A sample of what is committed, between transactions: as often as a hundredth of the program's time allows,
 * and as SAMPLING_ALLOWED does, so that programs of a second or less have some. False: soon. */
static bool sample_if_due(rh_program_watch *w)
{
    bool published, leaving;
    rh_usec from = rh_clock_monotonic();
    if (!w->work || (!w->unseen && !w->unpublished))
        return true;
    if ((w->sampling_us + rh_program_work_cost(w->work) - SAMPLING_ALLOWED) * 100 > from - w->began)
        return true;
    if (!is_quiet(w, &published, &leaving) || (!published && !w->unseen_schema_change && !w->unpublished))
        return true;
    if (!published && leaving)
        return false;
    if (!published && !w->unseen)
        return true;
    rh_program_work_sample(w->work, published);
    w->unpublished = !published;
    w->unseen = false;
    w->unseen_schema_change = false;
    w->sampling_us += rh_clock_monotonic() - from;
    return true;
}

static void read_behind(rh_program_watch *w, link *l)
{
    rh_usec from = rh_clock_monotonic();
    if (l->unread.count > 0)
        rh_program_read_counters(l, w->side, w->run->staging.local);
    if (l->transaction.count > 0)
        rh_program_read_locks(l, w->side, w->arena);
    w->reading_us += rh_clock_monotonic() - from;
}

static bool on_hold(void *user, const rh_proxy_held *held)
{
    rh_program_watch *w = user;
    link *l = link_of(w, held->connection);
    if (held->reason == RH_HOLD_IDLE)
        return sample_if_due(w);
    if (held->reason == RH_HOLD_COMMIT && !is_worth_reading(w, l))
        return true;
    if (!held->answered && !waits_for_the_program(w, held->pid))
        return false;
    read_behind(w, l);
    if (held->reason == RH_HOLD_END)
        l->leaving = rh_clock_monotonic();
    return held->reason != RH_HOLD_READING || !held->idle || sample_if_due(w);
}

/* The program has its answer and makes something of it, or waits here behind what is read: as good a time as
 * any. */
static void on_answered(void *user, int connection, bool long_before, bool idle)
{
    rh_program_watch *w = user;
    link *l = link_of(w, connection);
    if (long_before)
        read_behind(w, l);
    if (idle)
        sample_if_due(w);
}

static void on_closed(void *user, int connection)
{
    rh_program_watch *w = user;
    link *l = link_of(w, connection);
    end_transaction(w, l, true);
    l->closed = true;
    sample_if_due(w);
}

/* ---- before and after ---- */

/* Of every table, so that statements that are not yet known get theirs. */
static void read_sizes(rh_program_watch *w)
{
    static const char sql[] =
        "SELECT c.oid::pg_catalog.regclass, pg_catalog.format('%I.%I', n.nspname, c.relname), "
        "pg_catalog.pg_table_size(c.oid) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        "ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384";
    rh_pg_result *result = rh_pg_query(w->side, sql, 0, NULL, NULL);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++) {
        double bytes = rh_pg_double(result, i, 2, 0);
        w->all_bytes += bytes;
        for (size_t name = 0; name < 2; name++)
            *rh_arena_add(w->arena, &w->sizes, &w->size_count) =
                (table_size){rh_arena_strdup(w->arena, rh_pg_value(result, i, name)), bytes};
    }
    rh_pg_result_free(result);
}

static double size_of(const rh_program_watch *w, const char *relation)
{
    for (size_t i = 0; relation && i < w->size_count; i++)
        if (strcmp(w->sizes[i].name, relation) == 0)
            return w->sizes[i].bytes;
    return w->all_bytes;
}

/* What is asked while the program waits is planned beforehand, once for all. */
static void prepare_readings(rh_program_watch *w)
{
    rh_lock *locks = NULL;
    size_t count = 0;
    rh_counters counters;
    rh_pg_execute(w->side, "SET plan_cache_mode = force_generic_plan", NULL); /* PostgreSQL 12 */
    rh_counters_read(w->side, rh_pg_backend_pid(w->side), w->run->staging.local, &counters);
    rh_locks_of_pid(w->side, rh_pg_backend_pid(w->side), w->arena, &locks, &count, NULL);
}

rh_program_watch *rh_program_watch_new(const rh_run *run, rh_pg *side, const rh_migration *migration,
                                       const rh_program_options *options)
{
    rh_program_watch *w = rh_arena_alloc(run->arena, sizeof *w);
    w->run = run;
    w->arena = run->arena;
    w->side = side;
    w->migration = migration;
    w->script = options->direction == RH_UP ? &migration->up : &migration->down;
    w->options = *options;
    w->match = rh_program_match_new(w->script, run->arena);
    read_sizes(w);
    prepare_readings(w);
    if (options->record && options->observer && rh_observer_reads_work(options->observer) &&
        options->repeat == 1)
        w->work = rh_program_work_new(side, run->arena);
    w->began = rh_clock_monotonic();
    return w;
}

rh_proxy_events rh_program_watch_events(rh_program_watch *w)
{
    return (rh_proxy_events){.session = {.user = w,
                                         .begun = on_begun,
                                         .ended = on_ended,
                                         .transaction_ended = on_transaction_ended,
                                         .answered = on_answered},
                             .hold = on_hold,
                             .closed = on_closed};
}

/* The script with the statements that are new behind its own. */
static rh_script extend_script(const rh_program_watch *w)
{
    rh_script script = *w->script;
    const size_t known = script.statement_count;
    script.statement_count += w->added.count;
    script.statements = rh_arena_alloc(w->arena, (script.statement_count + 1) * sizeof *script.statements);
    if (known > 0)
        memcpy(script.statements, w->script->statements, known * sizeof *script.statements);
    for (size_t i = 0; i < w->added.count; i++)
        script.statements[known + i] =
            (rh_statement){.ordinal = (int)(known + i) + 1, .sql = w->added.items[i]->sql};
    if (w->added.count > 0)
        rh_program_describe(&script, known, w->arena);
    return script;
}

/* What became of the relations goes to the statements that did it. */
static void attribute_work(rh_program_watch *w, const rh_script *script)
{
    rh_sent_statements sent = {0};
    int *pids = rh_arena_alloc(w->arena, (w->link_count + 1) * sizeof *pids);
    for (size_t i = 0; i < w->link_count; i++)
        pids[i] = w->links[i].pid;
    for (size_t i = 0; i < w->link_count; i++) /* a transaction that never ended */
        end_transaction(w, &w->links[i], true);
    if (!rh_program_work_finish(w->work, pids, w->link_count, &sent))
        return;
    sent.items = rh_arena_alloc(w->arena, (w->all.count + 1) * sizeof *sent.items);
    for (size_t i = 0; i < w->all.count; i++) {
        seen *item = w->all.items[i];
        if (!item->ended)
            continue;
        item->sent = sent.count + 1;
        sent.items[sent.count++] = (rh_sent_statement){
            .statement = item->index != SIZE_MAX ? &script->statements[item->index] : NULL,
            .sql = item->sql,
            .run = &item->run,
            .interval = item->interval,
            .transaction = item->transaction,
            .ok = item->ok,
            .undone = item->undone,
        };
    }
    rh_attribute_changes(&sent, w->arena);
    for (size_t i = 0; i < w->all.count; i++)
        if (w->all.items[i]->sent)
            w->all.items[i]->unattributed_reason = sent.items[w->all.items[i]->sent - 1].unattributed_reason;
}

void rh_program_watch_finish(rh_program_watch *w, bool well, rh_attempt *attempt)
{
    if (!w->options.record)
        return;
    const rh_script script = extend_script(w);
    attempt->known_count = w->script->statement_count;
    attempt->added = script.statements + w->script->statement_count;
    attempt->added_count = w->added.count;
    if (w->work)
        attribute_work(w, &script);
    for (size_t i = 0; i < w->all.count; i++) {
        seen *item = w->all.items[i];
        if (item->index == SIZE_MAX || !item->ended || !(item->ok || well))
            continue;
        item->run.relation_bytes = size_of(w, script.statements[item->index].expected_relation);
        *rh_arena_add(w->arena, &attempt->statements, &attempt->statement_count) =
            (rh_attempted_statement){item->index, &item->run, item->unattributed_reason};
    }
    if (w->unlisted > 0)
        rh_notes_printf(&attempt->notes, w->arena, RH_UNMEASURED_PROGRAM_STATEMENTS,
                        "%s: %zu more statements than the %d that are listed", w->migration->id, w->unlisted,
                        STATEMENT_LIMIT);
}

rh_program_failure rh_program_watch_failure(const rh_program_watch *w)
{
    return w->failure;
}
