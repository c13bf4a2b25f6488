#include "steps.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "rehearsal/program/environment.h"
#include <stdlib.h>
#include <string.h>

/* Runs a file's statements one by one. With RESULT, returned rows and failed statements are counted in it;
 * without, the first failed statement is an error. */
static bool run_sql_file(rh_run *run, rh_pg *pg, const char *path, rh_step_result *result, rh_error *error)
{
    rh_sql_span *spans;
    size_t count;
    char *text = rh_file_read(path, RH_STEP_SQL_LIMIT, run->arena, NULL, error);
    if (!text || !rh_sql_split(text, path, run->arena, &spans, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        char *sql = rh_arena_strndup(run->arena, text + spans[i].offset, spans[i].length);
        rh_error failed = {0};
        rh_pg_result *rows = rh_pg_query(pg, sql, 0, NULL, &failed);
        if (rows && result && rh_pg_rows(rows) > 0) {
            if (result->failures == 0)
                result->detail = rh_arena_printf(run->arena, "%s:%d returned %zu row%s", path, spans[i].line,
                                                 rh_pg_rows(rows), rh_pg_rows(rows) == 1 ? "" : "s");
            result->failures += (int64_t)rh_pg_rows(rows);
        }
        rh_pg_result_free(rows);
        if (!rh_error_is_set(&failed))
            continue;
        bool fatal = !result || failed.code != RH_ERROR_SQL;
        if (fatal) {
            rh_error_at(&failed, path, spans[i].line, spans[i].column);
            rh_error_move(error, &failed);
            return false;
        }
        if (result->failures++ == 0)
            result->detail = rh_arena_printf(run->arena, "%s:%d: %s", path, spans[i].line, failed.message);
        rh_error_release(&failed);
    }
    return true;
}

/* The command sees the staging database, and no other, in the variables that programs look for. */
static bool run_command(rh_run *run, const rh_step *step, const char *const *environment, int *status,
                        const char **output, rh_error *error)
{
    rh_process_options options = {.argv = (const char *const *)step->argv,
                                  .environment = environment,
                                  .directory = run->scenario->directory};
    rh_process *process = rh_process_start(&options, error);
    bool ok = process && rh_process_wait(process, 0, status, error);
    if (ok)
        *output = rh_program_message(run->arena, rh_process_errors(process), rh_process_output(process), NULL,
                                     NULL);
    rh_process_free(process);
    if (!ok)
        rh_error_at(error, step->where.file, step->where.line, step->where.column);
    return ok;
}

static const char *step_name(rh_run *run, const rh_step *step)
{
    if (step->kind == RH_STEP_COMMAND)
        return step->argv[0];
    size_t length = strlen(run->scenario->directory);
    bool beside = strncmp(step->path, run->scenario->directory, length) == 0 && step->path[length] == '/';
    return beside ? step->path + length + 1 : step->path;
}

/* The first step that fails ends it. KEY: where the scenario has them. */
static bool run_steps(rh_run *run, const char *key, const rh_step *steps, size_t count,
                      rh_step_result **results, size_t *result_count, const char *conninfo,
                      const rh_progress *progress, rh_error *error)
{
    if (count == 0)
        return true;
    rh_pg *pg = rh_pg_connect(conninfo, ": prepare", error);
    const char **environment = pg ? rh_step_environment(pg, conninfo, run->arena, error) : NULL;
    bool ok = environment != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        const rh_step *step = &steps[i];
        rh_step_result *result = rh_arena_add(run->arena, results, result_count);
        rh_usec started = rh_clock_monotonic();
        result->name = step_name(run, step);
        rh_progress_update(progress, key, result->name, (int64_t)i, (int64_t)count, RH_UNIT_ITEMS);
        if (step->kind == RH_STEP_SQL) {
            ok = run_sql_file(run, pg, step->path, NULL, error);
        } else {
            int status = 0;
            ok = run_command(run, step, environment, &status, &result->detail, error);
            if (ok && status != 0) {
                ok = rh_error_set(error, RH_ERROR_SCENARIO, "%s command %s ended with status %d: %s", key,
                                  step->argv[0], status, result->detail);
                rh_error_at(error, step->where.file, step->where.line, step->where.column);
            }
        }
        if (!ok && error && error->code == RH_ERROR_SQL)
            error->code = RH_ERROR_SCENARIO;
        result->elapsed_s = rh_seconds(rh_clock_monotonic() - started);
        result->outcome = ok ? RH_OUTCOME_OK : RH_OUTCOME_FAILED;
    }
    rh_pg_close(pg);
    return ok;
}

bool rh_steps_before(rh_run *run, const char *conninfo, const rh_progress *progress, rh_error *error)
{
    return run_steps(run, "backup.before", run->scenario->backup.before, run->scenario->backup.before_count,
                     &run->before, &run->before_count, conninfo, progress, error);
}

bool rh_steps_prepare(rh_run *run, const char *conninfo, const rh_progress *progress, rh_error *error)
{
    return run_steps(run, "prepare", run->scenario->prepare, run->scenario->prepare_count, &run->prepare,
                     &run->prepare_count, conninfo, progress, error);
}

bool rh_steps_verify(rh_run *run, const char *conninfo, const rh_progress *progress, rh_error *error)
{
    const rh_scenario *scenario = run->scenario;
    rh_pg *pg = rh_pg_connect(conninfo, ": verify", error);
    const char **environment = pg ? rh_step_environment(pg, conninfo, run->arena, error) : NULL;
    bool ok = environment != NULL;
    run->verify_outcome = RH_OUTCOME_OK;
    for (size_t i = 0; ok && i < scenario->verify_count; i++) {
        const rh_step *step = &scenario->verify[i];
        rh_step_result *result = rh_arena_add(run->arena, &run->verify, &run->verify_count);
        rh_usec started = rh_clock_monotonic();
        result->name = step_name(run, step);
        rh_progress_update(progress, "verify", result->name, (int64_t)i, (int64_t)scenario->verify_count,
                           RH_UNIT_ITEMS);
        if (step->kind == RH_STEP_SQL) {
            ok = run_sql_file(run, pg, step->path, result, error);
        } else {
            int status = 0;
            const char *output = NULL;
            ok = run_command(run, step, environment, &status, &output, error);
            result->failures = status;
            if (status != 0)
                result->detail = rh_arena_printf(run->arena, "ended with status %d: %s", status, output);
        }
        result->elapsed_s = rh_seconds(rh_clock_monotonic() - started);
        result->outcome = ok && result->failures == 0 ? RH_OUTCOME_OK : RH_OUTCOME_FAILED;
        if (result->outcome == RH_OUTCOME_FAILED)
            run->verify_outcome = RH_OUTCOME_FAILED;
    }
    rh_pg_close(pg);
    return ok;
}
