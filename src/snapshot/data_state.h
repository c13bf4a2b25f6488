/* The row counts and digests of a database at one moment. Private to data_digest.c, which reads them, and
 * data_compare.c. */
#pragma once
#include "pgrehearse/snapshot/snapshot.h"

typedef struct column_state {
    const char *name;
    bool present;       /* in the table now */
    const char *digest; /* NULL: not read, or no rows */
    int64_t values;     /* not null; -1: not read */
} column_state;

typedef struct table_state {
    const char *name;
    bool partitioned, affected, present;
    int64_t bytes;
    rh_data_depth depth;
    const char *why;
    int64_t rows;
    const char *digest; /* of whole rows; NULL: no rows, or a column is gone */
    bool whole;         /* every column went into DIGEST */
    column_state *columns;
    size_t column_count;
} table_state;

typedef struct sequence_state {
    const char *name, *last_value;
    bool upwards;
} sequence_state;

struct rh_data {
    rh_arena *arena;
    rh_data_options options;
    table_state *tables; /* sorted by name */
    size_t table_count;
    sequence_state *sequences; /* sorted by name */
    size_t sequence_count;
    double elapsed_s;
};
