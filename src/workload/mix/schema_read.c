/* Reads the tables of the mix from the catalog. */
#include "schema.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "embedded/workload.h"
#include <stdlib.h>
#include <string.h>

static const char *quoted(mix_build *build, const char *identifier)
{
    char *heap = rh_quote_identifier(identifier);
    const char *copy = rh_arena_strdup(build->arena, heap);
    free(heap);
    return copy;
}

static bool read_columns(mix_build *build, mix_table *table, rh_error *error)
{
    const char *parameters[] = {table->oid, build->role ? build->role->name : NULL};
    rh_pg_result *r = rh_pg_query(build->pg, rh_sql_mix_columns, 2, parameters, error);
    if (!r)
        return false;
    for (size_t i = 0; i < rh_pg_rows(r); i++) {
        mix_column *column = rh_arena_add(build->arena, &table->columns, &table->column_count);
        *column = (mix_column){
            .number = (int)rh_pg_int(r, i, 1, 0),
            .name = rh_arena_strdup(build->arena, rh_pg_value(r, i, 2)),
            .quoted = quoted(build, rh_pg_value(r, i, 2)),
            .type = rh_arena_strdup(build->arena, rh_pg_value(r, i, 3)),
            .length = (int)rh_pg_int(r, i, 4, -1),
            .not_null = rh_pg_bool(r, i, 5),
            .has_default = rh_pg_bool(r, i, 6),
            .fresh_default = rh_pg_bool(r, i, 7) && rh_pg_bool(r, i, 6),
            .identity = rh_pg_bool(r, i, 8),
            .generated = rh_pg_bool(r, i, 9),
            .foreign = rh_pg_bool(r, i, 10),
            .indexed = rh_pg_bool(r, i, 11),
            .partition_key = rh_pg_bool(r, i, 12),
            .width = (int)rh_pg_int(r, i, 13, 32),
            .readable = rh_pg_bool(r, i, 14),
            .insertable = rh_pg_bool(r, i, 15),
            .updatable = rh_pg_bool(r, i, 16),
            .in_policy = rh_pg_bool(r, i, 17),
        };
    }
    rh_pg_result_free(r);
    return true;
}

mix_columns rh_mix_parse_columns(mix_build *build, const mix_table *table, const char *numbers,
                                 size_t *unknown)
{
    mix_columns columns = {0};
    size_t named = 0;
    char *end;
    for (const char *p = numbers; *p; p = end) {
        int number = (int)strtol(p, &end, 10);
        if (end == p)
            break;
        named++;
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].number == number) {
                size_t *index = rh_arena_add(build->arena, &columns.index, &columns.count);
                *index = i;
            }
    }
    if (unknown)
        *unknown = named - columns.count;
    return columns;
}

static bool read_uniques(mix_build *build, mix_table *table, rh_error *error)
{
    rh_pg_result *r = rh_pg_query(build->pg, rh_sql_mix_uniques, 1, &table->oid, error);
    if (!r)
        return false;
    for (size_t i = 0; i < rh_pg_rows(r); i++) {
        mix_unique *unique = rh_arena_add(build->arena, &table->uniques, &table->unique_count);
        unique->primary = rh_pg_bool(r, i, 0);
        unique->usable_as_key = rh_pg_bool(r, i, 1);
        unique->columns = rh_mix_parse_columns(build, table, rh_pg_value(r, i, 2), NULL);
    }
    for (size_t i = 0; i < table->unique_count && !table->key; i++)
        if (table->uniques[i].usable_as_key)
            table->key = &table->uniques[i]; /* the primary key comes first */
    rh_pg_result_free(r);
    return true;
}

static bool read_references(mix_build *build, mix_table *table, rh_error *error)
{
    rh_pg_result *r = rh_pg_query(build->pg, rh_sql_mix_references, 1, &table->oid, error);
    if (!r)
        return false;
    for (size_t i = 0; i < rh_pg_rows(r); i++) {
        mix_reference *reference = rh_arena_add(build->arena, &table->references, &table->reference_count);
        reference->columns = rh_mix_parse_columns(build, table, rh_pg_value(r, i, 0), NULL);
        reference->indexed = rh_pg_bool(r, i, 1);
    }
    rh_pg_result_free(r);
    return true;
}

static bool belongs_to_tool(const mix_build *build, const mix_table *table)
{
    const char **columns = rh_arena_alloc(build->arena, (table->column_count + 1) * sizeof *columns);
    for (size_t i = 0; i < table->column_count; i++)
        columns[i] = table->columns[i].name;
    const rh_listed_table listed = {table->relation.schema, table->relation.name, columns,
                                    table->column_count};
    return rh_is_tool_table(&listed);
}

bool rh_mix_read_tables(mix_build *build, mix_table **tables, size_t *count, rh_error *error)
{
    const char *history = build->limits ? build->limits->history_table : NULL;
    rh_pg_result *r = rh_pg_query(build->pg, rh_sql_mix_tables, 1, &history, error);
    if (!r)
        return false;
    for (size_t i = 0; i < rh_pg_rows(r); i++) {
        mix_table *table = rh_arena_add(build->arena, tables, count);
        const char *schema = rh_pg_value(r, i, 1), *name = rh_pg_value(r, i, 2);
        table->oid = rh_arena_strdup(build->arena, rh_pg_value(r, i, 0));
        table->relation =
            (rh_relation){rh_arena_strdup(build->arena, schema), rh_arena_strdup(build->arena, name)};
        table->name = rh_arena_printf(build->arena, "%s.%s", schema, name);
        table->quoted = rh_relation_quote(table->relation, build->arena);
        table->rows = rh_pg_int(r, i, 3, -1);
        table->pages = rh_pg_int(r, i, 4, 0);
        table->has_exclusion = rh_pg_bool(r, i, 5);
        table->is_history = rh_pg_bool(r, i, 6);
    }
    rh_pg_result_free(r);
    for (size_t i = 0; i < *count; i++) {
        mix_table *table = &(*tables)[i];
        if (!read_columns(build, table, error) || !read_uniques(build, table, error) ||
            !read_references(build, table, error) || !rh_mix_limit(build, table, error))
            return rh_error_context(error, "reading what %s is made of", table->name);
        table->is_history = table->is_history || belongs_to_tool(build, table);
    }
    return true;
}
