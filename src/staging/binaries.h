/* Finds PostgreSQL's programs. */
#pragma once
#include "pgrehearse/staging/staging.h"

/* Chooses among installations of major version LEAST or newer (of all, if there is none): WANTED, else the
 * next newer one, else the newest. WANTED 0: the newest. */
typedef struct rh_binaries_search {
    const char *bindir; /* the only directory to search; NULL: PATH and the usual ones */
    int least, wanted;
    rh_usec patience; /* for each program to print its version; 0: RH_PROCESS_PATIENCE */
} rh_binaries_search;

/* Like rh_staging_find_binaries, but for the server's own programs: client programs may be installed without
 * them, and they without client programs. */
int rh_binaries_find_server(const rh_binaries_search *search, rh_arena *arena, const char **found,
                            rh_error *error);
/* The client program NAME: of SEARCH's directory if it has one that is new enough, else of PATH and the usual
 * ones. Its major version, also of one that is too old; 0: there is none. */
int rh_binaries_find_client(const char *name, const rh_binaries_search *search, rh_arena *arena,
                            const char **path);
