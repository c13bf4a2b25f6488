/* The courier. A server in standby mode, without a restore_command and without a connection, looks into
 * pg_wal again and again for the segment that it needs next, and its startup process's title says which. So
 * WAL comes to a server that is confined, and that executes nothing. */
#include "follow.h"
#include "embedded.h"
#include "isolation.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/physical/physical.h"
#include "settings.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const rh_usec LOOK = RH_SECOND / 100;
/* Without any progress: then a segment is damaged in a way that the server says nothing about. */
static const rh_usec STALL = 600 * RH_SECOND;

enum { NAME_LENGTH = 24 };
#define NONE UINT64_MAX

/* A recovery under way. */
typedef struct follower {
    rh_staging *staging;
    rh_physical_facts *copy;
    rh_wal_archive archive;
    int64_t logged_before; /* bytes of the log */
    uint64_t at;           /* number of the segment that the server reads or waits for; NONE: not known yet */
    uint64_t tried;        /* the last one that was asked for */
    bool supplied;         /* and was brought */
    rh_usec since;         /* it has been at it */
} follower;

bool rh_copy_needs_archive(const rh_staging *staging, const rh_physical_facts *copy)
{
    const rh_recovery_target *target = &staging->scenario->backup.target;
    return copy->label && copy->restore_command &&
           (target->time || target->name || target->lsn || !copy->wal_complete);
}

/* ---- the server ---- */

/* The recovery needs as many locks and prepared transactions as production had (RH_SETTINGS_RESTORE has
 * them); all else only hot_standby needs. */
static bool start(follower *f, rh_error *error)
{
    rh_staging *staging = f->staging;
    const rh_recovery_target *target = &staging->scenario->backup.target;
    const rh_setting more[] = {
        {"hot_standby", "off"},
        {"update_process_title", "on"},
        {"wal_retrieve_retry_interval", "50ms"},
        {"recovery_target_action", "promote"},
        {"recovery_target_timeline", target->time || target->name || target->lsn ? "latest" : "current"},
        {target->time   ? "recovery_target_time"
         : target->name ? "recovery_target_name"
         : target->lsn  ? "recovery_target_lsn"
                        : "recovery_target",
         target->time   ? target->time
         : target->name ? target->name
         : target->lsn  ? target->lsn
                        : "immediate"},
        /* Last, because servers before 15 do not know it. Reading ahead, one would ask for a segment while
         * the target is still to be replayed, and the archive may end there. */
        {"recovery_prefetch", "off"},
    };
    enum { FIRST_WITH_PREFETCH = 15, COUNT = sizeof more / sizeof *more };
    const rh_settings_server server = {.data = staging->cluster.data,
                                       .socket = staging->cluster.socket,
                                       .more = more,
                                       .more_count =
                                           staging->major >= FIRST_WITH_PREFETCH ? COUNT : COUNT - 1};
    const char *signal = rh_arena_printf(staging->arena, "%s/standby.signal", server.data);
    size_t count = 0;
    if (!rh_file_write(signal, "", 0, error) ||
        (staging->uid && !rh_tree_chown(signal, staging->uid, staging->gid, error)))
        return false;
    rh_process_options options = rh_isolation_options(staging);
    options.argv = rh_settings_arguments(staging, &server, &count);
    options.output_path = staging->cluster.log;
    options.no_exec = true;
    options.death_signal = SIGQUIT;
    staging->cluster.life = (rh_server_life){0}; /* nobody connects to this one */
    staging->cluster.server = rh_process_start(&options, error);
    return staging->cluster.server != NULL;
}

/* The title of the child of the server that replays WAL, in TITLE; false: there is none (yet). */
static bool read_title(const follower *f, char *title, size_t size)
{
    char path[64];
    int pid = (int)rh_process_pid(f->staging->cluster.server);
    long child;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *children = fopen(path, "re");
    while (children && !found && fscanf(children, "%ld", &child) == 1) {
        snprintf(path, sizeof path, "/proc/%ld/cmdline", child);
        FILE *command = fopen(path, "re");
        size_t length = command ? fread(title, 1, size - 1, command) : 0;
        title[length] = 0;
        found = strstr(title, "startup") != NULL;
        if (command)
            fclose(command);
    }
    if (children)
        fclose(children);
    return found;
}

/* "postgres: startup waiting for 000000010000000000000003" */
static void read_position(follower *f)
{
    char title[512];
    uint64_t number;
    if (!read_title(f, title, sizeof title))
        return;
    size_t length = strlen(title);
    while (length > 0 && title[length - 1] == ' ')
        title[--length] = 0;
    if (length < NAME_LENGTH || !rh_wal_archive_number(&f->archive, title + length - NAME_LENGTH, &number) ||
        number == f->at)
        return;
    f->at = number;
    f->since = rh_clock_monotonic();
}

/* ---- WAL ---- */

static const char *name_of(const follower *f)
{
    return rh_wal_archive_segment(&f->archive, f->archive.timeline_count - 1, f->at);
}

static const char *describe_target(const rh_staging *staging)
{
    const rh_recovery_target *target = &staging->scenario->backup.target;
    if (target->time)
        return rh_arena_printf(staging->arena, "time %s", target->time);
    if (target->name)
        return rh_arena_printf(staging->arena, "restore point %s", target->name);
    return target->lsn ? rh_arena_printf(staging->arena, "LSN %s", target->lsn) : "end of the backup";
}

/* The segment that the server needs is nowhere: a gap, or the end of the archive? */
static bool fail_missing(follower *f, rh_error *error)
{
    rh_arena *arena = f->staging->arena;
    const char *target = describe_target(f->staging), *name = name_of(f);
    const char *said =
        *f->archive.said ? rh_arena_printf(arena, " (restore_command: %s)", f->archive.said) : "";
    if (rh_wal_archive_has(&f->archive, f->at + 1)) {
        rh_error_set(
            error, RH_ERROR_BACKUP,
            "the archive lacks the WAL segment %s, although it has the next one; the recovery needs it "
            "to reach the target (%s)%s",
            name, target, said);
        return rh_error_hint(error,
                             "put it into the archive, or take a target or a backup that does not need it");
    }
    rh_error_set(error, RH_ERROR_BACKUP,
                 "the archive ends at %s, before the target (%s): it does not have the WAL segment %s%s",
                 rh_wal_archive_position(&f->archive, f->at), target, name, said);
    return rh_error_hint(error,
                         "wait until production has archived it (pg_switch_wal() ends a segment), or choose "
                         "an earlier backup.target. The backup began at %s",
                         f->copy->start_lsn);
}

/* Its log has a line that says that what it read is no WAL, of a place in the segment that it is at. */
static const char *find_damage(follower *f)
{
    static const char *const words[] = {"invalid ",     "incorrect ",  "unexpected pageaddr",
                                        "record with ", "contrecord ", "WAL file is from different"};
    const char *log = rh_file_read(f->staging->cluster.log, 0, f->staging->arena, NULL, NULL);
    const char *line = log && (int64_t)strlen(log) > f->logged_before ? log + f->logged_before : "";
    for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *text = strstr(line, "LOG:  ");
        if (!text || text > line + strcspn(line, "\n"))
            continue;
        text += strlen("LOG:  ");
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (rh_starts_with(text, words[i]))
                return rh_arena_strndup(f->staging->arena, text, strcspn(text, "\n"));
    }
    return NULL;
}

static bool fail_damaged(follower *f, const char *what, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP,
                 "the recovery ended in the WAL segment %s, before the target (%s): %s", name_of(f),
                 describe_target(f->staging), what);
    return rh_error_hint(error,
                         "the segment is damaged, or was archived before it was full: replace it in the "
                         "archive, or choose an earlier backup.target");
}

/* Brings what the server needs, once; false with an error if it cannot go on. */
static bool serve(follower *f, rh_error *error)
{
    static const rh_usec PATIENCE = 2 * RH_SECOND;
    if (f->at == NONE)
        return true;
    if (f->at != f->tried) {
        int found = rh_wal_archive_supply(&f->archive, f->at, error);
        f->tried = f->at;
        f->supplied = found > 0;
        rh_progress_update(f->staging->progress, "restore", name_of(f), f->archive.brought, -1,
                           RH_UNIT_ITEMS);
        return found >= 0;
    }
    bool there = f->supplied;
    for (size_t i = 0; !there && i < f->archive.timeline_count; i++)
        there = rh_file_exists(rh_arena_printf(f->staging->arena, "%s/pg_wal/%s", f->archive.data,
                                               rh_wal_archive_segment(&f->archive, i, f->at)));
    if (!there)
        return fail_missing(f, error);
    if (rh_clock_monotonic() - f->since < PATIENCE)
        return true;
    const char *damage = find_damage(f);
    if (damage)
        return fail_damaged(f, damage, error);
    return rh_clock_monotonic() - f->since < STALL || fail_damaged(f, "the server makes no progress", error);
}

/* ---- where it ended ---- */

/* Its last line says so when the process that replayed WAL has ended, too: until then a stop would break it
 * off. */
static bool is_ready(const follower *f)
{
    const char *path = rh_arena_printf(f->staging->arena, "%s/postmaster.pid", f->archive.data);
    const char *text = rh_file_read(path, 4096, f->staging->arena, NULL, NULL);
    return text && strstr(text, "\nready") && rh_physical_is_up(f->copy, f->archive.data);
}

/* What follows MARK in the log, up to the line's end; NULL. */
static const char *logged(const follower *f, const char *mark)
{
    const char *log = rh_file_read(f->staging->cluster.log, 0, f->staging->arena, NULL, NULL);
    const char *found =
        log && (int64_t)strlen(log) > f->logged_before ? strstr(log + f->logged_before, mark) : NULL;
    return found ? rh_arena_strndup(f->staging->copy_arena, found, strcspn(found, "\n")) : NULL;
}

static void note_end(follower *f)
{
    rh_physical_facts *copy = f->copy;
    const char *done = logged(f, "redo done at ");
    copy->recovery_target = rh_arena_strdup(f->staging->copy_arena, describe_target(f->staging));
    copy->recovery_stopped = logged(f, "recovery stopping ");
    copy->wal_brought = f->archive.brought;
    if (done) {
        done += strlen("redo done at ");
        copy->recovered_lsn = rh_arena_strndup(f->staging->copy_arena, done, strcspn(done, " "));
    }
}

/* PostgreSQL itself does not mind when no transaction ended meanwhile, and stops with the first one after the
 * backup. */
static bool check_time(const rh_staging *staging, const rh_physical_facts *copy, rh_error *error)
{
    const rh_recovery_target *target = &staging->scenario->backup.target;
    char taken[32];
    if (!target->time || target->time_s >= copy->taken_at_s)
        return true;
    rh_clock_format_utc(copy->taken_at_s * RH_SECOND, taken, sizeof taken);
    rh_error_set(error, RH_ERROR_BACKUP,
                 "the target (time %s) lies before the end of the backup, whose last checkpoint was at %s",
                 target->time, taken);
    rh_error_hint(error, "take an earlier backup, or a later backup.target");
    return rh_error_at(error, target->where.file, target->where.line, target->where.column);
}

bool rh_copy_follow(rh_staging *staging, rh_physical_facts *copy, bool *ended, rh_error *error)
{
    const rh_cluster *cluster = &staging->cluster;
    const rh_recovery_target *target = &staging->scenario->backup.target;
    follower f = {.staging = staging, .copy = copy, .at = NONE, .tried = NONE};
    f.archive = (rh_wal_archive){.copy = copy,
                                 .data = cluster->data,
                                 .scratch = rh_arena_printf(staging->arena, "%s/courier", cluster->base),
                                 .uid = staging->uid,
                                 .gid = staging->gid,
                                 .timeout = staging->scenario->backup.timeout,
                                 .arena = staging->arena};
    *ended = false;
    const char *log = rh_file_read(cluster->log, 0, staging->arena, NULL, NULL);
    f.logged_before = log ? (int64_t)strlen(log) : 0;
    if (!staging->isolation.proven)
        return rh_error_set(error, RH_ERROR_REFUSED,
                            "a recovery from the archive needs a proven isolation: %s",
                            staging->isolation.why_not);
    if (!check_time(staging, copy, error))
        return false;
    rh_progress_update(staging->progress, "restore", "recovery from the archive", -1, -1, RH_UNIT_NONE);
    if (!rh_wal_archive_open(&f.archive, target->time || target->name || target->lsn, error) ||
        !start(&f, error))
        return false;
    while (!is_ready(&f)) {
        int status;
        if (rh_process_has_ended(staging->cluster.server, &status)) {
            *ended = true;
            return false;
        }
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while the copy was recovered");
        read_position(&f);
        if (!serve(&f, error))
            return false;
        rh_clock_sleep_until(rh_clock_monotonic() + LOOK);
    }
    note_end(&f);
    return rh_embedded_halt(staging, true, error) && rh_tree_remove(f.archive.scratch, error);
}
