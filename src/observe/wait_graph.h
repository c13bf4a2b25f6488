/* Computes waits, with start, duration and blockers, from samples of waiting sessions. Needs no server.
 *
 * A wait is identified by the session, the lock and, if the server reports it, the time at which the wait
 * began (waitstart). The end of a wait is not observed: a sample at time L has it, and the next one at time N
 * does not. The end is the earliest time in (L, N] of an event that cannot precede it: the end of the
 * waiter's statement, the start of its next wait, the end of its blocker's transaction. Without such an
 * event, the end is the middle of (L, N], with an error of at most half a sampling interval.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/model/contention.h"
#include <stdbool.h>
#include <stddef.h>

/* One waiter in one sample. Strings are copied. */
typedef struct rh_wait_sample {
    rh_usec at;           /* monotonic, when the sample was taken */
    rh_usec wait_started; /* monotonic, from waitstart; 0: not known */
    /* as the server reports it: the same in every sample, even if a clock is set; 0: not known */
    int64_t waitstart;
    int waiter_pid;
    const int *blocker_pids; /* of pg_blocking_pids; 0: a prepared transaction */
    size_t blocker_count;
    const char *locktype;
    const char
        *identity; /* of the lock, such as "relation 5/16384"; NULL: locktype and relation identify it */
    const char *relation; /* NULL if the lock is not on a relation */
    rh_lock_mode mode;
    const char *query;
    const char *concurrently; /* the phase of a CONCURRENTLY build in which it waits; NULL: none */
    const char *migration;    /* the one that ran; NULL: none */
    int statement;
} rh_wait_sample;

/* A session in a sample, waiting or not. Times are monotonic, 0: not known. */
typedef struct rh_wait_session {
    int pid;
    const char *name;          /* its query, redacted; NULL: not known */
    rh_usec statement_ended;   /* its previous statement had ended by then */
    rh_usec transaction_ended; /* its previous transaction had ended by then */
    bool aborted;              /* its transaction has failed */
    bool is_load;              /* one of the load or of the disturbers: no migration opened it */
} rh_wait_session;

typedef struct rh_wait_graph rh_wait_graph;

/* BEGAN: monotonic; times of waits count from it. */
rh_wait_graph *rh_wait_graph_new(rh_usec began);
/* Takes NULL. */
void rh_wait_graph_free(rh_wait_graph *graph);

/* PID is (or was) a session of the migrations. Call once for each. */
void rh_wait_graph_migration(rh_wait_graph *graph, int pid);

/* Adds the sample taken at AT: all waiters (if COUNT is 0, earlier waits have ended) and the sessions at that
 * time. Samples must be added in order of time. */
void rh_wait_graph_add_with(rh_wait_graph *graph, rh_usec at, const rh_wait_sample *samples, size_t count,
                            const rh_wait_session *sessions, size_t session_count);
/* The same without sessions. */
void rh_wait_graph_add(rh_wait_graph *graph, rh_usec at, const rh_wait_sample *samples, size_t count);

/* The number of waiters in the last sample. */
size_t rh_wait_graph_waiting(const rh_wait_graph *graph);

/* Renames the relations of waits: RENAME returns the new name, or the same. */
void rh_wait_graph_rename(rh_wait_graph *graph, const char *(*rename)(void *user, const char *relation),
                          void *user);

/* Ends open waits at AT and fills waits (in order of their start), queue, deepest_queue and longest_wait_s of
 * CONTENTION in ARENA. The blocker of a wait is the one that blocked it longest; of several at a time, a
 * session that does not wait itself, a migration's before others; the chain is the one that lasted longest,
 * and the root is its end, in a deadlock the last session before the cycle closes. Cycles of waiters that
 * were resolved become deadlocks: one that the server resolved by rearranging the queue is among them,
 * without a victim. The queue counts all waiting sessions, the migration's too. The graph can be freed after.
 */
void rh_wait_graph_finish(rh_wait_graph *graph, rh_usec at, rh_arena *arena, rh_contention *contention);

/* The longest time between two samples, by which times of waits may be wrong. */
double rh_contention_gap_s(const rh_contention *contention);

/* Sorts the waits of CONTENTION by their start and recomputes queue, deepest_queue and longest_wait_s, in
 * ARENA. */
void rh_waits_count(rh_arena *arena, rh_contention *contention);
