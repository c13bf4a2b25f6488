/* Brings the files of a physical copy into a directory of ours. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"

/* Copies a data directory to TO, by reflink where the file system has it; moves one that was restored for
 * this run (copy->within). A tablespace becomes a directory in
 * TO/pg_tblspc, and pg_wal one in TO, whatever they were. RH_ERROR_BACKUP for other links, and for a
 * tablespace outside of the copy whose files no manifest vouches for. */
bool rh_physical_copy_directory(rh_physical_facts *copy, const char *to, rh_arena *arena,
                                const rh_progress *progress, rh_error *error);
/* The same walk, and nothing is copied. */
bool rh_physical_walk(const rh_physical_facts *copy, rh_error *error);
/* Unpacks base.tar, the tablespaces and pg_wal.tar to TO likewise. */
bool rh_physical_unpack(rh_physical_facts *copy, const char *to, rh_arena *arena, const rh_progress *progress,
                        rh_error *error);

/* What pg_basebackup leaves out, too: PATH, relative to the data directory, belongs to a server that ran. */
bool rh_physical_is_transient(const char *path);
/* Is NAME, of a data directory's top, what a server needs, and no configuration, signal, key or log? */
bool rh_physical_is_needed(const char *name);
/* A file of an incremental backup, which holds only blocks that changed; the refusal of the backup PATH at
 * the file AT. */
bool rh_physical_is_incremental(const char *path);
bool rh_physical_refuse_incremental(const char *path, const char *at, rh_error *error);
/* Adds a sentence to copy->neutralised. */
void rh_physical_note(rh_physical_facts *copy, rh_arena *arena, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
