/* The state shared by the wait graph's files. */
#pragma once
#include "wait_graph.h"

/* Time spent behind one chain of blockers. */
typedef struct rh_wait_segment {
    rh_wait_link *chain; /* from the direct blocker to the root */
    size_t chain_count;
    rh_usec spent;
} rh_wait_segment;

typedef struct rh_graph_wait {
    int pid;
    bool exact_start, is_migration, behind_migration;
    rh_usec started, last_seen, ended;
    int64_t waitstart; /* of the server's clock; 0 unknown */
    rh_lock_mode mode;
    const char *locktype, *identity, *relation, *query, *concurrently;
    const char *migration;
    int statement;
    rh_wait_segment *segments;
    size_t segment_count, current_spell;
} rh_graph_wait;

/* Sessions that wait for one another. */
typedef struct rh_cycle {
    rh_deadlock_side *sides; /* the one with the smallest pid first, then each one's blocker */
    size_t side_count;
    rh_usec last_seen, resolved; /* resolved: 0 while samples show it */
    const char *migration;
    int statement;
} rh_cycle;

struct rh_wait_graph {
    rh_arena *arena;
    rh_usec began;
    rh_graph_wait *waits;
    size_t wait_count;
    size_t *open; /* indexes of waits that the last sample saw */
    size_t open_count, open_capacity;
    rh_cycle *cycles;
    size_t cycle_count;
    int *migration_pids;
    size_t migration_pid_count;
    const char **strings; /* every distinct text once, however often samples bring it */
    size_t string_count;
};

/* The sample at hand. */
typedef struct rh_moment {
    rh_usec at;
    const rh_wait_sample *samples;
    size_t count;
    const rh_wait_session *sessions;
    size_t session_count;
} rh_moment;

bool rh_graph_is_migration(const rh_wait_graph *graph, int pid);
/* The graph's own copy; NULL of NULL. Equal texts have equal pointers. */
const char *rh_graph_intern(rh_wait_graph *graph, const char *string);
/* The waiter PID in the sample, or NULL. */
const rh_wait_sample *rh_moment_sample(const rh_moment *now, int pid);
/* The sample's row of the session PID, or NULL. */
const rh_wait_session *rh_moment_session(const rh_moment *now, int pid);

/* wait_chain.c: the chain in which SAMPLE, which has a blocker, is in now: found among the spells of WAIT,
 * or added to them. Its index. */
size_t rh_graph_segment(rh_wait_graph *graph, const rh_moment *now, rh_graph_wait *wait,
                        const rh_wait_sample *sample);
/* Whether any path from this waiter leads to the migration. */
bool rh_graph_behind_migration(const rh_wait_graph *graph, const rh_moment *now,
                               const rh_wait_sample *sample);

/* wait_cycle.c: records the cycles in this sample, and the end of those that it no longer shows. */
void rh_graph_cycles(rh_wait_graph *graph, const rh_moment *now);
/* They are the deadlocks of CONTENTION, in ARENA. */
void rh_graph_write_deadlocks(const rh_wait_graph *graph, rh_arena *arena, rh_contention *contention);
