#include "pgrehearse/observe/observe.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "embedded/observe.h"
#include <inttypes.h>
#include <string.h>

rh_committed_relation rh_committed_row(const rh_pg_result *result, size_t row, rh_arena *arena)
{
    enum {
        OID,
        NAME,
        KIND,
        OWNER,
        FILENODE,
        PAGES,
        VALID,
        BLOCKS,
        SCANS,
        INSERTED,
        UPDATED,
        DELETED,
        RELPAGES,
        TUPLES
    };
    _Static_assert(TUPLES + 1 == RH_COMMITTED_COLUMNS, "the columns of every sample");
    return (rh_committed_relation){
        .oid = rh_pg_int(result, row, OID, 0),
        .table = rh_pg_int(result, row, OWNER, 0),
        .filenode = rh_pg_int(result, row, FILENODE, 0),
        .relpages = rh_pg_int(result, row, RELPAGES, 0),
        .reltuples = rh_pg_int(result, row, TUPLES, RH_UNKNOWN),
        .pages = rh_pg_int(result, row, PAGES, RH_UNKNOWN),
        .blocks = rh_pg_int(result, row, BLOCKS, 0),
        .scans = rh_pg_int(result, row, SCANS, 0),
        .inserted = rh_pg_int(result, row, INSERTED, 0),
        .updated = rh_pg_int(result, row, UPDATED, 0),
        .deleted = rh_pg_int(result, row, DELETED, 0),
        .name = rh_arena_strdup(arena, rh_pg_value(result, row, NAME)),
        .kind = rh_pg_value(result, row, KIND)[0],
        .valid = rh_pg_bool(result, row, VALID),
    };
}

bool rh_committed_difference(const rh_committed_relation *last, const rh_committed_relation *now,
                             rh_relation_work *work)
{
    work->blocks_read = now->blocks - last->blocks;
    work->scans = now->scans - last->scans;
    work->rows_inserted = now->inserted - last->inserted;
    work->rows_updated = now->updated - last->updated;
    work->rows_deleted = now->deleted - last->deleted;
    return work->blocks_read > 0 || work->rows_inserted > 0 || work->rows_updated > 0 ||
           work->rows_deleted > 0;
}

bool rh_committed_read(rh_pg *side, bool sizes, rh_arena *arena, rh_committed *state)
{
    rh_pg_result *result =
        rh_pg_query_again(side, rh_sql_committed, 1, (const char *const[]){sizes ? "true" : "false"}, NULL);
    if (!result)
        return false;
    *state = (rh_committed){.count = rh_pg_rows(result)};
    state->relations = rh_arena_alloc(arena, (state->count + 1) * sizeof *state->relations);
    for (size_t i = 0; i < state->count; i++)
        state->relations[i] = rh_committed_row(result, i, arena);
    rh_pg_result_free(result);
    return true;
}

void rh_committed_read_sizes(rh_pg *side, rh_relation_change *changes, size_t count)
{
    rh_text list = {0};
    for (size_t i = 0; i < count; i++)
        if (!changes[i].dropped && (changes[i].work.created || changes[i].work.rewritten))
            rh_text_printf(&list, "%c%" PRId64, list.length ? ',' : '{', changes[i].oid);
    if (list.length == 0)
        return;
    rh_text_append_char(&list, '}');
    const char *oids = rh_text_string(&list);
    rh_pg_result *result = rh_pg_query_again(side, rh_sql_committed_sizes, 1, &oids, NULL);
    for (size_t row = 0; result && row < rh_pg_rows(result); row++)
        for (size_t i = 0; i < count; i++)
            if (changes[i].oid == rh_pg_int(result, row, 0, 0))
                changes[i].work.pages_after = rh_pg_int(result, row, 1, RH_UNKNOWN);
    rh_pg_result_free(result);
    rh_text_release(&list);
}

static const rh_committed_relation *find(const rh_committed *state, int64_t oid)
{
    size_t low = 0, high = state->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->relations[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < state->count && state->relations[low].oid == oid ? &state->relations[low] : NULL;
}

/* False when nothing became of it. BEFORE: NULL when it was not there. */
static bool change_of(const rh_committed_relation *before, const rh_committed_relation *now,
                      rh_relation_work *work)
{
    static const rh_committed_relation none = {0};
    const rh_committed_relation *last = before ? before : &none;
    *work = (rh_relation_work){
        .kind = now->kind,
        .created = !before,
        .is_private = !before,
        .rewritten = before && before->filenode != now->filenode,
        .valid = now->valid,
        .pages_before = before && before->pages > before->relpages ? before->pages : last->relpages,
        .rows_before = before ? before->reltuples : RH_UNKNOWN,
        .pages_after = RH_UNKNOWN,
    };
    if (!before)
        work->pages_before = RH_UNKNOWN;
    return rh_committed_difference(last, now, work) || work->created || work->rewritten ||
           strcmp(last->name, now->name) != 0;
}

static const char *name_of(const rh_committed *after, const rh_committed *before, int64_t oid)
{
    const rh_committed_relation *r = find(after, oid);
    r = r ? r : find(before, oid);
    return r ? r->name : NULL;
}

void rh_committed_compare(const rh_committed *before, const rh_committed *after, rh_arena *arena,
                          rh_relation_change **changes, size_t *count)
{
    for (size_t i = 0; i < after->count; i++) {
        const rh_committed_relation *now = &after->relations[i], *last = find(before, now->oid);
        rh_relation_work work;
        if (!change_of(last, now, &work))
            continue;
        work.relation = rh_arena_strdup(arena, now->name);
        work.table = rh_arena_strdup(arena, name_of(after, before, now->table));
        *rh_arena_add(arena, changes, count) = (rh_relation_change){
            .oid = now->oid, .name_before = last ? rh_arena_strdup(arena, last->name) : NULL, .work = work};
    }
    for (size_t i = 0; i < before->count; i++) {
        const rh_committed_relation *last = &before->relations[i];
        if (find(after, last->oid))
            continue;
        const char *name = rh_arena_strdup(arena, last->name);
        *rh_arena_add(arena, changes, count) = (rh_relation_change){
            .oid = last->oid,
            .name_before = name,
            .dropped = true,
            .work = {.relation = name,
                     .table = rh_arena_strdup(arena, name_of(before, before, last->table)),
                     .kind = last->kind}};
    }
}
