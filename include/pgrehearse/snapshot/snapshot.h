/* What a database holds, schema and rows, so that two snapshots can be compared. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/rollback.h"

/* Everything a migration can change, as text a definition an object: schemas, tables, columns, constraints,
 * indexes, functions, triggers, rules, policies, views, types, sequences (their definition, not their value),
 * privileges, owners, comments, extensions, publications, statistics objects, event triggers. What lies in
 * temporary or system schemas, or belongs to an extension, is left out. */
typedef struct rh_schema rh_schema;
rh_schema *rh_schema_read(rh_pg *pg, rh_error *error);
/* Takes NULL. */
void rh_schema_free(rh_schema *schema);
size_t rh_schema_object_count(const rh_schema *schema);
/* Object by object; differences in ARENA. Shown without literals and without the text of comments. Columns
 * that only changed their places are one object, "order of the columns of table …", and "moved". */
void rh_schema_compare(const rh_schema *before, const rh_schema *after, rh_arena *arena,
                       rh_difference **differences, size_t *count);

/* The names (quoted, qualified) of indexes that a CONCURRENTLY left invalid. */
bool rh_invalid_indexes(rh_pg *pg, rh_arena *arena, const char ***names, size_t *count, rh_error *error);

/* The rows of a database as a count and a digest per table, so that two moments can be compared.
 *
 * The digest does not depend on the order of rows or of columns: the sum, over the rows, of a 64-bit hash
 * (hashtextextended) of the row's text, and the same for each column by itself. Two different contents have
 * the same digest with a probability of about 2^-64, and rows must change to be found: an UPDATE that writes
 * what was there is no change. All values are read, so this warms caches: what is timed afterwards runs
 * warmer than it would on its own.
 */

typedef struct rh_data rh_data;

typedef struct rh_data_options {
    const char *history_table;    /* as in rh_plan; left out; NULL: none */
    const char *history_registry; /* likewise, the whole schema */
    const char *const
        *affected; /* relations that the migration locks for writing or more; quoted, qualified */
    size_t affected_count;
    int64_t
        everything_bytes;  /* all tables are read when together they are no larger; else only the affected */
    int64_t table_bytes;   /* a larger table's rows are only counted */
    int64_t count_bytes;   /* of a table larger than this not even that */
    rh_usec table_timeout; /* a table that takes longer is given up (counted only, then not compared) */
} rh_data_options;
/* 1 GiB for everything and for a table, 16 GiB to count, 60 s. */
extern const rh_data_options RH_DATA_DEFAULTS;

/* Looks at all tables. PG must be in no transaction and is so afterwards; nothing stays locked. A table that
 * cannot be read is no error: it is not compared and says why. */
rh_data *rh_data_read(rh_pg *pg, const rh_data_options *options, rh_error *error);
/* The same tables with the columns that they had in BEFORE, as far as they are still there. */
rh_data *rh_data_read_again(rh_pg *pg, const rh_data *before, rh_error *error);
/* Takes NULL. */
void rh_data_free(rh_data *data);

/* What AFTER (of rh_data_read_again) lacks of BEFORE; strings in ARENA. */
void rh_data_compare(const rh_data *before, const rh_data *after, rh_arena *arena,
                     rh_data_comparison *comparison);
