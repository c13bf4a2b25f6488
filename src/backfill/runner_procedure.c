/* The printed procedure as a whole run: a session that calls it. */
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include "runner.h"
#include "script.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct procedure_run {
    rh_runner_start start;
    rh_arena *arena;
    rh_backfill_procedure sql;
    rh_pg *own, *caller;
    const char *call;
    pthread_t thread;
    bool started, joined;
    atomic_bool ended;
    rh_error error;
} procedure_run;

/* A procedure of an earlier run is the same. The settings are the run's. */
static bool define(procedure_run *run, rh_error *error)
{
    const rh_runner_start *s = &run->start;
    const char *progress = run->sql.progress;
    if (!s->again && !rh_pg_executef(run->own, error, "DROP TABLE IF EXISTS %s", progress))
        return false;
    return rh_pg_execute(run->own, run->sql.definitions, error) &&
           rh_pg_executef(run->own, error,
                          "UPDATE %s SET batch_rows = %" PRId64
                          ", pause_s = %.3f, pause_share = 0, stop = false;"
                          " GRANT ALL ON %s TO PUBLIC",
                          progress, s->setting.batch, rh_seconds(s->setting.pause.duration), progress);
}

static void *call(void *data)
{
    procedure_run *run = data;
    rh_pg_execute(run->caller, run->call, &run->error);
    atomic_store(&run->ended, true);
    return NULL;
}

static void procedure_kill(void *data)
{
    procedure_run *run = data;
    if (!atomic_load(
            &run->ended)) /* the connection to the client is not enough: the server goes on calling */
        rh_pg_executef(run->own, NULL, "SELECT pg_terminate_backend(%d)", rh_pg_backend_pid(run->caller));
}

static void procedure_free(void *data)
{
    procedure_run *run = data;
    if (!run)
        return;
    if (run->started && !run->joined) {
        procedure_kill(run);
        pthread_join(run->thread, NULL);
    }
    rh_pg_close(run->caller);
    rh_pg_close(run->own);
    rh_error_release(&run->error);
    rh_arena_free(run->arena);
    free(run);
}

static void *procedure_start(const rh_runner_start *start, rh_error *error)
{
    procedure_run *run = rh_alloc(sizeof *run);
    memset(run, 0, sizeof *run);
    run->start = *start;
    run->arena = rh_arena_new();
    run->sql = rh_backfill_procedure_of(start->backfill, start->target, run->arena);
    run->call = rh_arena_printf(run->arena, "CALL %s()", run->sql.procedure);
    run->own = rh_pg_connect(start->sessions->own, ": proof", error);
    run->caller =
        run->own && define(run, error) ? rh_pg_connect(start->sessions->backfill, ": backfill", error) : NULL;
    if (run->caller && rh_pg_execute(run->caller, "SET statement_timeout = 0", error))
        run->started = pthread_create(&run->thread, NULL, call, run) == 0;
    if (run->started)
        return run;
    if (run->caller && !rh_error_is_set(error))
        rh_error_set(error, RH_ERROR_INTERNAL, "could not start a thread");
    procedure_free(run);
    return NULL;
}

static bool procedure_has_ended(void *data, rh_runner_end *end)
{
    procedure_run *run = data;
    if (!atomic_load(&run->ended))
        return false;
    if (!run->joined)
        pthread_join(run->thread, NULL);
    run->joined = true;
    *end = (rh_runner_end){.ok = !rh_error_is_set(&run->error),
                           .refused = strcmp(run->error.sqlstate, "55006") == 0, /* object_in_use */
                           .message = run->error.message,
                           .sqlstate = run->error.sqlstate};
    return true;
}

static void procedure_stop(void *data)
{
    procedure_run *run = data;
    rh_pg_executef(run->own, NULL, "UPDATE %s SET stop = true", run->sql.progress);
}

const rh_backfill_runner rh_runner_procedure = {.name = "procedure",
                                                .start = procedure_start,
                                                .has_ended = procedure_has_ended,
                                                .kill = procedure_kill,
                                                .stop = procedure_stop,
                                                .free = procedure_free};
