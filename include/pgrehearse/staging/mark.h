/* How a cluster's directory says that it is ours, whose, and whether it may go. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>

/* Locks DIRECTORY's mark file and writes it: SOCKET is where its socket directory lies, KEPT that nobody may
 * remove it. *LOCK is the descriptor that holds the lock; one that is ≥ 0 already is written again. */
bool rh_mark_write(const char *path, const char *socket, bool kept, int *lock, rh_error *error);

typedef struct rh_mark {
    bool kept;
    char socket[512];
} rh_mark;
/* False when PATH is no mark of this program. */
bool rh_mark_read(const char *path, rh_mark *mark);

/* Removes a cluster's directory: the mark goes last, so that what a killed removal leaves still says that it
 * is ours. */
bool rh_mark_remove_cluster(const char *directory, rh_error *error);
