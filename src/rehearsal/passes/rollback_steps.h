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
    rh_pg *pg;   /* migrates */
    rh_pg *side; /* looks at schema and rows: the migration's own session keeps its settings, and its locks */
    rh_observer *observer;
    bool look_failed; /* what is wrong is not the migration */
    rh_rollback_result *result;
} rh_rollback_pass;

/* Schema and rows at one moment. */
typedef struct rh_rollback_state {
    rh_schema *schema;
    rh_data *data;
} rh_rollback_state;

bool rh_rollback_open(rh_rollback_pass *p, rh_error *error);
void rh_rollback_close(rh_rollback_pass *p);

/* The first time up, and from then on down and up once more. */
typedef enum rh_rollback_step {
    RH_ROLLBACK_UP,
    RH_ROLLBACK_DOWN, /* observed: its runs are filed */
    RH_ROLLBACK_DOWN_IN_SET,
    RH_ROLLBACK_UP_AGAIN
} rh_rollback_step;
/* *ELAPSED_S (may be NULL) is added to. *FAILURE (may be NULL) gets what failed. The outcome of a
 * RH_ROLLBACK_UP is the migration's. */
bool rh_rollback_execute(rh_rollback_pass *p, const rh_migration *migration, rh_rollback_step step,
                         double *elapsed_s, rh_failure **failure, rh_error *error);
/* Closes the sessions; from the restored state, the pending ones of the first COUNT migrations up. */
bool rh_rollback_start_over(rh_rollback_pass *p, size_t count, rh_error *error);

/* BEFORE: an earlier look, whose tables and columns are looked at again; NULL: all. */
bool rh_rollback_snapshot(rh_rollback_pass *p, const rh_data_options *options,
                          const rh_rollback_state *before, rh_rollback_state *now, rh_error *error);
void rh_rollback_compare(rh_rollback_pass *p, const rh_rollback_state *before, const rh_rollback_state *after,
                         rh_rollback *rollback);
void rh_rollback_release(rh_rollback_state *s);
/* Adds the relations that the way up locked for writing or more, in whatever pass ran at full size. */
void rh_rollback_add_affected(const rh_migration *migration, rh_arena *arena, const char ***names,
                              size_t *count);
/* Does ERROR end the pass? Else it is the migration's own. */
bool rh_rollback_is_fatal(const rh_rollback_pass *p, rh_error *error);

/* ---- rollback_set.c ---- */

/* What is there before any migration runs; nothing when the whole set cannot go down anyway. */
bool rh_rollback_set_inspect(rh_rollback_pass *p, rh_rollback_state *beginning, rh_error *error);
/* All of them down, the last first, and up again; the result's set. */
bool rh_rollback_set(rh_rollback_pass *p, const rh_rollback_state *beginning, rh_error *error);
