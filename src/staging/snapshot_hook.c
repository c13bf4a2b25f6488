/* The programs change the data directory behind our back. Therefore what a reset left is compared with what
 * was there: every file by kind, mode, owner, size and modification time, pg_control by its bytes, and a file
 * of ours that is changed as soon as the snapshot is taken, and must be back as it was. */
#include "snapshot_hook.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "snapshot.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VARIABLES = 2 };

static const char TAKEN[] = "as in the snapshot\n", WRITTEN[] = "written since the snapshot\n";

static bool at_snapshot(const rh_staging *staging, rh_error *error)
{
    const rh_location *where = &staging->scenario->staging.snapshot.where;
    return rh_error_at(error, where->file, where->line, where->column);
}

/* ---- the programs ---- */

static const char *last_line(rh_arena *arena, const char *text)
{
    const char *line = "", *at = text;
    for (; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (at[strspn(at, " \t\r")] != '\n' && at[strspn(at, " \t\r")])
            line = at;
    return rh_arena_strndup(arena, line, strcspn(line, "\n"));
}

/* What it said last, without passwords. */
static const char *last_words(rh_arena *arena, const rh_process *process)
{
    const char *errors = last_line(arena, rh_process_errors(process));
    const char *line = *errors ? errors : last_line(arena, rh_process_output(process));
    char *redacted = rh_redact_line(line);
    const char *words = rh_arena_strdup(arena, redacted && *redacted ? redacted : "it said nothing");
    free(redacted);
    return words;
}

static bool explain(rh_staging *staging, const char *key, const char *name, const rh_process *process,
                    int status, rh_error *failed, rh_error *error)
{
    char limit[32];
    const char *words = last_words(staging->arena, process);
    if (failed->code == RH_ERROR_SLOW) {
        rh_duration_format(rh_seconds(staging->scenario->staging.snapshot.timeout), limit, sizeof limit);
        rh_error_set(error, RH_ERROR_STAGING,
                     "staging.snapshot.%s: %s did not end within %s, and was ended: %s", key, name, limit,
                     words);
        rh_error_hint(error, "does it wait for an answer or a password? It has no terminal. Else set "
                             "staging.snapshot.timeout to a longer time");
    } else if (rh_error_is_set(failed)) {
        rh_error_move(error, failed);
    } else {
        rh_error_set(error, RH_ERROR_STAGING, "staging.snapshot.%s: %s ended with %s %d: %s", key, name,
                     status > 128 ? "signal" : "status", status > 128 ? status - 128 : status, words);
        rh_error_hint(error,
                      "it gets the data directory as $PGDATA, and $PGREHEARSE_ID to name the snapshot by");
    }
    rh_error_release(failed);
    return at_snapshot(staging, error);
}

static bool run(rh_staging *staging, const char *key, const char *const *command, rh_error *error)
{
    const char *const variables[VARIABLES][2] = {{"PGDATA", staging->cluster.data},
                                                 {"PGREHEARSE_ID", staging->id}};
    const rh_process_options options = {
        .argv = rh_process_arguments(command, variables, VARIABLES, staging->arena),
        .environment = rh_process_environment(variables, VARIABLES, staging->arena),
        .directory = staging->scenario->directory};
    rh_error failed = {0};
    int status = 0;
    rh_process *process = rh_process_start(&options, error);
    if (!process)
        return at_snapshot(staging, error);
    bool ok = rh_process_wait(process, staging->scenario->staging.snapshot.timeout, &status, &failed) &&
              status == 0;
    if (!ok)
        explain(staging, key, rh_base_name(command[0]), process, status, &failed, error);
    rh_process_free(process);
    return ok;
}

/* ---- whether the old state is back ---- */

static const char *marker_of(rh_staging *staging)
{
    return rh_arena_printf(staging->arena, "%s/pgrehearse.snapshot", staging->cluster.data);
}

/* The server opens every file of its directory after a crash. */
static bool write_marker(rh_staging *staging, const char *text, rh_error *error)
{
    const char *path = marker_of(staging);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && rh_write_all(fd, text, strlen(text)) &&
              (!staging->uid || fchown(fd, staging->uid, staging->gid) == 0);
    if (!ok)
        rh_error_errno(error, errno, "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool control_digest(rh_staging *staging, char digest[65], rh_error *error)
{
    return rh_sha256_path(rh_arena_printf(staging->arena, "%s/global/pg_control", staging->cluster.data),
                          digest, NULL, NULL, "", error);
}

/* A sentence; NULL: it is as when the snapshot was taken. False: it could not be read. */
static bool compare(rh_staging *staging, const char **difference, rh_error *error)
{
    const rh_cluster *cluster = &staging->cluster;
    char digest[65] = "";
    struct stat status;
    *difference = NULL;
    if (lstat(cluster->data, &status) != 0)
        return rh_error_errno(error, errno, "cannot read %s", cluster->data);
    const char *marker = rh_file_read(marker_of(staging), 256, staging->arena, NULL, NULL);
    if (!S_ISDIR(status.st_mode))
        *difference = "it is no directory";
    else if (marker && strcmp(marker, WRITTEN) == 0)
        *difference = "what was written since the snapshot is still there";
    else if (!marker || strcmp(marker, TAKEN) != 0)
        *difference = "pgrehearse.snapshot, a file of its own, is missing";
    if (*difference)
        return true;
    rh_tree_state *now = rh_tree_state_read(cluster->data, error);
    bool ok = now != NULL;
    if (ok)
        *difference = rh_tree_state_difference(cluster->state, now, staging->arena);
    rh_tree_state_free(now);
    if (ok && !*difference) {
        ok = control_digest(staging, digest, error);
        if (ok && strcmp(digest, cluster->control) != 0)
            *difference = "global/pg_control has other bytes";
    }
    return ok;
}

static bool check(rh_staging *staging, const char *key, const char *what, rh_error *error)
{
    const char *difference;
    bool ok = compare(staging, &difference, error);
    if (!ok) {
        rh_error_context(error, "after staging.snapshot.%s", key);
    } else if (difference) {
        ok = rh_error_set(error, RH_ERROR_STAGING, "staging.snapshot.%s %s: %s", key, what, difference);
        rh_error_hint(error,
                      "every file of $PGDATA must be as it was, with its owner, mode and modification time "
                      "(cp -a, rsync -a --delete)");
    }
    return ok || at_snapshot(staging, error);
}

/* ---- the hooks ---- */

bool rh_snapshot_hook_take(rh_staging *staging, rh_error *error)
{
    rh_cluster *cluster = &staging->cluster;
    if (!rh_tree_bytes(cluster->data, &staging->snapshot_bytes, error) ||
        !write_marker(staging, TAKEN, error) || !control_digest(staging, cluster->control, error))
        return false;
    rh_snapshot_sync(staging);
    if (!rh_snapshot_record(cluster->data, &cluster->state, error))
        return false;
    cluster->hooked = true; /* one that failed may have left something to remove */
    if (!run(staging, "take", staging->scenario->staging.snapshot.take, error) ||
        !check(staging, "take", "changed the data directory", error))
        return false;
    staging->reset_method = "staging.snapshot";
    return write_marker(staging, WRITTEN, error);
}

bool rh_snapshot_hook_reset(rh_staging *staging, rh_error *error)
{
    if (!run(staging, "reset", staging->scenario->staging.snapshot.reset, error) ||
        !check(staging, "reset", "did not bring the data directory of the snapshot back", error) ||
        !write_marker(staging, WRITTEN, error))
        return false;
    rh_snapshot_sync(staging);
    return true;
}

void rh_snapshot_hook_remove(rh_staging *staging)
{
    rh_error failed = {0};
    const char **command = staging->scenario->staging.snapshot.remove;
    if (!staging->cluster.hooked || !command)
        return;
    staging->cluster.hooked = false;
    if (!run(staging, "remove", (const char *const *)command, &failed))
        rh_progress_note(staging->progress, "staging", "%s", failed.message);
    rh_error_release(&failed);
}
