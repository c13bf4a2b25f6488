/* The snapshot of the data directory by programs of the scenario (staging.snapshot), on storage that takes
 * one without copying. The server is stopped. */
#pragma once
#include "state.h"

bool rh_snapshot_hook_take(rh_staging *staging, rh_error *error);
/* RH_ERROR_STAGING, too, if the data directory is not what it was when the snapshot was taken. */
bool rh_snapshot_hook_reset(rh_staging *staging, rh_error *error);
/* Lets the scenario's program remove a snapshot that was taken; the facts say if it fails. */
void rh_snapshot_hook_remove(rh_staging *staging);
