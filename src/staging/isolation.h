/* The confinement of the embedded server to its cluster, and the proof that the confinement works. */
#pragma once
#include "state.h"

/* The account, the environment and the confinement that initdb and the server start with; argv and the rest
 * are the caller's. In the arena. The cluster's directories must exist. */
rh_process_options rh_isolation_options(rh_staging *staging);
/* The same for the standby: its own files, and a connection to the primary. */
rh_process_options rh_isolation_standby_options(rh_staging *staging);
/* Attempts to leave the confinement; fills staging->isolation. RH_ERROR_REFUSED when one succeeds, unless the
 * scenario accepts that (staging.isolation: weak). */
bool rh_isolation_prove(rh_staging *staging, rh_error *error);
/* The same with the standby's confinement. RH_ERROR_REFUSED when an attempt succeeds that the primary is
 * denied. */
bool rh_isolation_prove_standby(rh_staging *staging, rh_error *error);
/* True if every attempt to open a connection was denied. */
bool rh_isolation_denies_connections(const rh_isolation *isolation);
