/* Lock waits of anybody, and who was in the way. */
#pragma once
#include "pgrehearse/base/clock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One wait: of a load client, or of the migration itself. */
typedef struct rh_wait {
    double at_s;   /* start, since the load began (or the pass, without load) */
    double wait_s; /* from the server's waitstart to its end, as close as the evidence tells (observe/wait_graph.h) */
    const char *locktype; /* "relation", "transactionid", "tuple" … */
    const char *relation; /* NULL when it is not about one */
    const char *mode;
    int waiter_pid, blocker_pid, root_pid; /* root: the end of the blocker chain */
    const char *waiter;   /* its query, redacted, or template name */
    const char *blocker;  /* "migration 000013, statement 1" or a redacted query */
    const char *migration; /* id that was running; NULL: none */
    int statement;         /* ordinal; 0: none */
    bool waiter_is_migration, blocked_by_migration; /* by: the chain ends at (or goes through) the migration */
    bool exact_start; /* from waitstart; false: first seen by a sample */
} rh_wait;

/* Depth of the queue over time: one point whenever it changed. */
typedef struct rh_queue_point {
    double at_s;
    int depth;
} rh_queue_point;

/* An interval in which a lock held by the migration kept readers or writers out of a relation. */
typedef struct rh_blocked_interval {
    const char *relation, *mode, *migration;
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
    double reads_blocked_s, writes_blocked_s; /* the longest single stretch on any relation; intervals that touch are one */
    int64_t samples;
    double sampler_cpu_s, sampler_interval_ms, shortest_sure_wait_ms;
    bool waitstart_available;
    const char *lost; /* why the account is not whole (measured is false, waits hold what was seen); NULL: it is */
} rh_contention;
