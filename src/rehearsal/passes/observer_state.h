/* What an observer knows, between observer.c, which begins and ends it, and observer_hooks.c. */
#pragma once
#include "observer.h"
#include "pgrehearse/observe/observe.h"

/* An execution that is observed: its runs are completed at the end. */
typedef struct rh_observed {
    const rh_migration *migration;
    const rh_script *script;
    rh_attempt attempt;
} rh_observed;

struct rh_observer {
    rh_observer_options options;
    const rh_run *run;
    rh_arena *arena;
    rh_pg *side; /* reads counters, so that the migration's session is not disturbed */
    rh_sampler *sampler;
    rh_work_watch *work; /* NULL: this pass does not look at what the statements do */
    rh_replay_hooks hooks;
    bool local;       /* the server is on this machine */
    int64_t log_from; /* the log's length when the pass began */
    rh_observed *executions;
    size_t execution_count;
    rh_observer_result result;

    /* the statement and the transaction under way */
    rh_counters_access access;
    rh_counters before;
    int64_t transactions; /* of the session, before a statement that may commit; RH_UNKNOWN: another one */
    bool memory_set;      /* on a sample: maintenance_work_mem is this statement's own */
    rh_lock *held;        /* by the open transaction, so far */
    size_t held_count;
    bool is_shut_out; /* by the transaction under way: it has locked what a sample reads */
    double lock_timeout_s, statement_timeout_s; /* of the session, while they are known */
    bool timeouts_known;

    const char
        *unread_locks;    /* why locks of this pass are missing, as the first sample that failed says; NULL */
    int failed_statement; /* ordinal, of the statement that failed last; 0: none did */
    double failed_at_s;
};

/* What is done before and after each statement and at the end of each transaction. */
rh_replay_hooks rh_observer_hooks_for(rh_observer *observer);
bool rh_observer_reads_locks(const rh_observer *observer);
