/* Does what was measured bear a hazard out? */
#pragma once
#include "pgrehearse/model/run.h"

/* Sets the state of STATEMENT's hazards by its class as measured and the locks of RAN (its telling run; NULL
 * when it did not run), and adds those that only the measurement shows: a rewrite, a scan or an index build
 * under a lock that its text does not tell of. MIGRATION: whose it is. In ARENA. */
void rh_hazards_measure(const rh_migration *migration, rh_statement *statement, const rh_statement_run *ran,
                        rh_arena *arena);
