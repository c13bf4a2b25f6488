/* What watches a pass: hooks around each statement that read counters and locks, and the sampler. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/observe/counters.h"
#include "pgrehearse/observe/sampler.h"

typedef struct rh_observer {
    rh_run *run;
    rh_pg *side;         /* reads counters, so that the migration's session is not disturbed */
    rh_sampler *sampler; /* NULL in scaled passes */
    rh_pass_kind pass;
    rh_work_size *sizes;       /* of rh_sizes_read; NULL: not known */
    const rh_work_size *whole; /* on a sample: those of the whole database */
    bool memory_set;           /* on a sample: maintenance_work_mem is this statement's own */
    bool local;
    rh_counters_access access;
    int pid; /* of the migration's session */
    rh_counters before;
    rh_lock *held; /* by the open transaction, so far */
    size_t held_count;
    rh_work_watch *work;   /* NULL: this pass does not look at what the statements do */
    rh_replay_hooks hooks; /* hand this to rh_replay */
    const rh_progress *progress;
    const char *stage;
    const char *log_path; /* the staging server's; NULL: it cannot be read */
    int64_t log_from;     /* its length when the pass began */
    int failed_statement; /* ordinal, of the statement that failed last; 0: none did */
    double failed_at_s;
    const char
        *blind; /* why locks of this pass are missing, as the first look that failed says; NULL: none is */
    bool is_shut_out; /* by the transaction under way: it has locked what a look reads */
    rh_usec began;    /* second 0 of samples */
} rh_observer;

/* PROGRESS, STAGE, SIZES and LOG_PATH are the caller's to set before. What the statements do to relations is
 * looked at in the first quiet pass and in the rollback pass, where nothing else runs. Opens the side
 * connection and, unless the pass is scaled, starts the sampler with second 0 at BEGAN. */
bool rh_observer_start(rh_observer *observer, rh_run *run, const char *conninfo, rh_pass_kind pass,
                       int migration_pid, rh_usec began, rh_error *error);
/* Ends the sampler into CONTENTION (may be NULL when scaled), completes it from the server's log and with the
 * migration's own failure, gives autocommit statements the locks that were
 * seen from outside, and every lock its wait. */
void rh_observer_finish(rh_observer *observer, rh_contention *contention);
