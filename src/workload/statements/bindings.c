#include "bindings.h"
#include "bindings_scope.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* ---- small readers of the tree ---- */

static rh_json *member(rh_json *node, const char *name)
{
    return rh_json_get(node, name);
}

static int param_number(rh_json *node)
{
    int64_t number = rh_json_int(member(member(node, "ParamRef"), "number"));
    return number > 0 && number <= MIX_MAX_PARAMETERS ? (int)number : 0;
}

/* The last part of a qualified name: of a function or an operator. */
static const char *last_name(rh_json *list)
{
    size_t count = rh_json_count(list);
    const char *name = count ? rh_tree_name_at(list, count - 1) : NULL;
    return name ? name : "";
}

/* An operand without casts, collations and lower() or upper(), which LETTERS tells of. */
static rh_json *bare(rh_json *node, int *letters)
{
    for (;;) {
        rh_json *inner = member(member(node, "TypeCast"), "arg"), *call = member(node, "FuncCall");
        if (!inner)
            inner = member(member(node, "CollateClause"), "arg");
        const char *function = last_name(member(call, "funcname"));
        bool lower = strcmp(function, "lower") == 0, upper = strcmp(function, "upper") == 0;
        if (!inner && (lower || upper) && rh_json_count(member(call, "args")) == 1) {
            inner = rh_json_at(member(call, "args"), 0);
            *letters = lower ? MIX_CASE_LOWER : MIX_CASE_UPPER;
        }
        if (!inner)
            return node;
        node = inner;
    }
}

/* ---- binding ---- */

/* The one that restricts the values most wins, where $n is in several places. */
static int strength(mix_bind_kind kind)
{
    static const int strengths[] = {
        [MIX_BIND_NONE] = 0,    [MIX_BIND_EQUAL] = 9, [MIX_BIND_OTHER] = 3, [MIX_BIND_ANY] = 8,
        [MIX_BIND_LOW] = 6,     [MIX_BIND_HIGH] = 6,  [MIX_BIND_SET] = 4,   [MIX_BIND_PATTERN] = 5,
        [MIX_BIND_INSERT] = 10, [MIX_BIND_LIMIT] = 7, [MIX_BIND_STEP] = 2,  [MIX_BIND_OFFSET] = 7};
    return strengths[kind];
}

static mix_binding *parameter(mix_walk *walk, int number)
{
    mix_statement *s = walk->statement;
    while (s->parameter_count < (size_t)number)
        rh_arena_add(walk->arena, &s->parameters, &s->parameter_count);
    return &s->parameters[number - 1];
}

static void bind(mix_walk *walk, int number, mix_binding binding)
{
    mix_binding *slot = number ? parameter(walk, number) : NULL;
    if (slot && strength(binding.kind) > strength(slot->kind))
        *slot = binding;
}

/* COLUMN meets the parameter in NODE, as KIND; false when these are not a column and a parameter. */
static bool meet(mix_walk *walk, rh_json *column, rh_json *node, mix_bind_kind kind, size_t element)
{
    int letters = MIX_CASE_AS_IS, ignored = 0;
    column = bare(column, &letters);
    int number = param_number(bare(node, &ignored));
    mix_binding binding = {.kind = kind, .element = element};
    if (!number || !rh_mix_find_column(walk, member(column, "ColumnRef"), &binding))
        return false;
    binding.letters = letters;
    bind(walk, number, binding);
    return true;
}

static bool is_any_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* What $n in "column OPERATOR $n" is. */
static mix_bind_kind kind_of(const char *operator)
{
    static const char *const equal[] = {"=", "@>", "<@", "&&", NULL}, *const other[] = {"<>", "!=", NULL},
                             *const low[] = {">", ">=", NULL}, *const high[] = {"<", "<=", NULL},
                             *const step[] = {"+", "-", "*", "/", "%", NULL},
                             *const pattern[] = {"~~", "~~*", "!~~", "!~~*", NULL};
    return is_any_of(operator, equal)     ? MIX_BIND_EQUAL
           : is_any_of(operator, other)   ? MIX_BIND_OTHER
           : is_any_of(operator, low)     ? MIX_BIND_LOW
           : is_any_of(operator, high)    ? MIX_BIND_HIGH
           : is_any_of(operator, step)    ? MIX_BIND_STEP
           : is_any_of(operator, pattern) ? MIX_BIND_PATTERN
                                          : MIX_BIND_NONE;
}

static mix_bind_kind flipped(mix_bind_kind kind)
{
    return kind == MIX_BIND_LOW ? MIX_BIND_HIGH : kind == MIX_BIND_HIGH ? MIX_BIND_LOW : kind;
}

/* "left OPERATOR right", either way round; rows pair by pair. */
static void compare(mix_walk *walk, rh_json *left, rh_json *right, mix_bind_kind kind, size_t element)
{
    rh_json *a = rh_json_path(left, "RowExpr.args"), *b = rh_json_path(right, "RowExpr.args");
    if (a && b) {
        for (size_t i = 0; i < rh_json_count(a) && i < rh_json_count(b); i++)
            compare(walk, rh_json_at(a, i), rh_json_at(b, i), kind, element);
        return;
    }
    if (kind != MIX_BIND_NONE && !meet(walk, left, right, kind, element))
        meet(walk, right, left, flipped(kind), element);
}

static void compare_each(mix_walk *walk, rh_json *left, rh_json *items, mix_bind_kind kind)
{
    for (size_t i = 0; i < rh_json_count(items); i++)
        compare(walk, left, rh_json_at(items, i), kind, i);
}

static void visit_operator(mix_walk *walk, rh_json *expression)
{
    const char *kind = rh_json_string(member(expression, "kind")),
               *name = last_name(member(expression, "name"));
    rh_json *left = member(expression, "lexpr"), *right = member(expression, "rexpr");
    rh_json *items = rh_json_path(right, "List.items");
    int ignored = 0;
    if (!kind)
        return;
    if (strstr(kind, "BETWEEN")) {
        compare(walk, left, rh_json_at(items, 0), MIX_BIND_LOW, 0);
        compare(walk, left, rh_json_at(items, 1), MIX_BIND_HIGH, 0);
    } else if (strcmp(kind, "AEXPR_IN") == 0) {
        compare_each(walk, left, items, MIX_BIND_EQUAL);
    } else if (strcmp(kind, "AEXPR_OP_ANY") == 0 || strcmp(kind, "AEXPR_OP_ALL") == 0) {
        rh_json *elements = rh_json_path(bare(right, &ignored), "A_ArrayExpr.elements");
        if (elements)
            compare_each(walk, left, elements, kind_of(name));
        else
            meet(walk, left, right, MIX_BIND_ANY, 0);
    } else if (strcmp(kind, "AEXPR_LIKE") == 0 || strcmp(kind, "AEXPR_ILIKE") == 0) {
        meet(walk, left, right, MIX_BIND_PATTERN, 0);
    } else if (strstr(kind, "DISTINCT")) {
        compare(walk, left, right, MIX_BIND_EQUAL, 0);
    } else {
        compare(walk, left, right, kind_of(name), 0);
    }
}

/* ---- statements ---- */

static void visit(mix_walk *walk, rh_json *node);

static void visit_with(mix_walk *walk, rh_json *with)
{
    rh_json *list = member(with, "ctes");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        rh_json *cte = member(rh_json_at(list, i), "CommonTableExpr");
        rh_mix_add_cte(walk, cte);
        visit(walk, member(cte, "ctequery"));
    }
}

static void visit_limit(mix_walk *walk, rh_json *node, mix_bind_kind kind)
{
    int ignored = 0;
    bind(walk, param_number(bare(node, &ignored)), (mix_binding){.kind = kind});
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
    visit_with(walk, member(select, "withClause"));
    rh_mix_open_scope(walk);
    rh_mix_add_from(walk, member(select, "fromClause"));
    for (const char *const *part = parts; *part; part++)
        visit(walk, member(select, *part));
    if (walk->depth == 1 && member(select, "limitCount"))
        walk->statement->limited = true;
    visit_limit(walk, member(select, "limitCount"), MIX_BIND_LIMIT);
    visit_limit(walk, member(select, "limitOffset"), MIX_BIND_OFFSET);
    if (rh_json_count(member(select, "lockingClause")) > 0)
        walk->statement->writes = true;
    visit_select(walk, member(select, "larg"));
    visit_select(walk, member(select, "rarg"));
    walk->scope = outer;
}

/* Value NODE goes into COLUMN of the target. Returns n when it is $n itself. */
static int assign(mix_walk *walk, rh_json *node, size_t column, mix_bind_kind kind, size_t element)
{
    int ignored = 0, direct = param_number(node);
    rh_json *value = bare(node, &ignored), *cases = rh_json_path(value, "CoalesceExpr.args");
    mix_binding binding = {.kind = kind,
                           .table = walk->statement->table,
                           .column = column,
                           .entry = walk->scope->entries ? walk->scope->entries[0].number : 0,
                           .element = element};
    int number = param_number(value);
    if (!direct && member(node, "TypeCast"))
        direct = param_number(rh_json_path(node, "TypeCast.arg"));
    if (walk->statement->table && column < walk->statement->table->column_count) {
        bind(walk, number, binding);
        for (size_t i = 0; i < rh_json_count(cases); i++)
            bind(walk, param_number(rh_json_at(cases, i)), binding);
    }
    visit(walk, node);
    return direct;
}

/* SET column = value, …; also (a, b) = ROW (…). */
static void visit_assignments(mix_walk *walk, rh_json *list)
{
    for (size_t i = 0; i < rh_json_count(list); i++) {
        rh_json *target = member(rh_json_at(list, i), "ResTarget"), *value = member(target, "val");
        rh_json *multiple = member(value, "MultiAssignRef");
        if (multiple) {
            int64_t column = rh_json_int(member(multiple, "colno"));
            rh_json *row = rh_json_path(multiple, "source.RowExpr.args");
            if (column >= 1 && (size_t)column <= rh_json_count(row))
                value = rh_json_at(row, (size_t)column - 1);
        }
        assign(walk, value,
               rh_mix_column_named(walk->statement->table, rh_json_string(member(target, "name"))),
               MIX_BIND_SET, 0);
    }
}

static void open_target(mix_walk *walk, rh_json *statement)
{
    visit_with(walk, member(statement, "withClause"));
    rh_mix_open_scope(walk);
    const mix_table *target = rh_mix_add_relation(walk, member(statement, "relation"));
    if (walk->depth == 1)
        walk->statement->table = target;
}

static void inserted_columns(mix_walk *walk, rh_json *insert)
{
    mix_statement *s = walk->statement;
    rh_json *names = member(insert, "cols");
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
    rh_json *select = rh_json_path(insert, "selectStmt.SelectStmt"), *rows = member(select, "valuesLists");
    rh_json *list = rows ? NULL : member(select, "targetList");
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
    rh_json *conflict = member(insert, "onConflictClause");
    if (!top)
        visit(walk, conflict);
    else if (conflict) {
        const char *action = rh_json_string(member(conflict, "action"));
        bool nothing = action && strcmp(action, "ONCONFLICT_NOTHING") == 0;
        s->conflict = nothing ? MIX_CONFLICT_NOTHING : MIX_CONFLICT_UPDATE;
        visit_assignments(walk, member(conflict, "targetList"));
        visit(walk, member(conflict, "whereClause"));
    }
    visit(walk, member(insert, "returningList"));
    walk->scope = outer;
}

/* UPDATE, DELETE and MERGE. */
static void visit_change(mix_walk *walk, rh_json *change)
{
    mix_scope *outer = walk->scope;
    open_target(walk, change);
    rh_mix_add_from(walk, member(change, "fromClause"));
    rh_mix_add_from(walk, member(change, "usingClause"));
    rh_mix_add_from_item(walk, member(change, "sourceRelation"));
    if (walk->depth == 1) {
        walk->statement->where = member(change, "whereClause") != NULL;
        visit_assignments(walk, member(change, "targetList"));
    }
    static const char *const parts[] = {"fromClause",       "usingClause",   "sourceRelation",
                                        "joinCondition",    "targetList",    "whereClause",
                                        "mergeWhenClauses", "returningList", NULL};
    for (const char *const *part = parts; *part; part++)
        visit(walk, member(change, *part));
    walk->scope = outer;
}

/* Functions that change the server, the session, or reach out of it. */
static bool is_unsafe(const char *name)
{
    static const char *const names[] = {"pg_terminate_backend",
                                        "pg_cancel_backend",
                                        "pg_reload_conf",
                                        "pg_rotate_logfile",
                                        "pg_switch_wal",
                                        "pg_promote",
                                        "pg_start_backup",
                                        "pg_stop_backup",
                                        "pg_backup_start",
                                        "pg_backup_stop",
                                        "set_config",
                                        "pg_create_restore_point",
                                        "pg_advisory_lock",
                                        "pg_advisory_lock_shared",
                                        "pg_try_advisory_lock",
                                        "pg_try_advisory_lock_shared",
                                        "pg_notify",
                                        "setval",
                                        "pg_stat_reset",
                                        "pg_stat_statements_reset",
                                        NULL};
    static const char *const prefixes[] = {"dblink",
                                           "pg_read_",
                                           "pg_ls_",
                                           "pg_file_",
                                           "lo_",
                                           "pg_logical_",
                                           "pg_replication_",
                                           "pg_drop_replication",
                                           "pg_create_logical",
                                           "pg_create_physical",
                                           "pg_wal_replay",
                                           "pg_import_",
                                           "cron_",
                                           NULL};
    for (const char *const *prefix = prefixes; *prefix; prefix++)
        if (strncmp(name, *prefix, strlen(*prefix)) == 0)
            return true;
    return is_any_of(name, names);
}

static void visit_call(mix_walk *walk, rh_json *call)
{
    static const char *const aggregates[] = {"count",     "sum",       "avg",        "min",
                                             "max",       "array_agg", "string_agg", "json_agg",
                                             "jsonb_agg", "bool_or",   "bool_and",   NULL};
    const char *name = last_name(member(call, "funcname"));
    rh_json *args = member(call, "args");
    int ignored = 0;
    if (is_any_of(name, aggregates))
        walk->statement->aggregates = true;
    if (is_unsafe(name) && !walk->statement->function)
        walk->statement->function = rh_arena_strdup(walk->arena, name);
    for (size_t i = 0; i < rh_json_count(args); i++) {
        int number = param_number(bare(rh_json_at(args, i), &ignored));
        if (number && !parameter(walk, number)->function)
            parameter(walk, number)->function = rh_arena_strdup(walk->arena, name);
    }
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
    if (param_number(node))
        parameter(walk, param_number(node));
    void *at = NULL;
    rh_json *value;
    for (const char *key; (key = rh_json_each(node, &at, &value));) {
        if (visit_statement(walk, key, value))
            continue;
        if (strcmp(key, "A_Expr") == 0)
            visit_operator(walk, value);
        else if (strcmp(key, "FuncCall") == 0)
            visit_call(walk, value);
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
        if (member(root, kinds[i].node))
            return member(member(root, kinds[i].node), "intoClause") ? MIX_STATEMENT_UTILITY : kinds[i].kind;
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
