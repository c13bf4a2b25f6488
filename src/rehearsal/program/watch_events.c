/* What the proxy reports of a program's connections; in the proxy's thread. */
#include "watch_state.h"
#include "watch.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "locks.h"
#include "match.h"
#include "reading.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rh_usec LONG_TRANSACTION = RH_SECOND / 20, SAMPLING_ALLOWED = RH_SECOND / 4,
                     LEAVING_PATIENCE = RH_SECOND / 4;

static rh_sampler *sampler_of(const rh_program_watch *w)
{
    return w->options.observer ? rh_observer_sampler(w->options.observer) : NULL;
}

/* Gives ITEM its place in the script, a new one if need be. */
static void place(rh_program_watch *w, rh_program_event *item)
{
    item->index = rh_program_match_find(w->match, item->sql);
    if (item->index != SIZE_MAX)
        return;
    if (w->script->statement_count + w->added.count < RH_PROGRAM_STATEMENT_LIMIT) {
        item->index = w->script->statement_count + w->added.count;
        rh_program_list_add(&w->added, item, w->arena);
    } else {
        w->unlisted++;
    }
}

static rh_program_link *link_of(rh_program_watch *w, int connection)
{
    while (w->link_count < (size_t)connection)
        rh_arena_add(w->arena, &w->links, &w->link_count);
    return &w->links[connection - 1];
}

/* The statement as an earlier run left it; NULL: it is new. */
static const rh_statement *known_statement(const rh_program_watch *w, const rh_program_event *item)
{
    return item->index < w->script->statement_count ? &w->script->statements[item->index] : NULL;
}

void rh_program_on_begun(void *user, rh_proxy_statement *statement)
{
    rh_program_watch *w = user;
    rh_program_link *l = link_of(w, statement->connection);
    rh_sampler *sampler = sampler_of(w);
    rh_program_event *item = rh_arena_alloc(w->arena, sizeof *item);
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
    item->run = rh_statement_run_unmeasured(w->options.pass, w->options.repeat, w->options.scale);
    item->run.started = statement->started;
    statement->mark = item;
    if (w->options.program_hooks && known_statement(w, item))
        w->options.program_hooks->begun(w->options.program_hooks->user, known_statement(w, item),
                                        statement->pid);
}

static void note_failure(rh_program_watch *w, const rh_proxy_statement *statement)
{
    const rh_program_event *item = statement->mark;
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

void rh_program_on_ended(void *user, const rh_proxy_statement *statement)
{
    rh_program_watch *w = user;
    rh_program_event *item = statement->mark;
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

void rh_program_watch_end_transaction(const rh_program_watch *w, rh_program_link *l, bool undone)
{
    for (size_t i = 0; i < l->transaction.count; i++) {
        l->transaction.items[i]->undone = undone;
        l->transaction.items[i]->interval = w->work ? rh_program_work_interval(w->work) : 0;
    }
    l->transaction = (rh_program_list){0};
    l->held = NULL;
    l->held_count = 0;
}

void rh_program_on_transaction_ended(void *user, int connection, rh_usec at)
{
    rh_program_watch *w = user;
    rh_program_link *l = link_of(w, connection);
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
    rh_program_watch_end_transaction(w, l, undone);
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
static bool is_worth_reading(const rh_program_watch *w, const rh_program_link *l)
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
        const rh_program_link *l = &w->links[i];
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

static void read_after_statement(rh_program_watch *w, rh_program_link *l)
{
    rh_usec from = rh_clock_monotonic();
    if (l->unread.count > 0)
        rh_program_read_counters(l, w->side, w->run->staging.local);
    if (l->transaction.count > 0)
        rh_program_read_locks(l, w->side, w->arena);
    w->reading_us += rh_clock_monotonic() - from;
}

bool rh_program_on_hold(void *user, const rh_proxy_held *held)
{
    rh_program_watch *w = user;
    rh_program_link *l = link_of(w, held->connection);
    if (held->reason == RH_HOLD_IDLE)
        return sample_if_due(w);
    if (held->reason == RH_HOLD_COMMIT && !is_worth_reading(w, l))
        return true;
    if (!held->answered && !waits_for_the_program(w, held->pid))
        return false;
    read_after_statement(w, l);
    if (held->reason == RH_HOLD_END)
        l->leaving = rh_clock_monotonic();
    return held->reason != RH_HOLD_READING || !held->idle || sample_if_due(w);
}

void rh_program_on_answered(void *user, int connection, bool long_before, bool idle)
{
    rh_program_watch *w = user;
    rh_program_link *l = link_of(w, connection);
    if (long_before)
        read_after_statement(w, l);
    if (idle)
        sample_if_due(w);
}

void rh_program_on_closed(void *user, int connection)
{
    rh_program_watch *w = user;
    rh_program_link *l = link_of(w, connection);
    rh_program_watch_end_transaction(w, l, true);
    l->closed = true;
    sample_if_due(w);
}
