/* The files of pg_basebackup --format=tar. */
#pragma once
#include "pgrehearse/base/arena.h"

/* DIRECTORY/STEM.tar, or the same with .gz, .lz4 or .zst; in ARENA; NULL if it is missing. */
const char *rh_tar_find(const char *directory, const char *stem, rh_arena *arena);
