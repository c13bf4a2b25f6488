/* Where PostgreSQL's programs are. */
#pragma once
#include "pgrehearse/staging/staging.h"

/* Of the installations whose major version is at least LEAST (of all, when none is): WANTED, else the next
 * newer one, else the newest. WANTED 0: the newest. */
typedef struct rh_binaries_search {
    const char *bindir; /* only there; NULL: PATH and the usual places */
    int least, wanted;
    rh_usec patience; /* for each program to print its version; 0: RH_PROCESS_PATIENCE */
} rh_binaries_search;

/* Like rh_staging_find_binaries, but of a whole server: on Debian a newer client may be installed without
 * one. */
int rh_binaries_find_server(const rh_binaries_search *search, rh_arena *arena, const char **found,
                            rh_error *error);
