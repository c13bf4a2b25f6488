#include "program_watch.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/migrations.h"
#include "program_locks.h"
#include "program_match.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENT_LIMIT = 10000 }; /* rows; further ones are counted */
static const rh_usec LONG_TRANSACTION = RH_SECOND / 20;

/* One statement that went by. */
typedef struct seen {
    size_t index; /* in the script; SIZE_MAX: not listed */
    const char *sql;
    rh_statement_run run;
    bool ended, ok;
} seen;

typedef struct list {
    seen **items;
    size_t count;
} list;

/* What is known of one of the program's connections. */
typedef struct link {
    bool has_counters;
    rh_counters counters; /* at the last reading */
    list unread;          /* since then */
    list transaction;     /* the one under way */
    rh_lock *held;        /* that it was seen to hold */
    size_t held_count;
} link;

typedef struct table_size {
    const char *name;
    double bytes;
} table_size;

struct rh_program_watch {
    rh_run *run;
    rh_arena *arena;
    rh_pg *side;
    rh_migration *migration;
    rh_script *script;
    rh_program_options options;
    list all;
    list added; /* of these, the ones that the script does not have yet */
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
};

static rh_sampler *sampler_of(const rh_program_watch *w)
{
    return w->options.observer ? w->options.observer->sampler : NULL;
}

static void append(rh_program_watch *w, list *to, seen *item)
{
    *(seen **)rh_arena_add(w->arena, &to->items, &to->count, sizeof(seen *)) = item;
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
        append(w, &w->added, item);
    } else {
        w->unlisted++;
    }
}

/* ---- readings: counters and locks ---- */

/* One that only opens, closes, sets or locks comes last. */
static seen *longest_of(const list *items)
{
    seen *longest = NULL;
    rh_usec now = rh_clock_monotonic(), most = -1;
    for (size_t i = 0; i < items->count; i++) {
        const rh_statement_run *run = &items->items[i]->run;
        rh_usec took =
            items->items[i]->ended ? (rh_usec)(run->elapsed_s * (double)RH_SECOND) : now - run->started;
        if (rh_program_is_modest(items->items[i]->sql))
            took = 0;
        if (took > most) {
            most = took;
            longest = items->items[i];
        }
    }
    return longest;
}

/* What the session consumed since the last reading is the longest statement's: readings come after each long
 * one. */
static void read_counters(rh_program_watch *w, link *l, int pid)
{
    rh_counters now;
    rh_counters_read(w->side, pid, w->run->staging.local, &now);
    seen *longest = longest_of(&l->unread);
    if (longest && l->has_counters)
        rh_counters_difference(&l->counters, &now, &longest->run);
    l->counters = now;
    l->has_counters = true;
    l->unread = (list){0};
}

/* Which statement of the transaction took LOCK: the first that names the relation and can take such a lock,
 * or else, for what a function does or an object without a name in the text, the longest. */
static seen *taker_of(const link *l, const rh_lock *lock)
{
    seen *taker = NULL;
    for (size_t i = 0; i < l->transaction.count && !taker; i++) {
        seen *item = l->transaction.items[i];
        if (rh_program_names(item->sql, lock->relation) && rh_program_may_take(item->sql, lock->mode))
            taker = item;
    }
    return taker ? taker : longest_of(&l->transaction);
}

static const rh_lock *find_lock(const rh_lock *locks, size_t count, const char *relation)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(locks[i].relation, relation) == 0)
            return &locks[i];
    return NULL;
}

static void read_locks(rh_program_watch *w, link *l, int pid)
{
    rh_lock *now = NULL;
    size_t count = 0;
    if (!rh_locks_of_pid(w->side, pid, w->arena, &now, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++) {
        const rh_lock *earlier = find_lock(l->held, l->held_count, now[i].relation);
        seen *taker = taker_of(l, &now[i]);
        if (!taker || (earlier && rh_lock_mode_strength(earlier->mode) >= rh_lock_mode_strength(now[i].mode)))
            continue;
        *(rh_lock *)rh_arena_add(w->arena, &taker->run.locks, &taker->run.lock_count, sizeof(rh_lock)) =
            now[i];
    }
    for (size_t i = 0; i < l->transaction.count; i++)
        l->transaction.items[i]->run.locks_complete = true;
    l->held = now;
    l->held_count = count;
}

/* ---- the proxy's events; in its thread ---- */

static link *link_of(rh_program_watch *w, int connection)
{
    while (w->link_count < (size_t)connection)
        rh_arena_add(w->arena, &w->links, &w->link_count, sizeof *w->links);
    return &w->links[connection - 1];
}

static void on_begun(void *user, rh_proxy_statement *statement)
{
    rh_program_watch *w = user;
    link *l = link_of(w, statement->connection);
    rh_sampler *sampler = sampler_of(w);
    seen *item = rh_arena_alloc(w->arena, sizeof *item);
    item->sql = rh_arena_strdup(w->arena, statement->sql);
    place(w, item);
    if (item->index != SIZE_MAX)
        append(w, &w->all, item);
    if (!l->has_counters)
        read_counters(w, l, statement->pid);
    if (sampler && w->pid != statement->pid)
        rh_sampler_migration_pid(sampler, w->pid = statement->pid);
    if (sampler)
        rh_sampler_statement(sampler, w->migration->id, (int)item->index + 1);
    append(w, &l->unread, item);
    append(w, &l->transaction, item);
    statement->started = rh_clock_monotonic();
    item->run = (rh_statement_run){
        .pass = w->options.pass,
        .repeat = w->options.repeat,
        .scale = w->options.scale,
        .started = statement->started,
        .relation_bytes = RH_NOT_MEASURED,
        .elapsed_s = RH_NOT_MEASURED,
        .lock_wait_s = RH_NOT_MEASURED,
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
}

static void on_transaction_ended(void *user, int connection, rh_usec at)
{
    rh_program_watch *w = user;
    link *l = link_of(w, connection);
    for (size_t i = 0; i < l->transaction.count; i++) {
        rh_statement_run *run = &l->transaction.items[i]->run;
        for (size_t k = 0; k < run->lock_count; k++)
            run->locks[k].held_s = rh_seconds(at - run->started);
    }
    l->transaction = (list){0};
    l->held = NULL;
    l->held_count = 0;
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
        if (rh_program_may_take(l->transaction.items[i]->sql, "AccessExclusiveLock"))
            return true;
    return w->reading_us * 100 <= now - w->began;
}

static bool on_hold(void *user, const rh_proxy_held *held)
{
    rh_program_watch *w = user;
    link *l = link_of(w, held->connection);
    if (held->reason == RH_HOLD_COMMIT && !is_worth_reading(w, l))
        return true;
    if (!held->answered && !waits_for_the_program(w, held->pid))
        return false;
    rh_usec from = rh_clock_monotonic();
    read_counters(w, l, held->pid);
    if (l->transaction.count > 0)
        read_locks(w, l, held->pid);
    w->reading_us += rh_clock_monotonic() - from;
    return true;
}

/* ---- before and after ---- */

/* Of every table, so that statements that nobody knows yet get theirs. */
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
            *(table_size *)rh_arena_add(w->arena, &w->sizes, &w->size_count, sizeof *w->sizes) =
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

rh_program_watch *rh_program_watch_new(rh_run *run, rh_pg *side, rh_migration *migration,
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
    w->began = rh_clock_monotonic();
    return w;
}

rh_proxy_events rh_program_watch_events(rh_program_watch *w)
{
    return (rh_proxy_events){.session = {.user = w,
                                         .begun = on_begun,
                                         .ended = on_ended,
                                         .transaction_ended = on_transaction_ended},
                             .hold = on_hold};
}

void rh_program_watch_finish(rh_program_watch *w, bool well)
{
    rh_script *script = w->script;
    const size_t known = script->statement_count;
    if (!w->options.record)
        return;
    for (size_t i = 0; i < w->added.count; i++) {
        rh_statement *statement =
            rh_arena_add(w->arena, &script->statements, &script->statement_count, sizeof *statement);
        statement->ordinal = (int)script->statement_count;
        statement->sql = w->added.items[i]->sql;
    }
    if (script->statement_count > known)
        rh_program_describe(script, known, w->arena);
    for (size_t i = 0; i < w->all.count; i++) {
        const seen *item = w->all.items[i];
        rh_statement *statement = &script->statements[item->index];
        if (!item->ended || !(item->ok || well))
            continue;
        rh_statement_run *run = rh_arena_add(w->arena, &statement->runs, &statement->run_count, sizeof *run);
        *run = item->run;
        run->relation_bytes = size_of(w, statement->expected_relation);
        if (*run->command_tag)
            statement->command_tag = run->command_tag;
    }
    if (w->unlisted > 0)
        rh_run_not_measured(w->run, "%s: %zu more statements than the %d that are listed", w->migration->id,
                            w->unlisted, STATEMENT_LIMIT);
}

rh_program_failure rh_program_watch_failure(const rh_program_watch *w)
{
    return w->failure;
}
