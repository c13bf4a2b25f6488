#include "run_directory.h"
#include "pgrehearse/adapters/files.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char INCOMPLETE[] =
    "This run did not complete, or is still in progress: these files are not a complete report.\n";

/* "2026-11-22T121403Z", with "-2" and so on when two runs start in the same second. */
static bool make_default(rh_run *run, rh_error *error)
{
    char stamp[32], cwd[4096];
    rh_clock_format_utc(run->started_wall, stamp, sizeof stamp);
    char *out = stamp;
    for (const char *in = stamp; *in && *in != '.'; in++)
        if (*in != ':')
            *out++ = *in;
    *out++ = 'Z';
    *out = 0;
    if (!getcwd(cwd, sizeof cwd))
        return rh_error_errno(error, errno, "the working directory cannot be determined");
    const char *parent = rh_arena_printf(run->arena, "%s/reports/runs/%s", cwd, run->scenario->name);
    if (!rh_directory_make(parent, 0755, error))
        return false;
    for (int attempt = 1; attempt < 1000; attempt++) {
        run->id = attempt == 1 ? rh_arena_strdup(run->arena, stamp)
                               : rh_arena_printf(run->arena, "%s-%d", stamp, attempt);
        run->directory = rh_arena_printf(run->arena, "%s/%s", parent, run->id);
        if (mkdir(run->directory, 0755) == 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    return rh_error_errno(error, errno, "cannot create the run directory %s", run->directory);
}

static bool make_given(rh_run *run, const char *output, rh_error *error)
{
    char **names;
    size_t count = 0;
    char cwd[4096];
    if (rh_directory_exists(output)) {
        if (!rh_directory_list(output, run->arena, &names, &count, error))
            return false;
        if (count > 0) {
            rh_error_set(error, RH_ERROR_USAGE, "--output %s is not empty", output);
            return rh_error_hint(error, "name a new directory: two runs never share one");
        }
    } else if (!rh_directory_make(output, 0755, error)) {
        return false;
    }
    if (output[0] == '/')
        run->directory = rh_arena_strdup(run->arena, output);
    else if (getcwd(cwd, sizeof cwd))
        run->directory = rh_arena_printf(run->arena, "%s/%s", cwd, output);
    else
        return rh_error_errno(error, errno, "the working directory cannot be determined");
    const char *slash = strrchr(run->directory, '/');
    run->id = slash && slash[1] ? slash + 1 : run->directory;
    return true;
}

static const char *inside(const rh_run *run, const char *name)
{
    return rh_arena_printf(run->arena, "%s/%s", run->directory, name);
}

/* What cannot be written there is wrong usage, as nothing has started; a full disk is not. */
static bool fail_usage(const char *output, rh_error *error)
{
    if (!error || error->code != RH_ERROR_IO)
        return false;
    error->code = RH_ERROR_USAGE;
    return rh_error_hint(
        error, output ? "name a directory that can be created and written: --output DIRECTORY"
                      : "run it in a directory that can be written, or name one: --output DIRECTORY");
}

bool rh_run_directory_make(rh_run *run, const char *output, rh_error *error)
{
    if (!(output ? make_given(run, output, error) : make_default(run, error)))
        return fail_usage(output, error);
    /* Under its own name from the beginning: a run that is killed here leaves no other file. */
    bool ok = rh_file_append(inside(run, "INCOMPLETE"), INCOMPLETE, sizeof INCOMPLETE - 1, error) &&
              rh_directory_make(inside(run, "samples"), 0755, error) &&
              rh_directory_make(inside(run, "log"), 0755, error);
    return ok || fail_usage(output, error);
}

bool rh_run_directory_complete(const rh_run *run, rh_error *error)
{
    if (unlink(inside(run, "INCOMPLETE")) != 0)
        return rh_error_errno(error, errno, "cannot mark %s complete", run->directory);
    return true;
}

static void report(void *user, const rh_progress_event *event)
{
    static const char *const kinds[] = {"begin", "update", "end", "note", "detail"};
    rh_run_log *log = user;
    char stamp[32];
    if (event->kind != RH_PROGRESS_UPDATE && log->file) {
        fprintf(log->file, "%s %s %s: %s\n", rh_clock_format_utc(rh_clock_wall(), stamp, sizeof stamp),
                kinds[event->kind], event->stage, event->detail ? event->detail : "");
        fflush(log->file);
    }
    if (log->next && log->next->report)
        log->next->report(log->next->user, event);
}

bool rh_run_log_open(rh_run_log *log, const rh_run *run, const rh_progress *next, rh_error *error)
{
    const char *path = inside(run, "log/pgrehearse.log");
    log->next = next;
    log->progress = (rh_progress){.report = report, .user = log};
    log->file = fopen(path, "ae");
    return log->file ? true : rh_error_errno(error, errno, "cannot write %s", path);
}

void rh_run_log_close(rh_run_log *log)
{
    if (log->file)
        fclose(log->file);
    log->file = NULL;
}
