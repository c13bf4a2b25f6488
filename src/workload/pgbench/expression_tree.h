/* A parsed expression, between expression_parse.c and expression_value.c. */
#pragma once
#include "expression.h"

typedef enum rh_operation {
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
} rh_operation;

struct rh_expression {
    rh_operation op;
    rh_value value;  /* CONSTANT */
    size_t variable; /* VARIABLE */
    int function;    /* CALL */
    rh_expression **arguments;
    size_t argument_count;
};
