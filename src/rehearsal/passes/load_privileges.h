/* Checks the load's mix with the privileges of the application role. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/model/run.h"

/* Calls each template of LOAD's mix some times on PG, a session of the workload's role, undone, and takes
 * those out that the server refuses this role each time, and of others the values that row-level security
 * refuses: such errors are not the migrations'. They are reported in the mix's left_out, their number in
 * NOTES, and there the tables of which the role sees no row. */
bool rh_load_keep_allowed(const rh_run *run, rh_pg *pg, rh_load *load, rh_notes *notes, rh_error *error);
