/* Measurements of a statement, read from side connections and /proc: counters, locks, relations. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/lock.h"
#include "pgrehearse/model/statement.h"

/* Cumulative; RH_UNKNOWN / RH_NOT_MEASURED where it cannot be read.
 *
 * Accuracy of a difference: total CPU is exact to 1 µs (the scheduler's accounting), its split into user and
 * system to a clock tick (10 ms). It is the CPU of the backend without parallel workers, which
 * rh_sampler_worker_cpu has from samples. Bytes read and written are the device I/O that the kernel accounts
 * to the backend (on 18 and newer also to the server's I/O workers, which may have worked for others),
 * without pages that the checkpointer writes. WAL is that of the whole server, so it is the
 * statement's only if nothing else writes. Temporary bytes and blocks are those of the whole database and
 * reach pg_stat_database only after a transaction: only rh_counters_read_idle reads them, and they are
 * unknown for a statement inside a transaction. */
typedef struct rh_counters {
    double cpu_user_s, cpu_system_s; /* of the backend */
    int64_t read_bytes, write_bytes; /* device I/O of the backend */
    int64_t wal_bytes;               /* insert position */
    int64_t temp_bytes;              /* of the database */
    int64_t shared_hit_blocks, shared_read_blocks;
    double cpu_s; /* of the backend, user and system, by the most exact source */
    double
        cpu_wait_s; /* that the backend was runnable and had no CPU: other processes of its machine had it */
    int64_t cached_read_bytes, cached_write_bytes; /* of the backend, through the page cache */
    int64_t wal_images, fsyncs;                    /* of the server; like blocks, only between transactions */
    /* Where the figures come from; NULL: not measured. */
    const char *cpu_source, *io_source, *cache_source, *wal_source, *temp_source;
    double reading_cpu_s; /* the part of cpu_s that this reading adds by the next one */
} rh_counters;

/* How the usage of a backend is read. On another machine, /proc is not readable, so the backend's own session
 * uses log_statement_stats: it is set for an empty query inside a savepoint (outside a transaction: inside a
 * transaction of its own) that is rolled back. This takes no snapshot and leaves no setting. The server then
 * sends getrusage(2) of the backend's process since its start, as a message of level LOG. */
typedef struct rh_counters_access {
    bool local;        /* /proc is that machine's */
    bool refused;      /* the session may not set log_statement_stats: it is not tried again */
    bool calibrated;   /* the two figures below are known */
    double asking_s;   /* CPU of one such reading */
    double flushing_s; /* CPU of publishing the statistics */
} rh_counters_access;

/* Reads over the side connection SIDE, not the migration's, in one round trip. PID: the migration's backend.
 * LOCAL: /proc is that machine's. Never fails: counters that cannot be read are unknown. */
void rh_counters_read(rh_pg *side, int pid, bool local, rh_counters *counters);

/* The same with temporary bytes and blocks. MIGRATION, the session of PID, first publishes its statistics
 * (PostgreSQL 15 and newer), which is only possible outside a transaction; otherwise as above. If the server
 * is not local, CPU and device I/O come from MIGRATION itself, also in a transaction unless that has failed;
 * on PostgreSQL 16 and newer, I/O through the page cache comes from pg_stat_io, which counts all client
 * backends and their workers, so it is the statement's only if nothing else runs. */
void rh_counters_read_idle(rh_pg *migration, rh_pg *side, rh_counters_access *access, rh_counters *counters);

/* Sets CPU, waits for it, bytes, WAL, temporary bytes and blocks of RUN to AFTER − BEFORE; unknown in either:
 * not measured.
 */
void rh_counters_difference(const rh_counters *before, const rh_counters *after, rh_statement_run *run);

/* The usage of a backend since its start, by its own getrusage(2). */
typedef struct rh_usage {
    double user_s, system_s;         /* CPU */
    int64_t read_bytes, write_bytes; /* of the device; RH_UNKNOWN where its system does not count them */
} rh_usage;
/* Reads the output of log_statement_stats; false if TEXT has none. */
bool rh_usage_parse(const char *text, rh_usage *usage);

/* The relation locks of a session. */

/* The relation locks that PG's own session holds now (exact), one a relation with its strongest mode,
 * strongest first, without the system catalogs. An index or TOAST table is left out when its table is locked
 * as strongly, or if this transaction created it, so that no other session can use it. A
 * relation that this transaction created, or a temporary one, blocks no other session: blocks_reads and
 * blocks_writes are false. wait_s is 0 and held_s not measured: the caller knows them. Everything in ARENA. A
 * relation that this transaction dropped has no name in its own session: "OID 16390"; see rh_locks_held_with.
 * Do not call this directly after BEGIN or SET TRANSACTION: it would take the transaction's snapshot. */
bool rh_locks_held(rh_pg *pg, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error);

/* The same; relations that PG's session cannot name are looked up over SIDE (in the same database), which
 * still sees a relation whose drop is not committed. If SIDE fails, the OID stays. */
bool rh_locks_held_with(rh_pg *pg, rh_pg *side, rh_arena *arena, rh_lock **locks, size_t *count,
                        rh_error *error);

/* The same for the session PID, read over SIDE, without relations that its open transaction created, which
 * SIDE cannot see. For statements in autocommit while they run. */
bool rh_locks_of_pid(rh_pg *side, int pid, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error);

/* The number of transactions that PG's session has begun, with that of this query; RH_UNKNOWN. */
int64_t rh_session_transactions(rh_pg *pg);

/* ---- effects of statements on relations: new files, new indexes, blocks read, rows changed ---- */

/* Follows one session, statement by statement. */
typedef struct rh_work_watch rh_work_watch;

/* SIDE: another session in the same database; the caller keeps it and closes it later. */
rh_work_watch *rh_work_watch_new(rh_pg *side);
/* Takes NULL. */
void rh_work_watch_free(rh_work_watch *watch);

/* Call before a STATEMENT of MIGRATION that is not BEGIN, SET or the like. If the relation that it changes is
 * not known from its text, all relations are read outside a transaction. */
void rh_work_before(rh_work_watch *watch, rh_pg *migration, const rh_statement *statement);
/* Call after it succeeded. Within a transaction, MIGRATION's own session reads (its
 * counts are exact); otherwise SIDE, whose counts are those of all sessions, so they are right only where
 * nothing else runs, and only once MIGRATION has published its statistics (rh_counters_read_idle). In ARENA;
 * NULL when it could not be read. Before PostgreSQL 15 nothing is counted. */
rh_statement_work *rh_work_after(rh_work_watch *watch, rh_pg *migration, const rh_statement *statement,
                                 rh_arena *arena);
/* Call after rh_work_after for a statement of MIGRATION that may change data. Adds to RUN the tables that it
 * names (a DO block: that it has read or locked) if row-level security hides rows of them from the session's
 * role, or prevents it from changing them. Does not change the open transaction. */
void rh_hidden_rows_read(rh_work_watch *watch, rh_pg *migration, const rh_statement *statement,
                         rh_arena *arena, rh_statement_run *run);
/* Call when the transaction has ended. */
void rh_work_transaction_end(rh_work_watch *watch);
