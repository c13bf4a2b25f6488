/* The table of contents of pg_dump's own formats (custom, directory, tar), archive versions 1.10 and later.
 * Layout: PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c (ReadHead, ReadToc) and pg_backup_custom.c.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum rh_toc_format { RH_TOC_CUSTOM = 1, RH_TOC_TAR = 3, RH_TOC_DIRECTORY = 5 } rh_toc_format;

typedef struct rh_toc_entry {
    int64_t id;
    int64_t oid;                             /* of the object in its database */
    const char *tag, *desc, *schema, *owner; /* "" rather than NULL */
    const char *definition;                  /* its SQL */
    const char *copy_statement;              /* "COPY …;" of a TABLE DATA entry; "" with --inserts */
    const char *file;                        /* directory and tar: of its data; NULL: none */
    int section;           /* 1 none, 2 pre-data, 3 data, 4 post-data; 0: archives before 1.11 */
    bool has_data;         /* a data block or a file belongs to it */
    int64_t offset;        /* custom: of that block; -1 unknown */
    int64_t *dependencies; /* ids of other entries */
    size_t dependency_count;
} rh_toc_entry;

typedef struct rh_toc {
    int version_major, version_minor;
    rh_toc_format format;
    const char *compression;                              /* of the data: "none", "gzip", "lz4", "zstd" */
    const char *database, *server_version, *dump_version; /* "" when it does not say */
    rh_toc_entry *entries;
    size_t entry_count;
    rh_toc_entry **by_id; /* sorted by id */
    int integer_size, offset_size;
    int64_t bytes; /* that it takes: where the data of a custom archive begin */
} rh_toc;

/* Where the bytes come from: like fread, a short count is the end or an error. */
typedef struct rh_toc_source {
    size_t (*read)(void *user, void *buffer, size_t size);
    void *user;
} rh_toc_source;

/* Reads it, strings in ARENA. PATH is for messages. RH_ERROR_BACKUP when it ends early, holds what pg_dump
 * never writes (numbers out of range, sections that do not exist, ids given twice), takes more than 512 MiB,
 * or is of a version that is not known. */
bool rh_toc_read(rh_toc_source source, const char *path, rh_arena *arena, rh_toc *toc, rh_error *error);
/* Of the dump at PATH: a custom or tar file, or a directory. */
bool rh_toc_read_path(const char *path, rh_arena *arena, rh_toc *toc, rh_error *error);

/* The entry of that id, or NULL. */
rh_toc_entry *rh_toc_find(const rh_toc *toc, int64_t id);

/* Do the entries agree with themselves and with one another? Kinds with their sections, names with the
 * definitions and COPY statements that use them, owners of what belongs to one table, dependencies.
 * RH_ERROR_BACKUP names the entry that does not. Pure. */
bool rh_toc_check_entries(const char *path, const rh_toc *toc, rh_error *error);
/* Are all the data there, and nothing else? Custom: the blocks follow the table of contents to the file's
 * end, each where its entry says; DIGEST then is the file's SHA-256, read with them; "" for the other
 * formats. Directory: every entry's file, decompressed to its end, and no other; tar: every entry's member.
 * RH_ERROR_BACKUP names what is missing; RH_ERROR_REFUSED a link, a named pipe or a device in their place. */
bool rh_toc_check(const char *path, const rh_toc *toc, char digest[65], const rh_progress *progress,
                  const char *stage, rh_error *error);

/* The first table or domain whose CHECK, generated column or partition key calls a function of the archive:
 * such a function may read other tables, so that the order of loading decides whether rows are accepted.
 * NULL: none. Pure. */
const rh_toc_entry *rh_toc_order_matters(const rh_toc *toc, rh_arena *arena);

/* pg_dump numbers every relation of the database in the order of its creation, also those that it does not
 * dump. */
typedef struct rh_toc_hidden {
    int64_t relations; /* that it did not dump, between the first and the last that it did: they were left
                          out, belong to extensions, or were temporary tables of the time */
    const char **extensions; /* of the archive that were created between these two */
    size_t extension_count;
} rh_toc_hidden;
/* Pure. */
rh_toc_hidden rh_toc_hidden_relations(const rh_toc *toc, rh_arena *arena);

/* The least major version of PostgreSQL whose pg_restore reads archive version 1.MINOR. */
int rh_toc_needed_major(int version_minor);
