/* Changes of many rows, batch by batch, each committed. By ranges of the primary key where it has one column:
 * no row can slip from a range that is to come into one that is done. Else page by page. */
#include "pieces.h"
#include "safer.h"
#include <string.h>

enum { PAGES = 500, ROWS = 5000 };

const char *rh_safer_no_batches(const rh_safer_list *list, const rh_known_table *table)
{
    if (!table)
        return "neither the backup nor the migrations tell how the table is made";
    const bool partitioned = table->odd && strcmp(table->odd, "is partitioned") == 0;
    if (table->odd && !(partitioned && rh_known_key(table)))
        return rh_arena_printf(list->arena, "%s %s", rh_known_name(table, list->arena), table->odd);
    return NULL;
}

static const char *triggers_of(const rh_safer_list *list, const rh_known_table *table)
{
    const char *names = NULL;
    for (size_t i = 0; i < table->trigger_count; i++)
        names =
            rh_arena_printf(list->arena, "%s%s%s", names ? names : "", names ? ", " : "", table->triggers[i]);
    return names ? rh_arena_printf(list->arena,
                                   "The batches fire the table's triggers as any change does: %s.", names)
                 : NULL;
}

static const char *literal_of(const rh_safer_list *list, const char *name)
{
    const char *literal = "";
    for (const char *c = name; *c; c++)
        literal = rh_arena_printf(list->arena, "%s%s%c", literal, *c == '\'' ? "'" : "", *c);
    return literal;
}

static rh_safer_step *by_pages(rh_safer_list *list, const char *rule, const char *name, const char *called,
                               const char *verb, const char *condition)
{
    return rh_safer_add(list, rule,
                        "DO $batches$ DECLARE page bigint := 0; BEGIN\n"
                        "    WHILE page < pg_relation_size('%s') / current_setting('block_size')::int LOOP\n"
                        "        %s\n"
                        "         WHERE %s%s.ctid >= format('(%%s,0)', page)::tid\n"
                        "           AND %s.ctid < format('(%%s,0)', page + %d)::tid;\n"
                        "        COMMIT;\n"
                        "        page := page + %d;\n"
                        "    END LOOP;\n"
                        "END $batches$",
                        literal_of(list, name), verb, condition, called, called, PAGES, PAGES);
}

static rh_safer_step *by_key(rh_safer_list *list, const char *rule, const char *key, const char *name,
                             const char *called, const char *verb, const char *condition)
{
    return rh_safer_add(
        list, rule,
        "DO $batches$ DECLARE batch_from %s.%s%%TYPE; batch_to %s.%s%%TYPE; BEGIN\n"
        "    batch_from := (SELECT %s FROM %s ORDER BY 1 LIMIT 1);\n"
        "    WHILE batch_from IS NOT NULL LOOP\n"
        "        batch_to := (SELECT max_of.%s FROM (SELECT %s FROM %s WHERE %s >= batch_from\n"
        "             ORDER BY 1 LIMIT %d) AS max_of ORDER BY 1 DESC LIMIT 1);\n"
        "        %s\n"
        "         WHERE %s%s.%s BETWEEN batch_from AND batch_to;\n"
        "        COMMIT;\n"
        "        batch_from := (SELECT %s FROM %s WHERE %s > batch_to ORDER BY 1 LIMIT 1);\n"
        "    END LOOP;\n"
        "END $batches$",
        name, key, name, key, key, name, key, key, name, key, ROWS, verb, condition, called, key, key, name,
        key);
}

void rh_safer_fill(rh_safer_list *list, const char *rule, const rh_known_table *table, const char *name,
                   const char *called, const char *verb, const char *condition)
{
    rh_arena *arena = list->arena;
    const char *key = rh_known_key(table);
    condition = condition ? rh_arena_printf(arena, "(%s) AND ", condition) : "";
    rh_safer_step *step =
        key ? by_key(list, rule, rh_tree_identifier(key, arena), name, called, verb, condition)
            : by_pages(list, rule, name, called, verb, condition);
    step->alone = true;
    step->note = triggers_of(list, table);
}

/* ---- UPDATE, DELETE ---- */

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

/* A batch that failed half-way is run again: a row must come to the same when it is changed twice. */
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

static bool sets(rh_json *targets, const char *column)
{
    for (size_t i = 0; column && i < rh_json_count(targets); i++)
        if (rh_tree_is(rh_json_get(rh_json_at(targets, i), "ResTarget"), "name", column))
            return true;
    return false;
}

/* NODE, but for the relation that the statement changes, reads a table called NAME. */
static bool reads(rh_json *node, const char *name, int depth)
{
    bool found = false;
    if (depth > 200)
        return true;
    if (rh_json_is_array(node)) {
        for (size_t i = 0; i < rh_json_count(node) && !found; i++)
            found = reads(rh_json_at(node, i), name, depth + 1);
    } else if (rh_json_is_object(node)) {
        found = rh_tree_is(rh_json_get(node, "RangeVar"), "relname", name);
        void *iterator = NULL;
        rh_json *child;
        while (!found && rh_json_each(node, &iterator, &child))
            found = reads(child, name, depth + 1);
    }
    return found;
}

/* Why the statement is not the sum of its batches; NULL: it is. */
static const char *why_not(const rh_safer_list *list, const rh_known_table *table, rh_json *body)
{
    rh_json *targets = rh_json_get(body, "targetList");
    const char *name = rh_json_string(rh_json_path(body, "relation.relname"));
    const char *no_batches = rh_safer_no_batches(list, table);
    if (no_batches)
        return no_batches;
    if (rh_json_get(body, "withClause") || rh_json_get(body, "returningList"))
        return "a WITH or RETURNING speaks of all rows at once";
    if (targets && !may_repeat(targets))
        return "a row that is changed twice would not come to the same, so a batch could not be run again";
    if (name &&
        (reads(targets, name, 0) || reads(rh_json_get(body, "whereClause"), name, 0) ||
         reads(rh_json_get(body, "fromClause"), name, 0) || reads(rh_json_get(body, "usingClause"), name, 0)))
        return "it reads the table that it changes: later batches would see what earlier ones did";
    if (!rh_known_key(table) && targets && rh_tree_volatile_function(targets))
        return "its values differ from call to call, and no primary key of one column tells which rows are "
               "done";
    if (sets(targets, rh_known_key(table)))
        return "it changes the primary key, by which the batches would go";
    return NULL;
}

bool rh_safer_batches(rh_safer_list *list, rh_json *body)
{
    if (!rh_safer_has(list->statement, "whole-table-update"))
        return false;
    rh_json *relation = rh_json_get(body, "relation");
    const rh_known_table *table = rh_known_table_of(list->known, relation);
    list->why = why_not(list, table, body);
    const char *sql = list->statement->sql;
    rh_sql_token *tokens = NULL;
    size_t count = 0, where = 0;
    int depth = 0;
    if (list->why || !rh_pieces_scan(sql, list->arena, &tokens, &count))
        return false;
    for (size_t i = 0; i < count && !where; i++) {
        depth += strcmp(tokens[i].kind, "(") == 0;
        depth -= strcmp(tokens[i].kind, ")") == 0;
        if (depth == 0 && rh_sql_token_is(sql, &tokens[i], "where"))
            where = i;
    }
    const char *name = rh_tree_relation(relation, list->arena);
    const char *alias = rh_json_string(rh_json_path(relation, "alias.aliasname"));
    const char *bare = rh_json_string(rh_json_get(relation, "relname"));
    const char *verb = rh_arena_strndup(list->arena, sql, tokens[where ? where - 1 : count - 1].end);
    const char *condition = where ? rh_arena_strndup(list->arena, sql + tokens[where].end + 1,
                                                     tokens[count - 1].end - tokens[where].end - 1)
                                  : NULL;
    rh_safer_fill(list, "whole-table-update", table, name,
                  rh_tree_identifier(alias ? alias : bare, list->arena), verb, condition);
    return true;
}
