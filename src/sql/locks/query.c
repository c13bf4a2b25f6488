/* Locks of queries and data changes, also on other tables by foreign keys, views and rules. */
#include "pgrehearse/sql/classify.h"
#include "locks.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <string.h>

enum { DEPTH = 32 }; /* views over views, rules of rules */

/* What a statement does to the rows of a table. */
typedef struct change {
    bool inserts, deletes;
    rh_json *columns;     /* that INSERT names; NULL: all */
    rh_json *assigned[2]; /* that UPDATE sets: its own list, and ON CONFLICT's or MERGE's */
} change;

static bool is_in(rh_json *targets, const char *column)
{
    for (size_t i = 0; i < rh_json_count(targets); i++)
        if (rh_tree_is(rh_json_get(rh_json_at(targets, i), "ResTarget"), "name", column))
            return true;
    return false;
}

static bool sets(const change *c, const char *column)
{
    return is_in(c->assigned[0], column) || is_in(c->assigned[1], column);
}

/* ---- foreign keys ---- */

/* KEY refers to TABLE, or to the partitioned table that it is a partition of. */
static bool refers_to(const rh_locks *l, const rh_catalog_constraint *key, const rh_catalog_table *table)
{
    if (key->kind != 'f')
        return false;
    if (rh_catalog_find(l->catalog, key->schema, key->target) == table)
        return true;
    for (size_t i = 0; table->is_partition && i < table->parent_count; i++)
        if (refers_to(l, key, table->parents[i]))
            return true;
    return false;
}

/* UPDATE sets a column that KEY refers to. */
static bool sets_key(const change *c, const rh_catalog_constraint *key, const rh_catalog_table *table)
{
    for (size_t i = 0; i < key->column_count; i++)
        if (sets(c, key->columns[i]))
            return true;
    for (size_t i = 0; key->column_count == 0 && i < table->index_count; i++)
        for (size_t k = 0; table->indexes[i].constraint == 'p' && k < table->indexes[i].column_count; k++)
            if (sets(c, table->indexes[i].columns[k]))
                return true;
    return false;
}

static void add_referencing(rh_locks *l, const rh_catalog_table *table, const change *c);

/* Rows that KEY of OTHER refers to are deleted, or get another key: ACTION. */
static void add_action(rh_locks *l, const rh_catalog_table *other, const rh_catalog_constraint *key,
                       char action)
{
    const bool only_checks = action == 'a' || action == 'r';
    rh_locks_add_table(l, other, only_checks ? RH_LOCK_ROW_SHARE : RH_LOCK_ROW_EXCLUSIVE,
                       only_checks ? "its foreign key is checked" : "its foreign key changes it, too");
    rh_locks_note_search(l, other, key);
    rh_locks_add_children(l, other, only_checks ? RH_LOCK_ROW_SHARE : RH_LOCK_ROW_EXCLUSIVE, true);
    if (action == 'd')
        rh_locks_add_referenced(l, other, NULL, RH_LOCK_ROW_SHARE);
    if (action == 'c' && !rh_locks_seen(l, key))
        add_referencing(l, other, &(change){.deletes = true});
}

static void add_referencing(rh_locks *l, const rh_catalog_table *table, const change *c)
{
    for (size_t i = 0; i < l->catalog->table_count; i++) {
        const rh_catalog_table *other = l->catalog->tables[i];
        for (size_t k = 0; !other->dropped && k < other->constraint_count; k++) {
            const rh_catalog_constraint *key = &other->constraints[k];
            if (!refers_to(l, key, table))
                continue;
            if (c->deletes)
                add_action(l, other, key, key->on_delete);
            if (sets_key(c, key, table))
                add_action(l, other, key, key->on_update);
        }
    }
    for (size_t i = 0; i < l->catalog->table_count && !rh_locks_full(l); i++) /* a partition's own */
        for (size_t k = 0; l->catalog->tables[i]->is_partition && k < l->catalog->tables[i]->parent_count;
             k++)
            if (l->catalog->tables[i]->parents[k] == table && !rh_locks_seen(l, l->catalog->tables[i]))
                add_referencing(l, l->catalog->tables[i], c);
}

/* The tables that the written rows refer to. */
static void add_looked_up(rh_locks *l, const rh_catalog_table *table, const change *c)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const rh_catalog_column *column = &table->columns[i];
        const bool written = c->inserts && (!c->columns || is_in(c->columns, column->name) || column->value);
        if (written || sets(c, column->name))
            rh_locks_add_referenced(l, table, column->name, RH_LOCK_ROW_SHARE);
    }
}

/* ---- views and rules ---- */

static void change_relation(rh_locks *l, rh_relation ref, const change *c, bool only, int depth);

static bool is_for(rh_json *rule, const change *c)
{
    return (c->inserts && rh_tree_is(rule, "event", "CMD_INSERT")) ||
           (c->deletes && rh_tree_is(rule, "event", "CMD_DELETE")) ||
           ((c->assigned[0] || c->assigned[1]) && rh_tree_is(rule, "event", "CMD_UPDATE"));
}

static void add_rules(rh_locks *l, rh_relation ref, const change *c, int depth)
{
    for (size_t i = 0; i < l->catalog->object_count && depth < DEPTH; i++) {
        const rh_catalog_object *o = &l->catalog->objects[i];
        if (o->dropped || o->kind != RH_CATALOG_RULE || !o->read_count ||
            !rh_relation_equal(o->reads[0], ref) || strlen(o->sql) > RH_PARSE_LIMIT || rh_locks_seen(l, o))
            continue;
        rh_json *tree = rh_sql_parse(o->sql, NULL), *rule = rh_tree_body(tree, "RuleStmt");
        if (is_for(rule, c))
            rh_locks_of_query(l, rh_json_get(rule, "actions"));
        rh_json_free(tree);
    }
}

/* A view over one table takes changes for it. */
static void change_view(rh_locks *l, const rh_catalog_object *view, const change *c, int depth)
{
    if (view->read_count == 1 && depth < DEPTH)
        change_relation(l, view->reads[0], c, false, depth + 1);
}

/* ---- what is changed, and what is read ---- */

static void change_relation(rh_locks *l, rh_relation ref, const change *c, bool only, int depth)
{
    const rh_catalog_table *table = rh_catalog_find(l->catalog, ref.schema, ref.name);
    const rh_catalog_object *view =
        table ? NULL : rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_VIEW, ref.schema, ref.name);
    rh_locks_add_ref(l, ref, RH_LOCK_ROW_EXCLUSIVE, depth ? "the view is on it" : NULL);
    if (view) {
        add_rules(l, (rh_relation){view->schema, view->name}, c, depth);
        change_view(l, view, c, depth);
    }
    if (!table)
        return;
    if (!only)
        rh_locks_add_children(l, table, RH_LOCK_ROW_EXCLUSIVE, !c->deletes && !c->assigned[0]);
    add_rules(l, (rh_relation){table->schema, table->name}, c, depth);
    if (l->plans_only)
        return;
    add_looked_up(l, table, c);
    if (c->deletes || c->assigned[0] || c->assigned[1])
        add_referencing(l, table, c);
}

static change change_of(const rh_tree_range *range)
{
    rh_json *body = range->change, *clauses = rh_json_get(body, "mergeWhenClauses");
    const bool insert = strcmp(range->changed_by, "InsertStmt") == 0;
    change c = {.inserts = insert,
                .deletes = strcmp(range->changed_by, "DeleteStmt") == 0,
                .columns = insert ? rh_json_get(body, "cols") : NULL};
    if (strcmp(range->changed_by, "UpdateStmt") == 0)
        c.assigned[0] = rh_json_get(body, "targetList");
    if (insert)
        c.assigned[1] = rh_json_path(body, "onConflictClause.targetList");
    for (size_t i = 0; i < rh_json_count(clauses); i++) {
        rh_json *clause = rh_json_get(rh_json_at(clauses, i), "MergeWhenClause");
        c.deletes |= rh_tree_is(clause, "commandType", "CMD_DELETE");
        c.inserts |= rh_tree_is(clause, "commandType", "CMD_INSERT");
        if (rh_tree_is(clause, "commandType", "CMD_UPDATE")) {
            c.assigned[1] = c.assigned[0];
            c.assigned[0] = rh_json_get(clause, "targetList");
        }
    }
    return c;
}

/* FOR UPDATE of a view locks rows of what it reads. */
static void read_relation(rh_locks *l, rh_relation ref, rh_lock_mode mode, int depth)
{
    rh_locks_add_ref(l, ref, mode, depth ? "the view reads it" : NULL);
    if (mode != RH_LOCK_ROW_SHARE)
        return;
    const rh_catalog_object *view =
        rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_VIEW, ref.schema, ref.name);
    rh_locks_add_children(l, rh_catalog_find(l->catalog, ref.schema, ref.name), mode, false);
    for (size_t i = 0; view && depth < DEPTH && i < view->read_count; i++)
        read_relation(l, view->reads[i], mode, depth + 1);
}

void rh_locks_of_query(rh_locks *l, rh_json *node)
{
    rh_tree_range *ranges = NULL;
    size_t count = 0;
    rh_tree_ranges(node, l->arena, &ranges, &count);
    for (size_t i = 0; i < count; i++) /* what is changed before what is read */
        if (ranges[i].changed_by)
            rh_locks_add_ref(l, rh_catalog_range_ref(ranges[i].range), RH_LOCK_ROW_EXCLUSIVE, NULL);
    for (size_t i = 0; i < count; i++) {
        const change c = ranges[i].changed_by ? change_of(&ranges[i]) : (change){0};
        const rh_relation ref = rh_catalog_range_ref(ranges[i].range);
        if (ranges[i].changed_by)
            change_relation(l, ref, &c, !rh_json_bool(rh_json_get(ranges[i].range, "inh")), 0);
        else
            read_relation(l, ref, ranges[i].locked ? RH_LOCK_ROW_SHARE : RH_LOCK_ACCESS_SHARE, 0);
    }
}
