/* Hazards of UPDATE and DELETE of all rows; statements whose duration grows with the table. */
#include "subject.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* Every condition joins a table to another one, or asks for what is not filled yet: nothing picks some rows
 * out. */
static bool picks_none(rh_json *condition, int depth)
{
    rh_json *both = rh_json_get(condition, "BoolExpr"), *expression = rh_json_get(condition, "A_Expr");
    if (rh_tree_is(rh_json_get(condition, "NullTest"), "nulltesttype", "IS_NULL"))
        return true;
    if (expression)
        return rh_tree_is(expression, "kind", "AEXPR_OP") && rh_json_path(expression, "lexpr.ColumnRef") &&
               rh_json_path(expression, "rexpr.ColumnRef");
    bool none = depth < 200 && rh_tree_is(both, "boolop", "AND_EXPR");
    for (size_t i = 0; none && i < rh_json_count(rh_json_get(both, "args")); i++)
        none = picks_none(rh_json_at(rh_json_get(both, "args"), i), depth + 1);
    return none;
}

/* WHERE true, WHERE 1 = 1: written so that a tool lets the statement pass. */
static bool picks_all(rh_json *condition, rh_arena *arena)
{
    rh_json *expression = rh_json_get(condition, "A_Expr");
    const char *left = rh_tree_constant(rh_json_get(expression, "lexpr"), arena),
               *right = rh_tree_constant(rh_json_get(expression, "rexpr"), arena),
               *equals = rh_tree_last_name(rh_json_get(expression, "name"));
    if (left && right)
        return equals && strcmp(equals, "=") == 0 && strcmp(left, right) == 0;
    return rh_json_bool(rh_json_path(condition, "A_Const.boolval.boolval"));
}

static void change_hazard(const rh_hazard_subject *s, rh_json *body, const char *verb, const char *table)
{
    rh_json *where = rh_json_get(body, "whereClause");
    where = picks_all(where, s->arena) ? NULL : where;
    const bool joined = rh_json_get(body, "fromClause") || rh_json_get(body, "usingClause");
    const bool backfill =
        where && !joined && rh_tree_is(rh_json_get(where, "NullTest"), "nulltesttype", "IS_NULL");
    if (where && !backfill && !(joined && picks_none(where, 0)))
        return;
    RH_HAZARD(s, "whole-table-update",
              rh_arena_printf(s->arena,
                              "%s touches %s of %s in one transaction: their locks are held, and their old "
                              "versions kept, until the end; "
                              "replicas lag behind it.",
                              verb,
                              backfill ? "every row that is still NULL"
                              : where  ? "every row that has a partner"
                                       : "every row",
                              table),
              rh_arena_printf(s->arena,
                              "%s %s in batches of some thousand rows by a range of the primary key, each "
                              "committed, with a pause between.",
                              verb, table));
}

/* MERGE … WHEN MATCHED THEN UPDATE or DELETE without a condition. */
static void merge_hazard(const rh_hazard_subject *s, rh_json *body, const char *table)
{
    rh_json *clauses = rh_json_get(body, "mergeWhenClauses");
    for (size_t i = 0; i < rh_json_count(clauses); i++) {
        rh_json *clause = rh_json_get(rh_json_at(clauses, i), "MergeWhenClause");
        const bool changes = rh_tree_is(clause, "commandType", "CMD_UPDATE") ||
                             rh_tree_is(clause, "commandType", "CMD_DELETE");
        if (!changes || !rh_json_bool(rh_json_get(clause, "matched")) || rh_json_get(clause, "condition"))
            continue;
        RH_HAZARD(
            s, "whole-table-update",
            rh_arena_printf(
                s->arena,
                "MERGE changes every row of %s that has a partner in one transaction: their locks are held, and "
                "their old versions kept, until the end; replicas lag behind it.",
                table),
            rh_arena_printf(
                s->arena,
                "MERGE INTO %s in batches of some thousand rows by a range of the primary key, each committed, "
                "with a pause between.",
                table));
        return;
    }
}

/* NODE has a change of rows; also WITH x AS (UPDATE …) is one. */
static bool find_change(rh_json *node, void *subject)
{
    static const char *const kinds[] = {"UpdateStmt", "DeleteStmt", "MergeStmt"};
    const rh_hazard_subject *s = subject;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        rh_json *change = rh_json_get(node, kinds[i]), *relation = rh_json_get(change, "relation");
        if (!change)
            continue;
        const rh_catalog_table *table = rh_catalog_table_of(s->context->catalog, relation);
        const bool unused =
            table && (table->is_new || strcmp(table->schema, "pg_temp") == 0 || rh_catalog_is_small(table));
        const char *name = table ? rh_catalog_name(table, s->arena) : rh_tree_relation(relation, s->arena);
        if (unused && !(s->context->is_down && table->is_new))
            name = NULL;
        if (name && kinds[i][0] == 'M')
            merge_hazard(s, change, name);
        else if (name)
            change_hazard(s, change, kinds[i][0] == 'U' ? "UPDATE" : "DELETE", name);
    }
    return false;
}

/* WHERE key = value, for the whole primary key of TABLE. */
static bool is_one_row(rh_json *body, const rh_catalog_table *table)
{
    rh_json *test = rh_json_path(body, "whereClause.A_Expr");
    const char *key = table ? rh_catalog_key_column(table) : NULL;
    const char *column = rh_tree_last_name(rh_json_path(test, "lexpr.ColumnRef.fields"));
    return key && column && strcmp(key, column) == 0 && rh_tree_is(test, "kind", "AEXPR_OP") &&
           strcmp(rh_tree_name_at(rh_json_get(test, "name"), 0), "=") == 0 &&
           rh_json_path(test, "rexpr.A_Const");
}

/* Tables that are read from end to end for each row that goes. */
static void unindexed_key_hazards(const rh_hazard_subject *s)
{
    for (size_t i = 0; i < s->statement->expected_lock_count; i++) {
        const rh_expected_lock *lock = &s->statement->expected_locks[i];
        if (lock->unindexed)
            RH_HAZARD(s, "foreign-key-without-index",
                      rh_arena_printf(s->arena,
                                      "For each row of %s that this deletes or gives another key, the server "
                                      "reads all of %s to find the rows that refer to it: no index begins "
                                      "with %s. The locks of the rows are held meanwhile.",
                                      s->table, lock->relation, lock->unindexed),
                      rh_arena_printf(
                          s->arena, "CREATE INDEX CONCURRENTLY ON %s (%s) before it, outside a transaction.",
                          lock->relation, lock->unindexed));
    }
}

void rh_hazards_of_changes(const rh_hazard_subject *s, rh_json *tree)
{
    const rh_statement_class class_ = s->statement->class_;
    rh_hazard_subject subject = *s;
    if (class_ == RH_CLASS_DATA_CHANGE || class_ == RH_CLASS_BACKFILL_BATCH)
        rh_json_visit(tree, find_change, &subject);
    rh_json *body;
    if (rh_tree_kind(tree, &body) && !is_one_row(body, s->definition))
        unindexed_key_hazards(s);
}

/* ---- how long it works ---- */

/* INSERT … VALUES of a page of rows, or of what a query without tables gives. */
static bool is_short_insert(rh_json *body)
{
    enum { FEW = 1000 };
    rh_json *query = rh_json_path(body, "selectStmt.SelectStmt");
    const size_t rows = rh_json_count(rh_json_get(query, "valuesLists"));
    return !query || (rows && rows <= FEW) ||
           (!rows && !rh_json_get(query, "fromClause") && !rh_json_get(query, "larg"));
}

/* A query that reads no table, or only new and empty ones. */
static bool reads_little(const rh_catalog *catalog, rh_json *tree)
{
    rh_arena *scratch = rh_arena_new();
    rh_tree_range *ranges = NULL;
    size_t count = 0;
    bool little = true;
    rh_tree_ranges(tree, scratch, &ranges, &count);
    for (size_t i = 0; i < count; i++)
        little &= rh_catalog_is_small(rh_catalog_table_of(catalog, ranges[i].range));
    rh_arena_free(scratch);
    return little;
}

bool rh_hazards_works_long(const rh_catalog *catalog, const rh_statement *statement, rh_json *tree)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    rh_arena *scratch = rh_arena_new();
    const rh_catalog_table *table = rh_hazards_changed_table(catalog, statement, tree, scratch);
    rh_arena_free(scratch);
    switch (statement->class_) {
    case RH_CLASS_HEAP_SCAN:
    case RH_CLASS_REWRITE:
    case RH_CLASS_INDEX_BUILD:
    case RH_CLASS_VALIDATION:
    case RH_CLASS_FOREIGN_KEY:
        return !rh_catalog_is_small(table);
    case RH_CLASS_MAINTENANCE:
        return kind && statement->expected_lock && statement->expected_lock >= RH_LOCK_SHARE &&
               !rh_catalog_is_small(table);
    case RH_CLASS_BACKFILL_BATCH:
    case RH_CLASS_DATA_CHANGE:
        if (kind && strcmp(kind, "InsertStmt") == 0)
            return !is_short_insert(body);
        if (kind && strcmp(kind, "CreateTableAsStmt") == 0)
            return !rh_json_bool(rh_json_path(body, "into.skipData")) &&
                   !reads_little(catalog, rh_json_get(body, "query"));
        return !rh_catalog_is_small(table) && !(kind && is_one_row(body, table));
    default:
        return false;
    }
}
