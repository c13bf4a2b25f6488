#include "masking.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/workload/workload.h"
#include "steps.h"
#include "embedded/rehearsal.h"
#include <stdlib.h>
#include <string.h>

static rh_masked_table *find(const rh_run *run, int64_t oid)
{
    for (size_t i = 0; i < run->masked_count; i++)
        if (run->masked[i].oid == oid)
            return &run->masked[i];
    return NULL;
}

static void read_before(rh_run *run, rh_pg *pg)
{
    enum { RELATION, UPDATED, DELETED, FILES };
    rh_pg_result *result = rh_pg_query(pg, rh_sql_changed_tables, 0, NULL, NULL);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++)
        *rh_arena_add(run->arena, &run->masked, &run->masked_count) = (rh_masked_table){
            .oid = rh_pg_int(result, i, RELATION, 0),
            .updated = rh_pg_int(result, i, UPDATED, 0),
            .deleted = rh_pg_int(result, i, DELETED, 0),
            .files = rh_pg_int(result, i, FILES, 0),
        };
    rh_pg_result_free(result);
}

static void read_columns(rh_run *run, rh_pg *pg, const char *oids)
{
    enum { RELATION, NAME, NUMBER, COLUMN, BY_OTHER };
    rh_pg_result *result = rh_pg_query(pg, rh_sql_changed_columns, 1, &oids, NULL);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++) {
        rh_masked_table *table = find(run, rh_pg_int(result, i, RELATION, 0));
        if (!table)
            continue;
        if (!table->name)
            table->name = rh_arena_strdup(run->arena, rh_pg_value(result, i, NAME));
        *rh_arena_add(run->arena, &table->columns, &table->column_count) = (rh_masked_column){
            rh_pg_int(result, i, NUMBER, 0), rh_arena_strdup(run->arena, rh_pg_value(result, i, COLUMN)),
            rh_pg_bool(result, i, BY_OTHER)};
    }
    rh_pg_result_free(result);
}

/* Leaves in run->masked the tables whose rows changed since read_before(). */
static void read_after(rh_run *run, rh_pg *pg)
{
    enum { RELATION, UPDATED, DELETED, FILES };
    rh_masked_table *changed = NULL;
    size_t count = 0;
    rh_text oids = {0};
    rh_pg_result *result = rh_pg_query(pg, rh_sql_changed_tables, 0, NULL, NULL);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++) {
        const int64_t oid = rh_pg_int(result, i, RELATION, 0);
        const rh_masked_table *before = find(run, oid);
        const rh_masked_table table = {
            .oid = oid,
            .updated = rh_pg_int(result, i, UPDATED, 0) - (before ? before->updated : 0),
            .deleted = rh_pg_int(result, i, DELETED, 0) - (before ? before->deleted : 0),
            .replaced = !before || before->files != rh_pg_int(result, i, FILES, 0),
        };
        if (table.updated <= 0 && table.deleted <= 0 && !table.replaced)
            continue;
        *rh_arena_add(run->arena, &changed, &count) = table;
        rh_pg_array_add(&oids, rh_pg_value(result, i, RELATION));
    }
    rh_pg_result_free(result);
    run->masked = changed;
    run->masked_count = count;
    if (count)
        read_columns(run, pg, rh_pg_array_end(&oids));
    rh_text_release(&oids);
}

/* The sessions of prepare publish their counts before they end: waits for that, for 2 s at most.
 */
static void await_sessions(rh_pg *pg)
{
    static const char others[] = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = "
                                 "current_database() AND backend_type = 'client backend' AND pid <> "
                                 "pg_catalog.pg_backend_pid()";
    const rh_usec until = rh_clock_monotonic() + 2 * RH_SECOND;
    int64_t count = 0;
    while (rh_pg_query_int(pg, others, &count, NULL) && count > 0 && rh_clock_monotonic() < until)
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 100);
    /* Before 15, what is read may be what the statistics collector knew half a second ago. */
    if (rh_pg_server_version(pg) < 150000)
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND);
}

void rh_masking_before(rh_run *run, const char *conninfo)
{
    rh_pg *pg = run->scenario->prepare_count ? rh_pg_connect(conninfo, ": observer", NULL) : NULL;
    if (pg)
        read_before(run, pg);
    rh_pg_close(pg);
}

void rh_masking_after(rh_run *run, const char *conninfo)
{
    rh_pg *pg = run->scenario->prepare_count ? rh_pg_connect(conninfo, ": observer", NULL) : NULL;
    if (pg) {
        await_sessions(pg);
        read_after(run, pg);
        rh_constraints_read(pg, run->arena, &run->constraints_before, &run->constraint_count_before, NULL);
    }
    rh_pg_close(pg);
}

/* What the steps of prepare set, by their text; COMPLETE: that is all. */
typedef struct masking {
    rh_assigned *items;
    size_t count;
    bool complete;
} masking;

static masking read_steps(const rh_run *run)
{
    masking m = {.complete = true};
    for (size_t i = 0; i < run->scenario->prepare_count; i++) {
        const rh_step *step = &run->scenario->prepare[i];
        rh_sql_span *spans;
        size_t count;
        char *text = step->kind == RH_STEP_SQL
                         ? rh_file_read(step->path, RH_STEP_SQL_LIMIT, run->arena, NULL, NULL)
                         : NULL;
        if (!text || !rh_sql_split(text, step->path, run->arena, &spans, &count, NULL)) {
            m.complete = false;
            continue;
        }
        for (size_t k = 0; k < count; k++) {
            const char *sql = rh_arena_strndup(run->arena, text + spans[k].offset, spans[k].length);
            m.complete = rh_sql_assigned(sql, run->arena, &m.items, &m.count) && m.complete;
        }
    }
    return m;
}

/* Does the text of a step set COLUMN (as the catalog quotes it) of TABLE? NULL: any column. */
static bool is_assigned(const masking *m, const rh_masked_table *table, const char *column, rh_arena *arena)
{
    const rh_relation masked = rh_relation_of(table->name, arena);
    for (size_t i = 0; i < m->count; i++)
        if (rh_relation_matches(m->items[i].table, masked) &&
            (!column || strcmp(rh_relation_of(column, arena).name, m->items[i].column) == 0))
            return true;
    return false;
}

/* A step sets columns of what is no table whose rows changed: a view, whose table is another one. */
static bool sets_others(const rh_run *run, const masking *m)
{
    for (size_t i = 0; i < m->count; i++) {
        bool known = false;
        for (size_t t = 0; t < run->masked_count && !known; t++)
            known = rh_relation_matches(m->items[i].table, rh_relation_of(run->masked[t].name, run->arena));
        if (!known)
            return true;
    }
    return false;
}

/* The names of "3 1", as far as prepare changed them, or may have; NULL: none of them was there then. */
static const char *columns_of(const rh_masked_table *table, const char *numbers, const masking *m,
                              rh_arena *arena)
{
    const bool any = table->replaced || table->deleted > 0 || !m->complete ||
                     !is_assigned(m, table, NULL, arena); /* the last: by way of a partition */
    const char *names = NULL;
    char *end;
    for (const char *p = numbers; *p; p = end) {
        const long number = strtol(p, &end, 10);
        if (end == p)
            break;
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].number == number &&
                (any || table->columns[i].by_other || is_assigned(m, table, table->columns[i].name, arena)))
                names = names ? rh_arena_printf(arena, "%s, %s", names, table->columns[i].name)
                              : table->columns[i].name;
    }
    return names;
}

/* "1,000 updates, 20 deletes" */
static const char *changes_of(const rh_masked_table *table, rh_arena *arena)
{
    char updated[32], deleted[32];
    rh_count_format(table->updated, updated, sizeof updated);
    rh_count_format(table->deleted, deleted, sizeof deleted);
    const char *updates = table->updated == 1 ? "update" : "updates",
               *deletes = table->deleted == 1 ? "delete" : "deletes";
    if (table->replaced)
        return "it replaced the table";
    if (table->deleted <= 0)
        return rh_arena_printf(arena, "%s %s", updated, updates);
    if (table->updated <= 0)
        return rh_arena_printf(arena, "%s %s", deleted, deletes);
    return rh_arena_printf(arena, "%s %s, %s %s", updated, updates, deleted, deletes);
}

static const char *kind_of(const rh_constraint *c)
{
    switch (c->kind) {
    case 'u':
        return "unique index";
    case 'x':
        return "exclusion constraint";
    case 'n':
        return "NOT NULL";
    case 'f':
        return "foreign key";
    default:
        return "CHECK";
    }
}

void rh_masking_report(rh_run *run)
{
    rh_constraint *added = NULL;
    if (!run->constraints_known || run->masked_count == 0)
        return;
    masking m = read_steps(run);
    m.complete = m.complete && !sets_others(run, &m);
    const size_t count =
        rh_constraints_added(run->constraints_before, run->constraint_count_before, run->constraints_after,
                             run->constraint_count_after, run->arena, &added);
    for (size_t i = 0; i < count; i++) {
        const rh_masked_table *table = find(run, added[i].table);
        const char *columns = table ? columns_of(table, added[i].columns, &m, run->arena) : NULL;
        if (columns)
            rh_run_not_measured(
                run, RH_UNMEASURED_MASKED_CONSTRAINTS,
                "the new %s on %s (%s): prepare changed rows of that table (%s), and values that it "
                "masked or removed can hide a violation; check production's own",
                kind_of(&added[i]), table->name, columns, changes_of(table, run->arena));
    }
}
