/* Parsing by recursive descent, in pgbench's precedence, and evaluating. */
#include "expression.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum operation {
    OP_CONSTANT,
    OP_VARIABLE,
    OP_CALL,
    OP_OR,
    OP_AND,
    OP_NOT,
    OP_IS_NULL,
    OP_IS_TRUE,
    OP_IS_FALSE,
    OP_CASE, /* condition, value, …, else */
    OP_EQUAL,
    OP_UNEQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_BIT_OR,
    OP_BIT_XOR,
    OP_BIT_AND,
    OP_LEFT,
    OP_RIGHT,
    OP_BIT_NOT,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
} operation;

struct rh_expression {
    operation op;
    rh_value value;  /* CONSTANT */
    size_t variable; /* VARIABLE */
    int function;    /* CALL */
    rh_expression **arguments;
    size_t argument_count;
};

enum { MAX_DEPTH = 200 };

typedef struct parser {
    const char *at;
    rh_pgbench_script *script;
    rh_arena *arena;
    const char *why;
    int depth;
} parser;

/* ---- tokens ---- */

static void skip_blanks(parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool is_word_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || ((unsigned char)c & 0x80);
}

static bool take(parser *p, const char *symbol)
{
    skip_blanks(p);
    size_t length = strlen(symbol);
    bool word = isalpha((unsigned char)*symbol);
    if (strncasecmp(p->at, symbol, length) != 0 || (word && is_word_character(p->at[length])))
        return false;
    p->at += length;
    return true;
}

static rh_expression *fail(parser *p, const char *why)
{
    if (!p->why)
        p->why = why;
    return NULL;
}

static rh_expression *node(parser *p, operation op, rh_expression *a, rh_expression *b)
{
    rh_expression *e = rh_arena_alloc(p->arena, sizeof *e), *given[] = {a, b};
    e->op = op;
    for (int i = 0; i < 2 && given[i]; i++)
        *rh_arena_add(p->arena, &e->arguments, &e->argument_count) = given[i];
    return e;
}

static rh_expression *constant(parser *p, rh_value value)
{
    rh_expression *e = node(p, OP_CONSTANT, NULL, NULL);
    e->value = value;
    return e;
}

static void add_argument(parser *p, rh_expression *to, rh_expression *argument)
{
    *rh_arena_add(p->arena, &to->arguments, &to->argument_count) = argument;
}

/* ---- grammar, from what binds loosest ---- */

static rh_expression *parse_or(parser *p);

static rh_expression *parse_number(parser *p)
{
    char *end;
    errno = 0;
    size_t digits = strspn(p->at, "0123456789");
    bool whole = digits > 0 && !strchr(".eE", p->at[digits] ? p->at[digits] : ' ');
    if (whole) {
        long long integer = strtoll(p->at, &end, 10);
        if (errno)
            return fail(p, "a number is out of range");
        p->at = end;
        return constant(p, rh_make_int(integer));
    }
    double real = strtod(p->at, &end);
    if (end == p->at || !isfinite(real))
        return fail(p, "a number is out of range");
    p->at = end;
    return constant(p, rh_make_real(real));
}

static rh_expression *parse_case(parser *p)
{
    rh_expression *e = node(p, OP_CASE, NULL, NULL);
    while (take(p, "when")) {
        rh_expression *condition = parse_or(p);
        if (!condition || !take(p, "then"))
            return fail(p, "WHEN without THEN");
        rh_expression *value = parse_or(p);
        if (!value)
            return NULL;
        add_argument(p, e, condition);
        add_argument(p, e, value);
    }
    if (e->argument_count == 0)
        return fail(p, "CASE without WHEN");
    rh_expression *otherwise = take(p, "else") ? parse_or(p) : constant(p, (rh_value){0});
    if (!otherwise)
        return NULL;
    add_argument(p, e, otherwise);
    return take(p, "end") ? e : fail(p, "CASE without END");
}

static rh_expression *parse_call(parser *p, const char *name)
{
    size_t minimum, maximum;
    rh_expression *e = node(p, OP_CALL, NULL, NULL);
    e->function = rh_expression_function(name, &minimum, &maximum);
    if (e->function < 0)
        return fail(p, rh_arena_printf(p->arena, "there is no function %s", name));
    if (!take(p, ")")) {
        do {
            rh_expression *argument = parse_or(p);
            if (!argument)
                return NULL;
            add_argument(p, e, argument);
        } while (take(p, ","));
        if (!take(p, ")"))
            return fail(p, "a parenthesis is missing");
    }
    if (e->argument_count < minimum || e->argument_count > maximum)
        return fail(p, rh_arena_printf(p->arena, "%s has a wrong number of arguments", name));
    return e;
}

static rh_expression *parse_word(parser *p)
{
    size_t length = 0;
    while (is_word_character(p->at[length]))
        length++;
    const char *name = rh_arena_strndup(p->arena, p->at, length);
    p->at += length;
    if (strcasecmp(name, "case") == 0)
        return parse_case(p);
    if (strcasecmp(name, "null") == 0)
        return constant(p, (rh_value){0});
    if (strcasecmp(name, "true") == 0 || strcasecmp(name, "false") == 0)
        return constant(p, rh_make_bool(strcasecmp(name, "true") == 0));
    if (take(p, "("))
        return parse_call(p, name);
    return fail(p, rh_arena_printf(p->arena, "unexpected \"%s\"", name));
}

static rh_expression *parse_atom(parser *p)
{
    skip_blanks(p);
    if (take(p, "(")) {
        rh_expression *inner = parse_or(p);
        return !inner || take(p, ")") ? inner : fail(p, "a parenthesis is missing");
    }
    if (*p->at == ':' && is_word_character(p->at[1])) {
        size_t length = 0;
        while (is_word_character(p->at[1 + length]))
            length++;
        rh_expression *e = node(p, OP_VARIABLE, NULL, NULL);
        e->variable = rh_pgbench_script_variable(p->script, p->at + 1, length, p->arena);
        p->at += 1 + length;
        return e;
    }
    if (isdigit((unsigned char)*p->at) || (*p->at == '.' && isdigit((unsigned char)p->at[1])))
        return parse_number(p);
    if (is_word_character(*p->at))
        return parse_word(p);
    return fail(p, *p->at ? rh_arena_printf(p->arena, "unexpected \"%.1s\"", p->at) : "it ends too early");
}

static rh_expression *parse_unary(parser *p)
{
    if (++p->depth > MAX_DEPTH)
        return fail(p, "it is nested too deeply");
    rh_expression *e = NULL;
    if (take(p, "-")) {
        skip_blanks(p);
        static const char lowest[] = "9223372036854775808"; /* only a number with its sign */
        if (strncmp(p->at, lowest, sizeof lowest - 1) == 0 &&
            !isdigit((unsigned char)p->at[sizeof lowest - 1])) {
            p->at += sizeof lowest - 1;
            e = constant(p, rh_make_int(INT64_MIN));
        } else if ((e = parse_unary(p))) {
            e = node(p, OP_SUBTRACT, constant(p, rh_make_int(0)), e);
        }
    } else if (take(p, "+")) {
        e = parse_unary(p);
    } else if (take(p, "~")) {
        e = parse_unary(p);
        e = e ? node(p, OP_BIT_NOT, e, NULL) : NULL;
    } else {
        e = parse_atom(p);
    }
    p->depth--;
    return e;
}

typedef struct infix {
    const char *symbol;
    operation op;
    bool swapped;
} infix;

/* One level of left-associative operators over the next LOWER one. */
static rh_expression *parse_level(parser *p, rh_expression *(*lower)(parser *), const infix *operators)
{
    rh_expression *left = lower(p);
    while (left) {
        const infix *found = NULL;
        for (const infix *o = operators; o->symbol && !found; o++)
            found = take(p, o->symbol) ? o : NULL;
        if (!found)
            return left;
        rh_expression *right = lower(p);
        if (!right)
            return NULL;
        left = found->swapped ? node(p, found->op, right, left) : node(p, found->op, left, right);
    }
    return NULL;
}

static rh_expression *parse_product(parser *p)
{
    static const infix operators[] = {
        {"*", OP_MULTIPLY, false}, {"/", OP_DIVIDE, false}, {"%", OP_MODULO, false}, {0}};
    return parse_level(p, parse_unary, operators);
}

static rh_expression *parse_sum(parser *p)
{
    static const infix operators[] = {{"+", OP_ADD, false}, {"-", OP_SUBTRACT, false}, {0}};
    return parse_level(p, parse_product, operators);
}

static rh_expression *parse_bits(parser *p)
{
    static const infix operators[] = {{"<<", OP_LEFT, false},   {">>", OP_RIGHT, false},
                                      {"|", OP_BIT_OR, false},  {"#", OP_BIT_XOR, false},
                                      {"&", OP_BIT_AND, false}, {0}};
    return parse_level(p, parse_sum, operators);
}

static rh_expression *parse_comparison(parser *p)
{
    static const infix operators[] = {{"<>", OP_UNEQUAL, false},    {"!=", OP_UNEQUAL, false},
                                      {"<=", OP_LESS_EQUAL, false}, {">=", OP_LESS_EQUAL, true},
                                      {"<", OP_LESS, false},        {">", OP_LESS, true},
                                      {"=", OP_EQUAL, false},       {0}};
    return parse_level(p, parse_bits, operators);
}

static rh_expression *parse_is(parser *p)
{
    rh_expression *e = parse_comparison(p);
    while (e) {
        if (take(p, "isnull")) {
            e = node(p, OP_IS_NULL, e, NULL);
        } else if (take(p, "notnull")) {
            e = node(p, OP_NOT, node(p, OP_IS_NULL, e, NULL), NULL);
        } else if (take(p, "is")) {
            bool negated = take(p, "not");
            operation op = take(p, "null")    ? OP_IS_NULL
                           : take(p, "true")  ? OP_IS_TRUE
                           : take(p, "false") ? OP_IS_FALSE
                                              : OP_CONSTANT;
            if (op == OP_CONSTANT)
                return fail(p, "IS without NULL, TRUE or FALSE");
            e = node(p, op, e, NULL);
            e = negated ? node(p, OP_NOT, e, NULL) : e;
        } else {
            return e;
        }
    }
    return NULL;
}

static rh_expression *parse_not(parser *p)
{
    size_t count = 0;
    while (take(p, "not"))
        count++;
    rh_expression *e = parse_is(p);
    return e && count % 2 ? node(p, OP_NOT, e, NULL) : e;
}

static rh_expression *parse_and(parser *p)
{
    static const infix operators[] = {{"and", OP_AND, false}, {0}};
    return parse_level(p, parse_not, operators);
}

static rh_expression *parse_or(parser *p)
{
    static const infix operators[] = {{"or", OP_OR, false}, {0}};
    if (++p->depth > MAX_DEPTH)
        return fail(p, "it is nested too deeply");
    rh_expression *e = parse_level(p, parse_and, operators);
    p->depth--;
    return e;
}

rh_expression *rh_expression_parse(const char *text, rh_pgbench_script *script, rh_arena *arena,
                                   const char **why)
{
    parser p = {.at = text, .script = script, .arena = arena};
    rh_expression *e = parse_or(&p);
    skip_blanks(&p);
    if (e && *p.at)
        e = fail(&p, rh_arena_printf(arena, "unexpected \"%.20s\"", p.at));
    *why = p.why;
    return e;
}

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

static bool of_reals(operation op, double a, double b, rh_pgbench_script_run *run, rh_value *value)
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

static bool of_integers(operation op, int64_t a, int64_t b, rh_pgbench_script_run *run, rh_value *value)
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

static bool infix_value(operation op, const rh_value *a, const rh_value *b, rh_pgbench_script_run *run,
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

static bool prefix(operation op, const rh_value *a, rh_pgbench_script_run *run, rh_value *value)
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
