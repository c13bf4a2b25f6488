/* Internal to rewrite/: the steps that replace one statement. */
#pragma once
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"
#include "pgrehearse/rewrite/rewrite.h"
#include "pgrehearse/sql/catalog.h"
#include "transactions.h"
#include "pgrehearse/sql/tree.h"

/* The steps for one statement, and its context. */
typedef struct rh_safer_list {
    rh_arena *arena;
    const rh_statement *statement;
    rh_safer_step *steps;
    size_t count;
    const char **answered; /* rules of the hazards that the steps avoid */
    size_t answered_count;
    rh_catalog *catalog;     /* the schema before the statement */
    const rh_script *script; /* of the statement */
    const rh_plan *plan;
    const rh_migration *migration;
    const char *tied;              /* why its transaction cannot be committed in the middle; NULL: it can */
    const rh_safer_setting *bound; /* a setting that applies only within its transaction; NULL */
    bool kept;                     /* its file stays as it is */
    bool learned;                  /* the catalog includes the statement's effect */
    const char *why;               /* why it was not rewritten; NULL */
} rh_safer_list;

rh_safer_step *rh_safer_add(rh_safer_list *list, const char *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rh_safer_answer(rh_safer_list *list, const char *rule);
bool rh_safer_has(const rh_statement *statement, const char *rule); /* a hazard that is not silenced */

/* The rule of its first hazard that is not silenced and not due to other statements of its transaction; NULL:
 * none. */
const char *rh_safer_rule(const rh_statement *statement);
/* SQL with WORDS inserted after the keyword KEYWORD, and without "IF NOT EXISTS" if PLAIN. */
const char *rh_safer_with_words(const char *sql, const char *keyword, const char *words, bool plain,
                                rh_arena *arena);

/* REINDEX, REFRESH MATERIALIZED VIEW. */
bool rh_safer_maintenance(rh_safer_list *list, const char *kind, rh_json *body);
/* A view under a table's old name. */
bool rh_safer_rename_table(rh_safer_list *list, rh_json *body);
/* CREATE INDEX on a partitioned table. */
bool rh_safer_partitioned_index(rh_safer_list *list, rh_json *body);
/* COMMAND of an ALTER TABLE: ATTACH or DETACH PARTITION. */
bool rh_safer_partition(rh_safer_list *list, rh_json *body, rh_json *command);
/* CREATE TABLE … PARTITION OF. */
bool rh_safer_new_partition(rh_safer_list *list, rh_json *body);
/* ALTER TABLE: TREE is its body. False: it could not be split, and no steps are added. */
bool rh_safer_alter_table(rh_safer_list *list, rh_json *body);
/* UPDATE or DELETE in batches; false if a batch might not be repeatable. */
bool rh_safer_batches(rh_safer_list *list, rh_json *body);
/* Why TABLE cannot be judged (NULL: not defined); NULL: it is defined, and is an ordinary or a partitioned
 * one. */
const char *rh_safer_unknown(const rh_safer_list *list, const rh_catalog_table *table);
bool rh_safer_is_partitioned(const rh_catalog_table *table);
/* Why TABLE cannot be changed in batches; NULL: it can. */
const char *rh_safer_no_batches(const rh_safer_list *list, const rh_catalog_table *table);
/* The same for a statement that itself fires no triggers and applies no policies. */
const char *rh_safer_no_fill(const rh_safer_list *list, const rh_catalog_table *table);
/* VERB, an UPDATE or DELETE up to its WHERE, in batches by ranges of TABLE's primary key, on rows that
 * satisfy CONDITION (may be NULL). NAME: the table as SQL writes it, CALLED: its alias in the statement. */
void rh_safer_fill(rh_safer_list *list, const char *rule, const rh_catalog_table *table, const char *name,
                   const char *called, const char *verb, const char *condition);
/* HEAD ("ALTER TABLE t") with VALIDATE CONSTRAINT NAME, in a separate transaction. */
void rh_safer_validate(rh_safer_list *list, const char *rule, const char *head, const char *name);
/* The column BARE (unquoted) of DEFINITION becomes NOT NULL without a scan under ACCESS EXCLUSIVE. TABLE: as
 * SQL writes it. */
void rh_safer_not_null(rh_safer_list *list, const char *rule, const rh_catalog_table *definition,
                       const char *table, const char *bare);

/* A subcommand ALTER COLUMN … TYPE: its ColumnDef, its words and their offset in the statement. */
typedef struct rh_safer_retyped {
    rh_json *relation; /* the table's RangeVar */
    rh_json *definition;
    const char *column, *words;
    size_t offset;
    bool default_given; /* the statement sets or drops its default, */
    const char *value;  /* to this; NULL: none */
} rh_safer_retyped;
/* In the statement's words, with COLLATE. */
const char *rh_safer_new_type(const rh_safer_list *list, const rh_safer_retyped *r);
/* By the catalog, both types have the same storage: the table is not rewritten. */
bool rh_safer_type_alike(rh_safer_list *list, const rh_safer_retyped *r);
/* The clauses "SET … FROM CURRENT" by which a function converts the column's values as the statement would,
 * whatever the session's settings; "": they do not matter. */
const char *rh_safer_type_settings(const rh_safer_list *list, const rh_safer_retyped *r);
/* The same for a function that compares values of COLUMN, with its default where DEFAULTS. */
const char *rh_safer_name_settings(const rh_catalog_column *column, bool defaults);
/* A second column that a trigger keeps up to date, filled in batches, with its own indexes and constraints,
 * which then replaces the first. False, with why set: not possible here. */
bool rh_safer_type(rh_safer_list *list, const rh_safer_retyped *r);
/* The same for renaming a column: both columns are kept in sync until a later release. */
bool rh_safer_rename_column(rh_safer_list *list, rh_json *body);
/* Lists the hazards of the statement that its steps do not avoid. */
void rh_safer_leave(const rh_safer_list *list, rh_arena *arena, rh_safer *safer);
/* What comes before the steps is committed first. */
void rh_safer_commit_before(rh_safer_list *list);
/* The steps of one statement: those that replace it, or the statement itself. BODY, of KIND, in TREE: its
 * parse tree; NULL: it does not parse. */
void rh_safer_statement(rh_safer_list *list, rh_safer *safer, const char *kind, rh_json *body, rh_json *tree);
