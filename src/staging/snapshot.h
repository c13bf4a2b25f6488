/* The snapshot of an embedded cluster, and the reset to it. */
#pragma once
#include "state.h"

/* Settles the cluster (vacuum, timed settings, clean shutdown), copies it, starts it again. */
bool rh_snapshot_take(rh_staging *staging, rh_error *error);
/* Nothing of the cluster waits to be written back: it would fall into a pass. */
void rh_snapshot_sync(const rh_staging *staging);
/* Stops the server at once, copies back what changed, starts it. */
bool rh_snapshot_reset(rh_staging *staging, rh_error *error);
