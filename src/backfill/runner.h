/* What runs a whole backfill in the proof: the native batches, the printed procedure, the team's program. It
 * is started, killed, asked to stop and waited for; the proof knows nothing else of it. */
#pragma once
#include "pgrehearse/backfill/backfill.h"
#include "statements.h"

/* One run. Everything outlives it. */
typedef struct rh_runner_start {
    const rh_backfill *backfill;
    const rh_backfill_target *target;
    const rh_backfill_statements *statements;
    rh_backfill_setting setting;
    const rh_proof_sessions *sessions;
    const rh_proof_place *place;
    bool again;      /* an earlier run was killed or stopped: it goes on where that one was */
    rh_usec stretch; /* how long it waits before each statement, so that others come in between */
} rh_runner_start;

typedef struct rh_runner_end {
    bool ok;
    bool refused;        /* because another runner is at work */
    const char *message; /* why not OK; valid until the run is freed */
    const char *sqlstate;
} rh_runner_end;

typedef struct rh_backfill_runner {
    const char *name;
    void *(*start)(const rh_runner_start *start, rh_error *error);
    bool (*has_ended)(void *run, rh_runner_end *end); /* does not wait */
    void (*kill)(void *run); /* without a chance to do anything; does not wait for the server's process */
    /* Kills it as soon as it has sent a COMMIT, whose answer does not reach it: it ends then. NULL: it
     * cannot. */
    void (*kill_at_commit)(void *run);
    void (*stop)(void *run);
    void (*free)(void *run); /* kills, and waits for what it started. Takes NULL */
} rh_backfill_runner;

extern const rh_backfill_runner rh_runner_native, rh_runner_procedure, rh_runner_program;

/* Made in each copy of the sample before a native run: where the walk is. */
extern const char rh_runner_native_schema[];
