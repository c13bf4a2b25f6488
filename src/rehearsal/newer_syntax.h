/* Statements that the parser does not know. */
#pragma once
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* Asks the staging server whether it knows them: their parse_error then says whether their syntax is newer
 * than the parser's, or wrong. Those of pending migrations are filed as not measured: their hazards are not
 * known. */
void rh_newer_syntax_judge(rh_run *run, const rh_staging *staging);
