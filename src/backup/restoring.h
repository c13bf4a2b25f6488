/* State of a restore, shared by both kinds: the target's objects, missing roles, and entries left out. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/backup/backup.h"
#include "contents.h"
#include "statement.h"
#include "toc.h"
#include "pgrehearse/base/text.h"
#include <stddef.h>

/* Names known to exist. */
typedef struct rh_names {
    const char **names;
    size_t count;
} rh_names;
bool rh_names_have(const rh_names *names, const char *name);
void rh_names_add(rh_names *names, rh_arena *arena, const char *name);
void rh_names_forget(rh_names *names, const char *name);

/* A statement that failed and is retried at the end. */
typedef struct rh_later {
    rh_dump_entry entry;
    const char *sql; /* of one or more statements */
    int line;        /* in a plain dump; 0 */
} rh_later;

typedef struct rh_restoring {
    rh_backup_facts *facts;
    const rh_restore_target *target;
    rh_arena *arena;
    const rh_progress *progress;
    rh_pg *pg; /* a connection beside the restore */
    rh_names roles, schemas, extensions, available_extensions, languages, tablespaces;
    rh_names known_settings, unknown_settings, missing_roles, missing_extensions;
    int missing_extension_line; /* of the first one, in a plain dump; 0 */
    const char **environment; /* for pg_restore: the connection, so that none of it is on the command line */
    rh_contents contents;
    const char *encoding; /* the dump's own SET client_encoding; NULL */
    bool *skip_used;      /* of target->skip */
    rh_names sequences_left_out;
    bool extension_skipped;
    rh_toc_hidden hidden; /* of an archive */
    rh_later *later;
    size_t later_count;
    int64_t rows_after; /* statement of a CSV export's definitions behind which its rows are loaded */
    bool rows_loaded;
    size_t failed; /* statements and entries that count */
    rh_error first_failure;
    rh_dump_entry first_entry; /* of that failure */
    bool first_is_rows;        /* it failed on rows, not on a definition */
    rh_text failed_names;      /* for backup.skip: "A", "B" */
    int skipped_more;          /* beyond the report's limit */
} rh_restoring;

/* Connects and reads the target's objects. Release also after a failure. */
bool rh_restoring_init(rh_restoring *restoring, rh_error *error);
void rh_restoring_release(rh_restoring *restoring);

/* Before anything is restored: gives the schema public the default privileges that pg_dump counts on. PUBLIC
 * may create in it before PostgreSQL 15, and not since. */
bool rh_restoring_public_schema(rh_restoring *restoring, rh_error *error);

/* Adds to facts->skipped, once; to facts->missing. */
void rh_restoring_skip(rh_restoring *restoring, const char *what, const char *why);
void rh_restoring_add_missing(rh_restoring *restoring, const char *what, const char *why);
/* True when ROLE exists, or does now; false when its ownership and privileges must be left out (noted). Fails
 * only with ERROR set. */
bool rh_restoring_role(rh_restoring *restoring, const char *role, rh_error *error);
/* True if the target's server has this setting. */
bool rh_restoring_knows_setting(rh_restoring *restoring, const char *setting, rh_error *error);
/* EXTENSION will be created in SCHEMA ("": its default): notes an extension that this machine lacks, and
 * creates a missing schema. Fails only with ERROR set. */
bool rh_restoring_extension(rh_restoring *restoring, const char *extension, const char *schema,
                            rh_error *error);
/* False with RH_ERROR_BACKUP when extensions are missing: all of them. */
bool rh_restoring_have_extensions(const rh_restoring *restoring, rh_error *error);

/* Whether backup.skip leaves ENTRY out (noted). */
bool rh_restoring_excludes(rh_restoring *restoring, const rh_dump_entry *entry, const char *definition);
/* True when backup.skip says that it is known that the backup lacks these rows (noted). */
bool rh_restoring_accepts_absent(rh_restoring *restoring, const rh_dump_entry *data);
/* Adds the parts that the contents lack to facts->missing, unless backup.skip has them; RH_ERROR_BACKUP for a
 * dump that cannot be restored by itself; RH_ERROR_SCENARIO for an entry of backup.skip that names nothing.
 */
bool rh_restoring_check_contents(rh_restoring *restoring, rh_error *error);
/* Only the last of these checks, for a dump that does not list its entries. */
bool rh_restoring_check_skips(const rh_restoring *restoring, rh_error *error);

/* The severity of an error of a statement or entry of the backup. */
typedef enum rh_failure_kind {
    RH_FAILURE_SILENT,   /* a DROP of an object that does not exist */
    RH_FAILURE_HARMLESS, /* no effect on migrations: noted */
    RH_FAILURE_RETRY,    /* to be retried at the end */
    RH_FAILURE_FINAL,
} rh_failure_kind;
/* SQLSTATE: "" when it is not known. */
rh_failure_kind rh_restore_failure(rh_restoring *restoring, const rh_dump_entry *entry,
                                   const rh_dump_statement *statement, const char *sqlstate);
/* Whether rows, not definitions, are lost when it fails. */
bool rh_restore_moves_rows(const rh_dump_entry *entry, const rh_dump_statement *statement);
/* A hint for the user, in ARENA. NAMES: for backup.skip; "" if there are none. */
const char *rh_restore_hint(const rh_dump_entry *entry, const char *sqlstate, const char *names,
                            rh_arena *arena);
/* MESSAGE of a server without its values (rh_redact), in ARENA; CODE (rh_redact_code of the dump's
 * definitions, may be NULL) has the names that it may say. DATA: of a statement that moves rows: nothing of
 * it is shown. */
const char *rh_restore_redact(const char *message, const char *code, bool data, rh_arena *arena);
/* The code for a failure with this message of pg_restore's: lost connection, disk full, else RH_ERROR_BACKUP.
 */
rh_error_code rh_restore_failure_code(const char *message);

/* SQL of ENTRY failed with FAILURE (released): notes it, schedules a retry, or counts it. */
void rh_restoring_failed(rh_restoring *restoring, const rh_dump_entry *entry, const char *sql, int line,
                         rh_error *failure);
/* Counts a final failure (released). ROWS: of a statement that loads rows. */
void rh_restoring_count_failure(rh_restoring *restoring, const rh_dump_entry *entry, bool rows, int line,
                                rh_error *failure);
/* Runs the scheduled retries. False, with the first failure, if any fails. */
bool rh_restoring_finish(rh_restoring *restoring, rh_error *error);

/* Adds entries that the database does not have after the restore to facts->missing. */
bool rh_restoring_verify(rh_restoring *restoring, rh_error *error);

/* After the restore: signs that pg_dump chose among the database's objects (-n, -N, -t, -T, --no-blobs) go to
 * facts->missing, or to facts->skipped where the scenario knows of it; what no sign tells to
 * facts->selection_unknown. */
bool rh_restoring_check_selection(rh_restoring *restoring, rh_error *error);

/* Restoring plain SQL and archives. */
bool rh_restore_archive(rh_restoring *restoring, rh_error *error);
bool rh_restore_plain(rh_restoring *restoring, rh_error *error);
