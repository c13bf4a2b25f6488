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
