/* Backfills on a database that has the migrations before them: which setting is fastest and holds its gates,
 * and what the whole will take. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/attempt.h"
#include "pgrehearse/model/backfill.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/staging/staging.h"

struct rh_proxy;

/* How the team's programs are started. */
typedef struct rh_backfill_programs {
    /* What leads them to the database through PROXY, NULL-ended, in ARENA. */
    const char **(*environment)(void *data, const struct rh_proxy *proxy, rh_arena *arena, rh_error *error);
    const char *directory; /* where they start */
    void *data;
} rh_backfill_programs;

/* Where a backfill is measured. */
typedef struct rh_backfill_place {
    const char *conninfo; /* of our own sessions */
    const char *backfill_conninfo, *load_conninfo;
    const rh_load *load; /* the mix, its rate and connections; NULL: no load */
    uint64_t seed;
    bool local;          /* the server's clock and /proc are this machine's */
    rh_staging *staging; /* for a standby of it; NULL: there is none */
    /* Makes the database as it was when the measurement began; no connection may be open. */
    bool (*reset)(void *data, rh_error *error);
    /* Called before a stretch of the setting CELL of RESULT runs; NULL: none is written down. */
    bool (*predicted)(void *data, const rh_backfill_result *result, size_t cell,
                      const rh_backfill_stretch *stretch, rh_error *error);
    void *data;
    rh_backfill_programs programs;
    const rh_progress *progress;
} rh_backfill_place;

/* Inspects BACKFILL, counts its rows, times batches of each size without load and the replay of a standby,
 * then runs each setting under load with windows without backfill between them, and the fastest that
 * held its gates again with the standby. Resets when the sample is used up. In ARENA. What could not be
 * measured is in NOTES. False: RH_ERROR_SCENARIO for what the scenario has wrong, or a server lost. */
bool rh_backfill_sweep(const rh_backfill *backfill, const rh_backfill_place *place, rh_arena *arena,
                       rh_backfill_result *result, rh_notes *notes, rh_error *error);

/* Connection strings of a copy of the sample: of our own sessions, and as the role of backfills. */
typedef struct rh_proof_sessions {
    const char *own, *backfill;
} rh_proof_sessions;

/* Where a backfill is proven: a sample of the database in which the migrations before it have run. */
typedef struct rh_proof_place {
    /* Makes a new copy of the sample. No connection to an earlier one may be open. */
    bool (*fresh)(void *data, rh_proof_sessions *sessions, rh_error *error);
    /* Ends the server at once, as a crash does; and starts it again. NULL: it is not ours. */
    void (*crash)(void *data);
    bool (*restart)(void *data, rh_error *error);
    /* Runs the migrations after the backfill in the current copy. *WHY: which of them fails, and how, as a
     * clause; NULL: they pass. *OF_ROWS: it fails because of the rows. NULL: there are none. */
    bool (*contract)(void *data, const char **why, bool *of_rows, rh_error *error);
    rh_backfill_programs programs; /* in the current copy */
    bool sampled;                  /* it lacks rows of the database */
    void *data;
    uint64_t seed;
    const rh_progress *progress;
} rh_proof_place;

/* Runs BACKFILL whole, dozens of times, kills it, repeats it, and writes beside it; files the claims into
 * RESULT. SETTING: the rows of a batch are at most these; NULL: the least of the sweep. False: a server lost,
 * an interrupt, or the scenario's SQL. */
bool rh_backfill_prove(const rh_backfill *backfill, const rh_backfill_setting *setting,
                       const rh_proof_place *place, rh_arena *arena, rh_backfill_result *result,
                       rh_notes *notes, rh_error *error);

/* BACKFILL as SQL to paste into psql, in TEXT: the statement of a batch, a procedure that keeps its progress
 * in a table and may be stopped, killed and resumed, and queries to watch it. The table and its key are those
 * of PLAN's definitions and of the migrations before the backfill; no server is needed. False:
 * RH_ERROR_SCENARIO for a key that these do not tell, with what to write. */
bool rh_backfill_script(const rh_backfill *backfill, const rh_plan *plan, rh_arena *arena, rh_text *text,
                        rh_error *error);
