/* Row-level security that may keep a program's data changes from rows. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* Adds a note to ATTEMPT, one that ended well, for each table of which its statements changed data and the
 * migrations' role sees fewer rows than there are. Its own session cannot be asked: what it had set is not
 * known. SIDE sees all rows. */
void rh_program_note_hidden_rows(const rh_run *run, const rh_staging *staging, rh_pg *side,
                                 rh_attempt *attempt);
