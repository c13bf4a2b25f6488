/* The team's program as a whole run, behind the proxy, which can make it wait before a message and see its
 * COMMIT. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/proxy/proxy.h"
#include "program.h"
#include "runner.h"
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Messages of a transaction that wait, at most: a program that updates row by row would take hours. */
enum { CONNECTIONS = 64, HELD_MAX = 4 };
static const rh_usec LONG_STATEMENT = RH_SECOND / 20;

typedef struct waiting {
    rh_usec since; /* 0: no message waits */
    int held;      /* in this transaction */
} waiting;

typedef struct program_run {
    rh_runner_start start;
    rh_arena *arena;
    rh_pg *server; /* where the proxy forwards to */
    rh_proxy *proxy;
    rh_process *process;
    pid_t pid;
    waiting connections[CONNECTIONS];
    atomic_bool kill_at_commit, committed; /* COMMITTED: it was stopped behind one */
    atomic_int deadlocks;
    bool ended, killed;
    int status;
} program_run;

/* ---- in the proxy's thread ---- */

static void on_begun(void *data, rh_proxy_statement *statement)
{
    (void)data, (void)statement;
}

static void on_ended(void *data, const rh_proxy_statement *statement)
{
    program_run *run = data;
    if (statement->sqlstate && strcmp(statement->sqlstate, "40P01") == 0)
        atomic_fetch_add(&run->deadlocks, 1);
}

static bool on_hold(void *data, const rh_proxy_held *held)
{
    program_run *run = data;
    if (held->reason == RH_HOLD_COMMIT && atomic_exchange(&run->kill_at_commit, false)) {
        kill(-run->pid, SIGSTOP); /* it will not read the answer */
        atomic_store(&run->committed, true);
        return true;
    }
    waiting *w = &run->connections[(unsigned)held->connection % CONNECTIONS];
    if (held->idle)
        w->held = 0;
    if (run->start.stretch == 0 || w->held >= HELD_MAX || held->reason == RH_HOLD_END)
        return true;
    if (w->since == 0)
        w->since = rh_clock_monotonic();
    if (rh_clock_monotonic() - w->since < run->start.stretch)
        return false;
    w->since = 0;
    w->held++;
    return true;
}

/* ---- its start ---- */

/* The first and the last key of the table: of all rows. */
static bool read_range(program_run *run, rh_program_range *all, rh_error *error)
{
    const char *key = run->start.target->key[0], *table = run->start.target->table;
    rh_pg_result *row = rh_pg_query(
        run->server,
        rh_arena_printf(
            run->arena,
            "SELECT (SELECT %s FROM %s ORDER BY %s LIMIT 1), (SELECT %s FROM %s ORDER BY %s DESC LIMIT 1)",
            key, table, key, key, table, key),
        0, NULL, error);
    if (row)
        *all = (rh_program_range){rh_arena_strdup(run->arena, rh_pg_value(row, 0, 0)),
                                  rh_arena_strdup(run->arena, rh_pg_value(row, 0, 1))};
    rh_pg_result_free(row);
    return row != NULL;
}

static bool launch(program_run *run, rh_error *error)
{
    const rh_runner_start *start = &run->start;
    const rh_backfill_programs *programs = &start->place->programs;
    rh_program_range all = {0};
    run->server = rh_pg_connect(run->start.sessions->own, ": proof", error);
    if (!run->server || (rh_program_needs_range(start->backfill) && !read_range(run, &all, error)))
        return false;
    const rh_proxy_options options = {
        .server = run->server,
        .long_us = run->start.stretch > 0 ? 0 : LONG_STATEMENT,
        .events = {.session = {.user = run, .begun = on_begun, .ended = on_ended}, .hold = on_hold}};
    run->proxy = rh_proxy_start(&options, error);
    const char **environment =
        run->proxy ? programs->environment(programs->data, run->proxy, run->arena, error) : NULL;
    const rh_process_options process = {.argv = rh_program_arguments(start->backfill, &start->setting,
                                                                     all.from ? &all : NULL, start->again,
                                                                     run->arena),
                                        .environment = environment,
                                        .directory = programs->directory};
    run->process = environment ? rh_process_start(&process, error) : NULL;
    run->pid = run->process ? rh_process_pid(run->process) : 0;
    return run->process != NULL;
}

static void program_kill(void *data)
{
    program_run *run = data;
    run->killed = true;
    if (run->pid > 0 && !run->ended)
        kill(-run->pid, SIGKILL);
}

static void program_free(void *data)
{
    program_run *run = data;
    if (!run)
        return;
    program_kill(run);
    rh_process_free(run->process);
    rh_proxy_stop(run->proxy);
    rh_proxy_free(run->proxy);
    rh_pg_close(run->server);
    rh_arena_free(run->arena);
    free(run);
}

static void *program_start(const rh_runner_start *start, rh_error *error)
{
    program_run *run = rh_alloc(sizeof *run);
    memset(run, 0, sizeof *run);
    run->start = *start;
    run->arena = rh_arena_new();
    if (launch(run, error))
        return run;
    program_free(run);
    return NULL;
}

/* ---- its end ---- */

static bool program_has_ended(void *data, rh_runner_end *end)
{
    program_run *run = data;
    if (!run->ended && atomic_load(&run->committed))
        program_kill(run);
    if (!run->ended && !rh_process_has_ended(run->process, &run->status))
        return false;
    run->ended = true;
    const bool deadlock = run->status != 0 && atomic_load(&run->deadlocks) > 0;
    const char *said = run->status != 0 ? rh_program_said(run->process, run->arena) : "";
    *end = (rh_runner_end){.ok = run->status == 0,
                           .refused = run->status != 0 && !deadlock,
                           .message = rh_arena_printf(run->arena, "%s ended with status %d%s%s",
                                                      run->start.backfill->command[0], run->status,
                                                      *said ? ": " : "", said),
                           .sqlstate = deadlock ? "40P01" : NULL};
    return true;
}

static void program_kill_at_commit(void *data)
{
    program_run *run = data;
    atomic_store(&run->kill_at_commit, true);
}

static void program_stop(void *data)
{
    program_run *run = data;
    rh_process_signal(run->process, SIGTERM);
}

const rh_backfill_runner rh_runner_program = {.name = "program",
                                              .start = program_start,
                                              .has_ended = program_has_ended,
                                              .kill = program_kill,
                                              .kill_at_commit = program_kill_at_commit,
                                              .stop = program_stop,
                                              .free = program_free};
