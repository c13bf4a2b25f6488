/* From samples of who waits for whom to waits with a start, a length and a root. Needs no server.
 *
 * A wait is one session's stay in one lock queue: it is known by the session, the lock and, where the server
 * tells it, the moment the wait began. Its end is never seen, only that a sample still shows it (at L) and
 * the next one (at N) does not. The end is put at the earliest moment in (L, N] at which something is known
 * that cannot have happened before it: the waiter's statement was over, the waiter began to wait for
 * something else, its blocker's transaction was over. With no such evidence it is the middle of (L, N], at
 * most half a sampling interval wrong.
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
    rh_usec wait_started; /* monotonic, from waitstart; 0 unknown */
    /* as the server tells it: the same in every sample, whatever its clock does; 0 unknown */
    int64_t waitstart;
    int waiter_pid;
    const int *blocker_pids; /* as pg_blocking_pids gives them; 0 stands for a prepared transaction */
    size_t blocker_count;
    const char *locktype;
    const char *identity; /* tells locks apart, such as "relation 5/16384"; NULL: locktype and relation do */
    const char *relation; /* NULL when it is not about one */
    rh_lock_mode mode;
    const char *query;
    const char *concurrently; /* the phase of a CONCURRENTLY build in which it waits; NULL: none */
    const char *migration;    /* what was running; NULL: nothing */
    int statement;
} rh_wait_sample;

/* What is known of a session in a sample, waiter or not. Times are monotonic, 0 unknown. */
typedef struct rh_wait_session {
    int pid;
    const char *name;          /* its query, redacted; NULL unknown */
    rh_usec statement_ended;   /* its last but current statement was over by then */
    rh_usec transaction_ended; /* its last but current transaction was over by then */
    bool aborted;              /* its transaction has failed */
    bool is_load;              /* one of the load or of the disturbers: no migration opened it */
} rh_wait_session;

typedef struct rh_wait_graph rh_wait_graph;

/* BEGAN: monotonic, second 0 of the account. */
rh_wait_graph *rh_wait_graph_new(rh_usec began);
/* Takes NULL. */
void rh_wait_graph_free(rh_wait_graph *graph);

/* PID is (or was) the migration's session. Several may be. */
void rh_wait_graph_migration(rh_wait_graph *graph, int pid);

/* All waiters of the sample taken at AT (COUNT may be 0: whoever waited before has stopped), and what is
 * known of sessions at that time. Samples come in order of time. */
void rh_wait_graph_add_with(rh_wait_graph *graph, rh_usec at, const rh_wait_sample *samples, size_t count,
                            const rh_wait_session *sessions, size_t session_count);
/* The same with nothing known of sessions. */
void rh_wait_graph_add(rh_wait_graph *graph, rh_usec at, const rh_wait_sample *samples, size_t count);

/* How many waited in the last sample. */
size_t rh_wait_graph_waiting(const rh_wait_graph *graph);

/* Gives the relations of waits other names: RENAME returns one for what the samples said, or the same. */
void rh_wait_graph_rename(rh_wait_graph *graph, const char *(*rename)(void *user, const char *relation),
                          void *user);

/* Ends open waits at AT and fills waits (in order of their start), queue, deepest_queue and longest_wait_s of
 * CONTENTION in ARENA. The blocker of a wait is the one that was in its way longest: of several at a time a
 * session that does not wait itself, the migration before others; the chain is the one that lasted longest,
 * and the root its end, in a deadlock its last session before it closes. Circles of waiters that were
 * resolved become deadlocks: one that the server resolved by rearranging the queue is among them, without
 * a victim. The queue counts all waiting sessions, the migration's too. The graph can be freed after. */
void rh_wait_graph_finish(rh_wait_graph *graph, rh_usec at, rh_arena *arena, rh_contention *contention);

/* By how much the samples may tell a moment too early or too late: their longest distance. */
double rh_contention_gap_s(const rh_contention *contention);

/* Sorts the waits of CONTENTION by their start and counts anew, in ARENA: queue, deepest_queue and
 * longest_wait_s. */
void rh_waits_count(rh_arena *arena, rh_contention *contention);
