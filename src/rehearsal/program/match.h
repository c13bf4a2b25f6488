/* Internal to rehearsal/: matches an observed statement with the known statements of a program. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"

typedef struct rh_program_match rh_program_match;

/* For one run of the program; SCRIPT must not change meanwhile. In ARENA. */
rh_program_match *rh_program_match_new(const rh_script *script, rh_arena *arena);

/* The index of SQL in the script, which is then taken; SIZE_MAX: it is new. Looked for onwards from the one
 * found before, and then from the start: the same text; the same but for literals; the same but for numbers
 * in names, which programs make of object identifiers and of the time. */
size_t rh_program_match_find(rh_program_match *match, const char *sql);
