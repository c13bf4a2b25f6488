/* Internal to migrations/: what is known to hurt in production, by rule, before anything is measured. */
#pragma once
#include "known.h"
#include "pgrehearse/model/migration.h"
#include "session.h"
#include "tree.h"

/* CHECK (column IS NOT NULL): once it is valid, SET NOT NULL needs no scan of its own. */
typedef struct rh_not_null_check {
    const char *table, *constraint, *column; /* constraint NULL: the server names it */
    bool valid;
} rh_not_null_check;

/* A column that this release adds. */
typedef struct rh_expansion {
    const char *table, *column;
    bool has_default;
} rh_expansion;

/* What earlier statements of the release mean for later ones: statements must be shown in the order they run.
 * Zero-initialise all but ARENA. */
typedef struct rh_hazard_context {
    rh_arena *arena;
    rh_known *known;    /* the schema as the next statement finds it; rh_hazards_known makes it */
    rh_session session; /* the settings likewise */
    bool way_down;      /* its statements change nothing that is known */
    const char **created; /* tables that are new in this release, so small and unused */
    size_t created_count;
    rh_not_null_check *not_null;
    size_t not_null_count;
    rh_expansion *expanded; /* what the release adds to tables that were there */
    size_t expanded_count;
    bool lock_timeout;        /* SET lock_timeout is in force for the session */
    bool lock_timeout_local;  /* SET LOCAL: until the end of the file */
    bool lock_timeout_missed; /* said once a file */
} rh_hazard_context;

/* What CONTEXT knows, empty at first. */
rh_known *rh_hazards_known(rh_hazard_context *context);
/* The backup's definitions. */
void rh_hazards_learn_backup(rh_hazard_context *context, const char *const *texts, size_t count);

/* The hazards of one statement; TREE may be NULL: then there is none that needs the parse. */
void rh_hazards_of_statement(rh_hazard_context *context, rh_statement *statement, rh_json *tree);
/* Those that come from a statement's company in its transaction. */
void rh_hazards_of_script(rh_hazard_context *context, rh_script *script);

/* Appends one; MESSAGE and SAFER in the arena. */
void rh_hazard_add(rh_hazard_context *context, rh_statement *statement, const char *rule, const char *message,
                   const char *safer);

/* Gives the statements of SCRIPT what the comments of TEXT, its file's, silence. An unknown rule, a missing
 * reason, no statement behind it: RH_ERROR_SCENARIO with file, line and column. */
bool rh_ignores_read(const char *path, const char *text, rh_arena *arena, rh_script *script, rh_error *error);
