/* The scenario's disturbers in the loaded pass: checks them, starts them beside each migration, and records
 * who waited for them. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"
#include "pgrehearse/workload/workload.h"

/* Checks that the migrations in disturb: exist (else RH_ERROR_SCENARIO at their position). */
bool rh_disturb_check_migrations(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena,
                                 rh_error *error);
/* Checks that the tables in disturb: exist in the restored database. */
bool rh_disturb_check_tables(const rh_scenario *scenario, const char *conninfo, rh_error *error);

/* Call once before the load begins. */
bool rh_disturb_pass(const rh_run *run, rh_staging *staging, rh_error *error);
/* Starts the disturbers of MIGRATION and waits until they are in place; *DISTURBERS is NULL if there are
 * none. End them with rh_disturb_end in any case. */
bool rh_disturb_begin(const rh_run *run, rh_staging *staging, const rh_migration *migration,
                      rh_disturbers **disturbers, rh_error *error);
/* Stops them and adds a row for each to ROWS of COUNT, and those that could not be started to NOTES; times
 * count from BEGAN. All in ARENA. Takes NULL. */
void rh_disturb_end(rh_arena *arena, rh_disturbers *disturbers, const rh_migration *migration, rh_usec began,
                    rh_disturbance **rows, size_t *count, rh_notes *notes);

/* Names the disturbers among the blockers of CONTENTION ("disturber: pg_dump"), and adds to each of
 * run->disturbances the sessions that waited for it. */
void rh_disturb_account(rh_run *run, rh_contention *contention);
