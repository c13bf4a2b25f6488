/* Whether a data change is bounded to a part of its table, as the batches of a backfill are. */
#include "pgrehearse/sql/tree.h"
#include <string.h>

enum { DEPTH = 200, COLUMNS = 16 };

/* Columns that have a lower and an upper end. */
typedef struct ends {
    const char *lower[COLUMNS], *upper[COLUMNS];
    size_t lower_count, upper_count;
    bool between;
} ends;

static bool has_limit(rh_json *node, void *nothing)
{
    (void)nothing;
    return !rh_json_is_null(rh_json_get(node, "limitCount"));
}

static void note_end(ends *e, const char *column, bool lower)
{
    size_t *count = lower ? &e->lower_count : &e->upper_count;
    if (column && *count < COLUMNS)
        (lower ? e->lower : e->upper)[(*count)++] = column;
}

/* "column < value" is an upper end; "value < column" a lower one. */
static void note_comparison(ends *e, rh_json *expression)
{
    const char *op = rh_tree_last_name(rh_json_get(expression, "name"));
    if (!op || (op[0] != '<' && op[0] != '>') || (op[1] != '\0' && strcmp(op + 1, "=") != 0))
        return;
    const char *left = rh_tree_last_name(rh_json_path(expression, "lexpr.ColumnRef.fields"));
    const char *right = rh_tree_last_name(rh_json_path(expression, "rexpr.ColumnRef.fields"));
    note_end(e, left, op[0] == '>');
    note_end(e, right, op[0] == '<');
}

static void collect(ends *e, rh_json *condition, int depth)
{
    rh_json *both = rh_json_get(condition, "BoolExpr"), *expression = rh_json_get(condition, "A_Expr");
    if (depth < DEPTH && rh_tree_is(both, "boolop", "AND_EXPR"))
        for (size_t i = 0; i < rh_json_count(rh_json_get(both, "args")); i++)
            collect(e, rh_json_at(rh_json_get(both, "args"), i), depth + 1);
    e->between |= rh_tree_is(expression, "kind", "AEXPR_BETWEEN");
    if (rh_tree_is(expression, "kind", "AEXPR_OP"))
        note_comparison(e, expression);
}

bool rh_tree_is_bounded(rh_json *body)
{
    static const char *const parts[] = {"whereClause", "fromClause", "usingClause", "withClause"};
    ends e = {0};
    collect(&e, rh_json_get(body, "whereClause"), 0);
    for (size_t i = 0; i < e.lower_count && !e.between; i++)
        for (size_t k = 0; k < e.upper_count; k++)
            e.between |= strcmp(e.lower[i], e.upper[k]) == 0;
    bool bounded = e.between;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !bounded; i++)
        bounded = rh_json_visit(rh_json_get(body, parts[i]), has_limit, NULL);
    return bounded;
}
