/* zlib as a source of bytes: unlike libarchive 3.6 it verifies each gzip member's CRC-32 and length.
 * Private to adapters/: the compressed layer beneath archive.c. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct rh_gzip rh_gzip;

/* Reads FD from its current position; FD stays the caller's. NULL when zlib cannot start. */
rh_gzip *rh_gzip_new(int fd);
void rh_gzip_free(rh_gzip *gzip);
/* The next decompressed bytes in *BYTES (valid until the next call): > 0 how many, 0 at the very end, -1 on
 * damage with *WHY a static or errno text. Members that follow one another are one stream; zero padding after
 * the last is accepted, other garbage is damage. */
ssize_t rh_gzip_read(rh_gzip *gzip, const void **bytes, const char **why);
/* Compressed bytes consumed. */
int64_t rh_gzip_position(const rh_gzip *gzip);
