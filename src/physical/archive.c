/* WAL from production's archive: the user's restore_command brings each file, outside of the confinement, and
 * only a file that is what it should be comes into pg_wal. */
#include "pgrehearse/physical/physical.h"
#include "conf.h"
#include "control.h"
#include "label.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "wal.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_HISTORY = 1 << 20, LONGEST_SAID = 300 };

/* ---- one file ---- */

/* %f, %p, %r and %%, as PostgreSQL fills them in. */
static const char *fill(const char *command, const char *name, const char *path, rh_arena *arena)
{
    rh_text text = {0};
    for (const char *at = command; *at; at++) {
        char next = *at == '%' ? at[1] : 0;
        const char *value = next == 'f'   ? name
                            : next == 'p' ? path
                            : next == 'r' ? name
                            : next == '%' ? "%"
                                          : NULL;
        if (value) {
            rh_text_append(&text, value);
            at++;
        } else {
            rh_text_append_char(&text, *at);
        }
    }
    const char *filled = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return filled;
}

/* The last line that it wrote, without secrets; "" when there is none. */
static void note_said(rh_wal_archive *archive, const rh_process *process)
{
    const char *errors = rh_process_errors(process), *text = *errors ? errors : rh_process_output(process);
    const char *last = "";
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        last = line[strcspn(line, "\r\n")] || *line != '\n' ? line : last;
    char *redacted = rh_redact_line(rh_arena_strndup(archive->arena, last, strcspn(last, "\r\n")));
    archive->said = rh_arena_printf(archive->arena, "%.*s", LONGEST_SAID, redacted);
    free(redacted);
}

/* Runs it for NAME. 1: PATH is there; 0: the archive does not have it; -1 with an error. Its status means
 * what it means to PostgreSQL: up to 125, the file is not there. */
static int bring(rh_wal_archive *archive, const char *name, const char *path, rh_error *error)
{
    enum { LAST_ABSENT = 125 };
    int status = 0;
    const char *line = fill(archive->copy->restore_command, name, path, archive->arena);
    const char *argv[] = {"/bin/sh", "-c", line, NULL};
    const char *environment[] = {rh_arena_printf(archive->arena, "PGDATA=%s", archive->copy->path), NULL};
    rh_process *process = rh_process_start(
        &(rh_process_options){
            .argv = argv, .environment = environment, .directory = archive->copy->restore_directory},
        error);
    rh_error own = {0};
    bool ok = process && rh_process_wait(process, archive->timeout, &status, &own);
    if (process)
        note_said(archive, process);
    rh_process_free(process);
    if (!ok && own.code == RH_ERROR_SLOW)
        rh_error_set(error, RH_ERROR_BACKUP, "restore_command did not end within backup.timeout for %s",
                     name);
    else if (!ok && process)
        rh_error_move(error, &own);
    rh_error_release(&own);
    if (!ok)
        return -1;
    if (status > LAST_ABSENT) {
        rh_error_set(error, RH_ERROR_BACKUP, "restore_command ended with %s %d for %s: %s",
                     status > 128 ? "signal" : "status", status > 128 ? status - 128 : status, name,
                     *archive->said ? archive->said : "it said nothing");
        rh_error_hint(error, "run it by hand: it takes a file's name (%%f) and the path to write (%%p)");
        return -1;
    }
    return status == 0 && rh_file_exists(path) ? 1 : 0;
}

/* ---- a segment ---- */

static bool refuse(const char *name, const char *what, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "the WAL segment %s that restore_command brought %s", name, what);
    return rh_error_hint(error, "is it the archive of this server, and was the segment archived whole?");
}

/* The long header of its first page: of this system, at this place. */
static bool check_segment(const rh_wal_archive *archive, const char *name, uint64_t number, const char *path,
                          rh_error *error)
{
    uint64_t address, system;
    int64_t size = 0;
    if (!rh_wal_segment_head(path, &system, &address, &size) || size != archive->segment_bytes)
        return refuse(name,
                      rh_arena_printf(archive->arena, "has %lld bytes instead of %u", (long long)size,
                                      archive->segment_bytes),
                      error);
    if (system != archive->system_identifier)
        return refuse(name, "is of another server: its system identifier differs", error);
    return address == number * archive->segment_bytes ||
           refuse(name, "is another one: its first page has another address", error);
}

/* Into the server's directory, of which no part may be a link by now. */
static bool place(const rh_wal_archive *archive, const char *name, const char *path, rh_error *error)
{
    int data = open(archive->data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int wal = data < 0 ? -1 : openat(data, "pg_wal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = wal >= 0 && chmod(path, 0600) == 0 &&
              (!archive->uid || chown(path, archive->uid, archive->gid) == 0) &&
              renameat(AT_FDCWD, path, wal, name) == 0;
    if (!ok)
        rh_error_errno(error, errno, "cannot put %s into pg_wal", name);
    if (wal >= 0)
        close(wal);
    if (data >= 0)
        close(data);
    return ok;
}

static int supply_of(rh_wal_archive *archive, uint32_t timeline, uint64_t number, rh_error *error)
{
    const char *name = rh_wal_segment_name(timeline, number, archive->segment_bytes, archive->arena);
    const char *path = rh_arena_printf(archive->arena, "%s/%s", archive->scratch, name);
    int found = bring(archive, name, path, error);
    if (found > 0 &&
        !(check_segment(archive, name, number, path, error) && place(archive, name, path, error)))
        found = -1;
    archive->brought += found > 0;
    return found;
}

int rh_wal_archive_supply(rh_wal_archive *archive, uint64_t number, rh_error *error)
{
    int found = 0;
    for (size_t i = archive->timeline_count; i-- > 0 && found == 0;)
        found = supply_of(archive, archive->timelines[i], number, error);
    return found;
}

bool rh_wal_archive_has(rh_wal_archive *archive, uint64_t number)
{
    for (size_t i = 0; i < archive->timeline_count; i++) {
        const char *name =
            rh_wal_segment_name(archive->timelines[i], number, archive->segment_bytes, archive->arena);
        const char *path = rh_arena_printf(archive->arena, "%s/%s", archive->scratch, name);
        bool there = rh_file_exists(rh_arena_printf(archive->arena, "%s/pg_wal/%s", archive->data, name)) ||
                     bring(archive, name, path, NULL) > 0;
        unlink(path);
        if (there)
            return true;
    }
    return false;
}

const char *rh_wal_archive_segment(const rh_wal_archive *archive, size_t timeline, uint64_t number)
{
    return rh_wal_segment_name(archive->timelines[timeline], number, archive->segment_bytes, archive->arena);
}

/* ---- timelines ---- */

static void add_timeline(rh_wal_archive *archive, uint32_t timeline)
{
    *rh_arena_add(archive->arena, &archive->timelines, &archive->timeline_count) = timeline;
}

/* Ancestors are the first numbers of the history's lines, the oldest first. */
static void take_history(rh_wal_archive *archive, const char *text, uint32_t newest)
{
    archive->timeline_count = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        uint32_t timeline = (uint32_t)strtoul(line, NULL, 10);
        if (timeline >= archive->first_timeline && timeline < newest)
            add_timeline(archive, timeline);
    }
    add_timeline(archive, newest);
}

/* Like PostgreSQL: the next number that has no history is the end. */
static bool find_timelines(rh_wal_archive *archive, rh_error *error)
{
    for (uint32_t next = archive->first_timeline + 1;; next++) {
        const char *name = rh_arena_printf(archive->arena, "%08X.history", next);
        const char *path = rh_arena_printf(archive->arena, "%s/%s", archive->scratch, name);
        const char *inside = rh_arena_printf(archive->arena, "%s/pg_wal/%s", archive->data, name);
        int found = bring(archive, name, path, error);
        if (found < 0 || (found == 0 && !rh_file_exists(inside)))
            return found == 0;
        const char *text =
            rh_file_read(found > 0 ? path : inside, LARGEST_HISTORY, archive->arena, NULL, error);
        if (!text || (found > 0 && !place(archive, name, path, error)))
            return false;
        take_history(archive, text, next);
    }
}

bool rh_wal_archive_open(rh_wal_archive *archive, bool newest_timeline, rh_error *error)
{
    rh_control control;
    if (!rh_control_read(archive->data, archive->copy->major, &control, error) ||
        !rh_directory_make(archive->scratch, 0700, error))
        return false;
    archive->segment_bytes = control.segment_bytes;
    archive->system_identifier = control.system_identifier;
    archive->first_timeline = (uint32_t)archive->copy->timeline;
    archive->said = "";
    add_timeline(archive, archive->first_timeline);
    return !newest_timeline || find_timelines(archive, error);
}

const char *rh_wal_archive_position(const rh_wal_archive *archive, uint64_t number)
{
    return rh_lsn_format(number * archive->segment_bytes, archive->arena);
}

bool rh_wal_archive_number(const rh_wal_archive *archive, const char *name, uint64_t *number)
{
    uint32_t timeline;
    return rh_wal_segment_parse(name, archive->segment_bytes, &timeline, number);
}

/* Written after the mark of the directory that the copy was restored into? */
static bool is_newer(const rh_physical_facts *copy, const char *name, rh_arena *arena)
{
    struct stat mark, file;
    return stat(rh_arena_printf(arena, "%s/mark", copy->within), &mark) == 0 &&
           lstat(rh_arena_printf(arena, "%s/%s", copy->path, name), &file) == 0 && S_ISREG(file.st_mode) &&
           (file.st_mtim.tv_sec > mark.st_mtim.tv_sec ||
            (file.st_mtim.tv_sec == mark.st_mtim.tv_sec && file.st_mtim.tv_nsec >= mark.st_mtim.tv_nsec));
}

void rh_physical_take_restore_command(rh_physical_facts *copy, rh_arena *arena)
{
    static const char file[] = "postgresql.auto.conf";
    rh_setting *settings = NULL;
    size_t count = 0;
    bool signal = is_newer(copy, "recovery.signal", arena) || is_newer(copy, "standby.signal", arena);
    const char *text =
        signal && is_newer(copy, file, arena)
            ? rh_file_read(rh_arena_printf(arena, "%s/%s", copy->path, file), 4 << 20, arena, NULL, NULL)
            : NULL;
    if (text)
        rh_conf_parse(text, arena, &settings, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].name, "restore_command") == 0 && *settings[i].value) {
            copy->restore_command = settings[i].value;
            copy->restore_directory = copy->path;
        }
}

bool rh_physical_is_up(const rh_physical_facts *copy, const char *data)
{
    rh_control control;
    return rh_control_read(data, copy->major, &control, NULL) && control.state == RH_CONTROL_IN_PRODUCTION;
}
