/* Staging databases on a given server. */
#pragma once
#include "state.h"

/* Checks the safety guard, takes the advisory lock, removes databases of killed runs, and creates the
 * database with our mark: empty, or a copy of the clone. */
bool rh_server_start(rh_staging *staging, const rh_staging_request *request, rh_error *error);
bool rh_server_snapshot(rh_staging *staging, rh_error *error);
bool rh_server_reset(rh_staging *staging, rh_error *error);
/* RH_ERROR_REFUSED: staging.url, WHY. */
bool rh_server_refuse(rh_staging *staging, const char *why, const char *hint, rh_error *error);
/* Creates the database NAME with our mark, as TEMPLATE_NAME is. */
bool rh_server_create(rh_staging *staging, const char *name, const char *template_name, rh_error *error);
/* Drops NAME if it carries the mark of this run; one that is missing is fine. */
bool rh_server_drop(rh_staging *staging, const char *name, rh_error *error);
bool rh_server_alive(rh_staging *staging, rh_error *error);
/* Interrupts must be held back. */
void rh_server_free(rh_staging *staging, bool keep);
