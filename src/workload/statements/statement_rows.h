/* Internal to workload/statements/: the rows that a statement's values are drawn from. */
#pragma once
#include "statement_values.h"

/* The rows that one mention of a table draws from, and which of them each value row has. */
typedef struct mix_draw {
    int entry;
    const mix_table *table;
    size_t *rows; /* indexes into the sample */
    size_t row_count;
    size_t *base; /* by value row: index into rows */
} mix_draw;

typedef struct mix_filling {
    mix_copy *copy;
    const mix_candidate *candidate;
    const mix_knobs *knobs;
    rh_template *template_;
    mix_draw *draws;
    size_t draw_count;
    const char *caveat;
} mix_filling;

/* The binding of PARAMETER of the candidate, from 0. */
const mix_binding *rh_mix_binding_of(const mix_filling *f, size_t parameter);
/* Of the mention that BINDING belongs to; NULL: it draws none. */
mix_draw *rh_mix_draw_of(const mix_filling *f, const mix_binding *binding);
/* The first table draws its rows in order, the others at random. */
bool rh_mix_draw_rows(mix_filling *f, size_t value_rows, const char **why, rh_error *error);
/* The column's value in the row of VALUE_ROW, or OFFSET rows behind it. */
const char *rh_mix_row_value(const mix_filling *f, const mix_binding *b, size_t value_row, size_t offset);
