/* The known schema: the definitions of the backup, changed by the DDL of the migrations before. Effects of
 * functions and DO blocks are not followed. A field unsupported says why nothing can be derived for an
 * object, such as a partitioned table or one that a DO block may have changed. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/sql/tree.h"
#include "pgrehearse/model/facts.h"
#include <stdbool.h>
#include <stddef.h>

/* Why plan --safer does not rewrite statements on a table, or copy a column, index or constraint. */
typedef enum rh_unsupported {
    RH_SUPPORTED,
    RH_UNSUPPORTED_TEMPORARY,
    RH_UNSUPPORTED_INDEX_OPTIONS,
    RH_UNSUPPORTED_IDENTITY,
    RH_UNSUPPORTED_GENERATED,
    RH_UNSUPPORTED_PARTITIONED,
    RH_UNSUPPORTED_PARTITION,
    RH_UNSUPPORTED_INHERITS,
    RH_UNSUPPORTED_TYPED,
    RH_UNSUPPORTED_HAS_CHILDREN,
    RH_UNSUPPORTED_NOT_PARSED,
    RH_UNSUPPORTED_LIKE,
    RH_UNSUPPORTED_FORMER_INDEX,
    RH_UNSUPPORTED_STORAGE_OPTIONS,
    RH_UNSUPPORTED_CLUSTERED,
    RH_UNSUPPORTED_REPLICA_IDENTITY,
    RH_UNSUPPORTED_ALTERED,
    RH_UNSUPPORTED_COMMENT,
    RH_UNSUPPORTED_PRIVILEGES,
    RH_UNSUPPORTED_DO_BLOCK,
    RH_UNSUPPORTED_QUERY,
    RH_UNSUPPORTED_CREATED,
    RH_UNSUPPORTED_NOT_IN_BACKUP,
    RH_UNSUPPORTED_COUNT
} rh_unsupported;
/* As a clause without its subject: "is partitioned"; NULL for RH_SUPPORTED. */
const char *rh_unsupported_text(rh_unsupported unsupported);

/* A type as the parser names it: "int4", "varchar". */
typedef struct rh_known_type {
    rh_relation ref;
    long mods[2]; /* varchar(10): 10; of an interval its fields, then its precision */
    size_t mod_count;
    const char *collation; /* NULL: the type's own */
    bool array;
    bool unsupported; /* written with %TYPE: its properties are not known */
} rh_known_type;

typedef struct rh_known_column {
    const char *name; /* unquoted, as all names here */
    const char *type; /* in the words of its statement, with COLLATE */
    rh_relation type_name;
    rh_known_type of_type;
    const char *value;    /* its default's expression; NULL */
    const char *comment;  /* as a literal; NULL */
    const char *sequence; /* that it owns, as SQL writes it; NULL */
    bool not_null;
    bool default_dropped;       /* by the file under way */
    rh_unsupported unsupported; /* what a copy of it would lack */
} rh_known_column;

typedef struct rh_known_index {
    const char *name;
    const char *sql;            /* its CREATE INDEX; NULL: a constraint's */
    char constraint;            /* 'p' PRIMARY KEY, 'u' UNIQUE, 0 */
    rh_unsupported unsupported; /* as above */
    const char **columns;       /* of a constraint's index */
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
    char on_delete,
        on_update; /* f: 'a' NO ACTION, 'r' RESTRICT, 'c' CASCADE, 'n' SET NULL, 'd' SET DEFAULT */
    rh_unsupported unsupported;
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
    rh_unsupported unsupported;     /* why its statements cannot be rewritten */
    bool dropped;
    struct rh_known_table **parents; /* that it inherits from, or is a partition of */
    size_t parent_count;
    bool is_partition, is_default; /* of its parent */
    bool guessed;                  /* only its name is known, from a statement that alters it */
    bool is_new;       /* created by the migrations, not by the backup: no other session uses it yet */
    bool small;        /* next to no rows in the backup */
    bool filled;       /* new or small, and rows were put in */
    bool row_security; /* ENABLE ROW LEVEL SECURITY */
    bool clustered;    /* CLUSTER ON an index */
    bool unlogged;
    const char *access_method, *tablespace; /* NULL: the default */
    const char *owner;                      /* NULL: nothing tells */
    struct rh_known_table *next_same;       /* in the index by name */
} rh_known_table;

typedef enum rh_known_kind {
    RH_KNOWN_VIEW,
    RH_KNOWN_MATVIEW,
    RH_KNOWN_TRIGGER,
    RH_KNOWN_POLICY,
    RH_KNOWN_RULE,
    RH_KNOWN_STATISTICS,
    RH_KNOWN_GENERATED, /* a generated column */
    RH_KNOWN_INDEX,     /* of a materialized view: a table has its own */
    RH_KNOWN_SEQUENCE,
    RH_KNOWN_FUNCTION,
    RH_KNOWN_DOMAIN,
    RH_KNOWN_TYPE, /* an enum, a composite type or a range */
    RH_KNOWN_PUBLICATION,
} rh_known_kind;
/* The kinds that are relations. */
#define RH_KNOWN_RELATIONS                                                                                   \
    (1u << RH_KNOWN_VIEW | 1u << RH_KNOWN_MATVIEW | 1u << RH_KNOWN_SEQUENCE | 1u << RH_KNOWN_INDEX)

/* What is no table. */
typedef struct rh_known_object {
    const char *what; /* "view public.v" */
    const char *sql;
    bool dropped;
    rh_known_kind kind;
    const char *schema, *name; /* SCHEMA NULL: it has none of its own (a trigger) */
    rh_relation *reads; /* a view: what it reads; a trigger, policy, rule, statistics, index: their table;
                            a domain: its type; a publication: its tables */
    size_t read_count;
    const char *calls;  /* a trigger: its function, without the schema; NULL */
    int events;         /* a trigger: CreateTrigStmt.events */
    bool constrained;   /* a domain with a CHECK or NOT NULL */
    rh_known_type base; /* of a domain */
    bool stable;        /* a function: declared IMMUTABLE or STABLE */
    bool is_new;        /* made by the migrations, not by the backup */
    const char *owner;  /* NULL: nothing tells */
} rh_known_object;

typedef struct rh_known {
    rh_arena *arena;
    rh_known_table **tables;
    size_t table_count;
    rh_known_object *objects; /* what names a table and a column may depend on them */
    size_t object_count;
    rh_known_object *others; /* sequences, functions, types */
    size_t other_count;
    const char *const *search_path; /* NULL-ended; NULL: "public" */
    bool complete;               /* the backup's definitions were all read: what is not known is not there */
    bool in_migrations;          /* what is learned now is the migrations' doing */
    rh_known_table *index[1024]; /* by a hash of the name */
} rh_known;

/* Follows one statement. */
void rh_known_learn(rh_known *known, const char *sql);
/* The same for its parse TREE. */
void rh_known_learn_tree(rh_known *known, const char *sql, rh_json *tree);
/* The same for a statement of the migrations: a table that it alters and nothing tells of becomes known by
 * its name, and what is done to it from here on. */
void rh_known_learn_migration(rh_known *known, const char *sql, rh_json *tree);
/* A new file of migrations begins. */
void rh_known_begin_file(rh_known *known);

/* The table of a RangeVar's body; NULL: nothing tells of it. */
rh_known_table *rh_known_table_of(const rh_known *known, rh_json *range_var);
rh_known_column *rh_known_column_of(const rh_known_table *table, const char *name);
/* The one column of its primary key; NULL. */
const char *rh_known_key(const rh_known_table *table);
/* INDEX is on COLUMN, or its predicate reads it. */
bool rh_known_index_uses(const rh_known_index *index, const char *column, rh_arena *arena);
/* The referencing columns of KEY, a foreign key of TABLE, as SQL writes them, when no index begins with one
 * of them: the server then reads all of TABLE for each referenced row that goes. NULL: an index serves. */
const char *rh_known_unindexed_key(const rh_known_table *table, const rh_known_constraint *key,
                                   rh_arena *arena);
/* A view, materialized view, trigger or policy for which the server refuses to drop COLUMN of TABLE without
 * CASCADE, or to change its type; NULL: none is known. */
const rh_known_object *rh_known_column_user(const rh_known *known, const rh_known_table *table,
                                            const char *column, rh_arena *arena);
/* "public.t" as SQL writes it. */
const char *rh_known_name(const rh_known_table *table, rh_arena *arena);

/* The table SCHEMA.NAME; SCHEMA NULL: the first along the search_path, temporary tables before all. */
rh_known_table *rh_known_find(const rh_known *known, const char *schema, const char *name);
/* The same for what is no table, among objects and others alike; the kinds are bits (1 << kind). */
rh_known_object *rh_known_find_object(const rh_known *known, unsigned kinds, const char *schema,
                                      const char *name);
rh_known_object *rh_known_find_publication(const rh_known *known, const char *name);
/* The table that has the index SCHEMA.NAME. *INDEX may be NULL. */
rh_known_table *rh_known_indexed(const rh_known *known, const char *schema, const char *name,
                                 rh_known_index **index);
/* TABLE has next to no rows in the backup. */
void rh_known_note_small(rh_known *known, const rh_listed_table *table);
/* A scan or a rewrite of TABLE takes no time: it is new and empty, or small. NULL: not known, so false. */
bool rh_known_is_small(const rh_known_table *table);
/* How many policies TABLE has. */
size_t rh_known_policies(const rh_known *known, const rh_known_table *table);
/* Where an unqualified name is created. */
const char *rh_known_schema(const rh_known *known);
/* REF with its schema: as what is known has it, else as an unqualified name would be created. */
rh_relation rh_known_resolved(const rh_known *known, rh_relation ref);
/* A list "[schema.]name" of String nodes (or a List or TypeName of them), LAST names behind it left out. */
rh_relation rh_known_ref_of(rh_json *list, size_t last);
/* The reference of a RangeVar's body. */
rh_relation rh_known_range(rh_json *range_var);
/* The domain, if COLUMN is of one that has a constraint, also through domains over it; NULL. */
const rh_known_object *rh_known_constrained(const rh_known *known, rh_relation type);
/* TYPE is DOMAIN (a domain or another type), or a domain over it. */
bool rh_known_is_of_type(const rh_known *known, rh_relation type, const rh_known_object *domain);

/* The type of a TypeName's body and a CollateClause's; both may be NULL. */
rh_known_type rh_known_type_of(rh_json *type_name, rh_json *collation, rh_arena *arena);
/* What ALTER COLUMN … TYPE needs when the column's type is FROM and becomes TO. */
typedef enum rh_type_change {
    RH_TYPE_REWRITES,       /* the rows */
    RH_TYPE_ALIKE,          /* nothing: both are stored and sorted alike */
    RH_TYPE_INDEXES,        /* the rows stay, indexes on the column are built again */
    RH_TYPE_INDEXES_IN_UTC, /* the same where TimeZone is UTC; else the rows */
} rh_type_change;
rh_type_change rh_known_type_change(const rh_known *known, const rh_known_type *from,
                                    const rh_known_type *to);

/* For known_tables.c. */
rh_known_table *rh_known_add_table(rh_known *known, rh_json *range_var);
void rh_known_rehash(rh_known *known, rh_known_table *table, const char *new_name);
void rh_known_add_parent(rh_known *known, rh_known_table *table, rh_known_table *parent);
void rh_known_alter_table(rh_known *known, const char *sql, rh_json *body);
void rh_known_create_table(rh_known *known, const char *sql, rh_json *body);
/* The type that DEFINITION, the ColumnDef of ALTER COLUMN … TYPE, gives, in its own words; END: of the
 * subcommand. */
const char *rh_known_new_type(const char *sql, rh_json *definition, size_t end, rh_arena *arena);
/* "t_a_b_key" as PostgreSQL would name it, cut to 63 bytes (makeObjectName). */
const char *rh_known_object_name(rh_arena *arena, const char *table, const char *columns, const char *label);
/* The same as PostgreSQL would choose it for a constraint of TABLE: with a number where it is taken. */
const char *rh_known_free_name(const rh_known *known, const rh_known_table *table, const char *columns,
                               const char *label);
/* The one column that a CHECK reads, by which it is named when nobody names it; "": several or none. */
const char *rh_known_checked(rh_json *constraint);
