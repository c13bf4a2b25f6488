/* Watching: the migration's own locks, everybody's waits, what the backend consumed. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/contention.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/observe/counters.h"
#include "pgrehearse/observe/lock_log.h"
#include "pgrehearse/observe/locks.h"
#include "pgrehearse/observe/sampler.h"
#include "pgrehearse/observe/wait_graph.h"
#include "pgrehearse/observe/work.h"

/* Intervals in which locks taken by the migrations' runs of PASS that started at BEGAN (monotonic, second 0)
 * or later blocked readers or writers, from the migration's own account (run->started and its locks' held_s,
 * which counts from the start of the statement). The wait for the lock is in it, because the queue behind the
 * request stands still. Fills blocked (in order of time; the same relation and mode without a pause of more
 * than 1 ms is one interval, of the statement that began it) and reads_blocked_s and writes_blocked_s, the
 * longest stretch on one relation whatever the modes. Locks that block neither are left out, and so are
 * relations their own transaction made. */
void rh_blocked_intervals(const rh_plan *plan, rh_pass_kind pass, rh_usec began, rh_arena *arena,
                          rh_contention *contention);

/* An error that a client of ours got. */
typedef struct rh_cancellation {
    double at_s; /* when it came, since second 0 of the account */
    int pid;     /* of the session that got it */
    const char *who, *sqlstate, *message;
    const char *migration; /* that ran; NULL: none */
    int statement;
    bool is_migration; /* it was the migration's own */
} rh_cancellation;

/* Adds it to the cancelled statements of CONTENTION, with the wait that it ended, and to the deadlocks if it
 * was one; the strings of EVENT must live as long as CONTENTION. False when it is neither a timeout nor a
 * deadlock. */
bool rh_cancelled_add(const rh_cancellation *event, rh_arena *arena, rh_contention *contention);
