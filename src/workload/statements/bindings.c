/* Walks a statement's parse tree: each clause with the tables that it sees. */
#include "binding_expressions.h"
#include "bindings.h"
#include "bindings_scope.h"
#include <string.h>

static void visit(mix_walk *walk, rh_json *node);

static void visit_with(mix_walk *walk, rh_json *with)
{
    rh_json *list = rh_json_get(with, "ctes");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        rh_json *cte = rh_json_get(rh_json_at(list, i), "CommonTableExpr");
        rh_mix_add_cte(walk, cte);
        visit(walk, rh_json_get(cte, "ctequery"));
    }
}

static void visit_limit(mix_walk *walk, rh_json *node, mix_bind_kind kind)
{
    int ignored = 0;
    rh_mix_bind_parameter(walk, rh_mix_param_number(rh_mix_bare_operand(node, &ignored)),
                          (mix_binding){.kind = kind});
    visit(walk, node);
}

static void visit_select(mix_walk *walk, rh_json *select)
{
    static const char *const parts[] = {
        "targetList",   "fromClause",  "whereClause", "groupClause",    "havingClause",
        "windowClause", "valuesLists", "sortClause",  "distinctClause", NULL};
    if (!select)
        return;
    mix_scope *outer = walk->scope;
    visit_with(walk, rh_json_get(select, "withClause"));
    rh_mix_open_scope(walk);
    rh_mix_add_from(walk, rh_json_get(select, "fromClause"));
    for (const char *const *part = parts; *part; part++)
        visit(walk, rh_json_get(select, *part));
    if (walk->depth == 1 && rh_json_get(select, "limitCount"))
        walk->statement->limited = true;
    visit_limit(walk, rh_json_get(select, "limitCount"), MIX_BIND_LIMIT);
    visit_limit(walk, rh_json_get(select, "limitOffset"), MIX_BIND_OFFSET);
    if (rh_json_count(rh_json_get(select, "lockingClause")) > 0)
        walk->statement->writes = true;
    visit_select(walk, rh_json_get(select, "larg"));
    visit_select(walk, rh_json_get(select, "rarg"));
    walk->scope = outer;
}

/* Value NODE goes into COLUMN of the target. Returns n when it is $n itself. */
static int assign(mix_walk *walk, rh_json *node, size_t column, mix_bind_kind kind, size_t element)
{
    int ignored = 0, direct = rh_mix_param_number(node);
    rh_json *value = rh_mix_bare_operand(node, &ignored), *cases = rh_json_path(value, "CoalesceExpr.args");
    mix_binding binding = {.kind = kind,
                           .table = walk->statement->table,
                           .column = column,
                           .entry = walk->scope->entries ? walk->scope->entries[0].number : 0,
                           .element = element};
    int number = rh_mix_param_number(value);
    if (!direct && rh_json_get(node, "TypeCast"))
        direct = rh_mix_param_number(rh_json_path(node, "TypeCast.arg"));
    if (walk->statement->table && column < walk->statement->table->column_count) {
        rh_mix_bind_parameter(walk, number, binding);
        for (size_t i = 0; i < rh_json_count(cases); i++)
            rh_mix_bind_parameter(walk, rh_mix_param_number(rh_json_at(cases, i)), binding);
    }
    visit(walk, node);
    return direct;
}

/* SET column = value, …; also (a, b) = ROW (…). */
static void visit_assignments(mix_walk *walk, rh_json *list)
{
    for (size_t i = 0; i < rh_json_count(list); i++) {
        rh_json *target = rh_json_get(rh_json_at(list, i), "ResTarget"), *value = rh_json_get(target, "val");
        rh_json *multiple = rh_json_get(value, "MultiAssignRef");
        if (multiple) {
            int64_t column = rh_json_int(rh_json_get(multiple, "colno"));
            rh_json *row = rh_json_path(multiple, "source.RowExpr.args");
            if (column >= 1 && (size_t)column <= rh_json_count(row))
                value = rh_json_at(row, (size_t)column - 1);
        }
        assign(walk, value,
               rh_mix_column_named(walk->statement->table, rh_json_string(rh_json_get(target, "name"))),
               MIX_BIND_SET, 0);
    }
}

static void open_target(mix_walk *walk, rh_json *statement)
{
    visit_with(walk, rh_json_get(statement, "withClause"));
    rh_mix_open_scope(walk);
    const mix_table *target = rh_mix_add_relation(walk, rh_json_get(statement, "relation"));
    if (walk->depth == 1)
        walk->statement->table = target;
}

static void inserted_columns(mix_walk *walk, rh_json *insert)
{
    mix_statement *s = walk->statement;
    rh_json *names = rh_json_get(insert, "cols");
    size_t count = names ? rh_json_count(names) : s->table ? s->table->column_count : 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = rh_json_string(rh_json_path(rh_json_at(names, i), "ResTarget.name"));
        *rh_arena_add(walk->arena, &s->inserted.index, &s->inserted.count) =
            names ? rh_mix_column_named(s->table, name) : i;
    }
}

static void visit_insert(mix_walk *walk, rh_json *insert)
{
    mix_statement *s = walk->statement;
    mix_scope *outer = walk->scope;
    open_target(walk, insert);
    bool top = walk->depth == 1;
    if (top)
        inserted_columns(walk, insert);
    rh_json *select = rh_json_path(insert, "selectStmt.SelectStmt"),
            *rows = rh_json_get(select, "valuesLists");
    rh_json *list = rows ? NULL : rh_json_get(select, "targetList");
    for (size_t r = 0; top && r < rh_json_count(rows); r++) {
        rh_json *values = rh_json_path(rh_json_at(rows, r), "List.items");
        int **row = rh_arena_add(walk->arena, &s->values, &s->value_rows);
        *row = rh_arena_alloc(walk->arena, (s->inserted.count + 1) * sizeof **row);
        for (size_t c = 0; c < rh_json_count(values) && c < s->inserted.count; c++)
            (*row)[c] = assign(walk, rh_json_at(values, c), s->inserted.index[c], MIX_BIND_INSERT, r);
    }
    for (size_t c = 0; top && c < rh_json_count(list) && c < s->inserted.count; c++)
        assign(walk, rh_json_path(rh_json_at(list, c), "ResTarget.val"), s->inserted.index[c],
               MIX_BIND_INSERT, 0);
    visit_select(walk, select);
    rh_json *conflict = rh_json_get(insert, "onConflictClause");
    if (!top)
        visit(walk, conflict);
    else if (conflict) {
        const char *action = rh_json_string(rh_json_get(conflict, "action"));
        bool nothing = action && strcmp(action, "ONCONFLICT_NOTHING") == 0;
        s->conflict = nothing ? MIX_CONFLICT_NOTHING : MIX_CONFLICT_UPDATE;
        visit_assignments(walk, rh_json_get(conflict, "targetList"));
        visit(walk, rh_json_get(conflict, "whereClause"));
    }
    visit(walk, rh_json_get(insert, "returningList"));
    walk->scope = outer;
}

/* UPDATE, DELETE and MERGE. */
static void visit_change(mix_walk *walk, rh_json *change)
{
    mix_scope *outer = walk->scope;
    open_target(walk, change);
    rh_mix_add_from(walk, rh_json_get(change, "fromClause"));
    rh_mix_add_from(walk, rh_json_get(change, "usingClause"));
    rh_mix_add_from_item(walk, rh_json_get(change, "sourceRelation"));
    if (walk->depth == 1) {
        walk->statement->where = rh_json_get(change, "whereClause") != NULL;
        visit_assignments(walk, rh_json_get(change, "targetList"));
    }
    static const char *const parts[] = {"fromClause",       "usingClause",   "sourceRelation",
                                        "joinCondition",    "targetList",    "whereClause",
                                        "mergeWhenClauses", "returningList", NULL};
    for (const char *const *part = parts; *part; part++)
        visit(walk, rh_json_get(change, *part));
    walk->scope = outer;
}

/* A node that opens a scope of its own, and so is walked by its own function. */
static bool visit_statement(mix_walk *walk, const char *key, rh_json *value)
{
    bool insert = strcmp(key, "InsertStmt") == 0, select = strcmp(key, "SelectStmt") == 0;
    if (!insert && !select && strcmp(key, "UpdateStmt") != 0 && strcmp(key, "DeleteStmt") != 0 &&
        strcmp(key, "MergeStmt") != 0)
        return false;
    walk->depth++;
    walk->statement->writes = walk->statement->writes || !select;
    if (select)
        visit_select(walk, value);
    else if (insert)
        visit_insert(walk, value);
    else
        visit_change(walk, value);
    walk->depth--;
    return true;
}

/* Everything below NODE. */
static void visit(mix_walk *walk, rh_json *node)
{
    if (rh_json_is_array(node))
        for (size_t i = 0; i < rh_json_count(node); i++)
            visit(walk, rh_json_at(node, i));
    if (!rh_json_is_object(node))
        return;
    if (rh_mix_param_number(node))
        rh_mix_parameter(walk, rh_mix_param_number(node));
    void *at = NULL;
    rh_json *value;
    for (const char *key; (key = rh_json_each(node, &at, &value));) {
        if (visit_statement(walk, key, value))
            continue;
        if (strcmp(key, "A_Expr") == 0)
            rh_mix_visit_operator(walk, value);
        else if (strcmp(key, "FuncCall") == 0)
            rh_mix_visit_call(walk, value);
        visit(walk, value);
    }
}

static mix_statement_kind statement_kind(rh_json *root)
{
    static const struct {
        const char *node;
        mix_statement_kind kind;
    } kinds[] = {{"SelectStmt", MIX_STATEMENT_SELECT}, {"InsertStmt", MIX_STATEMENT_INSERT},
                 {"UpdateStmt", MIX_STATEMENT_UPDATE}, {"DeleteStmt", MIX_STATEMENT_DELETE},
                 {"MergeStmt", MIX_STATEMENT_MERGE},   {"TransactionStmt", MIX_STATEMENT_TRANSACTION}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (rh_json_get(root, kinds[i].node))
            return rh_json_get(rh_json_get(root, kinds[i].node), "intoClause") ? MIX_STATEMENT_UTILITY
                                                                               : kinds[i].kind;
    return MIX_STATEMENT_UTILITY;
}

bool rh_mix_bind(const char *sql, const mix_table *tables, size_t table_count, rh_arena *arena,
                 mix_statement *statement, rh_error *error)
{
    *statement = (mix_statement){0};
    rh_json *root = rh_sql_parse(sql, error);
    if (!root)
        return false;
    mix_walk walk = {.arena = arena, .tables = tables, .table_count = table_count, .statement = statement};
    statement->kind = statement_kind(root);
    if (statement->kind < MIX_STATEMENT_TRANSACTION) {
        visit(&walk, root);
        if (!statement->table)
            statement->table = walk.first;
    }
    rh_json_free(root);
    return true;
}
