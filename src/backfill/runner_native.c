/* The native batches as a whole run. The position is in a table, written in each batch's transaction. */
#include "pgrehearse/base/text.h"
#include "runner.h"
#include "worker.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char rh_runner_native_schema[] =
    "CREATE TABLE pgrehearse_proof.progress (single boolean PRIMARY KEY DEFAULT true,"
    " last text[], upper text[], finished boolean NOT NULL DEFAULT false);"
    "GRANT ALL ON pgrehearse_proof.progress TO PUBLIC";

typedef struct native_run {
    rh_runner_start start;
    rh_backfill_worker *worker;
    rh_arena *arena;
    rh_backfill_cursor cursor;
    pthread_t thread;
    bool joined, finished;
    atomic_bool stop, ended;
    rh_error error;
} native_run;

/* "ARRAY[$1, $2]::text[]" for SIZE columns. */
static const char *array_of(size_t size, rh_arena *arena)
{
    const char *list = "";
    for (size_t i = 0; i < size; i++)
        list = rh_arena_printf(arena, "%s%s$%zu::text", list, i ? ", " : "", i + 1);
    return rh_arena_printf(arena, "ARRAY[%s]::text[]", list);
}

/* Whether the first run has begun, and where it was: POSITION from the columns of the array COLUMN. */
static bool read_position(native_run *run, const char *column, rh_backfill_position *position,
                          rh_error *error)
{
    const size_t size = run->start.statements->position_size;
    const char *list = "";
    for (size_t i = 0; i < size; i++)
        list = rh_arena_printf(run->arena, "%s%s%s[%zu]", list, i ? ", " : "", column, i + 1);
    rh_pg_result *row = rh_pg_query(
        rh_backfill_worker_session(run->worker),
        rh_arena_printf(run->arena, "SELECT %s FROM pgrehearse_proof.progress WHERE %s IS NOT NULL", list,
                        column),
        0, NULL, error);
    if (row && rh_pg_rows(row) > 0)
        *position = rh_backfill_position_read(row, 0, size);
    rh_pg_result_free(row);
    return row != NULL;
}

/* The upper end is fixed when the first run begins. */
static bool begin(native_run *run, rh_error *error)
{
    rh_pg *pg = rh_backfill_worker_session(run->worker);
    rh_backfill_position upper = {0};
    bool ok =
        rh_backfill_last_position(pg, run->start.backfill, run->start.target, run->arena, &upper, error);
    const char *parameters[RH_BACKFILL_KEY_MAX];
    const size_t size = rh_backfill_position_parameters(&upper, parameters);
    if (ok) {
        rh_pg_result *done = rh_pg_query(
            pg,
            rh_arena_printf(
                run->arena,
                "INSERT INTO pgrehearse_proof.progress (upper) VALUES (%s) ON CONFLICT DO NOTHING",
                array_of(size, run->arena)),
            size, parameters, error);
        ok = done != NULL;
        rh_pg_result_free(done);
    }
    rh_backfill_position_release(&upper);
    return ok;
}

static bool prepare(native_run *run, rh_error *error)
{
    static const char lock[] = "SELECT pg_try_advisory_lock(hashtextextended('pgrehearse backfill', 0))::int";
    rh_pg *pg = rh_backfill_worker_session(run->worker);
    int64_t alone = 0;
    if (!rh_pg_query_int(pg, lock, &alone, error))
        return false;
    if (!alone)
        return rh_error_set(error, RH_ERROR_REFUSED, "this backfill runs in another session");
    if (run->start.statements->position_size == 0)
        return true;
    if (!run->start.again && !rh_pg_execute(pg, "DELETE FROM pgrehearse_proof.progress", error))
        return false;
    return begin(run, error) && read_position(run, "upper", &run->cursor.upper, error) &&
           read_position(run, "last", &run->cursor.at, error);
}

static void pause_after(const native_run *run, const rh_backfill_batch *batch)
{
    const rh_backfill_pause *pause = &run->start.setting.pause;
    const double busy_s = batch->find_s + batch->update_s + batch->commit_s;
    const rh_usec length =
        pause->share > 0 ? (rh_usec)(pause->share * busy_s * (double)RH_SECOND) : pause->duration;
    rh_clock_sleep_until(rh_clock_monotonic() + length);
}

static void *work(void *data)
{
    native_run *run = data;
    bool ok = prepare(run, &run->error);
    if (run->start.statements->position_size > 0 && run->cursor.upper.size == 0)
        run->cursor.ended = true; /* the table is empty */
    while (ok && !run->cursor.ended && !atomic_load(&run->stop)) {
        rh_backfill_batch batch = {0};
        ok = rh_backfill_worker_batch(run->worker, &run->cursor, run->start.setting.batch, &batch,
                                      &run->error);
        if (ok && !run->cursor.ended)
            pause_after(run, &batch);
    }
    atomic_store(&run->ended, true);
    return NULL;
}

static void native_free(void *data)
{
    native_run *run = data;
    if (!run)
        return;
    if (run->worker && !run->joined && run->thread) {
        atomic_store(&run->stop, true);
        rh_backfill_worker_cut(run->worker);
        pthread_join(run->thread, NULL);
    }
    rh_backfill_worker_close(run->worker);
    rh_backfill_cursor_release(&run->cursor);
    rh_error_release(&run->error);
    rh_arena_free(run->arena);
    free(run);
}

static void *native_start(const rh_runner_start *start, rh_error *error)
{
    native_run *run = rh_alloc(sizeof *run);
    memset(run, 0, sizeof *run);
    run->start = *start;
    run->arena = rh_arena_new();
    const rh_backfill_worker_options options = {
        .conninfo = start->sessions->backfill,
        .backfill = start->backfill,
        .statements = start->statements,
        .stretch = start->stretch,
        .progress = start->statements->position_size
                        ? rh_arena_printf(run->arena, "UPDATE pgrehearse_proof.progress SET last = %s",
                                          array_of(start->statements->position_size, run->arena))
                        : NULL};
    run->worker = rh_backfill_worker_open(&options, error);
    if (run->worker && pthread_create(&run->thread, NULL, work, run) == 0)
        return run;
    run->joined = true;
    if (run->worker)
        rh_error_set(error, RH_ERROR_INTERNAL, "could not start a thread");
    native_free(run);
    return NULL;
}

static bool native_has_ended(void *data, rh_runner_end *end)
{
    native_run *run = data;
    if (!atomic_load(&run->ended))
        return false;
    if (!run->joined)
        pthread_join(run->thread, NULL);
    run->joined = true;
    *end = (rh_runner_end){.ok = !rh_error_is_set(&run->error),
                           .refused = run->error.code == RH_ERROR_REFUSED,
                           .message = run->error.message,
                           .sqlstate = run->error.sqlstate};
    return true;
}

static void native_kill(void *data)
{
    native_run *run = data;
    atomic_store(&run->stop, true);
    rh_backfill_worker_cut(run->worker);
}

static void native_kill_at_commit(void *data)
{
    native_run *run = data;
    rh_backfill_worker_cut_at_commit(run->worker);
}

static void native_stop(void *data)
{
    native_run *run = data;
    atomic_store(&run->stop, true);
}

const rh_backfill_runner rh_runner_native = {.name = "native",
                                             .start = native_start,
                                             .has_ended = native_has_ended,
                                             .kill = native_kill,
                                             .kill_at_commit = native_kill_at_commit,
                                             .stop = native_stop,
                                             .free = native_free};
