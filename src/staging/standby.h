/* The streaming standby of an embedded cluster, inside staging/. */
#pragma once
#include "state.h"

/* Settings that the primary needs beside the others, by how it runs with its standby; in the arena. */
const rh_setting *rh_standby_primary_settings(rh_staging *staging, size_t *count);
/* Ends the standby at once. Its slot stays on the primary, which does not wait for it after its next start.
 */
void rh_standby_halt(rh_staging *staging);
/* Ends it, and shows its log. Interrupts must be held back. */
void rh_standby_free(rh_staging *staging);
/* Bytes that must be free for a standby of a cluster of BYTES, of which COPIED are there from an earlier one.
 */
int64_t rh_standby_needs(int64_t bytes, int64_t copied, bool reflink);
