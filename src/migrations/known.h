/* Internal to migrations/: what statements tell of the schema: those of the backup and of the migrations
 * before. What functions and DO blocks do is not followed, only told (odd). */
#pragma once
#include "pgrehearse/base/arena.h"
#include "tree.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct rh_known_column {
    const char *name;     /* unquoted, as all names here */
    const char *type;     /* in the words of its statement, with COLLATE */
    const char *value;    /* its default's expression; NULL */
    const char *comment;  /* as a literal; NULL */
    const char *sequence; /* that it owns, as SQL writes it; NULL */
    bool not_null;
    bool default_dropped; /* by the file under way */
    const char *odd;      /* what a copy of it would lack ("is an identity column"); NULL */
} rh_known_column;

typedef struct rh_known_index {
    const char *name;
    const char *sql;      /* its CREATE INDEX; NULL: a constraint's */
    char constraint;      /* 'p' PRIMARY KEY, 'u' UNIQUE, 0 */
    const char *odd;      /* as above */
    const char **columns; /* of a constraint's index */
    size_t column_count;
} rh_known_index;

typedef struct rh_known_constraint {
    const char *name;
    char kind; /* 'c' CHECK, 'f' FOREIGN KEY, 'x' EXCLUDE */
    bool valid;
    const char *definition;      /* "CHECK (…)", without NOT VALID */
    const char *schema, *target; /* f: the referenced table; SCHEMA may be NULL */
    const char **columns;        /* f: the referenced ones; none: its primary key */
    size_t column_count;
    const char *odd;
} rh_known_constraint;

typedef struct rh_known_table {
    const char *schema, *name; /* SCHEMA: "public" when the statement names none */
    rh_known_column *columns;
    size_t column_count;
    rh_known_index *indexes;
    size_t index_count;
    rh_known_constraint *constraints;
    size_t constraint_count;
    const char **triggers;
    size_t trigger_count;
    bool under_way;                 /* a column of it lives under two names until a later release */
    const char *constraint_dropped; /* by the file under way; NULL */
    const char *odd;                /* why nothing mechanical can be said of it ("is partitioned"); NULL */
    bool dropped;
} rh_known_table;

/* A view, policy, trigger … : what names a table and a column may depend on them. */
typedef struct rh_known_object {
    const char *what; /* "view public.v" */
    const char *sql;
    bool dropped;
} rh_known_object;

typedef struct rh_known {
    rh_arena *arena;
    rh_known_table **tables;
    size_t table_count;
    rh_known_object *objects;
    size_t object_count;
} rh_known;

/* Follows one statement. */
void rh_known_learn(rh_known *known, const char *sql);
/* The same for its parse TREE. */
void rh_known_learn_tree(rh_known *known, const char *sql, rh_json *tree);
/* A new file of migrations begins. */
void rh_known_begin_file(rh_known *known);

/* The table of a RangeVar's body; NULL: nothing tells of it. */
rh_known_table *rh_known_table_of(const rh_known *known, rh_json *range_var);
rh_known_column *rh_known_column_of(const rh_known_table *table, const char *name);
/* The one column of its primary key; NULL. */
const char *rh_known_key(const rh_known_table *table);
/* INDEX is on COLUMN, or its predicate reads it. */
bool rh_known_index_uses(const rh_known_index *index, const char *column, rh_arena *arena);
/* "public.t" as SQL writes it. */
const char *rh_known_name(const rh_known_table *table, rh_arena *arena);

/* For known_tables.c: an object without its table, and the list of its names. */
rh_known_table *rh_known_find(const rh_known *known, const char *schema, const char *name);
void rh_known_alter_table(rh_known *known, const char *sql, rh_json *body);
void rh_known_create_table(rh_known *known, const char *sql, rh_json *body);
/* The type that DEFINITION, the ColumnDef of ALTER COLUMN … TYPE, gives, in its own words; END: of the
 * subcommand. */
const char *rh_known_new_type(const char *sql, rh_json *definition, size_t end, rh_arena *arena);
/* "t_a_b_key" as PostgreSQL would name it, cut to 63 bytes (makeObjectName). */
const char *rh_known_object_name(rh_arena *arena, const char *table, const char *columns, const char *label);
/* The one column that a CHECK reads, by which it is named when nobody names it; "": several or none. */
const char *rh_known_checked(rh_json *constraint);
