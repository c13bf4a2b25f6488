/* What both ways to restore share: what the target has, the roles that it lacks, and what was left out. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/backup/backup.h"
#include <stddef.h>

/* Names known to exist. */
typedef struct rh_names {
    const char **names;
    size_t count;
} rh_names;
bool rh_names_have(const rh_names *names, const char *name);
void rh_names_add(rh_names *names, rh_arena *arena, const char *name);

typedef struct rh_restoring {
    rh_backup_facts *facts;
    const rh_restore_target *target;
    rh_arena *arena;
    const rh_progress *progress;
    rh_pg *pg; /* a connection beside the restore */
    rh_names roles, schemas, extensions, available_extensions, languages, tablespaces;
    rh_names known_settings, unknown_settings, missing_roles;
    const char **environment; /* for psql and pg_restore: the connection, without a word of it on their
                                 command lines */
    int pg_restore_major;
    int skipped_more; /* beyond what the report can hold */
} rh_restoring;

/* Connects and reads what is there. Release also after a failure. */
bool rh_restoring_init(rh_restoring *restoring, rh_error *error);
void rh_restoring_release(rh_restoring *restoring);

/* Adds to facts->skipped, once. */
void rh_restoring_skip(rh_restoring *restoring, const char *what, const char *why);
/* True when ROLE exists, or does now; false when its ownership and privileges must be left out (noted). Fails
 * only with ERROR set. */
bool rh_restoring_role(rh_restoring *restoring, const char *role, rh_error *error);
/* Does the target's server know this setting? */
bool rh_restoring_knows_setting(rh_restoring *restoring, const char *setting, rh_error *error);
/* False with RH_ERROR_BACKUP when EXTENSION cannot be created on this machine. */
bool rh_restoring_extension(rh_restoring *restoring, const char *extension, rh_error *error);

/* Is this failure of the server harmless for a rehearsal? MESSAGE its primary message, COMMAND the
 * statement's beginning (may be ""). */
bool rh_restore_failure_is_harmless(const char *message, const char *command);
/* MESSAGE without values of the data: quoted strings stay only behind a word that says they name an object.
 * In ARENA. */
const char *rh_restore_redact(const char *message, rh_arena *arena);
/* The code for a failure with this message: lost connection, disk full, else RH_ERROR_BACKUP. */
rh_error_code rh_restore_failure_code(const char *message);

/* The two ways. */
bool rh_restore_archive(rh_restoring *restoring, rh_error *error);
bool rh_restore_plain(rh_restoring *restoring, rh_error *error);
/* True for a psql that has \restrict: "psql (PostgreSQL) 15.18 (Debian …)". */
bool rh_psql_can_restrict(const char *version_line);
