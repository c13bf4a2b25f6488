/* Operators and calls: the columns that parameters are compared with. */
#include "binding_expressions.h"
#include "bindings.h"
#include "bindings_scope.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

int rh_mix_param_number(rh_json *node)
{
    int64_t number = rh_json_int(rh_json_get(rh_json_get(node, "ParamRef"), "number"));
    return number > 0 && number <= MIX_MAX_PARAMETERS ? (int)number : 0;
}

const char *rh_mix_last_name(rh_json *list)
{
    size_t count = rh_json_count(list);
    const char *name = count ? rh_tree_name_at(list, count - 1) : NULL;
    return name ? name : "";
}

rh_json *rh_mix_bare_operand(rh_json *node, int *letters)
{
    for (;;) {
        rh_json *inner = rh_json_get(rh_json_get(node, "TypeCast"), "arg"),
                *call = rh_json_get(node, "FuncCall");
        if (!inner)
            inner = rh_json_get(rh_json_get(node, "CollateClause"), "arg");
        const char *function = rh_mix_last_name(rh_json_get(call, "funcname"));
        bool lower = strcmp(function, "lower") == 0, upper = strcmp(function, "upper") == 0;
        if (!inner && (lower || upper) && rh_json_count(rh_json_get(call, "args")) == 1) {
            inner = rh_json_at(rh_json_get(call, "args"), 0);
            *letters = lower ? MIX_CASE_LOWER : MIX_CASE_UPPER;
        }
        if (!inner)
            return node;
        node = inner;
    }
}

/* The one that restricts the values most wins, where $n is in several places. */
static int strength(mix_bind_kind kind)
{
    static const int strengths[] = {
        [MIX_BIND_NONE] = 0,    [MIX_BIND_EQUAL] = 9, [MIX_BIND_OTHER] = 3, [MIX_BIND_ANY] = 8,
        [MIX_BIND_LOW] = 6,     [MIX_BIND_HIGH] = 6,  [MIX_BIND_SET] = 4,   [MIX_BIND_PATTERN] = 5,
        [MIX_BIND_INSERT] = 10, [MIX_BIND_LIMIT] = 7, [MIX_BIND_STEP] = 2,  [MIX_BIND_OFFSET] = 7};
    return strengths[kind];
}

mix_binding *rh_mix_parameter(mix_walk *walk, int number)
{
    mix_statement *s = walk->statement;
    while (s->parameter_count < (size_t)number)
        rh_arena_add(walk->arena, &s->parameters, &s->parameter_count);
    return &s->parameters[number - 1];
}

void rh_mix_bind_parameter(mix_walk *walk, int number, mix_binding binding)
{
    mix_binding *slot = number ? rh_mix_parameter(walk, number) : NULL;
    if (slot && strength(binding.kind) > strength(slot->kind))
        *slot = binding;
}

/* Binds the parameter in NODE to COLUMN, as KIND; false when these are not a column and a parameter. */
static bool bind_to_column(mix_walk *walk, rh_json *column, rh_json *node, mix_bind_kind kind, size_t element)
{
    int letters = MIX_CASE_AS_IS, ignored = 0;
    column = rh_mix_bare_operand(column, &letters);
    int number = rh_mix_param_number(rh_mix_bare_operand(node, &ignored));
    mix_binding binding = {.kind = kind, .element = element};
    if (!number || !rh_mix_find_column(walk, rh_json_get(column, "ColumnRef"), &binding))
        return false;
    binding.letters = letters;
    rh_mix_bind_parameter(walk, number, binding);
    return true;
}

/* What $n in "column OPERATOR $n" is. */
static mix_bind_kind kind_of(const char *operator)
{
    static const char *const equal[] = {"=", "@>", "<@", "&&", NULL}, *const other[] = {"<>", "!=", NULL},
                             *const low[] = {">", ">=", NULL}, *const high[] = {"<", "<=", NULL},
                             *const step[] = {"+", "-", "*", "/", "%", NULL},
                             *const pattern[] = {"~~", "~~*", "!~~", "!~~*", NULL};
    return rh_is_one_of(operator, equal)     ? MIX_BIND_EQUAL
           : rh_is_one_of(operator, other)   ? MIX_BIND_OTHER
           : rh_is_one_of(operator, low)     ? MIX_BIND_LOW
           : rh_is_one_of(operator, high)    ? MIX_BIND_HIGH
           : rh_is_one_of(operator, step)    ? MIX_BIND_STEP
           : rh_is_one_of(operator, pattern) ? MIX_BIND_PATTERN
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
    if (kind != MIX_BIND_NONE && !bind_to_column(walk, left, right, kind, element))
        bind_to_column(walk, right, left, flipped(kind), element);
}

static void compare_each(mix_walk *walk, rh_json *left, rh_json *items, mix_bind_kind kind)
{
    for (size_t i = 0; i < rh_json_count(items); i++)
        compare(walk, left, rh_json_at(items, i), kind, i);
}

void rh_mix_visit_operator(mix_walk *walk, rh_json *expression)
{
    const char *kind = rh_json_string(rh_json_get(expression, "kind")),
               *name = rh_mix_last_name(rh_json_get(expression, "name"));
    rh_json *left = rh_json_get(expression, "lexpr"), *right = rh_json_get(expression, "rexpr");
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
        rh_json *elements = rh_json_path(rh_mix_bare_operand(right, &ignored), "A_ArrayExpr.elements");
        if (elements)
            compare_each(walk, left, elements, kind_of(name));
        else
            bind_to_column(walk, left, right, MIX_BIND_ANY, 0);
    } else if (strcmp(kind, "AEXPR_LIKE") == 0 || strcmp(kind, "AEXPR_ILIKE") == 0) {
        bind_to_column(walk, left, right, MIX_BIND_PATTERN, 0);
    } else if (strstr(kind, "DISTINCT")) {
        compare(walk, left, right, MIX_BIND_EQUAL, 0);
    } else {
        compare(walk, left, right, kind_of(name), 0);
    }
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
    return rh_is_one_of(name, names);
}

void rh_mix_visit_call(mix_walk *walk, rh_json *call)
{
    static const char *const aggregates[] = {"count",     "sum",       "avg",        "min",
                                             "max",       "array_agg", "string_agg", "json_agg",
                                             "jsonb_agg", "bool_or",   "bool_and",   NULL};
    const char *name = rh_mix_last_name(rh_json_get(call, "funcname"));
    rh_json *args = rh_json_get(call, "args");
    int ignored = 0;
    if (rh_is_one_of(name, aggregates))
        walk->statement->aggregates = true;
    if (is_unsafe(name) && !walk->statement->function)
        walk->statement->function = rh_arena_strdup(walk->arena, name);
    for (size_t i = 0; i < rh_json_count(args); i++) {
        int number = rh_mix_param_number(rh_mix_bare_operand(rh_json_at(args, i), &ignored));
        if (number && !rh_mix_parameter(walk, number)->function)
            rh_mix_parameter(walk, number)->function = rh_arena_strdup(walk->arena, name);
    }
}
