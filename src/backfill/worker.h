/* The native runner: one connection that runs batches, each in a transaction of its own. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "statements.h"

/* A value of the key, one text a column. Empty: before the first row. Owns its texts. */
typedef struct rh_backfill_position {
    char *values[RH_BACKFILL_KEY_MAX];
    size_t size;
} rh_backfill_position;

/* Its texts as parameters: PARAMETERS has room for them. Returns how many; borrowed. */
size_t rh_backfill_position_parameters(const rh_backfill_position *position, const char **parameters);
void rh_backfill_position_release(rh_backfill_position *position);
/* The first SIZE columns of ROW. */
rh_backfill_position rh_backfill_position_read(const rh_pg_result *rows, size_t row, size_t size);
/* TO (released first) becomes a copy of FROM. */
void rh_backfill_position_copy(rh_backfill_position *to, const rh_backfill_position *from);

/* The greatest position of the table, in LAST; empty when it has no row. */
bool rh_backfill_last_position(rh_pg *pg, const rh_backfill *backfill, const rh_backfill_target *target,
                               rh_arena *arena, rh_backfill_position *last, rh_error *error);
/* Runs a find statement: LAST is the last position of the batch of at most ROWS rows after AFTER (NULL: from
 * the first), empty when the walk has ended; FOUND its rows, RH_UNKNOWN where they are not counted. PREPARED:
 * SQL outlives PG. */
bool rh_backfill_find(rh_pg *pg, const char *sql, bool prepared, const rh_backfill_position *after,
                      const rh_backfill_position *upper, int64_t rows, rh_backfill_position *last,
                      int64_t *found, rh_error *error);

/* Bytes of WAL that the server has written since it was made. */
bool rh_backfill_wal_position(rh_pg *pg, int64_t *position, rh_error *error);

/* Where a walk is, and where it ends. */
typedef struct rh_backfill_cursor {
    rh_backfill_position at, upper;
    bool ended;
} rh_backfill_cursor;
void rh_backfill_cursor_release(rh_backfill_cursor *cursor);

typedef struct rh_backfill_worker rh_backfill_worker;
typedef struct rh_backfill_worker_options {
    const char *conninfo;
    const rh_backfill *backfill;
    const rh_backfill_statements *statements; /* outlives the worker, as BACKFILL does */
    bool count_wal;                           /* one more round trip a batch, outside of its transaction */
    const char *progress; /* run in each batch's transaction before COMMIT, its parameters the position after
                             the batch; NULL: none */
    rh_usec stretch;      /* how long it waits between two statements of a batch */
} rh_backfill_worker_options;

/* Connects; the caller closes. One thread. */
rh_backfill_worker *rh_backfill_worker_open(const rh_backfill_worker_options *options, rh_error *error);
/* Call after a pause: WAL that others wrote meanwhile does not count as the next batch's. */
bool rh_backfill_worker_begin(rh_backfill_worker *worker, rh_error *error);
/* Takes NULL. */
void rh_backfill_worker_close(rh_backfill_worker *worker);
/* For statements between batches; the worker keeps it. */
rh_pg *rh_backfill_worker_session(rh_backfill_worker *worker);
int rh_backfill_worker_pid(const rh_backfill_worker *worker);
/* Cuts its connection, as the kernel does when a client is killed. Any thread; the batch under way fails. */
void rh_backfill_worker_cut(rh_backfill_worker *worker);
/* The same as soon as the next COMMIT has been sent, whose answer is not read. Any thread. */
void rh_backfill_worker_cut_at_commit(rh_backfill_worker *worker);

/* Runs the next batch of at most ROWS rows behind CURSOR, commits it, moves CURSOR, and fills BATCH (stratum
 * and worker stay). Where the walk has ended, CURSOR says so, and BATCH has no rows. A batch that fails with
 * a lock timeout, a deadlock or a serialization failure is run again with half of its rows, at most
 * RH_BACKFILL_ATTEMPTS times. */
bool rh_backfill_worker_batch(rh_backfill_worker *worker, rh_backfill_cursor *cursor, int64_t rows,
                              rh_backfill_batch *batch, rh_error *error);
enum { RH_BACKFILL_ATTEMPTS = 8 };
