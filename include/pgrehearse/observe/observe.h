/* Observation of a pass: the migration's locks, the lock waits of all sessions, the backend's resources. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/contention.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"

/* Computes the intervals in which locks of the migrations blocked readers or writers, from the runs of PASS
 * that started at BEGAN (monotonic) or later: from run->started for held_s. The wait for the lock is part of
 * an interval, because sessions behind the request wait too. Fills blocked (by time; intervals of the same
 * relation and mode with a gap of at most 1 ms are one, of the statement that began it), and reads_blocked_s
 * and writes_blocked_s, the longest time on one relation over all modes. Locks that block neither, and
 * relations created by the same transaction, are left out. */
void rh_blocked_intervals(const rh_plan *plan, rh_pass_kind pass, rh_usec began, rh_arena *arena,
                          rh_contention *contention);

/* An error of a session of pgrehearse. */
typedef struct rh_cancellation {
    double at_s; /* time of the error, since the load began */
    int pid;     /* of the session */
    const char *who, *sqlstate, *message;
    const char *migration; /* the one that ran; NULL: none */
    int statement;
    bool is_migration; /* the session is the migration's */
} rh_cancellation;

/* Adds it to the cancelled statements of CONTENTION, with the wait that it ended, and to the deadlocks if it
 * was one; the strings of EVENT must live as long as CONTENTION. False when it is neither a timeout nor a
 * deadlock. */
bool rh_cancelled_add(const rh_cancellation *event, rh_arena *arena, rh_contention *contention);

/* The lock waits in the server's log (log_lock_waits), as a cross-check of the samples.
 *
 * The server logs a wait when it has lasted deadlock_timeout, and again when it ends. Lines have
 * log_line_prefix
 * '%m [%p] ', in UTC and in English; other lines are ignored. Reading needs no server.
 */

typedef enum rh_logged_kind {
    RH_LOGGED_WAITING,   /* "still waiting": its end is not known */
    RH_LOGGED_ACQUIRED,  /* "acquired" */
    RH_LOGGED_FAILED,    /* "failed to acquire" */
    RH_LOGGED_DEADLOCK,  /* "detected deadlock while waiting": its transaction is aborted */
    RH_LOGGED_REARRANGED /* "avoided deadlock … by rearranging queue order" */
} rh_logged_kind;

typedef struct rh_logged_wait {
    rh_logged_kind kind;
    int pid;
    rh_usec at;       /* wall clock, of the line */
    double waited_ms; /* up to then */
    const char *locktype;
    rh_lock_mode mode;
    int64_t relation; /* OID; 0: the lock is not on a relation */
} rh_logged_wait;

/* Reads one line; false if it is not about a lock wait. Strings in ARENA. */
bool rh_logged_wait_parse(const char *line, rh_arena *arena, rh_logged_wait *wait);

/* Bytes of the log at PATH now; 0 when there is none yet. */
int64_t rh_lock_log_length(const char *path);

typedef struct rh_lock_log_source {
    const char *path; /* NULL: WHY_NOT says why it cannot be read */
    int64_t from;     /* byte at which the pass began */
    const char *why_not;
    rh_usec began; /* monotonic: the start of the load */
    rh_pg *side;   /* to read names of relations and deadlock_timeout; may be NULL */
} rh_lock_log_source;

/* Reads the log of a pass and completes CONTENTION, which came from samples, in ARENA. Waits that are only in
 * the log are added (their blocker is not known; a wait whose end is not logged has the length in the log).
 * Deadlocks get their victim; those only in the log are added; cycles of waiters that the log does not report
 * as a deadlock are removed. Fills log. Never fails: the reason is in log.why_not. */
void rh_lock_log_merge(const rh_lock_log_source *source, rh_arena *arena, rh_contention *contention);

/* How much a directory grows while something happens in it: a thread that adds up its files, ten times a
 * second or as often as costs at most 2 % of its time. */
typedef struct rh_disk_watch rh_disk_watch;

rh_disk_watch *rh_disk_watch_start(const char *directory, rh_error *error);
/* The largest growth so far; -1 while nothing was read. */
int64_t rh_disk_watch_growth(rh_disk_watch *watch);
/* Joins the thread; the largest growth over the size at the start, in bytes, or -1 when it could not be read.
 * Takes NULL (-1). */
int64_t rh_disk_watch_stop(rh_disk_watch *watch);

/* The committed state of every table, materialized view and index of a database. The difference of two states
 * shows what other sessions did to relations in between. */

/* Counts are cumulative, and hold what sessions have published: PostgreSQL 15 and newer do so at a
 * transaction's end, when a second has passed since they last did, and when they end. */
typedef struct rh_committed_relation {
    int64_t oid, table; /* table: of an index; else 0 */
    int64_t filenode, relpages, reltuples;
    int64_t pages; /* by the size of its files; RH_UNKNOWN if not requested */
    int64_t blocks, scans, inserted, updated, deleted;
    const char *name; /* qualified, quoted where needed */
    char kind;        /* 'r', 'm', 'i' */
    bool valid;
} rh_committed_relation;

/* The number of columns of a relation in the query; other columns may follow. */
enum { RH_COMMITTED_COLUMNS = 14 };
rh_committed_relation rh_committed_row(const rh_pg_result *result, size_t row, rh_arena *arena);
/* Sets the counts of WORK to NOW − LAST; false if all are 0. */
bool rh_committed_difference(const rh_committed_relation *last, const rh_committed_relation *now,
                             rh_relation_work *work);

/* By OID. System catalogs, TOAST and temporary relations are not in it. */
typedef struct rh_committed {
    rh_committed_relation *relations;
    size_t count;
} rh_committed;

typedef struct rh_relation_change {
    int64_t oid;
    const char *name_before; /* differs from work.relation when it was renamed; NULL when it was created */
    bool dropped;            /* then nothing of WORK but its name is known */
    rh_relation_work work;   /* is_private: created since the earlier state */
} rh_relation_change;

/* Reads the state over SIDE. SIZES: with the tables' sizes in pages, which takes a short ACCESS SHARE lock on
 * each. */
bool rh_committed_read(rh_pg *side, bool sizes, rh_arena *arena, rh_committed *state);
/* Sets pages_after of the tables and indexes in CHANGES that were created or rewritten. Takes the same locks.
 */
void rh_committed_read_sizes(rh_pg *side, rh_relation_change *changes, size_t count);
/* The relations that differ between BEFORE and AFTER, in ARENA: those that were read, changed or created. */
void rh_committed_compare(const rh_committed *before, const rh_committed *after, rh_arena *arena,
                          rh_relation_change **changes, size_t *count);
