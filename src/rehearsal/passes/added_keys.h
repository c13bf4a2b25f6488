/* Foreign keys that the pending migrations add to tables of the copy. */
#pragma once
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* Has the samples follow them (rh_staging_follow): ALTER TABLE … ADD FOREIGN KEY of every pending migration.
 */
void rh_added_keys_follow(rh_run *run, rh_staging *staging);
