/* What a statement did, read from side connections and /proc: counters, locks, relations. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/lock.h"
#include "pgrehearse/model/statement.h"

/* Cumulative; RH_UNKNOWN / RH_NOT_MEASURED where it cannot be read.
 *
 * How far to trust a difference: CPU is exact to 1 µs in total (scheduler's account) and to a clock tick (10
 * ms) in its split into user and system, but it is that of the backend alone: a parallel worker is a process
 * of its own and its CPU is not in it (rh_sampler_worker_cpu has it from samples). Bytes read and written are
 * the device I/O that the kernel books on the backend: dirty pages that the checkpointer writes are not in
 * it. WAL is the whole server's, so the statement's own only when nothing else writes. Temporary bytes and
 * blocks are the whole database's and reach pg_stat_database only after a transaction: they are read by
 * rh_counters_read_idle alone, and are unknown for a statement inside a transaction. */
typedef struct rh_counters {
    double cpu_user_s, cpu_system_s; /* of the backend */
    int64_t read_bytes, write_bytes; /* device I/O of the backend */
    int64_t wal_bytes;               /* insert position */
    int64_t temp_bytes;              /* of the database */
    int64_t shared_hit_blocks, shared_read_blocks;
    double cpu_s;                                  /* of the backend, user and system, as exact as there is */
    int64_t cached_read_bytes, cached_write_bytes; /* of the backend, through the page cache */
    int64_t wal_images, fsyncs;                    /* of the server; like blocks, only between transactions */
    /* Where the figures come from; NULL: not measured. */
    const char *cpu_source, *io_source, *cache_source, *wal_source, *temp_source;
    double reading_cpu_s; /* of cpu_s that reading itself will have cost the backend by the next reading */
} rh_counters;

/* How a backend is asked about itself. On another machine it is its own session that must tell, by
 * log_statement_stats: set for an empty query inside a savepoint (outside of a transaction: inside one of its
 * own) that is taken back, which takes no snapshot and leaves nothing behind. The answer is getrusage(2) of
 * the backend's process since it began, as a message of level LOG. */
typedef struct rh_counters_access {
    bool local;        /* /proc is that machine's */
    bool refused;      /* the server did not let the session set log_statement_stats: it is not asked again */
    bool calibrated;   /* what asking costs is known */
    double asking_s;   /* of CPU, to ask once */
    double flushing_s; /* of CPU, to publish the statistics */
} rh_counters_access;

/* Reads over its own connection SIDE (not the migration's), so that it does not disturb: one round trip. PID:
 * the migration's backend. LOCAL: /proc is that machine's. Never fails: what cannot be read is unknown. */
void rh_counters_read(rh_pg *side, int pid, bool local, rh_counters *counters);

/* The same with temporary bytes and blocks: MIGRATION, the session that PID above stands for, is first made
 * to publish its statistics (PostgreSQL 15 and newer), which works only while it is in no transaction; else
 * the same as above. Not local: CPU and device I/O are what MIGRATION tells of itself, in a transaction too
 * unless it has failed; and on PostgreSQL 16 and newer what went through the page cache is pg_stat_io's, of
 * all client backends and their workers, so the statement's own only when nothing else runs. */
void rh_counters_read_idle(rh_pg *migration, rh_pg *side, rh_counters_access *access, rh_counters *counters);

/* Fills cpu, bytes, wal, temp, blocks of RUN with AFTER − BEFORE; what either does not know is not measured.
 */
void rh_counters_difference(const rh_counters *before, const rh_counters *after, rh_statement_run *run);

/* What a backend used since it began, by its own word. */
typedef struct rh_usage {
    double user_s, system_s;         /* CPU */
    int64_t read_bytes, write_bytes; /* of the device; RH_UNKNOWN where its system does not count them */
} rh_usage;
/* From the details that log_statement_stats gives; false when there are none in TEXT. */
bool rh_usage_parse(const char *text, rh_usage *usage);

/* Nanoseconds of CPU from the text of /proc/PID/schedstat; -1 when it is none. */
int64_t rh_proc_parse_schedstat(const char *text);
/* User and system clock ticks from the text of /proc/PID/stat, whose process name may hold blanks and
 * parentheses. */
bool rh_proc_parse_stat(const char *text, int64_t *user_ticks, int64_t *system_ticks);
/* The value of "KEY: value" in the text of /proc/PID/io; RH_UNKNOWN when it is not there. */
int64_t rh_proc_parse_io(const char *text, const char *key);
/* Device bytes that process PID of this machine has read and written; RH_UNKNOWN when it cannot be read. */
void rh_proc_device_bytes(int pid, int64_t *read, int64_t *written);
/* CPU seconds that process PID of this machine has used; RH_NOT_MEASURED when it cannot be read. */
double rh_proc_cpu(int pid);

/* The relation locks of a session. */

/* The relation locks that PG's own session holds now (exact), one a relation with its strongest mode,
 * strongest first, without the system catalogs. An index or TOAST table is left out when its table is locked
 * as strongly, or if this transaction created it, so that no other session can use it. A
 * relation that this transaction created, or a temporary one, blocks no other session: blocks_reads and
 * blocks_writes are false. wait_s is 0 and held_s not measured: the caller knows them. Everything in ARENA. A
 * relation that this transaction dropped has no name any more for its own session: "OID 16390"; see
 * rh_locks_held_with. Not to be asked right after BEGIN or SET TRANSACTION: it would take the transaction's
 * snapshot. */
bool rh_locks_held(rh_pg *pg, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error);

/* The same; what PG's session cannot name is looked up over SIDE (in the same database), where a drop that is
 * not committed has not happened yet. A failure on SIDE only leaves the OID. */
bool rh_locks_held_with(rh_pg *pg, rh_pg *side, rh_arena *arena, rh_lock **locks, size_t *count,
                        rh_error *error);

/* The same for the session PID, seen from outside over SIDE: relations that its open transaction made are
 * left out, since SIDE cannot know them. For statements in autocommit while they run. */
bool rh_locks_of_pid(rh_pg *side, int pid, rh_arena *arena, rh_lock **locks, size_t *count, rh_error *error);

/* How many transactions PG's session has begun, this question's included; RH_UNKNOWN: not told. */
int64_t rh_session_transactions(rh_pg *pg);

/* What statements do to relations: other files, new indexes, blocks read, rows changed. */

/* Follows one session, statement by statement. */
typedef struct rh_work_watch rh_work_watch;

/* SIDE: another session in the same database, which stays the caller's. */
rh_work_watch *rh_work_watch_new(rh_pg *side);
/* Takes NULL. */
void rh_work_watch_free(rh_work_watch *watch);

/* Before a statement of MIGRATION that is not BEGIN, SET or the like. RELATION is the one that it is expected
 * to touch; NULL when that is not known: outside of a transaction all relations are looked at then. */
void rh_work_before(rh_work_watch *watch, rh_pg *migration, const char *relation);
/* After it ended well; RELATION as before. Within a transaction MIGRATION's own session is asked (counts are
 * its own, exact); otherwise SIDE, whose counts are those of all sessions, so they are right only where
 * nothing else runs, and only once MIGRATION has published its statistics (rh_counters_read_idle). In ARENA;
 * NULL when it could not be read. Before PostgreSQL 15 nothing is counted. */
rh_statement_work *rh_work_after(rh_work_watch *watch, rh_pg *migration, const char *relation,
                                 rh_arena *arena);
/* After a statement of MIGRATION that may change data, behind rh_work_after: adds to RUN the tables that it
 * names (a DO block: that it has read or locked) and of which row-level security hides rows from the
 * session's role, or keeps it from changing them. The transaction under way stays as it is. */
void rh_hidden_rows_read(rh_work_watch *watch, rh_pg *migration, const rh_statement *statement,
                         rh_arena *arena, rh_statement_run *run);
/* The transaction has ended, well or not. */
void rh_work_transaction_end(rh_work_watch *watch);
