/* An entry of a dump, as pg_restore --list names it, and whether backup.skip covers it. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/scenario.h"
#include <stdbool.h>

/* Of an archive's table of contents, or of the headings ("-- Name: …; Type: …") of plain SQL. */
typedef struct rh_dump_entry {
    const char *desc;   /* "TABLE DATA"; "": a plain dump without it */
    const char *schema; /* "" if it has none */
    const char *tag;    /* "log", "log log_pkey" of a constraint, "f(integer)" of a function */
    const char *owner;
} rh_dump_entry;

/* "TABLE DATA public.log", in ARENA; "" for an entry without desc. */
const char *rh_dump_entry_name(const rh_dump_entry *entry, rh_arena *arena);

/* The entry that a heading's comment line begins, in ARENA; false when LINE (without its end) is none. */
bool rh_dump_entry_read_heading(const char *line, size_t length, rh_arena *arena, rh_dump_entry *entry);

/* Constraints, indexes, triggers and the like: what pg_dump --section=post-data writes. */
bool rh_dump_entry_is_post_data(const rh_dump_entry *entry);

/* SKIP is "POST-DATA": all of them. */
bool rh_skip_is_post_data(const char *skip);
/* Whether SKIP names ENTRY itself ("TABLE DATA public.log", "TABLE DATA public log", with its owner or a
 * whole line of pg_restore --list; double quotes do not matter), or an object that it belongs to: POST-DATA,
 * a schema, an extension, or a table with its data, constraints, indexes, triggers, policies, privileges, the
 * sequences of its columns and the foreign keys that refer to it. DEFINITION is
 * its SQL ("" when it is not known). */
bool rh_skip_covers(const char *skip, const rh_dump_entry *entry, const char *definition);
