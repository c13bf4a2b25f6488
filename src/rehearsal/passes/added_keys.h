/* Foreign keys that the pending migrations add to tables of the copy. */
#pragma once
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* Passes the ALTER TABLE … ADD FOREIGN KEY of every pending migration to rh_staging_follow. */
void rh_added_keys_follow(rh_run *run, rh_staging *staging);
