/* The observer of a pass: hooks around each statement that read counters and locks over a side connection,
 * and the lock sampler. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/observe/counters.h"
#include "pgrehearse/observe/sampler.h"

typedef struct rh_observer_options {
    const rh_run *run;    /* only read; what is observed lives in its arena */
    const char *conninfo; /* of the staging database */
    rh_pass_kind pass;
    int migration_pid;         /* of the session that migrates */
    rh_usec began;             /* monotonic, second 0 of samples */
    const rh_work_size *sizes; /* of rh_sizes_read; NULL: not known */
    const rh_work_size *whole; /* on a sample: those of the whole database; NULL */
    const rh_progress *progress;
    const char *stage;    /* for progress */
    const char *log_path; /* the staging server's; NULL: it cannot be read */
} rh_observer_options;

/* An index that a CONCURRENTLY left invalid when it failed. */
typedef struct rh_left_index {
    const rh_migration *migration;
    const rh_statement *statement;
    const char *name;
} rh_left_index;

typedef struct rh_observer_result {
    rh_contention contention;
    rh_resource_sample *resources; /* of the loaded pass */
    size_t resource_count;
    rh_left_index *left;
    size_t left_count;
    rh_notes notes;
} rh_observer_result;

typedef struct rh_observer rh_observer;

/* Opens the side connection and starts the sampler. What the statements do to relations is looked at in the
 * first quiet pass and in the rollback pass, where nothing else runs. */
rh_observer *rh_observer_start(const rh_observer_options *options, rh_error *error);
/* For rh_replay. Valid until the observer's end, as is the sampler. */
const rh_replay_hooks *rh_observer_hooks(const rh_observer *observer);
rh_sampler *rh_observer_sampler(const rh_observer *observer);
/* Whether this pass observes what the statements do to relations. */
bool rh_observer_reads_work(const rh_observer *observer);
/* An execution that it observed: its runs are completed at the end. ATTEMPT may go, its runs must stay. */
void rh_observer_add(rh_observer *observer, const rh_attempt *attempt);

/* Ends the sampler, completes what it saw from the server's log and with the migrations' own failures, gives
 * autocommit statements the locks that were seen from outside, and every lock its wait. Frees the observer;
 * takes NULL. */
rh_observer_result rh_observer_finish(rh_observer *observer);
