/* Where PostgreSQL's programs are. */
#pragma once
#include "pgrehearse/staging/staging.h"

/* Like rh_staging_find_binaries, but of a whole server: on Debian a newer client may be installed without
 * one. */
int rh_binaries_find_server(const char *bindir, rh_arena *arena, const char **found);
