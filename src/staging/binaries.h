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

/* Like rh_staging_find_binaries, but for the server's programs: on Debian, a newer client may be installed
 * without a server. */
int rh_binaries_find_server(const rh_binaries_search *search, rh_arena *arena, const char **found,
                            rh_error *error);
