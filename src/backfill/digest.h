/* The content of a table as digests, so that the ends of two runs can be compared column by column and row by
 * row. No value leaves the server. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "statements.h"

typedef struct rh_digest_column {
    const char *plain, *name; /* as the catalog has it, and as SQL writes it */
    bool is_key;
    const char *other;  /* an expression that gives it another value; NULL */
    const char *insert; /* what an inserted copy of a row has in it; NULL: its default */
    bool required;      /* not null, and without a default */
    bool owned;         /* the backfill changes it */
    bool varies;        /* two undisturbed runs end with different values: it is not compared */
} rh_digest_column;

typedef struct rh_digest_columns {
    rh_digest_column *items; /* in the order of their numbers */
    size_t count;
} rh_digest_columns;

bool rh_digest_columns_read(rh_pg *pg, const rh_backfill_target *target, rh_arena *arena,
                            rh_digest_columns *columns, rh_error *error);

typedef struct rh_digest {
    int64_t rows;
    const char **sums; /* a column: the sum of its digests, each with its key's */
    /* Rows by their key's digest, and the digest of the columns that are owned and do not vary. Empty unless
     * read by rh_digest_rows_read. */
    int64_t *keys, *digests;
    size_t count;
} rh_digest;

bool rh_digest_read(rh_pg *pg, const rh_backfill_target *target, const rh_digest_columns *columns,
                    rh_arena *arena, rh_digest *digest, rh_error *error);
bool rh_digest_rows_read(rh_pg *pg, const rh_backfill_target *target, const rh_digest_columns *columns,
                         rh_arena *arena, rh_digest *digest, rh_error *error);

/* The columns COLUMN of which differ in A and B. */
bool rh_digest_column_differs(const rh_digest *a, const rh_digest *b, size_t column);
/* How many rows of B are not as in A, or are missing or added. Both with their rows. */
int64_t rh_digest_different_rows(const rh_digest *a, const rh_digest *b);
