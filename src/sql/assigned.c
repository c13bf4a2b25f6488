/* Which columns a statement sets in rows that are there. */
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

static void add_targets(rh_json *list, rh_relation table, rh_arena *arena, rh_assigned **items, size_t *count)
{
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const char *column = rh_json_string(rh_json_path(rh_json_at(list, i), "ResTarget.name"));
        if (column)
            *rh_arena_add(arena, items, count) = (rh_assigned){table, rh_arena_strdup(arena, column)};
    }
}

/* The changes in NODE at any depth: WITH x AS (UPDATE …) is one. */
static void add_changes(rh_json *node, int depth, rh_arena *arena, rh_assigned **items, size_t *count)
{
    enum { DEEPEST = 100 };
    for (size_t i = 0; depth < DEEPEST && rh_json_is_array(node) && i < rh_json_count(node); i++)
        add_changes(rh_json_at(node, i), depth + 1, arena, items, count);
    if (depth >= DEEPEST || !rh_json_is_object(node))
        return;
    void *iterator = NULL;
    rh_json *child;
    const char *key;
    while ((key = rh_json_each(node, &iterator, &child))) {
        const rh_relation table =
            rh_relation_of(rh_tree_relation(rh_json_get(child, "relation"), arena), arena);
        if (strcmp(key, "UpdateStmt") == 0)
            add_targets(rh_json_get(child, "targetList"), table, arena, items, count);
        else if (strcmp(key, "InsertStmt") == 0)
            add_targets(rh_json_path(child, "onConflictClause.targetList"), table, arena, items, count);
        rh_json *clauses = strcmp(key, "MergeStmt") == 0 ? rh_json_get(child, "mergeWhenClauses") : NULL;
        for (size_t i = 0; i < rh_json_count(clauses); i++)
            add_targets(rh_json_path(rh_json_at(clauses, i), "MergeWhenClause.targetList"), table, arena,
                        items, count);
        add_changes(child, depth + 1, arena, items, count);
    }
}

bool rh_sql_assigned(const char *sql, rh_arena *arena, rh_assigned **items, size_t *count)
{
    static const char *const silent[] = {"DoStmt", "CallStmt", "SelectStmt", "ExecuteStmt", NULL};
    rh_json *tree = rh_sql_parse(sql, NULL), *body;
    const char *kind = rh_tree_kind(tree, &body);
    const bool told = kind && !rh_is_one_of(kind, silent);
    add_changes(tree, 0, arena, items, count);
    rh_json_free(tree);
    return told;
}
