/* The column and the operator that each $n of a statement is used with, from the parse tree. No server. */
#pragma once
#include "workload/mix/schema.h"

typedef enum mix_bind_kind {
    MIX_BIND_NONE,    /* no column */
    MIX_BIND_EQUAL,   /* column = $n, IN, @> …: the row's own value */
    MIX_BIND_OTHER,   /* column <> $n: the value of another row */
    MIX_BIND_ANY,     /* column = ANY ($n): an array of several rows' values */
    MIX_BIND_LOW,     /* column > $n, >=, the first of BETWEEN */
    MIX_BIND_HIGH,    /* column < $n, <=, the second of BETWEEN */
    MIX_BIND_PATTERN, /* LIKE, ILIKE, SIMILAR TO and regular expressions */
    MIX_BIND_SET,     /* UPDATE … SET column = $n: the value of another row */
    MIX_BIND_INSERT,  /* the value of a new row's column */
    MIX_BIND_STEP,    /* column + $n: a small operand */
    MIX_BIND_LIMIT,
    MIX_BIND_OFFSET,
} mix_bind_kind;

typedef struct mix_binding {
    mix_bind_kind kind;
    const mix_table *table; /* NULL without a column */
    size_t column;
    int entry;      /* which of the statement's mentions of a table, from 1: a self-join has two */
    size_t element; /* of IN (…), or the row of VALUES, from 0 */
    enum { MIX_CASE_AS_IS, MIX_CASE_LOWER, MIX_CASE_UPPER } letters; /* lower(column) = $n */
    const char *function; /* NONE: the function whose argument it is; NULL: of none */
} mix_binding;

typedef enum mix_statement_kind {
    MIX_STATEMENT_SELECT,
    MIX_STATEMENT_INSERT,
    MIX_STATEMENT_UPDATE,
    MIX_STATEMENT_DELETE,
    MIX_STATEMENT_MERGE,
    MIX_STATEMENT_TRANSACTION, /* BEGIN, COMMIT, SAVEPOINT … */
    MIX_STATEMENT_UTILITY,
} mix_statement_kind;

typedef enum mix_conflict { MIX_CONFLICT_FAILS, MIX_CONFLICT_NOTHING, MIX_CONFLICT_UPDATE } mix_conflict;

typedef struct mix_statement {
    mix_statement_kind kind;
    bool writes;             /* also SELECT … FOR UPDATE and data-modifying WITH */
    bool limited;            /* has a LIMIT of its own */
    bool aggregates;         /* so its rows do not tell how many it read */
    bool where;              /* UPDATE, DELETE: has a condition */
    const mix_table *table;  /* the target, or the first table that is read; NULL: none that is known */
    const char *function;    /* one that must not run under load; NULL: none */
    mix_binding *parameters; /* [n - 1] */
    size_t parameter_count;  /* the highest n */
    mix_conflict conflict;   /* INSERT */
    mix_columns inserted;    /* INSERT … VALUES: the columns */
    int **values;            /* [row][column of inserted]: the n that is the value itself, or 0 */
    size_t value_rows;
} mix_statement;

/* Reads SQL. TABLES are those a name may mean; an unqualified name is looked for in public first. False: it
 * does not parse (RH_ERROR_SQL with the server's words). Everything in ARENA. */
bool rh_mix_bind(const char *sql, const mix_table *tables, size_t table_count, rh_arena *arena,
                 mix_statement *statement, rh_error *error);
