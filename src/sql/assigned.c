/* The columns that a statement assigns in existing rows. */
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

typedef struct assignments {
    rh_arena *arena;
    rh_assigned **items;
    size_t *count;
} assignments;

static void add_targets(const assignments *a, rh_json *list, rh_relation table)
{
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const char *column = rh_json_string(rh_json_path(rh_json_at(list, i), "ResTarget.name"));
        if (column)
            *rh_arena_add(a->arena, a->items, a->count) =
                (rh_assigned){table, rh_arena_strdup(a->arena, column)};
    }
}

/* A change at any depth: WITH x AS (UPDATE …) is one. */
static bool add_change(rh_json *node, void *data)
{
    const assignments *a = data;
    rh_json *body;
    const char *kind = rh_tree_kind(node, &body);
    if (!kind || !rh_is_one_of(kind, (const char *const[]){"UpdateStmt", "InsertStmt", "MergeStmt", NULL}))
        return false;
    const rh_relation table =
        rh_relation_of(rh_tree_relation(rh_json_get(body, "relation"), a->arena), a->arena);
    if (strcmp(kind, "UpdateStmt") == 0)
        add_targets(a, rh_json_get(body, "targetList"), table);
    else if (strcmp(kind, "InsertStmt") == 0)
        add_targets(a, rh_json_path(body, "onConflictClause.targetList"), table);
    rh_json *clauses = rh_json_get(body, "mergeWhenClauses");
    for (size_t i = 0; i < rh_json_count(clauses); i++)
        add_targets(a, rh_json_path(rh_json_at(clauses, i), "MergeWhenClause.targetList"), table);
    return false;
}

bool rh_sql_assigned(const char *sql, rh_arena *arena, rh_assigned **items, size_t *count)
{
    static const char *const opaque[] = {"DoStmt", "CallStmt", "SelectStmt", "ExecuteStmt", NULL};
    rh_json *tree = rh_sql_parse(sql, NULL), *body;
    const char *kind = rh_tree_kind(tree, &body);
    const bool complete = kind && !rh_is_one_of(kind, opaque);
    assignments a = {arena, items, count};
    rh_json_visit(tree, add_change, &a);
    rh_json_free(tree);
    return complete;
}
