/* Creates, starts, stops and removes a private cluster. */
#pragma once
#include "state.h"

/* Directories, mark, initdb, a first start with settings for the restore, and an empty database. */
bool rh_embedded_start(rh_staging *staging, const rh_staging_request *request, rh_error *error);
/* Starts a server that was stopped cleanly, and waits until it answers. A crash meanwhile is found by
 * rh_embedded_was_up. */
bool rh_embedded_run(rh_staging *staging, rh_error *error);
/* Stops it: cleanly (fast shutdown with a checkpoint), or at once. */
bool rh_embedded_halt(rh_staging *staging, bool cleanly, rh_error *error);
/* Kills it at once, without waiting; then rh_embedded_recover starts it, which recovers from its WAL. */
void rh_embedded_crash(rh_staging *staging);
bool rh_embedded_recover(rh_staging *staging, rh_error *error);
/* RH_ERROR_STAGING with the log's last lines when the postmaster has ended. */
bool rh_embedded_alive(rh_staging *staging, rh_error *error);
/* RH_ERROR_LOST if the server has crashed and restarted since its start or since the last
 * rh_embedded_accept_restart. RH_ERROR_STAGING as above. */
bool rh_embedded_was_up(rh_staging *staging, rh_error *error);
bool rh_embedded_accept_restart(rh_staging *staging, rh_error *error);
/* Interrupts must be held back. */
void rh_embedded_free(rh_staging *staging, bool keep);
