/* Observation of a pass: the migration's locks, the lock waits of all sessions, the backend's resources. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/contention.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"

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

/* What the server's own log says of lock waits (log_lock_waits), as a cross-check of the samples.
 *
 * The server logs a wait when it has lasted deadlock_timeout, and once more when it ends. Lines are those of
 * log_line_prefix '%m [%p] ' in UTC and English; others are passed over. Needs no server to be read.
 */

typedef enum rh_logged_kind {
    RH_LOGGED_WAITING,   /* "still waiting": its end is not told */
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
    int64_t relation; /* OID; 0: not about one */
} rh_logged_wait;

/* Reads one line; false when it is about something else. Strings in ARENA. */
bool rh_logged_wait_parse(const char *line, rh_arena *arena, rh_logged_wait *wait);

/* Bytes of the log at PATH now; 0 when there is none yet. */
int64_t rh_lock_log_length(const char *path);

typedef struct rh_lock_log_source {
    const char *path; /* NULL: WHY_NOT says why it cannot be read */
    int64_t from;     /* byte at which the pass began */
    const char *why_not;
    rh_usec began; /* monotonic, second 0 of the account */
    rh_pg *side;   /* names relations that no sample met, and tells deadlock_timeout; may be NULL */
} rh_lock_log_source;

/* Reads the log of a pass and completes CONTENTION, which came from samples, in ARENA: waits that only the
 * log saw are added (their blocker is unknown; while its end is not told, a wait has the length that the log
 * gives), deadlocks get their victim and those that the samples did not see are added, and circles of waiters
 * that the log does not call a deadlock are dropped. Fills log. Never fails: what cannot be read is told in
 * log.why_not. */
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
