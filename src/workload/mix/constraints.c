/* Constraints that the migrations add, which rows of the load must satisfy. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/workload/workload.h"
#include "schema.h"
#include "embedded/workload.h"
#include <stdlib.h>
#include <string.h>

bool rh_constraints_read(rh_pg *pg, rh_arena *arena, rh_constraint **constraints, size_t *count,
                         rh_error *error)
{
    enum { RELATION, KIND, COLUMNS, CONDITION };
    rh_pg_result *r = rh_pg_query(pg, rh_sql_mix_constraints, 0, NULL, error);
    if (!r)
        return rh_error_context(error, "reading the constraints");
    for (size_t i = 0; i < rh_pg_rows(r); i++) {
        const char *columns = rh_pg_value(r, i, COLUMNS);
        *rh_arena_add(arena, constraints, count) =
            (rh_constraint){.table = rh_pg_int(r, i, RELATION, 0),
                            .kind = *rh_pg_value(r, i, KIND),
                            .columns = rh_arena_strdup(arena, columns ? columns : ""),
                            .condition = rh_arena_strdup(arena, rh_pg_value(r, i, CONDITION))};
    }
    rh_pg_result_free(r);
    return true;
}

static int compare(const void *left, const void *right)
{
    const rh_constraint *a = left, *b = right;
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind - b->kind;
    int columns = strcmp(a->columns, b->columns);
    return columns ? columns : strcmp(a->condition ? a->condition : "", b->condition ? b->condition : "");
}

size_t rh_constraints_added(rh_constraint *before, size_t before_count, const rh_constraint *after,
                            size_t after_count, rh_arena *arena, rh_constraint **added)
{
    size_t count = 0;
    if (before_count > 0)
        qsort(before, before_count, sizeof *before, compare);
    for (size_t i = 0; i < after_count; i++)
        if (before_count == 0 || !bsearch(&after[i], before, before_count, sizeof *before, compare))
            *rh_arena_add(arena, added, &count) = after[i];
    return count;
}

/* ---- what they mean for a table of the mix ---- */

static void add_condition(mix_build *build, mix_table *table, const char *condition)
{
    table->condition = table->condition ? rh_arena_printf(build->arena, "%s AND (%s) IS NOT FALSE",
                                                          table->condition, condition)
                                        : rh_arena_printf(build->arena, "(%s) IS NOT FALSE", condition);
}

/* Can the rows that are there be asked? It names what a migration may have made or renamed. False: the
 * connection is lost. */
static bool is_answered(mix_build *build, const mix_table *table, const char *condition, bool *answered,
                        rh_error *error)
{
    rh_error failure = {0};
    rh_text sql = {0};
    rh_text_printf(&sql, "SELECT (%s) IS NOT FALSE FROM %s rh_row LIMIT 0", condition, table->quoted);
    rh_pg_result *r = rh_pg_query(build->pg, sql.data, 0, NULL, &failure);
    *answered = r != NULL;
    rh_pg_result_free(r);
    rh_text_release(&sql);
    bool lost = failure.code == RH_ERROR_LOST || failure.code == RH_ERROR_INTERRUPTED;
    if (lost)
        rh_error_move(error, &failure);
    rh_error_release(&failure);
    return !lost;
}

static void add_unique(mix_build *build, mix_table *table, mix_columns columns, bool exclusion)
{
    if (exclusion) {
        table->has_exclusion = true;
        if (!table->why_no_inserts)
            table->why_no_inserts =
                "the migrations add an exclusion constraint, which copied rows would break";
    }
    *rh_arena_add(build->arena, &table->uniques, &table->unique_count) =
        (mix_unique){.columns = columns, .exclusion = exclusion};
}

static bool add_check(mix_build *build, mix_table *table, const rh_constraint *c, mix_columns columns,
                      rh_error *error)
{
    bool answered = false;
    if (!is_answered(build, table, c->condition, &answered, error))
        return false;
    if (answered)
        add_condition(build, table, c->condition);
    else
        table->why_no_inserts =
            "the migrations add a constraint that cannot be evaluated on its rows beforehand";
    for (size_t i = 0; c->kind == 'f' && i < columns.count; i++)
        table->columns[columns.index[i]].foreign = true;
    return true;
}

bool rh_mix_limit(mix_build *build, mix_table *table, rh_error *error)
{
    const rh_load_limits *limits = build->limits;
    const mix_unique *key = table->key;
    const size_t key_at = key ? (size_t)(key - table->uniques) : 0;
    bool ok = true;
    for (size_t i = 0; ok && limits && i < limits->added_count; i++) {
        const rh_constraint *c = &limits->added[i];
        if (c->table != strtoll(table->oid, NULL, 10))
            continue;
        mix_columns columns = rh_mix_parse_columns(build, table, c->columns, NULL);
        if (columns.count == 0 && *c->columns)
            continue; /* of new columns alone: inserts leave them to their defaults */
        if (c->kind == 'u' || c->kind == 'x')
            add_unique(build, table, columns, c->kind == 'x');
        else if (c->kind == 'n')
            add_condition(build, table,
                          rh_arena_printf(build->arena, "rh_row.%s IS NOT NULL",
                                          table->columns[columns.index[0]].quoted));
        else
            ok = add_check(build, table, c, columns, error);
    }
    table->key = key ? &table->uniques[key_at] : NULL; /* the list may have moved */
    return ok;
}
