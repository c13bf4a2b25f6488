/* What a directory is, by the files in it. */
#include "pgrehearse/physical/physical.h"
#include "chain.h"
#include "control.h"
#include "copy.h"
#include "label.h"
#include "manifest.h"
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "tar_names.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_LABEL = 64 << 10, OLDEST = 12, NEWEST = 18 };

static bool refuse(rh_error *error, const char *path, const char *hint, const char *message)
{
    rh_error_set(error, RH_ERROR_BACKUP, "%s %s", path, message);
    rh_error_hint(error, "%s", hint);
    return rh_error_at(error, path, 0, 0);
}

/* ---- its parts ---- */

static bool take_version(rh_physical_facts *copy, const char *text, const char *path, rh_error *error)
{
    copy->major = rh_leading_int(text);
    if (copy->major >= OLDEST && copy->major <= NEWEST)
        return true;
    rh_error_set(error, RH_ERROR_BACKUP, "%s is of PostgreSQL %.*s; 12 to 18 are supported", path,
                 (int)(strcspn(text, "\r\n") < 20 ? strcspn(text, "\r\n") : 20), text);
    rh_error_hint(error, "use pg_dump of that version, whose dumps every later one restores");
    return rh_error_at(error, path, 0, 0);
}

static bool take_label(rh_physical_facts *copy, const char *text, rh_arena *arena, rh_error *error)
{
    rh_backup_label label;
    if (!rh_backup_label_parse(text, arena, &label))
        return refuse(
            error, copy->path,
            "copy the backup again: without the start of its recovery its files do not fit together",
            "has a backup_label that is damaged or cut off");
    if (label.incremental_from)
        return rh_physical_refuse_chain(copy->path, &label, error);
    copy->label = label.label ? label.label : "";
    copy->started_at = label.started_at;
    copy->from_standby = label.from_standby;
    copy->timeline = (int)label.timeline;
    copy->start_lsn = rh_lsn_format(label.start_lsn, arena);
    return true;
}

/* A server that was made from a base backup keeps its manifest, which says nothing of its files any more, and
 * renames its label. (The checksum of pg_control does not tell: with its own CRC-32C in it, it is always the
 * same.)
 */
static bool is_stale(const rh_physical_facts *copy, const rh_manifest *manifest, rh_arena *arena)
{
    rh_backup_label old;
    const char *path = rh_arena_printf(arena, "%s/backup_label.old", copy->path);
    const char *text = copy->tar || copy->label ? NULL : rh_file_read(path, LARGEST_LABEL, arena, NULL, NULL);
    if (!text || !rh_backup_label_parse(text, arena, &old))
        return false;
    for (size_t i = 0; i < manifest->range_count; i++)
        if (manifest->ranges[i].start == old.start_lsn)
            return true;
    return false;
}

static bool take_manifest(rh_physical_facts *copy, const char *path, rh_arena *arena, rh_error *error)
{
    rh_manifest manifest;
    if (!rh_file_exists(path))
        return true;
    rh_arena *scratch = rh_arena_new();
    bool ok = rh_manifest_read(path, scratch, &manifest, error);
    copy->manifest = ok && !is_stale(copy, &manifest, scratch);
    for (size_t i = 0; copy->manifest && i < manifest.file_count && !copy->manifest_algorithm; i++)
        if (manifest.files[i].checksum)
            copy->manifest_algorithm = rh_arena_strdup(arena, manifest.files[i].algorithm);
    uint64_t stop = 0;
    for (size_t i = 0; copy->manifest && i < manifest.range_count; i++)
        stop = manifest.ranges[i].end > stop ? manifest.ranges[i].end : stop;
    copy->stop_lsn = stop > 0 ? rh_lsn_format(stop, arena) : NULL;
    rh_arena_free(scratch);
    return ok;
}

/* ---- a data directory ---- */

/* postmaster.pid of a base backup or of a copy names a process of another machine or time; here, that process
 * would be a server whose data directory is this one. */
static bool is_running(const char *path, rh_arena *arena)
{
    const char *text =
        rh_file_read(rh_arena_printf(arena, "%s/postmaster.pid", path), 4096, arena, NULL, NULL);
    int pid = text ? rh_leading_int(text) : 0;
    const char *line = text ? strchr(text, '\n') : NULL;
    if (pid <= 0 || !line || (kill(pid, 0) != 0 && errno == ESRCH))
        return false;
    char *here = realpath(path, NULL);
    char *named = realpath(rh_arena_strndup(arena, line + 1, strcspn(line + 1, "\n")), NULL);
    bool same = here && named && strcmp(here, named) == 0;
    free(here);
    free(named);
    return same;
}

static bool inspect_directory(rh_physical_facts *copy, rh_arena *arena, rh_error *error)
{
    const char *path = copy->path;
    const char *version = rh_file_read(rh_arena_printf(arena, "%s/PG_VERSION", path), 64, arena, NULL, error);
    if (!version || !take_version(copy, version, path, error))
        return false;
    const char *file = rh_arena_printf(arena, "%s/backup_label", path);
    if (rh_file_exists(file)) {
        const char *label = rh_file_read(file, LARGEST_LABEL, arena, NULL, error);
        if (!label || !take_label(copy, label, arena, error))
            return false;
    }
    if (is_running(path, arena))
        return refuse(
            error, path,
            "take a base backup of it: pg_basebackup --pgdata=DIRECTORY; or stop the server and copy it",
            "is the data directory of a server that is running: its files change while they are read");
    rh_control control;
    if (!rh_control_read(path, copy->major, &control, error))
        return false;
    rh_control_record(&control, copy, arena);
    return take_manifest(copy, rh_arena_printf(arena, "%s/backup_manifest", path), arena, error);
}

/* ---- base.tar ---- */

/* The whole entry, which is small. */
static const char *read_entry(rh_archive *archive, rh_arena *arena, rh_error *error)
{
    char *text = rh_arena_alloc(arena, LARGEST_LABEL + 1);
    int64_t length = 0, n;
    while (length < LARGEST_LABEL &&
           (n = rh_archive_read(archive, text + length, (size_t)(LARGEST_LABEL - length), error)) != 0) {
        if (n < 0)
            return NULL;
        length += n;
    }
    return text;
}

/* backup_label is its first entry; a PG_VERSION comes with each database's directory. */
static bool inspect_base(rh_physical_facts *copy, const char *file, rh_arena *arena, rh_error *error)
{
    rh_archive *archive = rh_archive_open(file, error);
    const char *name;
    int64_t size;
    int more = 1;
    bool ok = archive != NULL;
    if (ok)
        copy->compression = rh_archive_compression(archive);
    while (ok && copy->major == 0 && (more = rh_archive_next(archive, &name, &size, error)) > 0) {
        name += rh_starts_with(name, "./") ? 2 : 0;
        const char *base = rh_base_name(name);
        bool version = strcmp(base, "PG_VERSION") == 0, label = strcmp(name, "backup_label") == 0;
        if (rh_physical_is_incremental(name))
            ok = rh_physical_refuse_incremental(copy->path, copy->path, error);
        const char *text = ok && (version || label) ? read_entry(archive, arena, error) : NULL;
        if (version || label)
            ok = text && (version ? take_version(copy, text, copy->path, error)
                                  : take_label(copy, text, arena, error));
    }
    rh_archive_close(archive);
    if (ok && more == 0)
        return refuse(error, file, "name the directory that pg_basebackup --format=tar wrote",
                      "is no base backup: no entry of it is PG_VERSION");
    return ok && more > 0;
}

bool rh_physical_recognise(const char *path, rh_arena *arena, rh_physical_facts **found, rh_error *error)
{
    const char *base = rh_tar_find(path, "base", arena);
    bool plain = rh_file_exists(rh_arena_printf(arena, "%s/PG_VERSION", path)) &&
                 rh_directory_exists(rh_arena_printf(arena, "%s/global", path));
    *found = NULL;
    if (!plain && !base)
        return true;
    rh_physical_facts *copy = rh_arena_alloc(arena, sizeof *copy);
    *copy = (rh_physical_facts){.path = rh_arena_strdup(arena, path), .tar = !plain, .compression = "none"};
    bool ok = plain
                  ? inspect_directory(copy, arena, error)
                  : inspect_base(copy, base, arena, error) &&
                        take_manifest(copy, rh_arena_printf(arena, "%s/backup_manifest", path), arena, error);
    if (ok)
        *found = copy;
    return ok;
}
