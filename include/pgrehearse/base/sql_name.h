/* Names of tables as people and SQL write them: name, schema.name, "Quoted Schema"."name". */
#pragma once
#include "pgrehearse/base/arena.h"
#include <stdbool.h>

typedef struct rh_sql_name {
    const char *schema; /* NULL: none is given */
    const char *name;   /* as the catalog has it, without quotes */
} rh_sql_name;

/* Reads TEXT. A part without quotes is taken as it is written: letters keep their case. False when TEXT is
 * not a name or a schema and a name: an empty part, a third part, a quote that does not end, a name of 64
 * bytes or more. Strings in ARENA. */
bool rh_sql_name_read(const char *text, rh_arena *arena, rh_sql_name *name);
/* The same as SQL text, quoted where it must be: letters in capitals, blanks, dots. SCHEMA may be NULL. In
 * ARENA. */
const char *rh_sql_name_text(const char *schema, const char *name, rh_arena *arena);
