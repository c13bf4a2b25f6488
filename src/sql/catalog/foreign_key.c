/* Foreign keys whose referencing columns have no index. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/sql/catalog.h"
#include <string.h>

/* A partial index serves when its predicate is COLUMN IS NOT NULL, which the lookup implies. */
static bool is_whole(rh_json *predicate, rh_json *columns)
{
    rh_json *test = rh_json_get(predicate, "NullTest");
    return !predicate ||
           (rh_tree_is(test, "nulltesttype", "IS_NOT_NULL") &&
            rh_tree_has_name(columns, rh_tree_last_name(rh_json_path(test, "arg.ColumnRef.fields"))));
}

/* INDEX begins with one of COLUMNS. */
static bool serves(const rh_catalog_index *index, rh_json *columns)
{
    if (index->constraint)
        return index->column_count && rh_tree_has_name(columns, index->columns[0]);
    rh_json *tree = index->sql ? rh_sql_parse(index->sql, NULL) : NULL;
    rh_json *body = rh_tree_body(tree, "IndexStmt");
    rh_json *first = rh_json_get(rh_json_at(rh_json_get(body, "indexParams"), 0), "IndexElem");
    const char *method = rh_json_string(rh_json_get(body, "accessMethod"));
    const bool found = rh_tree_has_name(columns, rh_json_string(rh_json_get(first, "name"))) &&
                       (!method || strcmp(method, "btree") == 0 || strcmp(method, "hash") == 0) &&
                       is_whole(rh_json_get(body, "whereClause"), columns);
    rh_json_free(tree);
    return found;
}

const char *rh_catalog_unindexed_key(const rh_catalog_table *table, const rh_catalog_constraint *key,
                                     rh_arena *arena)
{
    rh_json *tree = rh_sql_parse(rh_arena_printf(arena, "ALTER TABLE t ADD %s", key->definition), NULL);
    rh_json *command = rh_json_at(rh_json_path(tree, "AlterTableStmt.cmds"), 0);
    rh_json *columns = rh_json_path(command, "AlterTableCmd.def.Constraint.fk_attrs");
    bool served = rh_json_count(columns) == 0;
    for (size_t i = 0; i < table->index_count && !served; i++)
        served = serves(&table->indexes[i], columns);
    const char *names = "";
    for (size_t i = 0; i < rh_json_count(columns); i++)
        names = rh_arena_printf(arena, "%s%s%s", names, i ? ", " : "",
                                rh_identifier(rh_tree_name_at(columns, i), arena));
    rh_json_free(tree);
    return served ? NULL : names;
}
