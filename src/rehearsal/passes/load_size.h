/* Chooses the rate and the connections of the load: by the scenario, else by production's facts. */
#pragma once
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* Of those taken over from production; a scenario may ask for more. */
enum { RH_LOAD_CONNECTIONS_MAX = 1000 };

/* Connections that the load wants: the scenario's, else as many as production's profile saw, else 10. To be
 * asked before staging starts, so that its max_connections has room for them. */
int rh_load_connections(const rh_run *run);
/* Makes the scenario's mix from STAGING's database, with what the workload's role sees and may do there, and
 * fills mix, rate, connections and where they come from in LOAD. More connections than the server takes are
 * RH_ERROR_SCENARIO where the scenario asks for them; of production's, as many as fit are taken and that is
 * told. */
bool rh_load_prepare(const rh_run *run, rh_staging *staging, rh_load *load, rh_notes *notes, rh_error *error);
