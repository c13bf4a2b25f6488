/* backup_manifest (PostgreSQL 13 and newer): the files of a base backup with their checksums, and the WAL
 * that its recovery needs. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rh_manifest_file {
    const char *path; /* in the data directory */
    int64_t size;
    const char *algorithm, *checksum; /* "CRC32C", hexadecimal; NULL: without a checksum */
} rh_manifest_file;

typedef struct rh_wal_range {
    uint32_t timeline;
    uint64_t start, end; /* LSN */
} rh_wal_range;

typedef struct rh_manifest {
    rh_manifest_file *files;
    size_t file_count;
    rh_wal_range *ranges;
    size_t range_count;
} rh_manifest;

/* Reads TEXT (of NAME), and compares it with the checksum that it ends with. RH_ERROR_BACKUP when they
 * differ, when it is cut off, or no manifest. */
bool rh_manifest_parse(const char *text, size_t length, const char *name, rh_arena *arena,
                       rh_manifest *manifest, rh_error *error);
/* The same of a file. */
bool rh_manifest_read(const char *path, rh_arena *arena, rh_manifest *manifest, rh_error *error);
