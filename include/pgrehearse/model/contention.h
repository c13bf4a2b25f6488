/* Lock waits of all sessions, and their blockers. */
#pragma once
#include "pgrehearse/base/clock.h"
#include "pgrehearse/model/lock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One blocker in the chain from a waiter to its root blocker. */
typedef struct rh_wait_link {
    int pid;              /* 0: a prepared transaction */
    const char *name;     /* "migration 000013, statement 1", a template's name, or a redacted query */
    const char *locktype; /* of the lock that it waits for itself; NULL: it waits for none, it is the root */
    const char *relation; /* likewise; NULL when the lock is not about one */
    rh_lock_mode mode;
    bool is_migration;
    bool is_load; /* a session of the load or of a disturber */
} rh_wait_link;

typedef enum rh_wait_source { RH_WAIT_SAMPLER, RH_WAIT_SERVER_LOG, RH_WAIT_SOURCE_COUNT } rh_wait_source;
const char *rh_wait_source_name(rh_wait_source source);

/* One wait: of a load client, or of the migration itself. */
typedef struct rh_wait {
    double at_s;          /* start, since the load began (or the pass, without load) */
    double wait_s;        /* from the server's waitstart to its end, as close as the evidence tells
                             (observe/wait_graph.h) */
    const char *locktype; /* "relation", "transactionid", "tuple" … */
    const char *relation; /* NULL when it is not about one */
    rh_lock_mode mode;
    int waiter_pid, blocker_pid, root_pid; /* root: the end of the blocker chain */
    const char *waiter;                    /* its query, redacted, or template name */
    const char *blocker;                   /* "migration 000013, statement 1" or a redacted query */
    const char *migration;                 /* id that was running; NULL: none */
    int statement;                         /* ordinal; 0: none */
    bool waiter_is_migration,
        blocked_by_migration;  /* by: the chain ends at (or goes through) the migration */
    bool exact_start;          /* from waitstart; false: first seen by a sample */
    rh_wait_link *chain;       /* from the direct blocker to the root, as it stood longest */
    size_t chain_count;        /* 0: no blocker was seen */
    const char *template_name; /* the load's template that waited; NULL: not the load */
    rh_wait_source source;     /* server log: no sample saw it; its blocker is not known */
    const char
        *concurrently; /* which of a CONCURRENTLY statement's waits it is, as
                          pg_stat_progress_create_index names it ("waiting for old snapshots" …); else NULL */
} rh_wait;

/* One session of a deadlock: what it ran, and the lock that it waited for. */
typedef struct rh_deadlock_side {
    int pid, blocked_by_pid;         /* the next side; 0 unknown */
    const char *name;                /* "migration 000013, statement 1", a template's name; NULL: neither */
    const char *statement;           /* redacted; NULL unknown */
    const char *locktype, *relation; /* NULL unknown, or no relation */
    rh_lock_mode mode;
    bool is_migration, is_victim; /* victim: whose transaction the server aborted */
} rh_deadlock_side;

typedef struct rh_deadlock {
    double at_s; /* when it was resolved, since the load began */
    rh_deadlock_side *sides;
    size_t side_count;     /* 1: the others were not seen */
    const char *migration; /* that ran; NULL: none */
    int statement;         /* ordinal; 0: none */
} rh_deadlock;

/* A statement that the server cancelled. */
typedef struct rh_cancelled {
    double at_s;          /* when, since the load began */
    double wait_s;        /* how long it had waited for the lock; RH_NOT_MEASURED when it waited for none */
    const char *who;      /* "migration 000013, statement 1", or a template's name */
    const char *sqlstate; /* 55P03, 57014 or 40P01 */
    const char *reason;   /* "lock_timeout", "statement_timeout", "deadlock", "nowait" */
    const char *relation, *blocker; /* of the lock that it waited for; NULL unknown */
    rh_lock_mode mode;
    const char *migration; /* that ran; NULL: none */
    int statement;         /* ordinal; 0: none */
    bool is_migration;     /* it was the migration's own */
} rh_cancelled;

/* What the server's own log of lock waits (log_lock_waits) says beside the samples. */
typedef struct rh_lock_log {
    bool read;
    const char *why_not; /* it was not read; NULL: it was */
    double threshold_ms; /* the server logs waits longer than deadlock_timeout */
    int64_t waits;       /* waits that it has */
    int64_t merged;      /* of those, unseen by the samples: they are among the waits */
    double
        longest_difference_ms; /* in length, of a wait that both saw; RH_NOT_MEASURED when there was none */
} rh_lock_log;

/* Depth of the queue over time: one point whenever it changed. */
typedef struct rh_queue_point {
    double at_s;
    int depth;
} rh_queue_point;

/* An interval in which a lock held by the migration kept readers or writers out of a relation. */
typedef struct rh_blocked_interval {
    const char *relation, *migration;
    rh_lock_mode mode;
    int statement;
    double from_s, to_s; /* since the load began */
    bool reads, writes;
} rh_blocked_interval;

typedef struct rh_contention {
    bool measured;
    rh_wait *waits;
    size_t wait_count;
    double longest_wait_s;
    int deepest_queue;
    rh_queue_point *queue;
    size_t queue_count;
    rh_blocked_interval *blocked;
    size_t blocked_count;
    /* The longest time for which a lock of the migration blocked readers or writers of one relation (adjacent
     * intervals count as one), or the longest wait of the load for a session that the migrations brought,
     * whichever is longer. */
    double reads_blocked_s, writes_blocked_s;
    double
        migrations_from_s; /* when the first statement of the migrations began; RH_NOT_MEASURED: none did */
    int64_t samples;
    double sampler_cpu_s; /* the sum of the next two */
    double sampler_client_cpu_s,
        sampler_server_cpu_s; /* the thread's; its backend's, RH_NOT_MEASURED elsewhere */
    double sampler_elapsed_s; /* that it watched */
    double sampler_interval_ms, shortest_sure_wait_ms;
    bool waitstart_available;
    bool clock_stepped; /* a wall clock was set meanwhile: the server's log of waits is not used */
    rh_deadlock *deadlocks;
    size_t deadlock_count;
    rh_cancelled *cancelled;
    size_t cancelled_count;
    rh_lock_log log;
    const char
        *lost; /* why the account is not whole (measured is false, waits hold what was seen); NULL: it is */
} rh_contention;

/* The longest wait for what kept readers (else writers) out, of no session of the migration's, from the first
 * statement of the migrations on; MIGRATION: while that one ran; NULL: whichever. Waits for which only the
 * load's own sessions are to blame do not count. NULL: there was none. */
const rh_wait *rh_contention_longest_wait(const rh_contention *contention, const char *migration, bool reads);
