/* The mark file of a cluster's directory: it shows that pgrehearse created the cluster, for which account,
 * and whether a run still uses it. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <sys/types.h>

typedef struct rh_mark {
    bool kept;        /* --keep-staging: not removed by later runs */
    uid_t uid;        /* the account of the server's own; 0: none */
    char socket[512]; /* its socket directory */
    char base[1024];  /* the directory of its data directory, where it lies apart; "" */
} rh_mark;

/* Locks the mark file PATH and writes MARK into it. *LOCK is the descriptor that holds the lock; if it is ≥ 0
 * already, the file is rewritten. */
bool rh_mark_write(const char *path, const rh_mark *mark, int *lock, rh_error *error);
/* False if PATH is not a mark file of pgrehearse. */
bool rh_mark_read(const char *path, rh_mark *mark);

/* Removes a cluster's directory, the mark last, so that the rest of an interrupted removal is still marked.
 */
bool rh_mark_remove_cluster(const char *directory, rh_error *error);
