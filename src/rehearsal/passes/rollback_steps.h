/* Parts of the rollback pass: its two sessions, its readings of schema and rows, its executions of
 * migrations. Private to rollback.c and rollback_set.c. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/snapshot/snapshot.h"
#include "pass.h"

typedef struct rh_rollback_pass {
    const rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    rh_pg *pg;   /* runs the migrations */
    rh_pg *side; /* reads schema and rows, so that settings and locks of PG do not change */
    rh_observer *observer;
    bool reading_failed; /* what is wrong is not the migration */
    rh_rollback_result *result;
} rh_rollback_pass;

/* Schema and rows at one moment. */
typedef struct rh_rollback_state {
    rh_schema *schema;
    rh_data *data;
} rh_rollback_state;

bool rh_rollback_open(rh_rollback_pass *p, rh_error *error);
/* NOTES: gets what was not observed. */
void rh_rollback_close(rh_rollback_pass *p, rh_notes *notes);

/* What one rehearsal of a rollback found: of a migration, or of the set. */
typedef struct rh_rollback_found {
    bool ok; /* false: the pass ends */
    rh_rollback rollback;
    rh_pass_result pass; /* only its attempts and notes */
} rh_rollback_found;
/* Adds the attempts and notes of FOUND to the result. */
void rh_rollback_file(rh_rollback_pass *p, const rh_rollback_found *found);

/* The first time up, and from then on down and up once more. */
typedef enum rh_rollback_step {
    RH_ROLLBACK_UP,
    RH_ROLLBACK_DOWN, /* observed: its runs are recorded */
    RH_ROLLBACK_DOWN_IN_SET,
    RH_ROLLBACK_UP_AGAIN
} rh_rollback_step;
/* Executes one step and adds it to FOUND: down and again up, its duration and failure. The outcome of
 * RH_ROLLBACK_UP is the migration's. */
bool rh_rollback_execute(rh_rollback_pass *p, const rh_migration *migration, rh_rollback_step step,
                         rh_rollback_found *found, rh_error *error);
/* Closes the sessions, resets staging, and runs the pending ones of the first COUNT migrations. */
bool rh_rollback_start_over(rh_rollback_pass *p, size_t count, rh_rollback_found *found, rh_error *error);

/* Reads schema and rows into NOW. BEFORE: an earlier state, whose tables and columns are read again; NULL:
 * all. */
bool rh_rollback_snapshot(rh_rollback_pass *p, const rh_data_options *options,
                          const rh_rollback_state *before, rh_rollback_state *now, rh_error *error);
void rh_rollback_compare(rh_rollback_pass *p, const rh_rollback_state *before, const rh_rollback_state *after,
                         rh_rollback *rollback);
void rh_rollback_release(rh_rollback_state *s);
/* Adds the relations that the migration locked for writing or more in a full-size pass. */
void rh_rollback_add_affected(const rh_migration *migration, rh_arena *arena, const char ***names,
                              size_t *count);
/* True if ERROR ends the pass; otherwise it is the migration's. */
bool rh_rollback_is_fatal(const rh_rollback_pass *p, rh_error *error);

/* ---- rollback_set.c ---- */

/* Reads the state before any migration; nothing if not all migrations can be rolled back. */
bool rh_rollback_set_inspect(rh_rollback_pass *p, rh_rollback_state *beginning, rh_error *error);
/* Rolls all of them back, the last first, and reapplies them; fills the result's set. */
bool rh_rollback_set(rh_rollback_pass *p, const rh_rollback_state *beginning, rh_error *error);
