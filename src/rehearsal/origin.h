/* Differences between staging's database and the one that was backed up. */
#pragma once
#include "pgrehearse/model/run.h"

/* Once staging is described: its version and locale against the backup's, as not measured or inconclusive. */
void rh_origin_compare(rh_run *run);
/* After the restore: settings of the backup's database and of its roles that do not apply, as not measured.
 */
void rh_origin_settings(rh_run *run);
