/* Which WAL the recovery of a copy needs, and whether it is there. */
#pragma once
#include "control.h"
#include "manifest.h"
#include "pgrehearse/base/arena.h"

/* "000000010000000000000002" → its timeline and number; false for other files. */
bool rh_wal_segment_parse(const char *name, uint32_t segment_bytes, uint32_t *timeline, uint64_t *number);
const char *rh_wal_segment_name(uint32_t timeline, uint64_t number, uint32_t segment_bytes, rh_arena *arena);

/* The first segment of the ranges (COUNT) that is not among NAMES (of pg_wal); NULL: all are there. */
const char *rh_wal_missing(const rh_wal_range *ranges, size_t count, uint32_t segment_bytes,
                           char *const *names, size_t name_count, rh_arena *arena);
/* Without a known end: the segment of START must be there, and none may be missing before the last one. */
const char *rh_wal_gap(uint32_t timeline, uint64_t start, uint32_t segment_bytes, char *const *names,
                       size_t name_count, rh_arena *arena);
/* The system identifier and the address in the first page of the segment PATH; *SIZE: its bytes. False if it
 * cannot be read. */
bool rh_wal_segment_head(const char *path, uint64_t *system, uint64_t *address, int64_t *size);
