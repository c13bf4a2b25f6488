/* A table of the mix. Everything lives in the arena of the mix. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/random.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/workload/workload.h"

typedef struct mix_column {
    int number; /* attnum */
    const char *name, *quoted;
    const char *type; /* of the base: "int4", "varchar" … */
    int length;       /* characters that a varchar or bpchar holds; -1: no limit */
    bool not_null, has_default;
    bool fresh_default; /* every row gets another one: nextval, a random uuid … */
    bool identity, generated, foreign, indexed, partition_key;
    bool readable, insertable, updatable; /* by the load's role */
    bool in_policy;                       /* a policy of row-level security reads it */
    int width;                            /* average bytes */
} mix_column;

/* Indexes into the table's columns. */
typedef struct mix_columns {
    size_t *index;
    size_t count;
} mix_columns;

typedef struct mix_unique {
    bool primary, usable_as_key, exclusion;
    mix_columns columns;
} mix_unique;

typedef struct mix_reference {
    bool indexed;
    mix_columns columns;
} mix_reference;

typedef struct mix_table {
    const char *oid;
    rh_relation relation;
    const char *name;               /* schema.table for people */
    const char *quoted;             /* for SQL */
    int64_t rows, pages;            /* estimates */
    bool has_exclusion, is_history; /* history: of a migration tool */
    mix_column *columns;
    size_t column_count;
    mix_unique *uniques;
    size_t unique_count;
    mix_reference *references;
    size_t reference_count;
    const mix_unique *key; /* that rows are read by; NULL: none */
    const char ***sample;  /* [row][column], in random order */
    bool *writable;        /* [row]: it keeps to what the migrations will ask of it */
    size_t sample_count;
    const char *condition;      /* of the rows that do, called rh_row; NULL: all do */
    const char *why_no_inserts; /* NULL: no known obstacle */
    bool is_restricted;         /* row-level security decides which rows the load's role sees */
    const char *why_unseen;     /* row-level security shows the load's role none of its rows; NULL: not so */
} mix_table;

/* What is handed down while the mix is made. */
typedef struct mix_build {
    rh_pg *pg;               /* of a role that sees everything */
    const rh_mix_role *role; /* of the load; NULL: nothing restricts it */
    rh_arena *arena;
    rh_random random;
    uint64_t seed;
    rh_mix *mix;
    const struct rh_profile_values *values; /* production's most common ones */
    size_t value_count;
    const rh_load_limits *limits; /* NULL: none are known */
    bool *followed;               /* by value: some statement's parameters are as frequent as it says */
} mix_build;

/* The user tables with columns, unique indexes and foreign keys; the largest first. */
bool rh_mix_read_tables(mix_build *build, mix_table **tables, size_t *count, rh_error *error);
/* constraints.c: adds to TABLE what the migrations will ask of its rows. False: the connection is lost. */
bool rh_mix_limit(mix_build *build, mix_table *table, rh_error *error);
/* "3 1" → indexes of these attribute numbers; those that TABLE does not have are counted in UNKNOWN (may be
 * NULL). */
mix_columns rh_mix_parse_columns(mix_build *build, const mix_table *table, const char *numbers,
                                 size_t *unknown);
/* Up to some thousand rows of TABLE that the load's role sees, with every column as text. None and why_unseen
 * where there are rows and it sees none. */
bool rh_mix_sample(mix_build *build, mix_table *table, rh_error *error);
/* visible.c: the same where row-level security is in force for the load's role: from SOME ("t rh_row
 * TABLESAMPLE …"), or up to LIMIT from all of the table where that finds few. */
bool rh_mix_sample_visible(mix_build *build, mix_table *table, const char *some, int64_t limit,
                           rh_error *error);
/* Whether that is so. False also where ERROR is set. */
bool rh_mix_is_restricted(mix_build *build, const mix_table *table, rh_error *error);
/* The rows of RESULT, a value a column and then whether the row is writable, as TABLE's sample; and in random
 * order. */
void rh_mix_take_rows(mix_build *build, mix_table *table, const rh_pg_result *result);
void rh_mix_shuffle(mix_build *build, mix_table *table);
/* The session in which the load's statements are tried. */
rh_pg *rh_mix_session(const mix_build *build);
/* A sentence for the report. */
void rh_mix_leave_out(mix_build *build, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An INSERT that clones a sampled row and breaks no uniqueness; false: WHY says why there is none. SQL and
 * VALUES as in rh_template. */
bool rh_mix_insert(mix_build *build, const mix_table *table, rh_template *template_, const char **why,
                   rh_error *error);
/* Prepares TEMPLATE and tries it on a few rows in a transaction that is rolled back; false: WHY says what
 * failed. A lost connection or an interrupt sets ERROR. */
bool rh_mix_try(mix_build *build, const rh_template *template_, const char **why, rh_error *error);

/* What an INSERT of someone else's must change so that it breaks no unique index when played again. */
typedef struct mix_fresh {
    const char **expressions; /* by column: SQL for its value, with \1 for the value given and \2 for a number
                                 that no other row has; NULL: as given */
    bool *shuffled;           /* by column: a foreign key to be taken from another row */
    bool may_conflict;        /* ON CONFLICT DO NOTHING is needed */
} mix_fresh;
/* NAMED: the columns that the statement gives values to; REPLACEABLE: where these are plain parameters.
 * False: WHY names the obstacle, or ERROR is set. */
bool rh_mix_unique(mix_build *build, const mix_table *table, const bool *named, const bool *replaceable,
                   mix_fresh *fresh, const char **why, rh_error *error);
