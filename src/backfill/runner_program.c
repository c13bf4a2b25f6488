/* The team's program as a whole run, behind the proxy, which can make it wait before a message and see its
 * COMMIT. */
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/proxy/proxy.h"
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

static const char *fill_in(const char *argument, const rh_backfill_setting *setting, rh_arena *arena)
{
    rh_text text = {0};
    const int64_t pause_ms = setting->pause.duration / 1000;
    while (*argument) {
        if (rh_starts_with(argument, "{batch}"))
            rh_text_printf(&text, "%" PRId64, setting->batch), argument += strlen("{batch}");
        else if (rh_starts_with(argument, "{pause_ms}"))
            rh_text_printf(&text, "%" PRId64, pause_ms), argument += strlen("{pause_ms}");
        else if (rh_starts_with(argument, "{pause_s}"))
            rh_text_printf(&text, "%.3f", (double)pause_ms / 1000), argument += strlen("{pause_s}");
        else if (rh_starts_with(argument, "{workers}"))
            rh_text_printf(&text, "%d", setting->workers), argument += strlen("{workers}");
        else
            rh_text_append_char(&text, *argument++);
    }
    const char *filled = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return filled;
}

static const char *const *arguments(const program_run *run)
{
    const rh_backfill *b = run->start.backfill;
    const char *const *from = run->start.again && b->resume ? b->resume : b->command;
    size_t count = 0;
    while (from[count])
        count++;
    const char **filled = rh_arena_alloc(run->arena, (count + 1) * sizeof *filled);
    for (size_t i = 0; i < count; i++)
        filled[i] = fill_in(from[i], &run->start.setting, run->arena);
    return filled;
}

static bool launch(program_run *run, rh_error *error)
{
    const rh_proof_place *place = run->start.place;
    run->server = rh_pg_connect(run->start.sessions->own, ": proof", error);
    if (!run->server)
        return false;
    const rh_proxy_options options = {
        .server = run->server,
        .long_us = run->start.stretch > 0 ? 0 : LONG_STATEMENT,
        .events = {.session = {.user = run, .begun = on_begun, .ended = on_ended}, .hold = on_hold}};
    run->proxy = rh_proxy_start(&options, error);
    const char **environment =
        run->proxy ? place->environment(place->data, run->proxy, run->arena, error) : NULL;
    const rh_process_options process = {
        .argv = arguments(run), .environment = environment, .directory = place->directory};
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

static const char *last_line(const program_run *run)
{
    const char *text = rh_process_errors(run->process);
    if (!*text)
        text = rh_process_output(run->process);
    const char *last = "";
    size_t length = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strcspn(line, "\r\n") > 0) {
            last = line;
            length = strcspn(line, "\r\n");
        }
    char *redacted = rh_redact_line(rh_arena_strndup(run->arena, last, length));
    const char *kept = rh_arena_strdup(run->arena, redacted);
    free(redacted);
    return kept;
}

static bool program_has_ended(void *data, rh_runner_end *end)
{
    program_run *run = data;
    if (!run->ended && atomic_load(&run->committed))
        program_kill(run);
    if (!run->ended && !rh_process_has_ended(run->process, &run->status))
        return false;
    run->ended = true;
    const bool deadlock = run->status != 0 && atomic_load(&run->deadlocks) > 0;
    const char *said = run->status != 0 ? last_line(run) : "";
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
