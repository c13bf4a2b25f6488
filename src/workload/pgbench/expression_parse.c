/* Parses by recursive descent, in pgbench's precedence. */
#include "expression_tree.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

static rh_expression *node(parser *p, rh_operation op, rh_expression *a, rh_expression *b)
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
    rh_operation op;
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
            rh_operation op = take(p, "null")    ? OP_IS_NULL
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
