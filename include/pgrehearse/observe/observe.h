/* Watching: the migration's own locks, everybody's waits, what the backend consumed. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/contention.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/run.h"

/* The relation locks that PG's own session holds now (exact), without catalogs and without the locks of this very query; the strongest mode a relation, TOAST and index locks folded into their table's
 * unless they are locked alone. */
bool rh_locks_held(rh_pg *pg, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error);

/* Counters of one backend and of the server; RH_UNKNOWN / RH_NOT_MEASURED where they cannot be read. */
typedef struct rh_counters {
    double cpu_user_s, cpu_system_s;  /* of the backend and its parallel workers, from /proc */
    int64_t read_bytes, write_bytes;  /* device I/O of the backend, /proc/PID/io */
    int64_t wal_bytes;                /* pg_current_wal_insert_lsn */
    int64_t temp_bytes;               /* pg_stat_database */
    int64_t shared_hit_blocks, shared_read_blocks;
    int64_t relation_bytes;
} rh_counters;

/* Reads over its own connection SIDE (not the migration's), so that it does not disturb. PID: the migration's backend. LOCAL: /proc is that machine's. */
void rh_counters_read(rh_pg *side, int pid, bool local, rh_counters *counters);
/* Fills cpu, bytes, wal, temp, blocks of RUN with AFTER − BEFORE. */
void rh_counters_difference(const rh_counters *before, const rh_counters *after, rh_statement_run *run);

/* The sampler: a thread with its own connection that reads pg_locks and pg_stat_activity, 50 times a second while a migration statement runs or anybody waits, slower otherwise. */
typedef struct rh_sampler rh_sampler;
typedef struct rh_sampler_options {
    const char *conninfo;
    int migration_pid;
    rh_usec began;  /* monotonic: second 0 of its times */
    bool local;     /* the server's clock is this machine's */
} rh_sampler_options;
rh_sampler *rh_sampler_start(const rh_sampler_options *options, rh_error *error);
/* Which statement runs now (NULL migration: none). Any thread. */
void rh_sampler_statement(rh_sampler *sampler, const char *migration, int statement);
/* The migration's backend changed (a new connection for the next migration). */
void rh_sampler_migration_pid(rh_sampler *sampler, int pid);
/* Names for load clients: their backend pids get this label instead of their query. */
/* Joins the thread and fills CONTENTION (waits, queue, blocked intervals) in ARENA. The waits of the migration itself are added to RUNS' lock_wait by the caller. */
void rh_sampler_finish(rh_sampler *sampler, rh_arena *arena, rh_contention *contention);

/* ---- wait_graph: no server ---- */
typedef struct rh_wait_sample { /* one waiter in one sample */
    rh_usec at;            /* monotonic, when the sample was taken */
    rh_usec wait_started;  /* monotonic, from waitstart; 0 unknown */
    int waiter_pid;
    const int *blocker_pids;
    size_t blocker_count;
    const char *locktype, *relation, *mode, *query;
    const char *migration; /* what was running */
    int statement;
} rh_wait_sample;
typedef struct rh_wait_graph rh_wait_graph;
rh_wait_graph *rh_wait_graph_new(rh_usec began);
void rh_wait_graph_free(rh_wait_graph *graph);
/* All waiters of one sample at once (COUNT may be 0: whoever waited before has stopped). */
void rh_wait_graph_add(rh_wait_graph *graph, rh_usec at, const rh_wait_sample *samples, size_t count);
/* Which sessions are the migration's, and what its session is called in the account. */
void rh_wait_graph_migration(rh_wait_graph *graph, int pid);
/* Ends open waits at AT and writes waits, queue, deepest, longest. */
void rh_wait_graph_finish(rh_wait_graph *graph, rh_usec at, rh_arena *arena, rh_contention *contention);

/* Intervals in which locks taken by migration runs (run->locks, started, held_s) blocked readers or writers, from the migration's own account; the wait for the lock counts as well, because the queue behind it
 * stands still. Merges touching ones and fills blocked, reads_blocked_s, writes_blocked_s. BEGAN: second 0. */
void rh_blocked_intervals(const rh_plan *plan, rh_pass_kind pass, rh_usec began, rh_arena *arena,
                          rh_contention *contention);
