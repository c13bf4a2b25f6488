/* Internal to adapters/: where a file's blocks lie on the disk (FIEMAP). Two files that share a block have
 * the same bytes there, without reading them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* [offset, offset + length) of a file. */
typedef struct rh_range {
    off_t offset, length;
} rh_range;

/* The ranges below SIZE that A and B do not provably share: what lies in different blocks, or in a form that
 * does not show its place (compressed, inline). What is a hole in both is shared. *RANGES is on the heap.
 * False, with errno, where the file system does not tell. Writes both back first. */
bool rh_extents_differ(int a, int b, off_t size, rh_range **ranges, size_t *count);
/* The ranges below SIZE of A whose blocks another file has, too. */
bool rh_extents_shared(int a, off_t size, rh_range **ranges, size_t *count);
/* Where the first of FD's blocks lies; false if the file system does not tell. */
bool rh_extents_place(int fd, uint64_t *place);
