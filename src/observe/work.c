#include "pgrehearse/observe/counters.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "work.h"
#include "embedded/observe.h"
#include <inttypes.h>
#include <stdlib.h>

typedef rh_committed_relation relation_state;
typedef rh_work_samples relation_states;

rh_work_watch *rh_work_watch_new(rh_pg *side)
{
    rh_work_watch *watch = rh_alloc(sizeof *watch);
    *watch = (rh_work_watch){.side = side, .arena = rh_arena_new()};
    return watch;
}

void rh_work_watch_free(rh_work_watch *watch)
{
    if (!watch)
        return;
    rh_arena_free(watch->arena);
    free(watch);
}

void rh_work_transaction_end(rh_work_watch *watch)
{
    rh_arena_free(watch->arena);
    *watch = (rh_work_watch){.side = watch->side, .arena = rh_arena_new()};
}

/* Can a session be made to publish its statistics? */
static bool is_counted_outside(const rh_pg *pg)
{
    return rh_pg_server_version(pg) >= 150000;
}

void rh_work_forget(rh_work_watch *watch)
{
    watch->last = (relation_states){0};
    watch->open = false;
    rh_pg_publish_statistics(watch->side, NULL);
}

static relation_state *find(const relation_states *list, int64_t oid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].oid == oid)
            return &list->items[i];
    return NULL;
}

static void append(rh_pg_result *result, bool with_target, rh_arena *arena, relation_states *list)
{
    enum { TARGET = RH_COMMITTED_COLUMNS };
    for (size_t i = 0; result && i < rh_pg_rows(result); i++) {
        relation_state *l = rh_arena_add(arena, &list->items, &list->count);
        *l = rh_committed_row(result, i, arena);
        if (with_target && rh_pg_bool(result, i, TARGET))
            list->target = l->oid;
    }
    rh_pg_result_free(result);
}

static bool is_known(const rh_work_watch *watch, int64_t oid)
{
    return find(&watch->committed, oid) || find(&watch->made, oid);
}

/* "{1,2}" of those of LIST that WATCH (NULL: nothing) does not know; NULL when there are none. */
static const char *oids(const relation_states *list, const rh_work_watch *watch, rh_arena *arena)
{
    rh_text text = {0};
    for (size_t i = 0; i < list->count; i++)
        if (!watch || !is_known(watch, list->items[i].oid))
            rh_text_printf(&text, "%c%" PRId64, text.length ? ',' : '{', list->items[i].oid);
    const char *array = text.length ? rh_arena_printf(arena, "%s}", rh_text_string(&text)) : NULL;
    rh_text_release(&text);
    return array;
}

static bool read_committed(rh_work_watch *watch, const char *relation, const char *list,
                           relation_states *into)
{
    const char *parameters[] = {relation, list};
    rh_pg_result *result = rh_pg_query_again(watch->side, rh_sql_work_committed, 2, parameters, NULL);
    append(result, true, watch->arena, into);
    return result != NULL;
}

static bool read_all_committed(rh_work_watch *watch, relation_states *into)
{
    static const char *const without_sizes[] = {"false"};
    rh_pg_result *result = rh_pg_query_again(watch->side, rh_sql_committed, 1, without_sizes, NULL);
    append(result, false, watch->arena, into);
    return result != NULL;
}

/* May it have rolled back a subtransaction, whose locks were released? */
static bool may_roll_back(const rh_statement *statement)
{
    return statement->class_expected == RH_CLASS_PROCEDURE || statement->unknown_effect;
}

static bool read_own(rh_work_watch *watch, rh_pg *migration, const char *relation, bool all,
                     relation_states *into)
{
    const char *parameters[] = {relation, all ? "true" : "false"};
    rh_pg_result *result = rh_pg_query(migration, rh_sql_work_in_transaction, 2, parameters, NULL);
    append(result, true, watch->arena, into);
    return result != NULL;
}

int64_t rh_session_transactions(rh_pg *pg)
{
    int64_t count;
    return rh_pg_query_int(
               pg,
               "SELECT split_part(virtualtransaction, '/', 2) FROM pg_catalog.pg_locks WHERE "
               "pid = pg_catalog.pg_backend_pid() AND locktype = 'virtualxid' AND granted LIMIT 1",
               &count, NULL)
               ? count
               : RH_UNKNOWN;
}

void rh_work_before(rh_work_watch *watch, rh_pg *migration, const rh_statement *statement)
{
    const char state = rh_pg_transaction_state(migration), *relation = statement->expected_relation;
    if (state == 'T' && !watch->open)
        read_own(watch, migration, relation, true, &watch->last);
    watch->open = state == 'T';
    if (state != 'I')
        return;
    rh_work_transaction_end(watch);
    rh_pg_publish_statistics(migration, NULL); /* what earlier statements did is not this one's */
    if (relation)
        read_committed(watch, relation, NULL, &watch->committed);
    watch->all = watch->committed.count == 0;
    if (watch->all)
        read_all_committed(watch, &watch->committed);
}

static const char *name_of(const relation_states *now, const relation_states *committed, int64_t oid)
{
    const relation_state *l = find(now, oid);
    l = l ? l : find(committed, oid);
    return l ? l->name : NULL;
}

/* ALTER TABLE recreates an index in the catalog and keeps its file if the new type has the same storage: that
 * one was not built. */
static bool keeps_a_file(const relation_state *now, const relation_states *before)
{
    for (size_t i = 0; now->filenode != 0 && i < before->count; i++)
        if (before->items[i].filenode == now->filenode)
            return true;
    return false;
}

/* What NOW has more than EARLIER (NULL: nothing yet); false when that is nothing. BEFORE: as committed. */
static bool difference(const relation_state *now, const relation_state *earlier, const relation_state *before,
                       rh_relation_work *work)
{
    static const relation_state none = {0};
    const int64_t filenode = earlier ? earlier->filenode : before ? before->filenode : 0;
    *work = (rh_relation_work){
        .kind = now->kind,
        .created = !before && !earlier,
        .is_private = !before,
        .rewritten = filenode != 0 && filenode != now->filenode,
        .valid = now->valid,
        .pages_before = before ? before->relpages : RH_UNKNOWN,
        .rows_before = before ? before->reltuples : RH_UNKNOWN,
    };
    if (work->created || work->rewritten)
        work->pages_after = now->pages >= 0 ? now->pages : now->relpages;
    else
        work->pages_after = RH_UNKNOWN;
    return rh_committed_difference(earlier ? earlier : &none, now, work) || work->created || work->rewritten;
}

static void forget_counts(rh_relation_work *work)
{
    work->blocks_read = work->scans = RH_UNKNOWN;
    work->rows_inserted = work->rows_updated = work->rows_deleted = RH_UNKNOWN;
}

static rh_statement_work *compare(const rh_work_watch *watch, const relation_states *now,
                                  const relation_states *earlier, bool counted, rh_arena *arena)
{
    rh_statement_work *work = rh_arena_alloc(arena, sizeof *work);
    work->counted = counted;
    work->target_pages = RH_UNKNOWN;
    for (size_t i = 0; i < now->count; i++) {
        const relation_state *l = &now->items[i];
        rh_relation_work found;
        const bool kept = !find(earlier, l->oid) && !find(&watch->committed, l->oid) &&
                          (keeps_a_file(l, earlier) || keeps_a_file(l, &watch->committed));
        bool stands_out =
            !kept && difference(l, find(earlier, l->oid), find(&watch->committed, l->oid), &found);
        const bool target = l->oid == now->target;
        if (target)
            work->target_pages = l->pages;
        if (target && found.pages_before == 0 && !found.rewritten)
            found.pages_before = l->pages; /* filled since it was last analysed */
        if (!stands_out)
            continue;
        if (!counted)
            forget_counts(&found);
        rh_relation_work *relation = rh_arena_add(arena, &work->relations, &work->relation_count);
        *relation = found;
        relation->relation = rh_arena_strdup(arena, l->name);
        relation->table = rh_arena_strdup(arena, name_of(now, &watch->committed, l->table));
    }
    return work;
}

/* What is not there as committed was made by the transaction: it is asked for once. */
static void learn_committed(rh_work_watch *watch, const relation_states *now)
{
    const char *unknown = oids(now, watch, watch->arena);
    if (!unknown || !read_committed(watch, NULL, unknown, &watch->committed))
        return;
    for (size_t i = 0; i < now->count; i++)
        if (!is_known(watch, now->items[i].oid))
            *rh_arena_add(watch->arena, &watch->made.items, &watch->made.count) = now->items[i];
}

static rh_statement_work *after_in_transaction(rh_work_watch *watch, rh_pg *migration,
                                               const rh_statement *statement, rh_arena *arena)
{
    relation_states now = {0};
    if (!read_own(watch, migration, statement->expected_relation, may_roll_back(statement), &now))
        return NULL;
    learn_committed(watch, &now);
    rh_statement_work *work = compare(watch, &now, &watch->last, true, arena);
    for (size_t i = 0; i < watch->last.count; i++) /* unlocked by ROLLBACK TO: its counts go on */
        if (!find(&now, watch->last.items[i].oid))
            *rh_arena_add(watch->arena, &now.items, &now.count) = watch->last.items[i];
    watch->last = now;
    return work;
}

static rh_statement_work *after_idle(rh_work_watch *watch, const char *relation, bool counted,
                                     rh_arena *arena)
{
    relation_states now = {0};
    if (watch->all ? !read_all_committed(watch, &now)
                   : !read_committed(watch, relation, oids(&watch->committed, NULL, watch->arena), &now))
        return NULL;
    return compare(watch, &now, &watch->committed, counted, arena);
}

rh_statement_work *rh_work_after(rh_work_watch *watch, rh_pg *migration, const rh_statement *statement,
                                 rh_arena *arena)
{
    switch (rh_pg_transaction_state(migration)) {
    case 'T':
        return after_in_transaction(watch, migration, statement, arena);
    case 'I':
        return after_idle(watch, statement->expected_relation, is_counted_outside(migration), arena);
    default:
        return NULL;
    }
}
