/* Internal to migrations/: the parts of an ALTER TABLE or a CREATE TABLE in their own words, so that types,
 * expressions and quoting stay as the user wrote them. Offsets are bytes in the statement. */
#pragma once
#include "pgrehearse/adapters/sql_parser.h"
#include "tree.h"

typedef struct rh_pieces {
    const char *head; /* "ALTER TABLE IF EXISTS t"; NULL for CREATE TABLE */
    const char **words;
    size_t *offsets;
    size_t count;
} rh_pieces;

/* One piece a subcommand of BODY, an AlterTableStmt on a table. False: it cannot be taken apart. */
bool rh_pieces_of_alter_table(const char *sql, rh_json *body, rh_arena *arena, rh_pieces *pieces);
/* One piece an element of BODY, a CreateStmt. */
bool rh_pieces_of_create_table(const char *sql, rh_json *body, rh_arena *arena, rh_pieces *pieces);

/* The words of CONSTRAINTS[INDEX] of a column that ends at END, up to the next one. */
const char *rh_pieces_constraint(const char *sql, rh_json *constraints, size_t index, size_t end,
                                 rh_arena *arena);
/* What follows CONSTRAINT and its name, or the words as they are. */
const char *rh_pieces_definition(const char *words, rh_arena *arena);

/* What follows "ON [ONLY] table" in a CREATE INDEX, as an offset; 0: nothing does. */
size_t rh_pieces_behind_table(const char *sql, rh_arena *arena);

/* Scans SQL without its comments; false when it does not scan. */
bool rh_pieces_scan(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count);
/* TOKEN is the identifier NAME (unquoted), quoted or not. */
bool rh_pieces_names(const char *sql, const rh_sql_token *token, const char *name);
/* TEXT, from its byte FROM up to the word UNTIL (NULL: its end), with TO in place of the column COLUMN.
 * Qualifiers, functions and types of that name stay. */
const char *rh_pieces_rename(const char *text, size_t from, const char *until, const char *column,
                             const char *to, rh_arena *arena);
/* TEXT has the identifier NAME somewhere. */
bool rh_pieces_mention(const char *text, const char *name, rh_arena *arena);
