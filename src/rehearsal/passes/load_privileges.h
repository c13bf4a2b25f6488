/* Checks the load's mix with the privileges of the application role. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/model/run.h"

/* Calls each template of LOAD's mix several times on PG, a session of the application role, with rollback.
 * Removes templates that the server refuses each time for missing privileges, and the values that row-level
 * security refuses for others: such errors are no effect of the migrations. The mix's left_out lists them;
 * NOTES has their number, and the tables of which the role sees no row. */
bool rh_load_keep_allowed(const rh_run *run, rh_pg *pg, rh_load *load, rh_notes *notes, rh_error *error);
