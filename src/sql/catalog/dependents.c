/* What keeps the server from dropping a column, or from changing its type, by the texts of the definitions.
 */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/catalog.h"
#include <string.h>

/* An expression in which a column is looked for. */
typedef struct search {
    const rh_catalog *catalog;
    const rh_catalog_table *table;
    const char *column;
    rh_tree_range *ranges;
    size_t range_count;
    bool only; /* it reads no other relation: names without a qualifier are of TABLE */
} search;

/* QUALIFIER is how the query calls TABLE. */
static bool is_called(const search *s, const char *qualifier)
{
    for (size_t i = 0; qualifier && i < s->range_count; i++) {
        rh_json *range = s->ranges[i].range;
        const char *alias = rh_json_string(rh_json_path(range, "alias.aliasname"));
        const char *name = alias ? alias : rh_json_string(rh_json_get(range, "relname"));
        if (name && strcmp(name, qualifier) == 0)
            return rh_catalog_table_of(s->catalog, range) == s->table;
    }
    return false;
}

static bool is_column(rh_json *node, void *data)
{
    const search *s = data;
    rh_json *fields = rh_json_path(node, "ColumnRef.fields");
    const size_t count = rh_json_count(fields);
    if (!count)
        return false;
    const char *name = rh_tree_name_at(fields, count - 1);
    const bool all = rh_json_get(rh_json_at(fields, count - 1), "A_Star") != NULL;
    if (!all && (!name || strcmp(name, s->column) != 0))
        return false;
    return count == 1 ? s->only : is_called(s, rh_tree_name_at(fields, count - 2));
}

static bool reads(const rh_catalog *catalog, rh_json *query, const rh_catalog_table *table,
                  const char *column, rh_arena *arena)
{
    search s = {.catalog = catalog, .table = table, .column = column};
    bool reads_table = false;
    rh_tree_ranges(query, arena, &s.ranges, &s.range_count);
    for (size_t i = 0; i < s.range_count; i++)
        reads_table |= rh_catalog_table_of(catalog, s.ranges[i].range) == table;
    s.only = s.range_count == 1;
    return reads_table && rh_json_visit(query, is_column, &s);
}

/* EXPRESSION is of TABLE itself: a policy's, or a trigger's with the rows OLD and NEW. */
static bool is_own_column(rh_json *node, void *data)
{
    const search *s = data;
    const char *name = rh_tree_last_name(rh_json_path(node, "ColumnRef.fields"));
    return name && strcmp(name, s->column) == 0;
}

static bool uses(const rh_catalog *catalog, const rh_catalog_object *o, const rh_catalog_table *table,
                 const char *column, rh_arena *arena)
{
    rh_json *body, *tree = strlen(o->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(o->sql, NULL) : NULL;
    rh_tree_kind(tree, &body);
    search own = {.column = column};
    bool found = false;
    if (o->kind == RH_CATALOG_VIEW || o->kind == RH_CATALOG_MATVIEW)
        found = reads(catalog, rh_json_get(body, "query"), table, column, arena);
    else if (o->kind == RH_CATALOG_TRIGGER)
        found = rh_tree_has_name(rh_json_get(body, "columns"), column) ||
                rh_json_visit(rh_json_get(body, "whenClause"), is_own_column, &own);
    else if (o->kind == RH_CATALOG_POLICY && !strcasestr(o->sql, "select"))
        found = rh_json_visit(rh_json_get(body, "qual"), is_own_column, &own) ||
                rh_json_visit(rh_json_get(body, "with_check"), is_own_column, &own);
    rh_json_free(tree);
    return found;
}

const rh_catalog_object *rh_catalog_column_user(const rh_catalog *catalog, const rh_catalog_table *table,
                                                const char *column, rh_arena *arena)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const rh_catalog_object *o = &catalog->objects[i];
        bool on_table = false;
        for (size_t k = 0; !o->dropped && k < o->read_count; k++)
            on_table |= rh_relation_equal(o->reads[k], (rh_relation){table->schema, table->name});
        if (on_table && uses(catalog, o, table, column, arena))
            return o;
    }
    return NULL;
}
