/* Where PostgreSQL's programs are. */
#pragma once
#include "pgrehearse/staging/staging.h"

/* Like rh_staging_find_binaries, but of a whole server: on Debian a newer client may be installed without
 * one. Of the installations whose major version is at least LEAST (of all, when none is): WANTED, else the
 * next newer one, else the newest. WANTED 0: the newest. */
int rh_binaries_find_server(const char *bindir, int least, int wanted, rh_arena *arena, const char **found);
