/* A relation (or another object in a schema) by name, and identifiers as SQL writes them. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <stdbool.h>

typedef struct rh_relation {
    const char *schema; /* NULL: none is given */
    const char *name;   /* as the catalog has it, without quotes; NULL: no relation */
} rh_relation;

/* Reads name, schema.name, "Quoted Schema"."name". A part without quotes is taken as it is written: letters
 * keep their case. False when TEXT is not a name or a schema and a name: an empty part, a third part, a quote
 * that does not end, a name of 64 bytes or more. Strings in ARENA. */
bool rh_relation_parse(const char *text, rh_arena *arena, rh_relation *relation);
/* The same of a text that is known to be a name: of more parts the last two. All NULL for NULL. */
rh_relation rh_relation_of(const char *text, rh_arena *arena);
/* As SQL text, quoted where it must be. NULL without a name. In ARENA. */
const char *rh_relation_text(rh_relation relation, rh_arena *arena);
/* The same, each part in quotes. */
const char *rh_relation_quote(rh_relation relation, rh_arena *arena);
/* The same schema, or neither has one, and the same name. */
bool rh_relation_equal(rh_relation a, rh_relation b);
/* The same name, and the same schema unless one of them has none. */
bool rh_relation_matches(rh_relation a, rh_relation b);
/* True if the name of RELATION (SQL text, perhaps quoted or qualified) occurs in SQL as a whole word in any
 * case. This is a text search: a column of that name or a string matches, too. */
bool rh_sql_mentions(const char *sql, const char *relation);

/* IDENTIFIER as SQL writes it: quoted unless it is plain lower case and no reserved word. In ARENA. */
const char *rh_identifier(const char *identifier, rh_arena *arena);
/* IDENTIFIER in quotes; heap. */
char *rh_quote_identifier(const char *identifier);
/* The same, appended. */
void rh_text_append_quoted(rh_text *text, const char *identifier);
