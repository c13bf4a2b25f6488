/* What a query names: tables, functions, constants. */
#include "tree.h"
#include "pgrehearse/base/text.h"
#include <inttypes.h>
#include <string.h>

enum { DEPTH = 200 }; /* deeper than people write */

typedef struct names {
    rh_arena *arena;
    const char **with; /* of WITH queries */
    size_t with_count;
    rh_tree_range **ranges;
    size_t *count;
} names;

static void add_range(names *n, rh_json *range, const char *changed_by)
{
    if (rh_json_string(rh_json_get(range, "relname")))
        *(rh_tree_range *)rh_arena_add(n->arena, n->ranges, n->count, sizeof **n->ranges) =
            (rh_tree_range){range, changed_by};
}

static void collect(names *n, rh_json *node, int depth)
{
    static const char *const changes[] = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", NULL};
    if (depth > DEPTH)
        return;
    for (size_t i = 0; rh_json_is_array(node) && i < rh_json_count(node); i++)
        collect(n, rh_json_at(node, i), depth + 1);
    if (!rh_json_is_object(node))
        return;
    void *iterator = NULL;
    rh_json *child;
    const char *key;
    while ((key = rh_json_each(node, &iterator, &child))) {
        if (strcmp(key, "lockingClause") == 0 || strcmp(key, "intoClause") == 0)
            continue; /* aliases; a table that is made */
        if (strcmp(key, "RangeVar") == 0)
            add_range(n, child, NULL);
        else if (rh_is_one_of(key, changes))
            add_range(n, rh_json_get(child, "relation"), key);
        else if (strcmp(key, "CommonTableExpr") == 0)
            *(const char **)rh_arena_add(n->arena, &n->with, &n->with_count, sizeof *n->with) =
                rh_json_string(rh_json_get(child, "ctename"));
        collect(n, child, depth + 1);
    }
}

void rh_tree_ranges(rh_json *node, rh_arena *arena, rh_tree_range **ranges, size_t *count)
{
    names n = {.arena = arena, .ranges = ranges, .count = count};
    collect(&n, node, 0);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        const rh_tree_range *range = &(*ranges)[i];
        const char *name = rh_json_string(rh_json_get(range->range, "relname"));
        bool with = false;
        for (size_t k = 0; k < n.with_count && !rh_json_get(range->range, "schemaname"); k++)
            with |= n.with[k] && strcmp(n.with[k], name) == 0;
        if (!with || range->changed_by)
            (*ranges)[kept++] = *range;
    }
    *count = kept;
}

static void collect_calls(rh_json *node, rh_arena *arena, const char ***list, size_t *count, int depth)
{
    if (depth > DEPTH)
        return;
    for (size_t i = 0; rh_json_is_array(node) && i < rh_json_count(node); i++)
        collect_calls(rh_json_at(node, i), arena, list, count, depth + 1);
    if (!rh_json_is_object(node))
        return;
    const char *function = rh_tree_last_name(rh_json_get(rh_json_get(node, "FuncCall"), "funcname"));
    if (function)
        *(const char **)rh_arena_add(arena, list, count, sizeof **list) = function;
    void *iterator = NULL;
    rh_json *child;
    while (rh_json_each(node, &iterator, &child))
        collect_calls(child, arena, list, count, depth + 1);
}

void rh_tree_calls(rh_json *node, rh_arena *arena, const char ***list, size_t *count)
{
    collect_calls(node, arena, list, count, 0);
}

const char *rh_tree_constant(rh_json *node, rh_arena *arena)
{
    rh_json *constant = rh_json_get(node, "A_Const"), *value;
    if ((value = rh_json_path(constant, "sval.sval")) || (value = rh_json_path(constant, "fval.fval")))
        return rh_arena_strdup(arena, rh_json_string(value));
    if (rh_json_get(constant, "ival")) {
        value = rh_json_path(constant, "ival.ival"); /* 0 is left out */
        return rh_arena_printf(arena, "%" PRId64, value ? rh_json_int(value) : 0);
    }
    return NULL;
}

static void add_schemas(const char *text, rh_arena *arena, const char ***list, size_t *count)
{
    while (*text) {
        text += strspn(text, ", \t\"");
        size_t length = strcspn(text, ",\"");
        size_t end = length;
        while (end && (text[end - 1] == ' ' || text[end - 1] == '\t'))
            end--;
        if (end && *text != '$')
            *(const char **)rh_arena_add(arena, list, count, sizeof **list) =
                rh_arena_strndup(arena, text, end);
        text += length;
    }
}

const char *const *rh_tree_search_path(rh_json *args, rh_arena *arena)
{
    const char **list = NULL;
    size_t count = 0;
    for (size_t i = 0; i < rh_json_count(args); i++) {
        const char *text = rh_tree_constant(rh_json_at(args, i), arena);
        if (text)
            add_schemas(text, arena, &list, &count);
    }
    *(const char **)rh_arena_add(arena, &list, &count, sizeof *list) = NULL;
    return list;
}

const char *const *rh_tree_split_path(const char *text, rh_arena *arena)
{
    const char **list = NULL;
    size_t count = 0;
    add_schemas(text, arena, &list, &count);
    *(const char **)rh_arena_add(arena, &list, &count, sizeof *list) = NULL;
    return list;
}
