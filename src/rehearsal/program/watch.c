#include "watch_state.h"
#include "watch.h"
#include "pgrehearse/migrations/plan.h"
#include "match.h"
#include "reading.h"
#include <string.h>

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
                (rh_table_size){rh_arena_strdup(w->arena, rh_pg_value(result, i, name)), bytes};
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
                                         .begun = rh_program_on_begun,
                                         .ended = rh_program_on_ended,
                                         .transaction_ended = rh_program_on_transaction_ended,
                                         .answered = rh_program_on_answered},
                             .hold = rh_program_on_hold,
                             .closed = rh_program_on_closed};
}

/* The script, with the new statements after its own. */
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
        rh_program_watch_end_transaction(w, &w->links[i], true);
    if (!rh_program_work_finish(w->work, pids, w->link_count, &sent))
        return;
    sent.items = rh_arena_alloc(w->arena, (w->all.count + 1) * sizeof *sent.items);
    for (size_t i = 0; i < w->all.count; i++) {
        rh_program_event *item = w->all.items[i];
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
        rh_program_event *item = w->all.items[i];
        if (item->index == SIZE_MAX || !item->ended || !(item->ok || well))
            continue;
        item->run.relation_bytes = size_of(w, script.statements[item->index].expected_relation);
        *rh_arena_add(w->arena, &attempt->statements, &attempt->statement_count) =
            (rh_attempted_statement){item->index, &item->run, item->unattributed_reason};
    }
    if (w->unlisted > 0)
        rh_notes_printf(&attempt->notes, w->arena, RH_UNMEASURED_PROGRAM_STATEMENTS,
                        "%s: %zu more statements than the %d that are listed", w->migration->id, w->unlisted,
                        RH_PROGRAM_STATEMENT_LIMIT);
}

rh_program_failure rh_program_watch_failure(const rh_program_watch *w)
{
    return w->failure;
}
