/* The recovery of a physical copy from production's archive. */
#pragma once
#include "state.h"

/* Needs COPY its archive: for a target, or for WAL that it does not have itself? */
bool rh_copy_needs_archive(const rh_staging *staging, const rh_physical_facts *copy);
/* Recovers the copy's files, which are the cluster's, up to the scenario's target, or else to the end of the
 * backup, and stops the server cleanly. The server is confined and has no restore_command: it waits for
 * files, and we bring them. Notes in COPY where the recovery ended. RH_ERROR_BACKUP: the archive ends before,
 * lacks a segment, or has a wrong one, by name; *ENDED: the server itself gave up, and its log says why. */
bool rh_copy_follow(rh_staging *staging, rh_physical_facts *copy, bool *ended, rh_error *error);
