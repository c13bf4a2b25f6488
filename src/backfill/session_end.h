/* The end of a backfill's sessions. */
#pragma once
#include "pgrehearse/adapters/pg.h"

/* Waits until COUNT, a query over PG, returns 0: a session whose client has disconnected may still execute
 * its last statement. RH_ERROR_STAGING after 60 s. */
bool rh_backfill_await_sessions(rh_pg *pg, const char *count, rh_error *error);
