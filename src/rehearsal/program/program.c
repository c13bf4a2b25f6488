#include "program.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/text.h"
#include "environment.h"
#include "hidden_rows.h"
#include "watch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After a statement that takes this long, counters and locks are read, which takes a millisecond.
 */
static const rh_usec LONG_STATEMENT = RH_SECOND / 20;

typedef struct program {
    const rh_run *run;
    const rh_migration *migration;
    const rh_program_options *options;
    const char *const *argv;
    const char *conninfo; /* of the migrations' role */
    rh_pg *side;
    rh_program_watch *watch;
    rh_proxy *proxy;
    rh_usec elapsed;
    rh_attempt attempt;
} program;

/* ---- its end ---- */

static bool fail_status(const program *p, int status, const rh_process *process, rh_error *error)
{
    rh_program_failure sql = rh_program_watch_failure(p->watch);
    const char *output = rh_program_message(p->run->arena, rh_process_errors(process),
                                            rh_process_output(process), sql.raw, sql.message);
    rh_text text = {0};
    rh_text_printf(&text, "%s ended with status %d", p->argv[0], status);
    if (*output)
        rh_text_printf(&text, ": %s", output);
    if (sql.message && !strstr(output, sql.message)) {
        if (sql.ordinal)
            rh_text_printf(&text, "; its statement %d had failed: %s", sql.ordinal, sql.message);
        else
            rh_text_printf(&text, "; the server's message: %s", sql.message);
    }
    rh_error_set(error, RH_ERROR_MIGRATION, "migration %s%s: %s", p->migration->id,
                 p->options->direction == RH_UP ? "" : " (down)", rh_text_string(&text));
    if (sql.sqlstate)
        rh_error_sqlstate(error, sql.sqlstate);
    rh_text_release(&text);
    return false;
}

static bool execute(program *p, rh_error *error)
{
    int status = 0;
    rh_arena *scratch = rh_arena_new(); /* the run's belongs to the proxy's thread for now */
    rh_process_options options = {.argv = p->argv, .directory = p->run->scenario->directory};
    options.environment = rh_program_environment_as(p->conninfo, p->proxy, scratch, error);
    rh_usec started = rh_clock_monotonic();
    rh_process *process = options.environment ? rh_process_start(&options, error) : NULL;
    if (process && p->options->program_hooks)
        p->options->program_hooks->started(p->options->program_hooks->user, rh_process_pid(process));
    bool ok = process && rh_process_wait(process, 0, &status, error);
    p->elapsed = rh_clock_monotonic() - started;
    rh_proxy_stop(p->proxy);
    rh_program_watch_finish(p->watch, ok && status == 0, &p->attempt);
    if (ok && status != 0)
        ok = fail_status(p, status, process, error);
    rh_process_free(process);
    rh_arena_free(scratch);
    return ok;
}

/* A server that has ended our own session, too, has crashed: that says nothing of the program. */
static void blame_server(const program *p, rh_error *error)
{
    rh_error lost = {0};
    rh_pg_execute(p->side, "SELECT 1", &lost);
    if (lost.code == RH_ERROR_LOST)
        error->code = RH_ERROR_LOST;
    rh_error_release(&lost);
}

static bool run_through_proxy(program *p, const rh_staging *staging, rh_error *error)
{
    p->side = rh_pg_connect_observer(rh_staging_conninfo(staging), ": side", error);
    if (!p->side)
        return false;
    p->watch = rh_program_watch_new(p->run, p->side, p->migration, p->options);
    rh_proxy_options options = {
        .server = p->side,
        .directory = p->run->staging.kind == RH_STAGING_EMBEDDED ? p->run->staging.location : NULL,
        .long_us = LONG_STATEMENT,
        .events = rh_program_watch_events(p->watch)};
    p->proxy = rh_proxy_start(&options, error);
    bool ok = p->proxy && execute(p, error);
    if (!ok && error->code == RH_ERROR_MIGRATION)
        blame_server(p, error);
    if (p->proxy) {
        int blind = 0, connections = rh_proxy_connections(p->proxy, &blind);
        p->elapsed -= rh_proxy_held_us(p->proxy);
        if (blind)
            rh_notes_printf(&p->attempt.notes, p->run->arena, RH_UNMEASURED_PROGRAM_STATEMENTS,
                            "%s: on %d of its %d connections not every statement could be followed",
                            p->migration->id, blind, connections);
    }
    rh_proxy_free(p->proxy);
    if (ok && p->options->pass != RH_PASS_KIND_LOADED && p->options->repeat == 1)
        rh_program_note_hidden_rows(p->run, staging, p->side, &p->attempt);
    rh_pg_close(p->side);
    return ok;
}

rh_attempt rh_program_run(const rh_run *run, const rh_staging *staging, const rh_migration *migration,
                          const rh_program_options *options, rh_error *error)
{
    program p = {
        .run = run,
        .migration = migration,
        .options = options,
        .attempt = {.migration = migration, .direction = options->direction},
        .conninfo = rh_staging_migrations_conninfo(staging),
        .argv = options->direction == RH_UP ? migration->command : migration->down_command,
    };
    rh_error problem = {0};
    if (run_through_proxy(&p, staging, &problem)) {
        p.attempt.outcome = RH_OUTCOME_OK;
    } else {
        rh_error_at(&problem, migration->where.file, migration->where.line, migration->where.column);
        if (problem.code != RH_ERROR_INTERRUPTED) {
            p.attempt.outcome = RH_OUTCOME_FAILED;
            p.attempt.failure = rh_failure_of_error(&problem, run->arena);
        }
        if (error && !rh_error_is_set(error))
            rh_error_move(error, &problem);
    }
    p.attempt.elapsed_s = rh_seconds(p.elapsed);
    rh_error_release(&problem);
    return p.attempt;
}
