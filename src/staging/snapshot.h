/* The snapshot of an embedded cluster, and the reset to it. */
#pragma once
#include "state.h"

/* Settles the cluster (vacuum, timed settings, clean shutdown), copies it, starts it again. */
bool rh_snapshot_take(rh_staging *staging, rh_error *error);
/* Nothing of the cluster waits to be written back: it would fall into a pass. */
void rh_snapshot_sync(const rh_staging *staging);
/* Stops the server at once, copies back what changed, starts it. */
bool rh_snapshot_reset(rh_staging *staging, rh_error *error);
/* Notes in *STATE what the files of DATA are now; a write from now on changes that. Frees the earlier one. */
bool rh_snapshot_record(const char *data, rh_tree_state **state, rh_error *error);
