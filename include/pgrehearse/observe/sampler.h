/* A thread that samples the lock waits of all sessions, and the migration's locks, over a side connection. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/contention.h"
#include "pgrehearse/model/statement.h"
#include "pgrehearse/model/lock.h"

/* It has its own connection and reads only shared memory (the lock table and the table of sessions), one
 * round trip a sample, so that no lock can hold it up; names of relations are looked up when a new one is
 * met. It samples 50 times a second while a migration statement runs or a session waits (more often in a
 * statement's first 30 ms), 5 times otherwise. While no session waits, the server itself checks, in a
 * second session in the database "postgres", which answers when a session waits; where there is no such
 * database, or it is the watched one, every sample is a sample. The tool's own sessions for watching
 * (application name "pgrehearse: sampler", "…: observer", "…: side") are never counted as waiters, nor are
 * sessions in other databases. */
typedef struct rh_sampler rh_sampler;

typedef struct rh_sampler_options {
    const char *conninfo;   /* of the database in which migrations run */
    int migration_pid;      /* 0: not known yet */
    rh_usec began;          /* monotonic, second 0 of its times */
    bool local;             /* the server's clock and /proc are this machine's */
    bool without_waitstart; /* as on a server older than 14: waits begin with their first sample */
} rh_sampler_options;

/* Connects and starts the thread. The caller ends it with rh_sampler_finish. */
rh_sampler *rh_sampler_start(const rh_sampler_options *options, rh_error *error);

/* Which statement runs now (NULL migration: none). MIGRATION is copied. Any thread. */
void rh_sampler_statement(rh_sampler *sampler, const char *migration, int statement);

/* Call when a client of the load has waited for an answer for longer than usual. Takes a sample at once, or
 * as soon as the last requested one is some ms ago. Samples that find no waiting session become rarer, so
 * that slow statements do not make it expensive. Any thread. */
void rh_sampler_sample_now(rh_sampler *sampler);

/* The migration's backend changed (a new connection for the next migration). Any thread. */
void rh_sampler_migration_pid(rh_sampler *sampler, int pid);

/* The relation locks of the migration's session in samples taken during that statement, named and combined as
 * by rh_locks_held, in ARENA; returns their count. held_s is the time between the first and the last sample
 * with the lock, so it is too short by up to two sampling intervals. PIECES_ENDED: for a statement that
 * commits while it runs, its end; held_s is then the longest that one of its transactions can have held the
 * lock, by the samples; else 0. A statement that ended between two samples has none. Only between
 * rh_sampler_start and rh_sampler_finish; any thread. */
size_t rh_sampler_locks(rh_sampler *sampler, const char *migration, int statement, rh_usec pieces_ended,
                        rh_arena *arena, rh_lock **locks);
/* The phases of that statement's command, where it reports its progress and took more than a tenth of a
 * second, in ARENA; returns their count. Call when the statement has ended. */
size_t rh_sampler_phases(rh_sampler *sampler, const char *migration, int statement, rh_arena *arena,
                         rh_progress_phase **phases);

/* CPU seconds of the parallel workers of that statement, by the last sample of each (so too little by up to
 * one sampling interval each); 0: no worker was observed; RH_NOT_MEASURED: /proc is not this machine's. */
double rh_sampler_worker_cpu(rh_sampler *sampler, const char *migration, int statement);

/* Ends the thread, fills CONTENTION in ARENA (waits, queue, samples, cost; not the blocked intervals) and
 * frees the sampler; takes NULL. If its connection was lost, measured is false and lost has the reason: the
 * waits until then are there, later ones are missing. shortest_sure_wait_ms is the longest time between two
 * samples while a migration statement ran: every longer wait is in a sample; not measured if none ran. */
void rh_sampler_finish(rh_sampler *sampler, rh_arena *arena, rh_contention *contention);
