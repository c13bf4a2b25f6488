/* Internal to adapters/: what is looked up in a tree's recorded state. */
#pragma once
#include "pgrehearse/adapters/files.h"
#include <sys/stat.h>

typedef struct rh_file_state {
    const char *path; /* as it was read */
    struct stat status;
} rh_file_state;

/* NULL: there was none. Takes a NULL state. */
const rh_file_state *rh_tree_state_find(const rh_tree_state *state, const char *path);
/* Whether the file of STATUS is still the one that was recorded, and unwritten. A write changes its change
 * time, which no program can set. */
bool rh_file_state_is(const rh_file_state *file, const struct stat *status);
