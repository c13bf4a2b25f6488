/* A physical copy in the embedded cluster: what of production is switched off, and what it cannot show. */
#pragma once
#include "state.h"

/* Rolls back the prepared transactions of DATABASE. Those that were old when the copy was taken become
 * doubts: production waits for their locks. */
bool rh_copy_end_prepared(rh_staging *staging, const char *database, rh_error *error);
/* Adds to staging->copy->doubts what the rehearsed database lacks beside production: rows of
 * unlogged tables, libraries, the collations' version. */
bool rh_copy_examine(rh_staging *staging, rh_error *error);
/* The same of what the recovery LOG says of files that were not there. */
void rh_copy_examine_log(rh_staging *staging, const char *log);
