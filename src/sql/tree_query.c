/* Tables, functions and constants in the parse tree of a query. */
#include "pgrehearse/sql/tree.h"
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

/* What the row locks of a query mean for an item of its FROM. */
typedef struct row_locks {
    rh_json *clauses; /* of its lockingClause */
    bool all;         /* a query around it locks it as a whole */
} row_locks;

static const row_locks NO_LOCKS;

/* True if FOR UPDATE OF lists the alias CALLED, or FOR UPDATE has no OF. */
static bool is_locked(const row_locks *locks, const char *called)
{
    for (size_t i = 0; i < rh_json_count(locks->clauses); i++) {
        rh_json *tables = rh_json_path(rh_json_at(locks->clauses, i), "LockingClause.lockedRels");
        if (rh_json_count(tables) == 0)
            return true;
        for (size_t k = 0; called && k < rh_json_count(tables); k++)
            if (rh_tree_is(rh_json_get(rh_json_at(tables, k), "RangeVar"), "relname", called))
                return true;
    }
    return locks->all;
}

static void add_range(names *n, rh_tree_range range)
{
    if (rh_json_string(rh_json_get(range.range, "relname")))
        *rh_arena_add(n->arena, n->ranges, n->count) = range;
}

static void collect(names *n, rh_json *node, const row_locks *locks, int depth);

/* LOCKS: what hold for CHILD, which is under KEY of NODE. */
static void collect_child(names *n, rh_json *node, const char *key, rh_json *child, const row_locks *locks,
                          int depth)
{
    static const char *const changes[] = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", NULL};
    static const char *const passing[] = {"SelectStmt", "JoinExpr", "larg", "rarg", NULL};
    const char *alias = rh_json_string(rh_json_path(child, "alias.aliasname"));
    row_locks below = NO_LOCKS;
    if (strcmp(key, "RangeVar") == 0) {
        const char *name = alias ? alias : rh_json_string(rh_json_get(child, "relname"));
        add_range(n, (rh_tree_range){.range = child, .locked = is_locked(locks, name)});
    } else if (rh_is_one_of(key, changes)) {
        add_range(n, (rh_tree_range){rh_json_get(child, "relation"), key, child, false});
    } else if (strcmp(key, "CommonTableExpr") == 0) {
        *rh_arena_add(n->arena, &n->with, &n->with_count) = rh_json_string(rh_json_get(child, "ctename"));
    } else if (strcmp(key, "fromClause") == 0) {
        below = (row_locks){rh_json_get(node, "lockingClause"), locks->all};
    } else if (strcmp(key, "RangeSubselect") == 0) {
        collect(n, rh_json_get(child, "subquery"), &(row_locks){NULL, is_locked(locks, alias)}, depth + 1);
        return;
    } else if (rh_is_one_of(key, passing)) {
        below = *locks;
    }
    collect(n, child, &below, depth + 1);
}

static void collect(names *n, rh_json *node, const row_locks *locks, int depth)
{
    if (depth > DEPTH)
        return;
    for (size_t i = 0; rh_json_is_array(node) && i < rh_json_count(node); i++)
        collect(n, rh_json_at(node, i), locks, depth + 1);
    if (!rh_json_is_object(node))
        return;
    void *iterator = NULL;
    rh_json *child;
    const char *key;
    while ((key = rh_json_each(node, &iterator, &child)))
        if (strcmp(key, "lockingClause") != 0 &&
            strcmp(key, "intoClause") != 0) /* aliases; a table that is made */
            collect_child(n, node, key, child, locks, depth);
}

void rh_tree_ranges(rh_json *node, rh_arena *arena, rh_tree_range **ranges, size_t *count)
{
    names n = {.arena = arena, .ranges = ranges, .count = count};
    collect(&n, node, &NO_LOCKS, 0);
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

typedef struct called {
    rh_arena *arena;
    const char ***list;
    size_t *count;
} called;

static bool collect_call(rh_json *node, void *data)
{
    const called *c = data;
    const char *function = rh_tree_last_name(rh_json_path(node, "FuncCall.funcname"));
    if (function)
        *rh_arena_add(c->arena, c->list, c->count) = function;
    return false;
}

void rh_tree_calls(rh_json *node, rh_arena *arena, const char ***list, size_t *count)
{
    rh_json_visit(node, collect_call, &(called){arena, list, count});
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
            *rh_arena_add(arena, list, count) = rh_arena_strndup(arena, text, end);
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
    *rh_arena_add(arena, &list, &count) = NULL;
    return list;
}

const char *const *rh_tree_split_path(const char *text, rh_arena *arena)
{
    const char **list = NULL;
    size_t count = 0;
    add_schemas(text, arena, &list, &count);
    *rh_arena_add(arena, &list, &count) = NULL;
    return list;
}
