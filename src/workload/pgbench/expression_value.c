/* Evaluates expressions. */
#include "expression_tree.h"
#include <math.h>

/* ---- values ---- */

static bool failed(rh_pgbench_script_run *run, const char *why)
{
    run->failure = why;
    return false;
}

bool rh_value_as_int(const rh_value *value, rh_pgbench_script_run *run, int64_t *integer)
{
    double rounded = rint(value->real);
    *integer = value->integer;
    if (value->type == RH_VALUE_INT)
        return true;
    if (value->type != RH_VALUE_DOUBLE)
        return failed(run, "a whole number is needed, not NULL or a boolean");
    if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0))
        return failed(run, "a number is too large for 64 bits");
    *integer = (int64_t)rounded;
    return true;
}

bool rh_value_as_real(const rh_value *value, rh_pgbench_script_run *run, double *real)
{
    *real = value->type == RH_VALUE_DOUBLE ? value->real : (double)value->integer;
    return value->type == RH_VALUE_DOUBLE || value->type == RH_VALUE_INT ||
           failed(run, "a number is needed, not NULL or a boolean");
}

bool rh_value_is_true(const rh_value *value)
{
    return value->type == RH_VALUE_DOUBLE ? value->real != 0
                                          : value->type != RH_VALUE_NULL && value->integer != 0;
}

/* ---- evaluating ---- */

static bool of_reals(rh_operation op, double a, double b, rh_pgbench_script_run *run, rh_value *value)
{
    switch (op) {
    case OP_EQUAL:
        *value = rh_make_bool(a == b);
        return true;
    case OP_UNEQUAL:
        *value = rh_make_bool(a != b);
        return true;
    case OP_LESS:
        *value = rh_make_bool(a < b);
        return true;
    case OP_LESS_EQUAL:
        *value = rh_make_bool(a <= b);
        return true;
    case OP_ADD:
        *value = rh_make_real(a + b);
        return true;
    case OP_SUBTRACT:
        *value = rh_make_real(a - b);
        return true;
    case OP_MULTIPLY:
        *value = rh_make_real(a * b);
        return true;
    case OP_DIVIDE:
        *value = rh_make_real(a / b);
        return true;
    default:
        return failed(run, "this operator needs whole numbers");
    }
}

static bool multiplies_over(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return false;
    if (a > 0)
        return b > 0 ? a > INT64_MAX / b : b < INT64_MIN / a;
    return b > 0 ? a < INT64_MIN / b : b < INT64_MAX / a;
}

static bool of_integers(rh_operation op, int64_t a, int64_t b, rh_pgbench_script_run *run, rh_value *value)
{
    int64_t sum = 0;
    bool over = false;
    switch (op) {
    case OP_EQUAL:
    case OP_UNEQUAL:
        *value = rh_make_bool((a == b) == (op == OP_EQUAL));
        return true;
    case OP_LESS:
        *value = rh_make_bool(a < b);
        return true;
    case OP_LESS_EQUAL:
        *value = rh_make_bool(a <= b);
        return true;
    case OP_ADD:
        over = b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b;
        sum = over ? 0 : a + b;
        break;
    case OP_SUBTRACT:
        over = b > 0 ? a < INT64_MIN + b : a > INT64_MAX + b;
        sum = over ? 0 : a - b;
        break;
    case OP_MULTIPLY:
        over = multiplies_over(a, b);
        sum = over ? 0 : a * b;
        break;
    case OP_DIVIDE:
    case OP_MODULO:
        if (b == 0)
            return failed(run, "division by zero");
        over = op == OP_DIVIDE && b == -1 && a == INT64_MIN;
        sum = over ? 0 : b == -1 ? (op == OP_DIVIDE ? -a : 0) : op == OP_DIVIDE ? a / b : a % b;
        break;
    case OP_BIT_OR:
        sum = a | b;
        break;
    case OP_BIT_XOR:
        sum = a ^ b;
        break;
    case OP_BIT_AND:
        sum = a & b;
        break;
    case OP_LEFT:
        sum = (int64_t)((uint64_t)a << (b & 63));
        break;
    case OP_RIGHT:
        sum = a >> (b & 63);
        break;
    default:
        return failed(run, "this operator is unknown");
    }
    *value = rh_make_int(sum);
    return !over || failed(run, "a number is too large for 64 bits");
}

static bool infix_value(rh_operation op, const rh_value *a, const rh_value *b, rh_pgbench_script_run *run,
                        rh_value *value)
{
    *value = (rh_value){0};
    if (a->type == RH_VALUE_NULL || b->type == RH_VALUE_NULL)
        return true;
    bool booleans =
        a->type == RH_VALUE_BOOL && b->type == RH_VALUE_BOOL && op >= OP_EQUAL && op <= OP_UNEQUAL;
    if (booleans)
        return of_integers(op, a->integer, b->integer, run, value);
    double x, y;
    if (!rh_value_as_real(a, run, &x) || !rh_value_as_real(b, run, &y))
        return false;
    if (a->type == RH_VALUE_DOUBLE || b->type == RH_VALUE_DOUBLE)
        return of_reals(op, x, y, run, value);
    return of_integers(op, a->integer, b->integer, run, value);
}

/* AND and OR know three truths. */
static bool logic(const rh_expression *e, rh_pgbench_script_run *run, rh_value *value)
{
    rh_value a, b;
    bool decides = e->op == OP_OR; /* the truth that decides alone */
    if (!rh_expression_evaluate(e->arguments[0], run, &a))
        return false;
    if (a.type != RH_VALUE_NULL && rh_value_is_true(&a) == decides) {
        *value = rh_make_bool(decides);
        return true;
    }
    if (!rh_expression_evaluate(e->arguments[1], run, &b))
        return false;
    if (b.type != RH_VALUE_NULL && rh_value_is_true(&b) == decides)
        *value = rh_make_bool(decides);
    else
        *value = a.type == RH_VALUE_NULL || b.type == RH_VALUE_NULL ? (rh_value){0} : rh_make_bool(!decides);
    return true;
}

static bool choose(const rh_expression *e, rh_pgbench_script_run *run, rh_value *value)
{
    for (size_t i = 0; i + 1 < e->argument_count; i += 2) {
        rh_value condition;
        if (!rh_expression_evaluate(e->arguments[i], run, &condition))
            return false;
        if (rh_value_is_true(&condition))
            return rh_expression_evaluate(e->arguments[i + 1], run, value);
    }
    return rh_expression_evaluate(e->arguments[e->argument_count - 1], run, value);
}

static bool call(const rh_expression *e, rh_pgbench_script_run *run, rh_value *value)
{
    enum { MAX_ARGUMENTS = 16 };
    rh_value arguments[MAX_ARGUMENTS];
    if (e->argument_count > MAX_ARGUMENTS)
        return failed(run, "a function has too many arguments");
    for (size_t i = 0; i < e->argument_count; i++)
        if (!rh_expression_evaluate(e->arguments[i], run, &arguments[i]))
            return false;
    return rh_expression_call(e->function, arguments, e->argument_count, run, value);
}

static bool prefix(rh_operation op, const rh_value *a, rh_pgbench_script_run *run, rh_value *value)
{
    int64_t bits;
    bool null = a->type == RH_VALUE_NULL;
    switch (op) {
    case OP_NOT:
        *value = null ? (rh_value){0} : rh_make_bool(!rh_value_is_true(a));
        return true;
    case OP_IS_NULL:
        *value = rh_make_bool(null);
        return true;
    case OP_IS_TRUE:
        *value = rh_make_bool(a->type == RH_VALUE_BOOL && a->integer);
        return true;
    case OP_IS_FALSE:
        *value = rh_make_bool(a->type == RH_VALUE_BOOL && !a->integer);
        return true;
    default:
        if (!rh_value_as_int(a, run, &bits))
            return false;
        *value = rh_make_int(~bits);
        return true;
    }
}

bool rh_expression_evaluate(const rh_expression *e, rh_pgbench_script_run *run, rh_value *value)
{
    rh_value a, b;
    switch (e->op) {
    case OP_CONSTANT:
        *value = e->value;
        return true;
    case OP_VARIABLE:
        *value = run->values[e->variable];
        return run->is_set[e->variable] || failed(run, "a variable has no value yet");
    case OP_CALL:
        return call(e, run, value);
    case OP_OR:
    case OP_AND:
        return logic(e, run, value);
    case OP_CASE:
        return choose(e, run, value);
    case OP_NOT:
    case OP_IS_NULL:
    case OP_IS_TRUE:
    case OP_IS_FALSE:
    case OP_BIT_NOT:
        return rh_expression_evaluate(e->arguments[0], run, &a) && prefix(e->op, &a, run, value);
    default:
        return rh_expression_evaluate(e->arguments[0], run, &a) &&
               rh_expression_evaluate(e->arguments[1], run, &b) && infix_value(e->op, &a, &b, run, value);
    }
}
