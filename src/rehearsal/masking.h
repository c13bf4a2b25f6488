/* Finds constraints that migrations add to tables whose rows prepare: has changed. Production's rows are
 * different and may violate such a constraint. */
#pragma once
#include "pgrehearse/model/run.h"

/* Before and after the steps of prepare: reads how many rows of each table were updated and deleted so far
 * and which files it has, and after them the constraints. What cannot be read leaves the tables unknown. */
void rh_masking_before(rh_run *run, const char *conninfo);
void rh_masking_after(rh_run *run, const char *conninfo);
/* Adds a sentence to run->not_measured for each constraint that the migrations have added, by
 * run->constraints_after, to a table whose rows prepare has changed. */
void rh_masking_report(rh_run *run);
