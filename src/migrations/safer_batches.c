/* Changes of many rows, page by page, each batch committed. */
#include "safer.h"
#include <string.h>

enum { PAGES = 500 };

void rh_safer_fill(rh_safer_list *list, const char *rule, const char *table, const char *verb,
                   const char *condition)
{
    rh_arena *arena = list->arena;
    const char *literal = "";
    for (const char *c = table; *c; c++)
        literal = rh_arena_printf(arena, "%s%s%c", literal, *c == '\'' ? "'" : "", *c);
    rh_safer_step *step = rh_safer_add(
        list, rule,
        "DO $batches$ BEGIN\n"
        "    FOR page IN 0 .. pg_relation_size('%s') / current_setting('block_size')::int BY %d LOOP\n"
        "        %s\n"
        "         WHERE %s%s%sctid >= format('(%%s,0)', page)::tid AND ctid < format('(%%s,0)', page + "
        "%d)::tid;\n"
        "        COMMIT;\n"
        "    END LOOP;\n"
        "END $batches$",
        literal, PAGES, verb, condition ? "(" : "", condition ? condition : "", condition ? ") AND " : "",
        PAGES);
    step->alone = true;
}

static bool mentions(rh_json *node, const char *column, int depth)
{
    bool found = false;
    if (depth > 200)
        return true; /* deeper than people write: not to be judged */
    if (rh_json_is_array(node)) {
        for (size_t i = 0; i < rh_json_count(node) && !found; i++)
            found = mentions(rh_json_at(node, i), column, depth + 1);
    } else if (rh_json_is_object(node)) {
        const char *name = rh_tree_last_name(rh_json_path(node, "ColumnRef.fields"));
        found = name && strcmp(name, column) == 0;
        void *iterator = NULL;
        rh_json *child;
        while (!found && rh_json_each(node, &iterator, &child))
            found = mentions(child, column, depth + 1);
    }
    return found;
}

/* A row's new version may lie in a page that is still to come: it must come to the same when it is changed
 * twice. */
static bool may_repeat(rh_json *targets)
{
    for (size_t i = 0; i < rh_json_count(targets); i++) {
        const char *column = rh_json_string(rh_json_path(rh_json_at(targets, i), "ResTarget.name"));
        for (size_t k = 0; column && k < rh_json_count(targets); k++)
            if (mentions(rh_json_path(rh_json_at(targets, k), "ResTarget.val"), column, 0))
                return false;
        if (!column)
            return false;
    }
    return true;
}

static bool is_plain(rh_json *body)
{
    return !rh_json_get(body, "withClause") && !rh_json_get(body, "fromClause") &&
           !rh_json_get(body, "usingClause") && !rh_json_get(body, "returningList") &&
           !rh_json_path(body, "relation.alias");
}

bool rh_safer_batches(rh_safer_list *list, rh_json *body)
{
    rh_json *targets = rh_json_get(body, "targetList");
    if (!rh_safer_has(list->statement, "whole-table-update") || !is_plain(body) ||
        (targets && (!may_repeat(targets) || rh_tree_volatile_function(targets))))
        return false;
    const char *sql = list->statement->sql;
    rh_sql_token *tokens = NULL;
    size_t count = 0, where = 0;
    int depth = 0;
    if (!rh_sql_scan(sql, list->arena, &tokens, &count, NULL))
        return false;
    for (size_t i = 0; i < count && !where; i++) {
        depth += strcmp(tokens[i].kind, "(") == 0;
        depth -= strcmp(tokens[i].kind, ")") == 0;
        if (depth == 0 && rh_sql_token_is(sql, &tokens[i], "where"))
            where = i;
    }
    const char *table = rh_tree_relation(rh_json_get(body, "relation"), list->arena);
    const char *verb = where ? rh_arena_strndup(list->arena, sql, tokens[where - 1].end) : sql;
    rh_safer_fill(list, "whole-table-update", table, verb, where ? sql + tokens[where].end + 1 : NULL);
    return true;
}
