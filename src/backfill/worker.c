#include "worker.h"
#include "refuse.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/arena.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct rh_backfill_worker {
    rh_pg *pg;
    const rh_backfill *backfill;
    const rh_backfill_statements *statements;
    bool count_wal;
    const char *progress;
    rh_usec stretch;
    atomic_bool cut_at_commit;
    bool young;  /* it has run no batch */
    int64_t wal; /* position after the last batch */
};

/* ---- positions ---- */

size_t rh_backfill_position_parameters(const rh_backfill_position *position, const char **parameters)
{
    for (size_t i = 0; i < position->size; i++)
        parameters[i] = position->values[i];
    return position->size;
}

void rh_backfill_position_release(rh_backfill_position *position)
{
    for (size_t i = 0; i < position->size; i++)
        free(position->values[i]);
    *position = (rh_backfill_position){0};
}

void rh_backfill_position_copy(rh_backfill_position *to, const rh_backfill_position *from)
{
    rh_backfill_position copy = {.size = from->size};
    for (size_t i = 0; i < from->size; i++)
        copy.values[i] = rh_strdup(from->values[i]);
    rh_backfill_position_release(to);
    *to = copy;
}

rh_backfill_position rh_backfill_position_read(const rh_pg_result *rows, size_t row, size_t size)
{
    rh_backfill_position position = {.size = size};
    for (size_t i = 0; i < size; i++)
        position.values[i] = rh_strdup(rh_pg_value(rows, row, i));
    return position;
}

/* The first COUNT columns of the first row; empty without one. */
static void read_position(const rh_pg_result *rows, size_t count, rh_backfill_position *position)
{
    rh_backfill_position_release(position);
    if (rh_pg_rows(rows) > 0)
        *position = rh_backfill_position_read(rows, 0, count);
}

bool rh_backfill_last_position(rh_pg *pg, const rh_backfill *backfill, const rh_backfill_target *target,
                               rh_arena *arena, rh_backfill_position *last, rh_error *error)
{
    rh_pg_result *rows = rh_pg_query(pg, rh_backfill_last_sql(backfill, target, arena), 0, NULL, error);
    if (rows)
        read_position(rows, rh_pg_columns(rows), last);
    rh_pg_result_free(rows);
    return rows != NULL;
}

bool rh_backfill_find(rh_pg *pg, const char *sql, bool prepared, const rh_backfill_position *after,
                      const rh_backfill_position *upper, int64_t rows, rh_backfill_position *last,
                      int64_t *found, rh_error *error)
{
    const char *parameters[2 * RH_BACKFILL_KEY_MAX + 1];
    char limit[24];
    size_t count = after ? rh_backfill_position_parameters(after, parameters) : 0;
    count += rh_backfill_position_parameters(upper, parameters + count);
    snprintf(limit, sizeof limit, "%" PRId64, rows);
    parameters[count++] = limit;
    rh_pg_result *result = prepared ? rh_pg_query_again(pg, sql, count, parameters, error)
                                    : rh_pg_query(pg, sql, count, parameters, error);
    if (!result)
        return false;
    read_position(result, rh_pg_columns(result) - 1, last);
    *found = rh_pg_rows(result) ? rh_pg_int(result, 0, rh_pg_columns(result) - 1, RH_UNKNOWN) : 0;
    rh_pg_result_free(result);
    return true;
}

void rh_backfill_cursor_release(rh_backfill_cursor *cursor)
{
    rh_backfill_position_release(&cursor->at);
    rh_backfill_position_release(&cursor->upper);
}

bool rh_backfill_wal_position(rh_pg *pg, int64_t *position, rh_error *error)
{
    return rh_pg_query_int(pg, "SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint",
                           position, error);
}

/* ---- the worker ---- */

rh_backfill_worker *rh_backfill_worker_open(const rh_backfill_worker_options *options, rh_error *error)
{
    rh_backfill_worker *worker = rh_alloc(sizeof *worker);
    *worker = (rh_backfill_worker){.backfill = options->backfill,
                                   .statements = options->statements,
                                   .count_wal = options->count_wal,
                                   .progress = options->progress,
                                   .stretch = options->stretch,
                                   .young = true};
    worker->pg = rh_pg_connect(options->conninfo, ": backfill", error);
    if (worker->pg &&
        rh_pg_executef(worker->pg, error, "SET lock_timeout = %" PRId64,
                       (int64_t)(options->backfill->lock_timeout / 1000)) &&
        rh_backfill_worker_begin(worker, error))
        return worker;
    rh_backfill_worker_close(worker);
    return NULL;
}

bool rh_backfill_worker_begin(rh_backfill_worker *worker, rh_error *error)
{
    return !worker->count_wal || rh_backfill_wal_position(worker->pg, &worker->wal, error);
}

void rh_backfill_worker_close(rh_backfill_worker *worker)
{
    if (worker)
        rh_pg_close(worker->pg);
    free(worker);
}

rh_pg *rh_backfill_worker_session(rh_backfill_worker *worker)
{
    return worker->pg;
}

int rh_backfill_worker_pid(const rh_backfill_worker *worker)
{
    return rh_pg_backend_pid(worker->pg);
}

void rh_backfill_worker_cut(rh_backfill_worker *worker)
{
    shutdown(rh_pg_socket(worker->pg), SHUT_RDWR);
}

void rh_backfill_worker_cut_at_commit(rh_backfill_worker *worker)
{
    atomic_store(&worker->cut_at_commit, true);
}

/* ---- a batch ---- */

static double since(rh_usec *from)
{
    const rh_usec now = rh_clock_monotonic();
    const double elapsed = rh_seconds(now - *from);
    *from = now;
    return elapsed;
}

static bool update(rh_backfill_worker *worker, const rh_backfill_cursor *cursor,
                   const rh_backfill_position *last, int64_t rows, int64_t *changed, rh_error *error)
{
    const bool first = cursor->at.size == 0, by_rows = worker->statements->position_size == 0;
    const char *parameters[2 * RH_BACKFILL_KEY_MAX];
    char limit[24];
    size_t count = rh_backfill_position_parameters(&cursor->at, parameters);
    count += rh_backfill_position_parameters(last, parameters + count);
    snprintf(limit, sizeof limit, "%" PRId64, rows);
    if (by_rows)
        parameters[count++] = limit;
    rh_pg_result *result = rh_pg_query_again(
        worker->pg, first ? worker->statements->update_first : worker->statements->update_next, count,
        parameters, error);
    *changed = result ? rh_pg_affected(result) : 0;
    rh_pg_result_free(result);
    return result != NULL;
}

/* Where the walk is, in the transaction of the batch that brought it there. */
static bool record(rh_backfill_worker *worker, const rh_backfill_position *last, rh_error *error)
{
    const char *parameters[RH_BACKFILL_KEY_MAX];
    if (!worker->progress)
        return true;
    const size_t count = rh_backfill_position_parameters(last, parameters);
    rh_pg_result *done = rh_pg_query_again(worker->pg, worker->progress, count, parameters, error);
    rh_pg_result_free(done);
    return done != NULL;
}

static bool commit(rh_backfill_worker *worker, rh_error *error)
{
    if (!atomic_load(&worker->cut_at_commit))
        return rh_pg_execute(worker->pg, "COMMIT", error);
    rh_pg_send(worker->pg, "COMMIT");
    rh_backfill_worker_cut(worker); /* what was sent still reaches the server */
    return rh_error_set(error, RH_ERROR_LOST, "the connection was cut after COMMIT");
}

static void stretch(const rh_backfill_worker *worker)
{
    if (worker->stretch > 0)
        rh_clock_sleep_until(rh_clock_monotonic() + worker->stretch);
}

static bool same_position(const rh_backfill_position *a, const rh_backfill_position *b)
{
    return a->size == 1 && b->size == 1 && strcmp(a->values[0], b->values[0]) == 0;
}

/* A statement that finds its rows and changes them. */
static bool step(rh_backfill_worker *worker, const rh_backfill_cursor *cursor, int64_t rows,
                 rh_backfill_position *last, rh_backfill_batch *batch, rh_error *error)
{
    const rh_backfill_statements *sql = worker->statements;
    const rh_backfill_position lowest = {.values = {sql->lowest}, .size = 1};
    const rh_backfill_position *at = cursor->at.size > 0 ? &cursor->at : &lowest;
    rh_backfill_position_release(last);
    batch->found = batch->changed = 0;
    if (same_position(at, &cursor->upper))
        return true;
    if (!rh_backfill_find(worker->pg, sql->step, true, at, &cursor->upper, rows, last, &batch->changed,
                          error))
        return false;
    batch->found = batch->changed;
    return !same_position(at, last) || rh_backfill_refuse_standstill(worker->backfill, error);
}

/* One attempt: find, update, commit. LAST is empty where the walk has ended. */
static bool attempt(rh_backfill_worker *worker, const rh_backfill_cursor *cursor, int64_t rows,
                    rh_backfill_position *last, rh_backfill_batch *batch, rh_error *error)
{
    const rh_backfill_statements *sql = worker->statements;
    rh_usec at = rh_clock_monotonic();
    if (!rh_pg_execute(worker->pg, "BEGIN", error))
        return false;
    if (sql->find_first) {
        const bool first = cursor->at.size == 0;
        if (!rh_backfill_find(worker->pg, first ? sql->find_first : sql->find_next, true,
                              first ? NULL : &cursor->at, &cursor->upper, rows, last, &batch->found, error))
            return false;
        batch->find_s = since(&at);
        stretch(worker);
    }
    if (sql->step && !step(worker, cursor, rows, last, batch, error))
        return false;
    if (!sql->step && (!sql->find_first || last->size > 0) &&
        !update(worker, cursor, last, rows, &batch->changed, error))
        return false;
    if (last->size > 0 && !record(worker, last, error))
        return false;
    batch->update_s = since(&at);
    stretch(worker);
    if (!commit(worker, error))
        return false;
    batch->commit_s = since(&at);
    return true;
}

static bool may_retry(const rh_error *error)
{
    static const char *const states[] = {"55P03", "40P01", "40001", NULL};
    return error->code == RH_ERROR_SQL && rh_is_one_of(error->sqlstate, states);
}

static void count_wal(rh_backfill_worker *worker, rh_backfill_batch *batch)
{
    int64_t wal;
    batch->wal_bytes = RH_UNKNOWN;
    if (!worker->count_wal || !rh_backfill_wal_position(worker->pg, &wal, NULL))
        return;
    batch->wal_bytes = wal - worker->wal;
    worker->wal = wal;
}

bool rh_backfill_worker_batch(rh_backfill_worker *worker, rh_backfill_cursor *cursor, int64_t rows,
                              rh_backfill_batch *batch, rh_error *error)
{
    rh_backfill_position last = {0};
    rh_usec began = rh_clock_monotonic();
    *batch = (rh_backfill_batch){.stratum = batch->stratum,
                                 .worker = batch->worker,
                                 .started = began,
                                 .found = RH_UNKNOWN,
                                 .warmup = worker->young};
    worker->young = false;
    for (;;) {
        rh_error problem = {0};
        if (attempt(worker, cursor, rows, &last, batch, &problem))
            break;
        if (rh_pg_transaction_state(worker->pg) != 'I')
            rh_pg_execute(worker->pg, "ROLLBACK", NULL);
        if (!may_retry(&problem) || ++batch->retries >= RH_BACKFILL_ATTEMPTS) {
            rh_error_move(error, &problem);
            rh_backfill_position_release(&last);
            return false;
        }
        rh_error_release(&problem);
        rows = rows > 1 ? rows / 2 : 1;
        rh_clock_sleep_until(rh_clock_monotonic() + (RH_SECOND / 50 << batch->retries));
        batch->failed_s = rh_seconds(rh_clock_monotonic() - began);
    }
    cursor->ended = worker->statements->position_size > 0 ? last.size == 0 : batch->changed == 0;
    if (last.size > 0)
        rh_backfill_position_copy(&cursor->at, &last);
    rh_backfill_position_release(&last);
    count_wal(worker, batch);
    return !rh_interrupt_requested() || rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
}
