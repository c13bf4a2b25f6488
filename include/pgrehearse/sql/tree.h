/* Reading libpg_query's JSON parse trees. All of it takes NULL trees. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/relation.h"
#include <stdbool.h>
#include <stddef.h>

/* The node's type ("AlterTableStmt") and its fields in BODY; NULL if NODE is not a node. */
const char *rh_tree_kind(rh_json *node, rh_json **body);
/* The fields of NODE if its type is KIND, else NULL. */
rh_json *rh_tree_body(rh_json *node, const char *kind);

/* "schema.table" of a RangeVar's body, quoted where needed; NULL for NULL. */
const char *rh_tree_relation(rh_json *range_var, rh_arena *arena);
/* A name given as a list of String nodes (or a List of them), quoted where needed; NULL when it is none. */
const char *rh_tree_name(rh_json *list, rh_arena *arena);
/* True if DEFINITION, the ColumnDef of ALTER COLUMN … TYPE, has a USING other than COLUMN or a cast of COLUMN
 * to the new type. */
bool rh_tree_computes(rh_json *definition, const char *column);
/* The String at INDEX of ITEMS, an array of String nodes; NULL when it is none. */
const char *rh_tree_name_at(const rh_json *items, size_t index);
/* True if one of ITEMS is NAME. False for NULL. */
bool rh_tree_has_name(const rh_json *items, const char *name);
/* The last of a list of String nodes: the name without its schema. NULL when it is none. */
const char *rh_tree_last_name(rh_json *list);
/* True when a string-valued KEY of OBJECT is VALUE. */
bool rh_tree_is(rh_json *object, const char *key, const char *value);
/* True if OPTIONS, a list of DefElem, has one named NAME that is not off. */
bool rh_tree_has_option(rh_json *options, const char *name);
/* The statement that TREE executes: of EXPLAIN ANALYZE the explained one, else TREE. */
rh_json *rh_tree_executed(rh_json *tree);

/* A table in a query: a RangeVar's body. */
typedef struct rh_tree_range {
    rh_json *range;
    const char *changed_by; /* "UpdateStmt": it is the target; NULL: it is read */
    rh_json *change;        /* the body of that statement */
    bool locked;            /* FOR UPDATE, FOR SHARE and the like */
} rh_tree_range;
/* All of them in NODE, subqueries and data-changing WITH included, without names of WITH queries. */
void rh_tree_ranges(rh_json *node, rh_arena *arena, rh_tree_range **ranges, size_t *count);

/* The names of the functions that NODE calls, without schemas. */
void rh_tree_calls(rh_json *node, rh_arena *arena, const char ***names, size_t *count);

/* The schemas of ARGS, those of a SET search_path, NULL-ended; "$user" is left out. In ARENA. */
const char *const *rh_tree_search_path(rh_json *args, rh_arena *arena);
/* The same for its value. */
const char *const *rh_tree_split_path(const char *text, rh_arena *arena);
/* An A_Const as text ("2s", "5000"); NULL: it is none. */
const char *rh_tree_constant(rh_json *node, rh_arena *arena);

/* The first volatile function in EXPRESSION, by the volatility of PostgreSQL's own functions; a function that
 * is not known to be stable counts as volatile. NULL if there is none. */
const char *rh_tree_volatile_function(rh_json *expression);

/* True if NAME is one of PostgreSQL's own functions that is known not to be volatile. */
bool rh_tree_is_stable(const char *name);

/* True if BODY, of an UPDATE or DELETE, is bounded to a part of its table: its WHERE requires a range with
 * both ends, or the subquery that selects the rows has a LIMIT. */
bool rh_tree_is_bounded(rh_json *body);

/* The clauses of an ALTER TABLE or a CREATE TABLE as the user wrote them, so that types, expressions and
 * quoting stay the same. Offsets are bytes in the statement. */

typedef struct rh_clauses {
    const char *head; /* "ALTER TABLE IF EXISTS t"; NULL for CREATE TABLE */
    const char **words;
    size_t *offsets;
    size_t count;
} rh_clauses;

/* One clause for each subcommand of BODY, an AlterTableStmt on a table. False: it cannot be split. */
bool rh_clauses_of_alter_table(const char *sql, rh_json *body, rh_arena *arena, rh_clauses *pieces);
/* One clause for each element of BODY, a CreateStmt. */
bool rh_clauses_of_create_table(const char *sql, rh_json *body, rh_arena *arena, rh_clauses *pieces);

/* The words of CONSTRAINTS[INDEX] of a column that ends at END, up to the next one. */
const char *rh_clauses_constraint(const char *sql, rh_json *constraints, size_t index, size_t end,
                                  rh_arena *arena);
/* What follows CONSTRAINT and its name, or the words as they are. */
const char *rh_clauses_definition(const char *words, rh_arena *arena);

/* What follows "ON [ONLY] table" in a CREATE INDEX, as an offset; 0: nothing does. */
size_t rh_clauses_behind_table(const char *sql, rh_arena *arena);

/* Scans SQL without its comments; false when it does not scan. */
bool rh_clauses_scan(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count);
/* TOKEN is the identifier NAME (unquoted), quoted or not. */
bool rh_clauses_names(const char *sql, const rh_sql_token *token, const char *name);
/* TEXT, from its byte FROM up to the word UNTIL (NULL: its end), with TO in place of the column COLUMN.
 * Qualifiers, functions and types of that name stay. */
const char *rh_clauses_rename(const char *text, size_t from, const char *until, const char *column,
                              const char *to, rh_arena *arena);
/* TEXT has the identifier NAME somewhere. */
bool rh_clauses_mention(const char *text, const char *name, rh_arena *arena);
