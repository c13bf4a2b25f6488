/* Chooses the rate and the connections of the load: by the scenario, else by production's facts. */
#pragma once
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* The most connections by production's profile; a scenario may have more. */
enum { RH_LOAD_CONNECTIONS_MAX = 1000 };

/* The number of connections of the load: the scenario's, else production's sessions by its profile, else 10.
 * Needed before staging starts, for its max_connections. */
int rh_load_connections(const rh_run *run);
/* Makes the scenario's mix from STAGING's database, with the rows and privileges of the application role, and
 * sets mix, rate, connections and their sources in LOAD. More connections than the server accepts are
 * RH_ERROR_SCENARIO if the scenario has them; if production's profile has them, the number is reduced, with a
 * note. */
bool rh_load_prepare(const rh_run *run, rh_staging *staging, rh_load *load, rh_notes *notes, rh_error *error);
