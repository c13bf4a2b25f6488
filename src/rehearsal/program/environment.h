/* Internal to rehearsal/: the environment of a user's program, and its last output. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/proxy/proxy.h"

/* "NAME=value" entries that lead to the database of SIDE through PROXY, whatever variables its driver reads.
 * NULL-ended, in ARENA; NULL on failure. */
const char **rh_program_environment(rh_pg *side, const rh_proxy *proxy, rh_arena *arena, rh_error *error);

/* The same for a step of prepare or verify, which needs no proxy: PG is connected with CONNINFO. */
const char **rh_step_environment(rh_pg *pg, const char *conninfo, rh_arena *arena, rh_error *error);
/* The same for sessions as CONNINFO makes them: its role and startup options. */
const char **rh_program_environment_as(const char *conninfo, const rh_proxy *proxy, rh_arena *arena,
                                       rh_error *error);

/* The last line of TEXT that says something by itself: what follows an error's message may be values of the
 * data. "" when there is none. In ARENA. */
const char *rh_program_last_word(rh_arena *arena, const char *text);

/* The last lines that a program wrote, of its standard error if there is any, as it may be shown: of standard
 * output, which may be rows, PostgreSQL's own words alone. RAW in it, an error's text, becomes CLEAN; NULL:
 * none. In ARENA. */
const char *rh_program_message(rh_arena *arena, const char *errors, const char *output, const char *raw,
                               const char *clean);
