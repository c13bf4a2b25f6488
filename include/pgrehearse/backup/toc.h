/* The table of contents of pg_dump's own formats (custom, directory, tar), archive versions 1.10 and later.
 * Layout: PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c (ReadHead, ReadToc) and pg_backup_custom.c.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum rh_toc_format { RH_TOC_CUSTOM = 1, RH_TOC_TAR = 3, RH_TOC_DIRECTORY = 5 } rh_toc_format;

typedef struct rh_toc_entry {
    int64_t id;
    const char *tag, *desc, *schema, *owner; /* "" rather than NULL */
    const char *definition;                  /* its SQL */
    const char *copy_statement;              /* "COPY …;" of a TABLE DATA entry; "" with --inserts */
    const char *file;                        /* directory and tar: of its data; NULL: none */
    bool has_data;                           /* custom: a data block belongs to it */
    int64_t offset;                          /* custom: of that block; -1 unknown */
} rh_toc_entry;

typedef struct rh_toc {
    int version_major, version_minor;
    rh_toc_format format;
    const char *compression;                              /* of the data: "none", "gzip", "lz4", "zstd" */
    const char *database, *server_version, *dump_version; /* "" when it does not say */
    rh_toc_entry *entries;
    size_t entry_count;
    int integer_size, offset_size;
} rh_toc;

/* Where the bytes come from: like fread, a short count is the end or an error. */
typedef struct rh_toc_source {
    size_t (*read)(void *user, void *buffer, size_t size);
    void *user;
} rh_toc_source;

/* Reads it, strings in ARENA. PATH is for messages. RH_ERROR_BACKUP when it ends early or makes no sense, or
 * is of a version that is not known. */
bool rh_toc_read(rh_toc_source source, const char *path, rh_arena *arena, rh_toc *toc, rh_error *error);
/* Of the dump at PATH: a custom or tar file, or a directory. */
bool rh_toc_read_path(const char *path, rh_arena *arena, rh_toc *toc, rh_error *error);

/* Are all the data there? Custom: every entry's block, whole, by the blocks' lengths against the file's size;
 * directory: every entry's file, decompressed to its end; tar: every entry's member. RH_ERROR_BACKUP names
 * what is missing. */
bool rh_toc_check(const char *path, const rh_toc *toc, rh_error *error);

/* The least major version of PostgreSQL whose pg_restore reads archive version 1.MINOR. */
int rh_toc_needed_major(int version_minor);
