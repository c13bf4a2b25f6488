/* A physical copy of a server: its files, as pg_basebackup, a storage snapshot or a copy of a stopped server
 * has them. Recognises it, and brings its files into a directory for a server of ours. Never writes to the
 * copy. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"
#include <sys/types.h>

/* Is the directory PATH a physical copy, by its content? *FOUND: NULL if not. Reads little, and starts
 * nothing. RH_ERROR_BACKUP for one that cannot be restored: a running server's directory, an incremental
 * backup, files that are missing or of another program. */
bool rh_physical_recognise(const char *path, rh_arena *arena, rh_physical_facts **found, rh_error *error);

/* Before anything starts, reads of a data directory what would keep it from being restored: label, links,
 * WAL. RH_ERROR_BACKUP as below. True for tar files, whose entries are known when they are unpacked. */
bool rh_physical_check(const rh_physical_facts *copy, bool atomic, rh_error *error);

/* Brings the files of COPY into the directory TO, which must not exist, for a server of ours: checked against
 * the manifest, with all of the WAL that the recovery needs, without production's configuration, signal
 * files, slots and keys (sentences in copy->neutralised; settings in copy->settings). Tablespaces become
 * directories in TO/pg_tblspc. ATOMIC: the user says that it is an atomic snapshot. RH_ERROR_BACKUP: what is
 * missing, damaged or not of one moment, by name. */
bool rh_physical_restore(rh_physical_facts *copy, bool atomic, const char *to, rh_arena *arena,
                         const rh_progress *progress, rh_error *error);
/* ---- production's archive of WAL ---- */

/* Fill in the first members; then open. */
typedef struct rh_wal_archive {
    const rh_physical_facts *copy; /* with its restore_command */
    const char *data;              /* of the server that recovers */
    const char *scratch;           /* a directory of ours, made here, on the same file system */
    uid_t uid;                     /* with gid: the server's account; 0: ours */
    gid_t gid;
    rh_usec timeout; /* of one file */
    rh_arena *arena;

    uint32_t segment_bytes, first_timeline;
    uint64_t system_identifier;
    uint32_t *timelines; /* from the backup's to the target's */
    size_t timeline_count;
    int64_t brought;  /* segments */
    const char *said; /* what restore_command wrote last, without secrets; "" */
} rh_wal_archive;

/* NEWEST_TIMELINE: the histories of later timelines are brought, as far as the archive has them. */
bool rh_wal_archive_open(rh_wal_archive *archive, bool newest_timeline, rh_error *error);
/* Brings the segment with this NUMBER, of the newest timeline that has it, into the server's pg_wal. 1: it
 * did; 0: the archive does not have it; -1 with RH_ERROR_BACKUP: restore_command failed, or brought something
 * else. */
int rh_wal_archive_supply(rh_wal_archive *archive, uint64_t number, rh_error *error);
/* Is a segment of that number in the archive or in pg_wal? Brings nothing. */
bool rh_wal_archive_has(rh_wal_archive *archive, uint64_t number);
/* Its name on timelines[TIMELINE]; the LSN at which it begins; the number of a segment's NAME. */
const char *rh_wal_archive_segment(const rh_wal_archive *archive, size_t timeline, uint64_t number);
const char *rh_wal_archive_position(const rh_wal_archive *archive, uint64_t number);
bool rh_wal_archive_number(const rh_wal_archive *archive, const char *name, uint64_t *number);
/* Takes the restore_command that the program wrote which restored COPY for this run: its postgresql.auto.conf
 * and its recovery.signal (or standby.signal) are newer than the directory's mark. An older one is
 * production's, and what is in a backup must not run. */
void rh_physical_take_restore_command(rh_physical_facts *copy, rh_arena *arena);
/* Has the server on DATA, of COPY's version, ended its recovery, and is up? */
bool rh_physical_is_up(const rh_physical_facts *copy, const char *data);

/* Call when a server has recovered TO and was stopped: RH_ERROR_BACKUP if its WAL did not reach the point
 * from where on the files fit together. */
bool rh_physical_check_recovered(const rh_physical_facts *copy, const char *to, rh_error *error);
