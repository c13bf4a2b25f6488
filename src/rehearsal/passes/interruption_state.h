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
    double target_s; /* its duration in the quiet pass */
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

/* Resets staging, runs the pending migrations before this one, and reads the state. */
bool rh_interruption_prepare(rh_interrupted *i, rh_error *error);
bool rh_interruption_open(rh_interrupted *i, rh_error *error);
void rh_interruption_close(rh_interrupted *i);
void rh_interruption_forget(rh_interrupted *i);
/* Runs MIGRATION up; its failure does not count for the migration. FAULT interrupts it; may be NULL. */
bool rh_interruption_replay(rh_interrupted *i, const rh_migration *migration, const rh_fault_injection *fault,
                            rh_error *error);
/* Reads the state now and stores the differences in i->found; HISTORY: the rows of the history table. */
bool rh_interruption_inspect(rh_interrupted *i, rh_rows *history, rh_error *error);
/* Runs the migration again as the framework would with HISTORY; if it refuses or skips it, once more after
 * restoring the history table. */
bool rh_interruption_try_again(rh_interrupted *i, const rh_rows *history, rh_error *error);
