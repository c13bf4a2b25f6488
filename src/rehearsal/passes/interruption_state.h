/* The state before and after a migration that was interrupted or failed, and its second run. Private to
 * interruption.c, interruption_state.c and after_failure.c. */
#pragma once
#include "pgrehearse/base/progress.h"
#include "pgrehearse/snapshot/snapshot.h"
#include "pgrehearse/model/run.h"
#include "migrate.h"
#include "pgrehearse/staging/staging.h"

typedef struct rh_interrupted {
    const rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    size_t index; /* in the plan */
    const rh_migration *migration;
    const rh_statement *target;
    double target_s; /* what it takes by itself */
    rh_pg *pg, *side;
    rh_interruption *found;
    rh_notes *notes;

    /* before it was interrupted: */
    rh_schema *schema;
    rh_data *data;
    const char **invalid;
    size_t invalid_count;
    rh_rows history;
} rh_interrupted;

/* The restored state with every pending migration before this one; looked at. */
bool rh_interruption_prepare(rh_interrupted *i, rh_error *error);
bool rh_interruption_open(rh_interrupted *i, rh_error *error);
void rh_interruption_close(rh_interrupted *i);
void rh_interruption_forget(rh_interrupted *i);
/* Up; its failure is not the migration's. FAULT: interrupts it; NULL: nothing does. */
bool rh_interruption_replay(rh_interrupted *i, const rh_migration *migration, const rh_fault_injection *fault,
                            rh_error *error);
/* What there is now, compared with before, into i->found; HISTORY: the history table's rows. */
bool rh_interruption_inspect(rh_interrupted *i, rh_rows *history, rh_error *error);
/* As the framework would, given HISTORY; else once it says what it said before. */
bool rh_interruption_try_again(rh_interrupted *i, const rh_rows *history, rh_error *error);
