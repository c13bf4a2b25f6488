/* Chooses the roles that the sessions of the migrations and of the load run as. */
#pragma once
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* Before the restore: a role of the scenario that neither the backup nor a step can bring is
 * RH_ERROR_SCENARIO at its place. STAGING: a given server, once it is connected to; NULL: none is started. */
bool rh_roles_check(rh_run *run, rh_staging *staging, rh_error *error);
/* Once the history table is known, before the snapshot: chooses run->migrations_role and workload_role, lets
 * both into staging, and adds what is not known of their rights to what was not measured. A role of the
 * scenario that staging does not have, or must not become, is RH_ERROR_SCENARIO at its place. */
bool rh_roles_choose(rh_run *run, rh_staging *staging, rh_error *error);
/* To a migration that failed for want of rights (SQLSTATE 42501): as whom it ran, and what to do. Sets the
 * hint of FAILURE and of ERROR, which are of the same failure. */
void rh_roles_explain(const rh_run *run, rh_failure *failure, rh_error *error);
