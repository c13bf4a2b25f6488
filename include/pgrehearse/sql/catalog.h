/* A catalog without a server: tables, types and other objects as the backup defines them, changed by the DDL
 * of the earlier statements of the release. Effects of functions and DO blocks are not followed. The field
 * "unsupported" says why nothing can be derived for an object: for example, the table is partitioned, or a DO
 * block may have changed it. Strings live in the arena of rh_catalog. */
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
typedef struct rh_catalog_type {
    rh_relation ref;
    long mods[2]; /* varchar(10): 10; of an interval its fields, then its precision */
    size_t mod_count;
    const char *collation; /* NULL: the type's own */
    bool array;
    bool unsupported; /* written with %TYPE: its properties are not known */
} rh_catalog_type;

typedef struct rh_catalog_column {
    const char *name; /* unquoted, as all names here */
    const char *type; /* in the words of its statement, with COLLATE */
    rh_relation type_name;
    rh_catalog_type of_type;
    const char *value;    /* its default's expression; NULL */
    const char *comment;  /* as a literal; NULL */
    const char *sequence; /* that it owns, as SQL writes it; NULL */
    bool not_null;
    bool default_dropped;       /* by the current file */
    rh_unsupported unsupported; /* what a copy of the column would lack */
} rh_catalog_column;

typedef struct rh_catalog_index {
    const char *name;
    const char *sql;            /* its CREATE INDEX; NULL: a constraint's */
    char constraint;            /* 'p' PRIMARY KEY, 'u' UNIQUE, 0 */
    rh_unsupported unsupported; /* as above */
    const char **columns;       /* of a constraint's index */
    size_t column_count;
} rh_catalog_index;

typedef struct rh_catalog_constraint {
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
} rh_catalog_constraint;

typedef struct rh_catalog_table {
    const char *schema, *name; /* SCHEMA: "public" when the statement names none */
    rh_catalog_column *columns;
    size_t column_count;
    rh_catalog_index *indexes;
    size_t index_count;
    rh_catalog_constraint *constraints;
    size_t constraint_count;
    const char **triggers;
    size_t trigger_count;
    bool has_two_names; /* plan --safer keeps one of its columns under two names until a later release */
    const char *constraint_dropped; /* by the current file; NULL */
    rh_unsupported unsupported;     /* why its statements cannot be rewritten */
    bool dropped;
    struct rh_catalog_table **parents; /* that it inherits from, or is a partition of */
    size_t parent_count;
    bool is_partition, is_default; /* of its parent */
    bool is_partitioned;           /* a partition may be, too */
    bool guessed;                  /* no definition: only its name, from a statement that alters it */
    bool is_new;       /* created by the migrations, not by the backup: no other session uses it yet */
    bool small;        /* few rows in the backup: a scan takes no time */
    bool filled;       /* new or small, and rows were inserted */
    bool row_security; /* ENABLE ROW LEVEL SECURITY */
    bool clustered;    /* CLUSTER ON an index */
    bool unlogged;
    const char *access_method, *tablespace; /* NULL: the default */
    const char *owner;                      /* NULL: not known */
    struct rh_catalog_table *next_same;     /* in the index by name */
} rh_catalog_table;

typedef enum rh_catalog_kind {
    RH_CATALOG_VIEW,
    RH_CATALOG_MATVIEW,
    RH_CATALOG_TRIGGER,
    RH_CATALOG_POLICY,
    RH_CATALOG_RULE,
    RH_CATALOG_STATISTICS,
    RH_CATALOG_GENERATED, /* a generated column */
    RH_CATALOG_INDEX,     /* of a materialized view: a table has its own */
    RH_CATALOG_SEQUENCE,
    RH_CATALOG_FUNCTION,
    RH_CATALOG_DOMAIN,
    RH_CATALOG_TYPE, /* an enum, a composite type or a range */
    RH_CATALOG_PUBLICATION,
} rh_catalog_kind;
/* The kinds that are relations. */
#define RH_CATALOG_RELATIONS                                                                                 \
    (1u << RH_CATALOG_VIEW | 1u << RH_CATALOG_MATVIEW | 1u << RH_CATALOG_SEQUENCE | 1u << RH_CATALOG_INDEX)

/* An object that is not a table. */
typedef struct rh_catalog_object {
    const char *what; /* "view public.v" */
    const char *sql;
    bool dropped;
    rh_catalog_kind kind;
    const char *schema, *name; /* SCHEMA NULL: a trigger, which has none */
    rh_relation *reads; /* a view: what it reads; a trigger, policy, rule, statistics, index: their table;
                            a domain: its type; a publication: its tables */
    size_t read_count;
    const char *calls;    /* a trigger: its function, without the schema; NULL */
    int events;           /* a trigger: CreateTrigStmt.events */
    bool constrained;     /* a domain with a CHECK or NOT NULL */
    rh_catalog_type base; /* of a domain */
    bool stable;          /* a function: declared IMMUTABLE or STABLE */
    bool is_new;          /* created by the migrations, not by the backup */
    const char *owner;    /* NULL: not known */
} rh_catalog_object;

typedef struct rh_catalog {
    rh_arena *arena;
    rh_catalog_table **tables;
    size_t table_count;
    rh_catalog_object *objects; /* views, triggers and others that may depend on a table and its columns */
    size_t object_count;
    rh_catalog_object *others; /* sequences, functions, types */
    size_t other_count;
    const char *const *search_path; /* NULL-ended; NULL: "public" */
    bool complete; /* all definitions of the backup were read: an object that is not here does not exist */
    bool in_migrations;            /* the statements from here on are the migrations', not the backup's */
    rh_catalog_table *index[1024]; /* by a hash of the name */
} rh_catalog;

/* Applies the effect of one statement. */
void rh_catalog_learn(rh_catalog *catalog, const char *sql);
/* The same for its parse TREE. */
void rh_catalog_learn_tree(rh_catalog *catalog, const char *sql, rh_json *tree);
/* The same for a statement of the migrations. A table that it alters and that has no definition is added with
 * its name alone (guessed). */
void rh_catalog_learn_migration(rh_catalog *catalog, const char *sql, rh_json *tree);
/* A new file of migrations begins. */
void rh_catalog_begin_file(rh_catalog *catalog);

/* The table of a RangeVar's body; NULL: not defined. */
rh_catalog_table *rh_catalog_table_of(const rh_catalog *catalog, rh_json *range_var);
rh_catalog_column *rh_catalog_column_of(const rh_catalog_table *table, const char *name);
/* The only column of its primary key; NULL if the key has several or there is none. */
const char *rh_catalog_key_column(const rh_catalog_table *table);
/* INDEX is on COLUMN, or its predicate reads it. */
bool rh_catalog_index_uses(const rh_catalog_index *index, const char *column, rh_arena *arena);
/* The referencing columns of KEY, a foreign key of TABLE, as SQL writes them, if no index begins with one of
 * them. The server then scans TABLE for each referenced row that is deleted or whose key changes. NULL: an
 * index serves. */
const char *rh_catalog_unindexed_key(const rh_catalog_table *table, const rh_catalog_constraint *key,
                                     rh_arena *arena);
/* What depends on an object, so that the server refuses to drop it without CASCADE: "view public.v", in
 * ARENA; NULL: nothing is known to. GONE: columns and constraints that the statement has dropped before,
 * NULL-ended; NULL: none. */
/* On COLUMN of TABLE, if the statement DROPS it, or else changes its type. */
const char *rh_catalog_column_user(const rh_catalog *catalog, const rh_catalog_table *table,
                                   const char *column, bool drops, const char *const *gone, rh_arena *arena);
/* On the constraint NAME of TABLE. */
const char *rh_catalog_constraint_user(const rh_catalog *catalog, const rh_catalog_table *table,
                                       const char *name, const char *const *gone, rh_arena *arena);
/* On the object at INDEX of BODY, a DropStmt. */
const char *rh_catalog_drop_user(const rh_catalog *catalog, rh_json *body, size_t index, rh_arena *arena);
/* "public.t" as SQL writes it. */
const char *rh_catalog_name(const rh_catalog_table *table, rh_arena *arena);

/* The table SCHEMA.NAME; SCHEMA NULL: the first along the search_path, temporary tables before all. */
rh_catalog_table *rh_catalog_find(const rh_catalog *catalog, const char *schema, const char *name);
/* The same for an object that is not a table, in objects and others; KINDS are bits (1 << kind). */
rh_catalog_object *rh_catalog_find_object(const rh_catalog *catalog, unsigned kinds, const char *schema,
                                          const char *name);
rh_catalog_object *rh_catalog_find_publication(const rh_catalog *catalog, const char *name);
/* The table that has the index SCHEMA.NAME. *INDEX may be NULL. */
rh_catalog_table *rh_catalog_table_of_index(const rh_catalog *catalog, const char *schema, const char *name,
                                            rh_catalog_index **index);
/* Records that TABLE has few rows in the backup. */
void rh_catalog_note_small(rh_catalog *catalog, const rh_listed_table *table);
/* True if a scan or a rewrite of TABLE takes no time: the table is new and empty, or small. NULL: false. */
bool rh_catalog_is_small(const rh_catalog_table *table);
/* The number of row security policies of TABLE. */
size_t rh_catalog_policies(const rh_catalog *catalog, const rh_catalog_table *table);
/* The schema in which an unqualified name is created. */
const char *rh_catalog_schema(const rh_catalog *catalog);
/* REF with its schema: of the object of that name, else the one in which an unqualified name is created. */
rh_relation rh_catalog_resolved(const rh_catalog *catalog, rh_relation ref);
/* The relation that a list of String nodes (or a List or TypeName of them) names, without its LAST names. */
rh_relation rh_catalog_ref_of(rh_json *list, size_t last);
/* The reference of a RangeVar's body. */
rh_relation rh_catalog_range_ref(rh_json *range_var);
/* The domain with a constraint that TYPE is, or is based on through other domains; NULL. */
const rh_catalog_object *rh_catalog_constrained_domain(const rh_catalog *catalog, rh_relation type);
/* True if TYPE is DOMAIN (a domain or another type) or a domain based on it. */
bool rh_catalog_is_of_type(const rh_catalog *catalog, rh_relation type, const rh_catalog_object *domain);

/* A type of a column that takes its values from a sequence of its own: "bigserial", "bigint", "int8". */
typedef struct rh_serial {
    const char *name, *type, *internal;
} rh_serial;
/* TYPE without a schema, as the parser names it, which may be NULL; NULL: it is none. */
const rh_serial *rh_catalog_serial(const char *type);
/* The type of a TypeName's body and a CollateClause's; both may be NULL. */
rh_catalog_type rh_catalog_type_of(rh_json *type_name, rh_json *collation, rh_arena *arena);
/* What ALTER COLUMN … TYPE has to rebuild when the type of the column changes from FROM to TO. */
typedef enum rh_type_change {
    RH_TYPE_REWRITES,       /* the table */
    RH_TYPE_ALIKE,          /* nothing: both types have the same storage and order */
    RH_TYPE_INDEXES,        /* the indexes on the column */
    RH_TYPE_INDEXES_IN_UTC, /* the indexes if TimeZone is UTC, else the table */
} rh_type_change;
rh_type_change rh_catalog_type_change(const rh_catalog *catalog, const rh_catalog_type *from,
                                      const rh_catalog_type *to);

/* ---- for src/sql/catalog/ ---- */
rh_catalog_table *rh_catalog_add_table(rh_catalog *catalog, rh_json *range_var);
void rh_catalog_rehash(rh_catalog *catalog, rh_catalog_table *table, const char *new_name);
void rh_catalog_add_parent(rh_catalog *catalog, rh_catalog_table *table, rh_catalog_table *parent);
void rh_catalog_alter_table(rh_catalog *catalog, const char *sql, rh_json *body);
void rh_catalog_create_table(rh_catalog *catalog, const char *sql, rh_json *body);
/* The type in DEFINITION, the ColumnDef of ALTER COLUMN … TYPE, as SQL writes it. END: offset of the
 * subcommand's end. */
const char *rh_catalog_new_type(const char *sql, rh_json *definition, size_t end, rh_arena *arena);
/* "t_a_b_key" as PostgreSQL would name it, truncated to 63 bytes (makeObjectName). */
const char *rh_catalog_object_name(rh_arena *arena, const char *table, const char *columns,
                                   const char *label);
/* The same as PostgreSQL chooses it for a constraint of TABLE: with a number if the name exists
 * (ChooseConstraintName). */
const char *rh_catalog_free_name(const rh_catalog *catalog, const rh_catalog_table *table,
                                 const char *columns, const char *label);
/* The only column that a CHECK reads, which is part of its default name; "": several or none. */
const char *rh_catalog_check_column(rh_json *constraint);
