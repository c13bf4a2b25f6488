/* The scenario's disturbers in the loaded pass: checks them, starts them beside each migration, and records
 * who waited for them. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"
#include "pgrehearse/workload/workload.h"

/* The migrations that disturb: names must exist (RH_ERROR_SCENARIO at their place). */
bool rh_disturb_check_migrations(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena,
                                 rh_error *error);
/* So must its tables, in the restored database. */
bool rh_disturb_check_tables(const rh_scenario *scenario, const char *conninfo, rh_error *error);

/* Before the load begins: what has to be done once. */
bool rh_disturb_pass(const rh_run *run, rh_staging *staging, rh_error *error);
/* Starts those that belong to MIGRATION and waits until they are in place; *DISTURBERS is NULL when there are
 * none. End them with rh_disturb_end, whatever became of the migration. */
bool rh_disturb_begin(const rh_run *run, rh_staging *staging, const rh_migration *migration,
                      rh_disturbers **disturbers, rh_error *error);
/* Stops them and adds them to ROWS of COUNT, and what could not be started to NOTES; BEGAN: second 0 of the
 * load. All in ARENA. Takes NULL. */
void rh_disturb_end(rh_arena *arena, rh_disturbers *disturbers, const rh_migration *migration, rh_usec began,
                    rh_disturbance **rows, size_t *count, rh_notes *notes);

/* Names the disturbers among the blockers of CONTENTION ("disturber: pg_dump"), and fills in who waited
 * behind each of run->disturbances. */
void rh_disturb_account(rh_run *run, rh_contention *contention);
