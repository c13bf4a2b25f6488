/* The rollback pass's hands: its two sessions, its looks at schema and rows, its replays. Private to
 * rollback.c and rollback_set.c. */
#pragma once
#include "pgrehearse/snapshot/snapshot.h"
#include "observer.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/staging/staging.h"

typedef struct way_back {
    rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    rh_pg *pg;   /* migrates */
    rh_pg *side; /* looks at schema and rows: the migration's own session keeps its settings, and its locks */
    rh_observer observer;
    bool blind; /* a look failed: what is wrong is not the migration */
} way_back;

/* Schema and rows at one moment. */
typedef struct way_back_state {
    rh_schema *schema;
    rh_data *data;
} way_back_state;

bool rh_way_back_open(way_back *w, rh_error *error);
void rh_way_back_close(way_back *w);

/* Down and watched, or up, once more or not. *ELAPSED_S may be NULL. */
bool rh_way_back_replay(way_back *w, rh_migration *migration, rh_direction direction, bool again,
                        double *elapsed_s, rh_error *error);
/* Closes the sessions; from the restored state, the pending ones of the first COUNT migrations up. */
bool rh_way_back_start_over(way_back *w, size_t count, rh_error *error);

/* BEFORE: an earlier look, whose tables and columns are looked at again; NULL: all. */
bool rh_way_back_look(way_back *w, const rh_data_options *options, const way_back_state *before,
                      way_back_state *now, rh_error *error);
void rh_way_back_compare(way_back *w, const way_back_state *before, const way_back_state *after,
                         rh_rollback *rollback);
void rh_way_back_release(way_back_state *s);
/* Adds the relations that the way up locked for writing or more, in whatever pass ran at full size. */
void rh_way_back_add_affected(const rh_migration *migration, rh_arena *arena, const char ***names,
                              size_t *count);
/* Does ERROR end the pass? Else it is the migration's own. */
bool rh_way_back_is_fatal(const way_back *w, rh_error *error);

/* ---- rollback_set.c ---- */

/* What is there before any migration runs; nothing when the whole set cannot go down anyway. */
bool rh_rollback_set_look(way_back *w, way_back_state *beginning, rh_error *error);
/* All of them down, the last first, and up again; run->set_rollback. */
bool rh_rollback_set(way_back *w, const way_back_state *beginning, rh_error *error);
