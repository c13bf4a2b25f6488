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

/* Where a backfill is measured. */
typedef struct rh_backfill_place {
    const char *conninfo; /* of our own sessions */
    const char *backfill_conninfo, *load_conninfo;
    const rh_load *load; /* the mix, its rate and connections; NULL: no load */
    uint64_t seed;
    bool local; /* the server's clock and /proc are this machine's */
    /* Makes the database as it was when the measurement began; no connection may be open. */
    bool (*reset)(void *data, rh_error *error);
    void *data;
    const rh_progress *progress;
} rh_backfill_place;

/* Inspects BACKFILL, counts its rows, times batches of each size without load, then runs each setting beside
 * the load with windows without backfill between them. Resets when the sample is used up. In ARENA. What
 * could not be measured is in NOTES. False: RH_ERROR_SCENARIO for what the scenario has wrong, or a server
 * lost. */
bool rh_backfill_sweep(const rh_backfill *backfill, const rh_backfill_place *place, rh_arena *arena,
                       rh_backfill_result *result, rh_notes *notes, rh_error *error);

/* BACKFILL as SQL to paste into psql, in TEXT: the statement of a batch, a procedure that keeps its progress
 * in a table and may be stopped, killed and resumed, and queries to watch it. The table and its key are those
 * of PLAN's definitions and of the migrations before the backfill; no server is needed. False:
 * RH_ERROR_SCENARIO for a key that these do not tell, with what to write. */
bool rh_backfill_script(const rh_backfill *backfill, const rh_plan *plan, rh_arena *arena, rh_text *text,
                        rh_error *error);
