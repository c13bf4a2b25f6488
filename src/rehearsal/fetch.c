#include "fetch.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/physical/physical.h"
#include "rehearsal/program/environment.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char stage[] = "backup";

static bool at_command(const rh_run *run, rh_error *error)
{
    const rh_location *where = &run->scenario->backup.where;
    return rh_error_at(error, where->file, where->line, where->column);
}

typedef struct listener {
    const rh_progress *progress;
    const char *name;
} listener;

static void show_line(void *user, const char *line)
{
    const listener *l = user;
    char *redacted = rh_redact_line(line), shown[240];
    snprintf(shown, sizeof shown, "%s: %s", l->name, redacted);
    rh_progress_update(l->progress, stage, shown, -1, -1, RH_UNIT_NONE);
    free(redacted);
}

/* What it said last, which may be a secret or a row. */
static const char *last_words(rh_run *run, const rh_process *process)
{
    const char *said =
        rh_program_message(run->arena, rh_process_errors(process), rh_process_output(process), NULL, NULL);
    return *said ? said : "it printed nothing";
}

static bool run_command(rh_run *run, const rh_process_options *options, const rh_progress *progress,
                        rh_error *error)
{
    const char *name = rh_base_name(options->argv[0]);
    listener shown = {progress, name};
    char limit[32];
    int status = 0;
    rh_process *process = rh_process_start(options, error);
    if (!process)
        return at_command(run, error);
    rh_process_on_line(process, show_line, &shown);
    rh_error own = {0};
    bool ok = rh_process_wait(process, run->scenario->backup.timeout, &status, &own);
    if (!ok && own.code == RH_ERROR_SLOW) {
        rh_duration_format(rh_seconds(run->scenario->backup.timeout), limit, sizeof limit);
        rh_error_set(error, RH_ERROR_BACKUP,
                     "backup.command: %s did not end within %s, and was terminated: %s", name, limit,
                     last_words(run, process));
        rh_error_hint(
            error,
            "if it waits for input or a password: it has no terminal; otherwise set backup.timeout to a longer time");
    } else if (!ok) {
        rh_error_move(error, &own);
    } else if (status != 0) {
        ok = rh_error_set(error, RH_ERROR_BACKUP, "backup.command: %s ended with %s %d: %s", name,
                          status > 128 ? "signal" : "status", status > 128 ? status - 128 : status,
                          last_words(run, process));
        rh_error_hint(error, "run it by hand with PGDATA set to an empty directory");
    }
    rh_error_release(&own);
    rh_process_free(process);
    return ok || at_command(run, error);
}

/* Its faults are those of what the program left; a data directory is none without global/pg_control. */
static bool recognise(rh_run *run, const rh_fetched *fetched, const char *name, const rh_progress *progress,
                      rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    if (!rh_directory_list(fetched->data, run->arena, &names, &count, error))
        return false;
    if (count == 0) {
        rh_error_set(error, RH_ERROR_BACKUP, "backup.command: %s ended with status 0 and left $PGDATA empty",
                     name);
        rh_error_hint(
            error,
            "it must restore into $PGDATA, which is in its environment and is replaced in its arguments");
        return at_command(run, error);
    }
    rh_error own = {0};
    rh_scenario restored = *run->scenario;
    restored.backup.path = fetched->data;
    bool ok = rh_backup_examine(&restored, run->arena, &run->backup, progress, &own);
    run->backup.path = name;
    if (ok && !run->backup.physical)
        ok = rh_error_set(&own, RH_ERROR_BACKUP, "it is a dump, not a data directory");
    if (ok) {
        run->backup.physical->within = fetched->place.directory;
        rh_physical_take_restore_command(run->backup.physical, run->arena);
    } else {
        rh_error_set(error, own.code, "backup.command: what %s restored cannot be used: %s", name,
                     own.message);
        rh_error_hint(error, "%s",
                      own.hint ? own.hint : "it must restore a complete data directory into $PGDATA");
        at_command(run, error);
    }
    rh_error_release(&own);
    return ok;
}

bool rh_fetch_backup(rh_run *run, rh_fetched *fetched, const rh_progress *progress, rh_error *error)
{
    const rh_scenario *s = run->scenario;
    rh_arena *arena = run->arena;
    /* What it restores is moved from there, not copied. */
    const char *parent = s->staging.snapshot.directory ? s->staging.snapshot.directory : s->staging.directory;
    rh_staging_clear_leftovers(s->staging.directory, progress);
    if (parent != s->staging.directory)
        rh_staging_clear_leftovers(parent, progress);
    if (!rh_place_make(parent, arena, &fetched->place, error))
        return false;
    const char *place = fetched->place.directory;
    fetched->data = rh_arena_printf(arena, "%s/data", place);
    const char *const variables[][2] = {
        {"PGDATA", fetched->data},
        {"PGREHEARSE_TABLESPACES", rh_arena_printf(arena, "%s/tablespaces", place)}};
    for (size_t i = 0; i < 2; i++)
        if (mkdir(variables[i][1], 0700) != 0)
            return rh_error_errno(error, errno, "cannot create the directory %s", variables[i][1]);
    const char **argv = rh_process_arguments(s->backup.command, variables, 2, arena);
    const char *name = rh_base_name(argv[0]);
    rh_progress_begin(progress, stage, "%s restores it", name);
    const rh_process_options options = {
        .argv = argv, .environment = rh_process_environment(variables, 2, arena), .directory = s->directory};
    return run_command(run, &options, progress, error) && recognise(run, fetched, name, progress, error);
}
