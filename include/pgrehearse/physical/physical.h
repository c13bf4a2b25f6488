/* A physical copy of a server: its files, as pg_basebackup, a storage snapshot or a copy of a stopped server
 * has them. Recognises it, and brings its files into a directory for a server of ours. Never writes to the
 * copy. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"

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
/* Call when a server has recovered TO and was stopped: RH_ERROR_BACKUP if its WAL did not reach the point
 * from where on the files fit together. */
bool rh_physical_check_recovered(const rh_physical_facts *copy, const char *to, rh_error *error);
