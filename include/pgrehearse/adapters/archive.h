/* libarchive (and zlib for gzip's checksum): reads a file through any filter and container as a stream of
 * bytes.
 *
 * Nothing is unpacked to disk here. Damage (bad checksum, early end) is an error, never a short read.
 */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rh_archive rh_archive;

/* Opens PATH through its compression (gzip, zstd, lz4, xz, bzip2, or none) and container (tar, zip, or
 * none). RH_ERROR_IO when the file cannot be read, RH_ERROR_BACKUP when it is damaged. */
rh_archive *rh_archive_open(const char *path, rh_error *error);
/* Takes NULL. */
void rh_archive_close(rh_archive *archive);
/* "gzip", "zstd", "lz4", "xz", "bzip2" or "none"; "tar", "zip" or "none". */
const char *rh_archive_compression(const rh_archive *archive);
const char *rh_archive_container(const rh_archive *archive);
/* The next entry (a bare file has one, named ""; nothing at all decompresses to no entry): *NAME valid until
 * the next call, *SIZE -1 when unknown. 1: an entry, 0: no more (and the compressed stream was whole to its
 * end), -1: error. Entries that are not regular files are skipped. A name that is absolute or contains ".."
 * is an error (RH_ERROR_REFUSED). */
int rh_archive_next(rh_archive *archive, const char **name, int64_t *size, rh_error *error);
/* Up to SIZE bytes of the entry: > 0 bytes, 0 at its end, -1 on damage (RH_ERROR_BACKUP), or on a
 * decompression bomb (RH_ERROR_REFUSED). */
int64_t rh_archive_read(rh_archive *archive, void *buffer, size_t size, rh_error *error);
/* Compressed bytes consumed of the file so far, for a progress bar against the file's size. */
int64_t rh_archive_position(const rh_archive *archive);
/* What it may unpack to: once more than FREE_BYTES came out, at most RATIO times what went in. Default: 1
 * GiB, 1000. */
void rh_archive_limit(rh_archive *archive, int64_t free_bytes, int64_t ratio);
