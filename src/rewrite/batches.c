/* Changes of many rows, batch by batch, each committed: by ranges of the primary key, so that no row can slip
 * from a range that is to come into one that is done. Only where the batches together are the statement. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include "safer.h"
#include <string.h>
#include <strings.h>

enum { ROWS = 5000, DEPTH = 200 };

/* ---- tables ---- */

const char *rh_safer_unknown(const rh_safer_list *list, const rh_catalog_table *table)
{
    (void)list;
    return !table                                  ? "neither the backup nor the migrations define the table"
           : strcmp(table->schema, "pg_temp") == 0 ? "no other session uses a temporary table"
                                                   : NULL;
}

bool rh_safer_is_partitioned(const rh_catalog_table *table)
{
    return table && table->is_partitioned;
}

static bool is_on(const rh_catalog_object *object, const rh_catalog_table *table)
{
    for (size_t i = 0; !object->dropped && i < object->read_count; i++)
        if (strcmp(object->reads[i].name, table->name) == 0 &&
            strcmp(object->reads[i].schema, table->schema) == 0)
            return true;
    return false;
}

/* The trigger or rule by which a batched change of TABLE differs; ROWS_TOO: one that fires for each row, too.
 */
static const char *fired(const rh_safer_list *list, const rh_catalog_table *table, bool rows_too)
{
    rh_arena *arena = list->arena;
    for (size_t i = 0; i < list->catalog->object_count; i++) {
        const rh_catalog_object *o = &list->catalog->objects[i];
        if (!is_on(o, table))
            continue;
        if (o->kind == RH_CATALOG_RULE)
            return rh_arena_printf(arena, "%s rewrites what is done to the table", o->what);
        if (o->kind != RH_CATALOG_TRIGGER)
            continue;
        const bool each_row = rh_clauses_mention(o->sql, "each", arena) &&
                              rh_clauses_mention(o->sql, "row", arena) &&
                              !rh_clauses_mention(o->sql, "referencing", arena) &&
                              !rh_clauses_mention(o->sql, "initially", arena);
        if (rows_too && rh_clauses_mention(o->sql, "update", arena))
            return rh_arena_printf(arena, "batches would fire %s, which the statement does not", o->what);
        if (!each_row)
            return rh_arena_printf(arena, "%s fires once a statement or transaction, so once a batch",
                                   o->what);
    }
    return NULL;
}

const char *rh_safer_no_batches(const rh_safer_list *list, const rh_catalog_table *table)
{
    const char *unknown = rh_safer_unknown(list, table);
    if (unknown)
        return unknown;
    const char *key = rh_catalog_key_column(table);
    if (table->unsupported && !(table->unsupported == RH_UNSUPPORTED_PARTITIONED && key))
        return rh_arena_printf(list->arena, "%s %s", rh_catalog_name(table, list->arena),
                               rh_unsupported_text(table->unsupported));
    if (!key)
        return "it has no primary key of one column to track the batches by";
    if (table->row_security)
        return "row-level security may hide rows from the batches";
    for (size_t i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i].name, "batch_from") == 0 ||
            strcasecmp(table->columns[i].name, "batch_to") == 0)
            return "a column of the table has a name that the batches use";
    return fired(list, table, false);
}

const char *rh_safer_no_fill(const rh_safer_list *list, const rh_catalog_table *table)
{
    const char *why = rh_safer_no_batches(list, table);
    if (!why && table->unsupported)
        why = rh_arena_printf(list->arena, "%s %s", rh_catalog_name(table, list->arena),
                              rh_unsupported_text(table->unsupported));
    return why ? why : fired(list, table, true);
}

/* ---- batches ---- */

void rh_safer_fill(rh_safer_list *list, const char *rule, const rh_catalog_table *table, const char *name,
                   const char *called, const char *verb, const char *condition)
{
    rh_arena *arena = list->arena;
    const char *key = rh_identifier(rh_catalog_key_column(table), arena);
    condition = condition ? rh_arena_printf(arena, "(%s) AND ", condition) : "";
    rh_safer_step *step =
        rh_safer_add(list, rule,
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
                     name, key, name, key, key, name, key, key, name, key, ROWS, verb, condition, called, key,
                     key, name, key);
    step->alone = true;
    step->note = "If it stops half-way, run it again from here: repeating a batch changes nothing.";
}

/* ---- UPDATE, DELETE ---- */

static bool mentions(rh_json *node, void *column)
{
    const char *name = rh_tree_last_name(rh_json_path(node, "ColumnRef.fields"));
    return name && strcmp(name, *(const char *const *)column) == 0;
}

/* The clock or the transaction, which differ from batch to batch. */
static bool reads_transaction_time(rh_json *node, void *nothing)
{
    static const char *const functions[] = {
        "now", "transaction_timestamp", "statement_timestamp", "txid_current", "pg_current_xact_id", "age",
        NULL};
    static const char *const users[] = {
        "SVFOP_CURRENT_ROLE",    "SVFOP_CURRENT_USER",   "SVFOP_USER", "SVFOP_SESSION_USER",
        "SVFOP_CURRENT_CATALOG", "SVFOP_CURRENT_SCHEMA", NULL};
    (void)nothing;
    const char *function = rh_tree_last_name(rh_json_path(node, "FuncCall.funcname"));
    const char *value = rh_json_string(rh_json_path(node, "SQLValueFunction.op"));
    return (function && rh_is_one_of(function, functions)) || (value && !rh_is_one_of(value, users));
}

/* A batch that failed half-way is run again: a row must come to the same when it is changed twice. */
static bool may_repeat(rh_json *targets)
{
    for (size_t i = 0; i < rh_json_count(targets); i++) {
        const char *column = rh_json_string(rh_json_path(rh_json_at(targets, i), "ResTarget.name"));
        for (size_t k = 0; column && k < rh_json_count(targets); k++)
            if (rh_json_visit(rh_json_path(rh_json_at(targets, k), "ResTarget.val"), mentions, &column))
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
static bool reads(const rh_safer_list *list, rh_json *node, const char *name)
{
    rh_tree_range *ranges = NULL;
    size_t count = 0;
    rh_tree_ranges(node, list->arena, &ranges, &count);
    for (size_t i = 0; i < count; i++)
        if (rh_tree_is(ranges[i].range, "relname", name))
            return true;
    return false;
}

/* A view or a function of the user's may read the table that is changed. */
static const char *hides_reads(const rh_safer_list *list, rh_json *node)
{
    const char **calls = NULL;
    rh_tree_range *ranges = NULL;
    size_t call_count = 0, range_count = 0;
    rh_tree_calls(node, list->arena, &calls, &call_count);
    rh_tree_ranges(node, list->arena, &ranges, &range_count);
    for (size_t i = 0; i < list->catalog->other_count; i++) {
        const rh_catalog_object *o = &list->catalog->others[i];
        for (size_t k = 0; o->kind == RH_CATALOG_FUNCTION && k < call_count; k++)
            if (strcmp(calls[k], o->name) == 0)
                return rh_arena_printf(list->arena, "%s may read the table that is changed", o->what);
    }
    for (size_t i = 0; i < range_count; i++)
        if (!rh_catalog_table_of(list->catalog, ranges[i].range))
            return "it reads a relation that neither the backup nor the migrations define";
    return NULL;
}

/* COLUMN of the relation called CALLED is set equal to something of another relation, in every row. */
static bool is_joined(rh_json *condition, const char *called, const char *column, int depth)
{
    rh_json *both = rh_json_get(condition, "BoolExpr"), *expression = rh_json_get(condition, "A_Expr");
    for (size_t i = 0; depth < DEPTH && rh_tree_is(both, "boolop", "AND_EXPR") &&
                       i < rh_json_count(rh_json_get(both, "args"));
         i++)
        if (is_joined(rh_json_at(rh_json_get(both, "args"), i), called, column, depth + 1))
            return true;
    const char *op = rh_tree_last_name(rh_json_get(expression, "name"));
    if (!rh_tree_is(expression, "kind", "AEXPR_OP") || !op || strcmp(op, "=") != 0)
        return false;
    for (int side = 0; side < 2; side++) {
        rh_json *fields =
            rh_json_path(expression, side ? "rexpr.ColumnRef.fields" : "lexpr.ColumnRef.fields");
        rh_json *other = rh_json_path(expression, side ? "lexpr.ColumnRef.fields" : "rexpr.ColumnRef.fields");
        const char *of = rh_tree_name_at(fields, 0);
        const char *name = rh_tree_last_name(fields);
        const char *from = rh_tree_name_at(other, 0);
        if (rh_json_count(fields) == 2 && name && of && from && strcmp(of, called) == 0 &&
            strcmp(name, column) == 0 && rh_json_count(other) == 2 && strcmp(from, called) != 0)
            return true;
    }
    return false;
}

/* Each row finds at most one partner: the key of every table in FROM is joined. */
static bool has_one_partner(const rh_safer_list *list, rh_json *from, rh_json *where)
{
    if (rh_json_count(from) > 1)
        return false;
    for (size_t i = 0; i < rh_json_count(from); i++) {
        rh_json *range = rh_json_get(rh_json_at(from, i), "RangeVar");
        const rh_catalog_table *table = range ? rh_catalog_table_of(list->catalog, range) : NULL;
        const char *alias = rh_json_string(rh_json_path(range, "alias.aliasname"));
        bool unique = false;
        for (size_t k = 0; table && k < table->index_count && !unique; k++) {
            const rh_catalog_index *index = &table->indexes[k];
            unique = index->constraint != 0 && index->column_count > 0;
            for (size_t c = 0; c < index->column_count && unique; c++)
                unique = is_joined(where, alias ? alias : table->name, index->columns[c], 0);
        }
        if (!unique)
            return false;
    }
    return true;
}

/* What holds at the end of the statement need not hold at the end of each batch. */
static const char *is_checked_at_once(const rh_safer_list *list, const rh_catalog_table *table,
                                      rh_json *targets)
{
    for (size_t i = 0; i < table->constraint_count; i++) {
        const rh_catalog_constraint *c = &table->constraints[i];
        if (c->kind == 'f' && !targets && rh_catalog_find(list->catalog, c->schema, c->target) == table)
            return rh_arena_printf(list->arena,
                                   "foreign key %s refers to the table itself: a batch may leave rows "
                                   "without those that they refer to",
                                   c->name);
        if (rh_clauses_mention(c->definition, "deferrable", list->arena))
            return rh_arena_printf(list->arena, "constraint %s may be checked at the end of the transaction",
                                   c->name);
    }
    for (size_t i = 0; i < table->index_count; i++) {
        const rh_catalog_index *index = &table->indexes[i];
        const bool unique = index->constraint || strcasestr(index->sql ? index->sql : "", "unique");
        for (size_t k = 0; unique && k < rh_json_count(targets); k++) {
            const char *column = rh_json_string(rh_json_path(rh_json_at(targets, k), "ResTarget.name"));
            if (column && rh_catalog_index_uses(index, column, list->arena))
                return rh_arena_printf(list->arena, "it changes a column of the unique index %s",
                                       index->name);
        }
    }
    return NULL;
}

/* Why the statement is not the sum of its batches; NULL: it is. */
static const char *why_not(const rh_safer_list *list, const rh_catalog_table *table, rh_json *body)
{
    rh_json *targets = rh_json_get(body, "targetList"), *where = rh_json_get(body, "whereClause");
    rh_json *from = rh_json_get(body, "fromClause"), *using = rh_json_get(body, "usingClause");
    const char *name = rh_json_string(rh_json_path(body, "relation.relname"));
    const char *no_batches = rh_safer_no_batches(list, table);
    if (no_batches)
        return no_batches;
    if (rh_json_get(body, "withClause") || rh_json_get(body, "returningList"))
        return "its WITH or RETURNING covers all rows at once";
    if (targets && !may_repeat(targets))
        return "changing a row twice gives another result, so a batch could not be repeated";
    rh_json *parts[] = {targets, where, from, using};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *hidden = hides_reads(list, parts[i]);
        if (reads(list, parts[i], name))
            return "it reads the table that it changes: later batches would see what earlier ones did";
        if (hidden)
            return hidden;
        if (rh_json_visit(parts[i], reads_transaction_time, NULL))
            return "it uses the transaction's timestamp, which would differ from batch to batch";
    }
    if (from && !has_one_partner(list, from, where))
        return "several rows may match one that is changed, and which of them it takes could differ";
    if (sets(targets, rh_catalog_key_column(table)))
        return "it changes the primary key, which delimits the batches";
    return is_checked_at_once(list, table, targets);
}

bool rh_safer_batches(rh_safer_list *list, rh_json *body)
{
    if (!rh_safer_has(list->statement, "whole-table-update"))
        return false;
    rh_json *relation = rh_json_get(body, "relation");
    const rh_catalog_table *table = rh_catalog_table_of(list->catalog, relation);
    const char *sql = list->statement->sql;
    rh_sql_token *tokens = NULL;
    size_t count = 0, where = 0;
    int depth = 0;
    list->why = why_not(list, table, body);
    if (!list->why && strstr(sql, "$batches$"))
        list->why = "its text contains the dollar quote that the batches use";
    if (list->why || !rh_clauses_scan(sql, list->arena, &tokens, &count))
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
    const char *condition = where && where + 1 < count
                                ? rh_arena_strndup(list->arena, sql + tokens[where + 1].start,
                                                   tokens[count - 1].end - tokens[where + 1].start)
                                : NULL;
    rh_safer_fill(list, "whole-table-update", table, name, rh_identifier(alias ? alias : bare, list->arena),
                  verb, condition);
    rh_safer_step *step = &list->steps[list->count - 1];
    step->batch_table = rh_catalog_name(table, list->arena);
    step->batch_key = rh_catalog_key_column(table);
    step->batch = rh_arena_printf(
        list->arena, "%s\nWHERE %s%s%s%s.%s BETWEEN :from AND :to", verb, condition ? "(" : "",
        condition ? condition : "", condition ? "\n) AND " : "",
        rh_identifier(alias ? alias : bare, list->arena), rh_identifier(step->batch_key, list->arena));
    return true;
}
