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
    const char *locktype; /* of the lock that it waits for; NULL: it does not wait, so it is the root */
    const char *relation; /* of that lock; NULL if the lock is not on a relation */
    rh_lock_mode mode;
    bool is_migration;
    bool is_load; /* a session of the load or of a disturber */
} rh_wait_link;

typedef enum rh_wait_source { RH_WAIT_SAMPLER, RH_WAIT_SERVER_LOG, RH_WAIT_SOURCE_COUNT } rh_wait_source;
const char *rh_wait_source_name(rh_wait_source source);

/* One lock wait of a session: of the load, of a migration, or of another one. */
typedef struct rh_wait {
    double at_s;          /* start, since the load began (or the pass, without load) */
    double wait_s;        /* from the server's waitstart to the end of the wait (for its accuracy, see
                             observe/wait_graph.h) */
    const char *locktype; /* "relation", "transactionid", "tuple" … */
    const char *relation; /* NULL if the lock is not on a relation */
    rh_lock_mode mode;
    int waiter_pid, blocker_pid, root_pid;          /* root: the end of the blocker chain */
    const char *waiter;                             /* its query, redacted, or template name */
    const char *blocker;                            /* "migration 000013, statement 1" or a redacted query */
    const char *migration;                          /* id that was running; NULL: none */
    int statement;                                  /* ordinal; 0: none */
    bool waiter_is_migration, blocked_by_migration; /* a migration's session is in the chain of blockers */
    bool exact_start;                               /* from waitstart; false: first seen by a sample */
    rh_wait_link *chain;       /* from the direct blocker to the root: the chain that lasted longest */
    size_t chain_count;        /* 0: no blocker was seen */
    const char *template_name; /* the load's template that waited; NULL: the waiter is not of the load */
    rh_wait_source source;     /* server log: in no sample, so its blocker is not known */
    const char *concurrently;  /* of a CONCURRENTLY statement: the phase in pg_stat_progress_create_index
                                  ("waiting for  old snapshots" …); else NULL */
} rh_wait;

/* One session of a deadlock: what it ran, and the lock that it waited for. */
typedef struct rh_deadlock_side {
    int pid, blocked_by_pid;         /* blocked_by_pid: the next session of the cycle; 0: not known */
    const char *name;                /* "migration 000013, statement 1", a template's name; NULL: neither */
    const char *statement;           /* redacted; NULL: not known */
    const char *locktype, *relation; /* NULL: not known, or not on a relation */
    rh_lock_mode mode;
    bool is_migration, is_victim; /* is_victim: the server aborted its transaction */
} rh_deadlock_side;

typedef struct rh_deadlock {
    double at_s; /* when it was resolved, since the load began */
    rh_deadlock_side *sides;
    size_t side_count;     /* 1: the other sessions were not observed */
    const char *migration; /* the one that ran; NULL: none */
    int statement;         /* ordinal; 0: none */
} rh_deadlock;

/* A statement that the server cancelled. */
typedef struct rh_cancelled {
    double at_s;     /* when, since the load began */
    double wait_s;   /* how long it had waited for the lock; RH_NOT_MEASURED: not for a lock, or not known */
    const char *who; /* "migration 000013, statement 1", or a template's name */
    const char *sqlstate;           /* 55P03, 57014 or 40P01 */
    const char *reason;             /* "lock_timeout", "statement_timeout", "deadlock", "nowait" */
    const char *relation, *blocker; /* of the lock that it waited for; NULL: not known */
    rh_lock_mode mode;
    const char *migration; /* the one that ran; NULL: none */
    int statement;         /* ordinal; 0: none */
    bool is_migration;     /* the statement was the migration's */
} rh_cancelled;

/* The cross-check of the sampled waits with the server's log (log_lock_waits). */
typedef struct rh_lock_log {
    bool read;
    const char *why_not; /* why the log was not read; NULL: it was */
    double threshold_ms; /* the server logs waits longer than deadlock_timeout */
    int64_t waits;       /* waits in the log */
    int64_t merged;      /* of those, the ones in no sample: they were added to rh_contention.waits */
    double
        longest_difference_ms; /* between log and samples, of one wait; RH_NOT_MEASURED: no wait is in both */
} rh_lock_log;

/* The number of waiting sessions over time: one point for each change. */
typedef struct rh_queue_point {
    double at_s;
    int depth;
} rh_queue_point;

/* An interval in which a lock of a migration blocked readers or writers of a relation. */
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
    double sampler_elapsed_s; /* for how long it sampled */
    double sampler_interval_ms,
        shortest_sure_wait_ms; /* every wait of this length or longer is in a sample */
    bool waitstart_available;
    bool clock_stepped; /* a wall clock was set meanwhile: the server's log of waits is not used */
    rh_deadlock *deadlocks;
    size_t deadlock_count;
    rh_cancelled *cancelled;
    size_t cancelled_count;
    rh_lock_log log;
    const char
        *lost; /* why waits are missing (measured is false, and waits are those sampled until then); NULL */
} rh_contention;

/* The longest lock wait of a session that is not the migration's, from the first statement of the migrations
 * on, without waits whose chain has no migration and ends at a session of the load. READS: only waits of
 * readers (ACCESS SHARE), or in a queue in which a reader waits too. MIGRATION: only while that one ran;
 * NULL: any. Returns NULL if there is none. */
const rh_wait *rh_contention_longest_wait(const rh_contention *contention, const char *migration, bool reads);
