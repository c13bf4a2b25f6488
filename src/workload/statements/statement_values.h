/* Values for a statement's parameters, from rows of the restored copy. */
#pragma once
#include "bindings.h"

typedef struct mix_type {
    const char *name;  /* of the base: "int4"; arrays "_int4" */
    char category;     /* as in pg_type.typcategory */
    const char *label; /* an enum's first, or NULL */
} mix_type;

/* A column's sampled values in order: a histogram of equal depth. */
typedef struct mix_order {
    const mix_table *table;
    size_t column;
    const char **values;
    size_t count;
} mix_order;

/* What is known of the copy while templates are made. */
typedef struct mix_copy {
    mix_build *build;
    mix_table *tables;
    size_t table_count;
    bool *sampled,
        *deleted; /* by table; deleted: some statement deletes rows, a quarter of the sample is its */
    mix_order *orders;
    size_t order_count;
    const char *sequence; /* one that nextval may be asked for; NULL: there is none */
} mix_copy;

/* One statement of production's, ready to be prepared. */
typedef struct mix_candidate {
    const char *sql;
    mix_statement bound;  /* its parameters by the numbers before anything was replaced */
    int *from;            /* [number in sql - 1]: that number */
    size_t count;         /* parameters of sql */
    mix_type *types;      /* [count] */
    const bool *shuffled; /* by column of an INSERT's table; NULL: none */
    bool shortened;       /* a list whose length may be chosen */
    double rows, blocks;  /* a call, on production; NaN: not known */
} mix_candidate;

/* What is turned until the rows a call are production's. */
typedef struct mix_knobs {
    size_t value_rows; /* at most */
    double fraction;   /* of its table that a range covers */
    double miss;       /* share of the value rows that find nothing */
    size_t list;       /* length of arrays and lists */
    int halvings;      /* of the text that LIKE patterns keep */
    bool distinct;     /* each key once, instead of as often as it is there */
} mix_knobs;

/* Fills TEMPLATE's values, value_row_count and parameter_count. *CAVEAT, where not NULL afterwards, says
 * which parameter is compared with no column. A table without rows is no error: WHY says so. */
bool rh_mix_statement_values(mix_copy *copy, const mix_candidate *candidate, const mix_knobs *knobs,
                             rh_template *template_, const char **caveat, const char **why, rh_error *error);
/* Does any parameter of CANDIDATE bind as KIND? */
bool rh_mix_binds(const mix_candidate *candidate, mix_bind_kind kind);
/* The values of ORDER at POSITIONS (0 … count - 1, between them in proportion), COUNT of them, into VALUES.
 */
bool rh_mix_order_values(mix_copy *copy, const mix_order *order, const double *positions, size_t count,
                         const char **values, rh_error *error);
/* The order of a column; count 0: the server cannot sort it. NULL: ERROR. */
const mix_order *rh_mix_order(mix_copy *copy, const mix_table *table, size_t column, rh_error *error);
