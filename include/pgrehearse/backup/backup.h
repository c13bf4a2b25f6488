/* The backup: recognises its format, restores it, counts what was restored. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/scenario.h"
#include <sys/types.h>

/* Looks at the content, never at the name: shape, compression, container, digest, bytes, versions. No server
 * needed. Empty, unreadable, no backup at all, truncated pg_dump archives (custom: the data blocks' offsets
 * against the size): RH_ERROR_BACKUP with the type that its content suggests. */
bool rh_backup_inspect(const char *path, rh_arena *arena, rh_backup_facts *facts, const rh_progress *progress,
                       rh_error *error);

/* Before anything starts: RH_ERROR_SCENARIO for the first entry of SKIP that the backup does not have. Reads
 * a plain dump to its end. */
bool rh_backup_check_skip(const rh_backup_facts *facts, const rh_skip *skip, size_t count, rh_error *error);

/* The least major version of PostgreSQL whose pg_restore reads it; 0: any (plain SQL). */
int rh_backup_needed_major(const rh_backup_facts *facts);

typedef struct rh_restore_target {
    const char *conninfo;   /* of an empty database */
    const char *pg_restore; /* its path; NULL: the backup is a script */
    int jobs;
    uid_t uid; /* psql runs as; 0: as we are */
    gid_t gid;
    /* The cluster is ours (embedded): roles that the backup names and it lacks are created, without login.
     * Else ownership and privileges of missing roles are left out. Either way facts->skipped says so. */
    bool create_roles;
    bool partial;        /* the backup may lack objects, and the scenario knows */
    const rh_skip *skip; /* entries to leave out */
    size_t skip_count;
} rh_restore_target;

/* Restores into the target: pg_restore -j for archives, plain SQL statement by statement. What a rehearsal
 * does not depend on (ownership, privileges, comments, a schema that is there already) may fail and goes to
 * facts->skipped. Any other statement that fails is tried again at the end, with the database's own
 * search_path; what fails then, and rows that cannot be restored, are RH_ERROR_BACKUP and name the object or
 * the dump's line. What the backup lacks of a whole database goes to facts->missing. An archive newer than
 * pg_restore can read: RH_ERROR_BACKUP with the version that is needed. Fills restore_s. psql's commands and
 * COPY … PROGRAM in a plain dump: RH_ERROR_REFUSED with the line. An entry of SKIP that names nothing:
 * RH_ERROR_SCENARIO at its place. */
bool rh_backup_restore(rh_backup_facts *facts, const rh_restore_target *target, rh_arena *arena,
                       const rh_progress *progress, rh_error *error);

/* ANALYZE, then database_bytes, tables and exact rows (user tables); of a physical copy neither ANALYZE nor
 * rows. */
bool rh_backup_count(const char *conninfo, rh_backup_facts *facts, rh_error *error);

/* The rows of a small table straight from the backup, without a server (for `plan`): pg_restore --data-only
 * --table for archives, a scan of the stream for plain SQL. rows->present is false when the backup has no
 * such table. */
bool rh_backup_read_table(const rh_backup_facts *facts, const char *bindir, const char *table,
                          rh_arena *arena, rh_rows *rows, rh_error *error);

/* The tables of the backup, and the search_path that it gives the database (else "public"): from the table of
 * contents of archives; a plain dump is read to its end. */
bool rh_backup_list_tables(const rh_backup_facts *facts, rh_arena *arena, rh_listed_tables *tables,
                           rh_error *error);
/* Those whose rows take less than 4 kB in an archive, by its table of contents; none where it does not tell
 * (plain SQL, tar). */
bool rh_backup_list_small_tables(const rh_backup_facts *facts, rh_arena *arena, rh_listed_tables *tables,
                                 rh_error *error);

/* *FOUND: NAME is somewhere in the definitions, or owns one: a role that does not is not in the backup.
 */
bool rh_backup_mentions(const rh_backup_facts *facts, const char *name, rh_arena *arena, bool *found,
                        rh_error *error);

/* The definitions in the backup as SQL texts (each of one or more statements), without a server: from the
 * table of contents of archives; a plain dump is read to its end, and gives its CREATE, ALTER, COMMENT and
 * GRANT. */
bool rh_backup_read_schema(const rh_backup_facts *facts, rh_arena *arena, const char ***texts, size_t *count,
                           rh_error *error);

/* The checksum of the backup's bytes: a SHA-256 stored beside the backup, or the one in its compressed
 * format. */

/* Inspects the scenario's backup (rh_backup_inspect) and compares its bytes with its checksum: the key
 * backup.sha256, else PATH.sha256, else SHA256SUMS in the same directory (of a backup in directory format
 * also inside of it: a line a file). Fills facts->checksum. RH_ERROR_BACKUP when they differ, also where the
 * backup would be called damaged. */
bool rh_backup_examine(const rh_scenario *scenario, rh_arena *arena, rh_backup_facts *facts,
                       const rh_progress *progress, rh_error *error);

/* The digest that the lines of a checksum file have for NAME: "DIGEST  NAME", "DIGEST *NAME" (GNU), "SHA256
 * (NAME) = DIGEST" (BSD); or the only digest there, when ALONE. False when there is none. */
bool rh_checksum_find(const char *text, const char *name, bool alone, char digest[65]);
