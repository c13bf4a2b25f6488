/* Brings a physical copy into a directory for a server of ours: its files, checked, and without what belongs
 * to production alone. */
#include "pgrehearse/physical/physical.h"
#include "conf.h"
#include "control.h"
#include "copy.h"
#include "label.h"
#include "manifest.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "verify.h"
#include "wal.h"
#include "whole.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- whether it can be restored ---- */

/* Files that were copied one after the other from a running server fit together only by a recovery from where
 * the backup began, which backup_label says. */
static bool check_label(const rh_physical_facts *copy, bool atomic, rh_error *error)
{
    if (copy->label || (copy->shut_down && !copy->manifest))
        return true;
    if (copy->manifest) {
        rh_error_set(error, RH_ERROR_BACKUP,
                     "%s has a backup_manifest and no backup_label: the label was removed", copy->path);
        rh_error_hint(error,
                      "put backup_label back, or copy the backup again: without it the recovery begins at "
                      "the wrong place, and the data are damaged without a message");
    } else if (!atomic) {
        rh_error_set(
            error, RH_ERROR_BACKUP,
            "%s is of a server that was running (\"%s\"), and has no backup_label: its files may be of "
            "different moments",
            copy->path, copy->state);
        rh_error_hint(error,
                      "if it is one atomic snapshot of the data, the WAL and all tablespaces, say so: "
                      "backup.atomic_snapshot: true; else take the backup with pg_basebackup, or copy a "
                      "server that was stopped");
    } else {
        return true;
    }
    return rh_error_at(error, copy->path, 0, 0);
}

static bool take_control(rh_physical_facts *copy, const char *to, rh_control *control, rh_arena *arena,
                         rh_error *error)
{
    if (!rh_control_read(to, copy->major, control, error))
        return false;
    rh_control_record(control, copy, arena);
    copy->page_checksums = control->page_checksums;
    /* With fewer connections than production, its lock table needs more for each. */
    copy->max_prepared = control->max_prepared > 10 ? control->max_prepared : 10;
    copy->max_locks = control->max_locks > 64 ? 4 * control->max_locks : 256;
    copy->taken_at_s = control->time;
    copy->minimum_recovery = control->minimum_recovery;
    return true;
}

/* Stays as it is where the copy has none. */
static bool read_manifest(const rh_physical_facts *copy, rh_arena *arena, rh_manifest *manifest,
                          rh_error *error)
{
    const char *path = rh_arena_printf(arena, "%s/backup_manifest", copy->path);
    return !copy->manifest || rh_manifest_read(path, arena, manifest, error);
}

/* ---- WAL ---- */

/* The server's own message is that it cannot find its checkpoint. */
static bool check_system(const rh_physical_facts *copy, const char *to, const char *name,
                         const rh_control *control, rh_arena *arena, rh_error *error)
{
    uint64_t system, address;
    int64_t size;
    if (!rh_wal_segment_head(rh_arena_printf(arena, "%s/pg_wal/%s", to, name), &system, &address, &size) ||
        system == control->system_identifier || system == 0)
        return true;
    rh_error_set(error, RH_ERROR_BACKUP,
                 "the backup is of two servers: global/pg_control is of system %llu, and pg_wal/%s of %llu",
                 (unsigned long long)control->system_identifier, name, (unsigned long long)system);
    rh_error_hint(error, "copy it again: files of another server came between");
    return rh_error_at(error, copy->path, 0, 0);
}

/* *COMPLETE: all of it is there. With a restore_command, what is missing is no error. */
static bool check_wal(const rh_physical_facts *copy, const char *to, const rh_manifest *manifest,
                      const rh_control *control, bool *complete, rh_arena *arena, rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    uint64_t start = control->redo;
    const char *missing;
    if (!rh_directory_list(rh_arena_printf(arena, "%s/pg_wal", to), arena, &names, &count, error))
        return false;
    if (copy->label)
        rh_lsn_parse(copy->start_lsn, &start);
    uint32_t timeline = copy->label ? (uint32_t)copy->timeline : control->timeline;
    if (manifest->range_count > 0)
        missing = rh_wal_missing(manifest->ranges, manifest->range_count, control->segment_bytes, names,
                                 count, arena);
    else if (!copy->label && control->state == RH_CONTROL_SHUTDOWNED)
        missing = rh_wal_missing(&(rh_wal_range){timeline, control->checkpoint, control->checkpoint + 1}, 1,
                                 control->segment_bytes, names, count, arena);
    else
        missing = rh_wal_gap(timeline, start, control->segment_bytes, names, count, arena);
    *complete = !missing && (!copy->label || manifest->range_count > 0);
    const char *first =
        rh_wal_segment_name(timeline, start / control->segment_bytes, control->segment_bytes, arena);
    if (!missing || (copy->label && copy->restore_command))
        return check_system(copy, to, first, control, arena, error);
    rh_error_set(error, RH_ERROR_BACKUP, "the backup lacks the WAL segment %s, which its recovery needs",
                 missing);
    rh_error_hint(error,
                  "put it into %s from the archive, let backup.restore_command bring it, or take the "
                  "backup with its WAL (pg_basebackup --wal-method=stream)",
                  copy->tar ? "pg_wal.tar" : rh_arena_printf(arena, "%s/pg_wal", copy->path));
    return rh_error_at(error, copy->path, 0, 0);
}

bool rh_physical_check(const rh_physical_facts *copy, bool atomic, rh_error *error)
{
    rh_manifest manifest = {0};
    rh_control control;
    bool complete;
    if (copy->tar)
        return true;
    rh_arena *arena = rh_arena_new();
    bool ok = check_label(copy, atomic, error) && rh_physical_walk(copy, error) &&
              rh_control_read(copy->path, copy->major, &control, error) &&
              read_manifest(copy, arena, &manifest, error) &&
              rh_physical_check_whole(copy, copy->path, &control, error) &&
              check_wal(copy, copy->path, &manifest, &control, &complete, arena, error);
    rh_arena_free(arena);
    return ok;
}

/* ---- directories ---- */

/* A tar file's directories without files, and those that a copy may have left out. */
static bool make_directories(const char *to, rh_arena *arena, rh_error *error)
{
    static const char *const names[] = {"base",
                                        "global",
                                        "pg_commit_ts",
                                        "pg_dynshmem",
                                        "pg_logical/mappings",
                                        "pg_logical/snapshots",
                                        "pg_notify",
                                        "pg_multixact/members",
                                        "pg_multixact/offsets",
                                        "pg_replslot",
                                        "pg_serial",
                                        "pg_stat",
                                        "pg_snapshots",
                                        "pg_stat_tmp",
                                        "pg_subtrans",
                                        "pg_tblspc",
                                        "pg_twophase",
                                        "pg_xact",
                                        "pg_wal/archive_status"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++)
        ok = rh_directory_make(rh_arena_printf(arena, "%s/%s", to, names[i]), 0700, error);
    return ok;
}

/* Each tablespace that tablespace_map names must be there; an empty one has no file. */
static bool check_tablespaces(rh_physical_facts *copy, const char *to, const rh_control *control,
                              rh_arena *arena, rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    const char *map =
        rh_file_read(rh_arena_printf(arena, "%s/tablespace_map", to), 1 << 20, arena, NULL, NULL);
    for (const char *line = map; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *oid = rh_arena_strndup(arena, line, strspn(line, "0123456789"));
        if (*oid && !rh_directory_exists(rh_arena_printf(arena, "%s/pg_tblspc/%s", to, oid))) {
            rh_error_set(error, RH_ERROR_BACKUP, "the backup lacks the tablespace %.*s",
                         (int)strcspn(line, "\n"), line);
            rh_error_hint(error, "put %s.tar beside base.tar, or its directory at pg_tblspc/%s", oid, oid);
            return rh_error_at(error, copy->path, 0, 0);
        }
    }
    bool ok = rh_directory_list(rh_arena_printf(arena, "%s/pg_tblspc", to), arena, &names, &count, error);
    copy->tablespaces = (int)count;
    for (size_t i = 0; ok && i < count; i++)
        ok = rh_directory_make(
            rh_arena_printf(arena, "%s/pg_tblspc/%s/PG_%d_%u", to, names[i], copy->major, control->catalog),
            0700, error);
    return ok;
}

/* ---- production's own ---- */

static void note_settings(rh_physical_facts *copy, rh_arena *arena)
{
    static const char *const acting[] = {"archive_command",         "archive_library",
                                         "archive_cleanup_command", "restore_command",
                                         "recovery_end_command",    "primary_conninfo",
                                         "primary_slot_name",       "synchronous_standby_names",
                                         "ssl_passphrase_command",  NULL};
    static const char *const libraries[] = {"shared_preload_libraries", "session_preload_libraries",
                                            "local_preload_libraries", NULL};
    for (size_t i = 0; i < copy->setting_count; i++) {
        const rh_setting *setting = &copy->settings[i];
        if (*setting->value && rh_is_one_of(setting->name, acting))
            rh_physical_note(copy, arena, "production's %s is not taken over", setting->name);
        else if (*setting->value && rh_is_one_of(setting->name, libraries))
            rh_physical_note(copy, arena, "production's %s is not taken over: %s", setting->name,
                             setting->value);
    }
}

static void read_settings(rh_physical_facts *copy, const char *to, rh_arena *arena)
{
    static const char *const files[] = {"postgresql.conf", "postgresql.auto.conf"};
    int includes = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *text =
            rh_file_read(rh_arena_printf(arena, "%s/%s", to, files[i]), 4 << 20, arena, NULL, NULL);
        includes += text ? rh_conf_parse(text, arena, &copy->settings, &copy->setting_count) : 0;
    }
    if (includes > 0)
        rh_physical_note(copy, arena, "files that production's postgresql.conf includes are not read");
    note_settings(copy, arena);
}

/* What a server of ours needs, and nothing else: no configuration, no signal, no key, no log. */
static bool clean(rh_physical_facts *copy, const char *to, rh_arena *arena, rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    bool ok = rh_directory_list(to, arena, &names, &count, error);
    for (size_t i = 0; ok && i < count; i++) {
        if (rh_physical_is_needed(names[i]))
            continue;
        if (rh_ends_with(names[i], ".signal"))
            rh_physical_note(copy, arena, "%s removed: it does not follow production", names[i]);
        ok = rh_tree_remove(rh_arena_printf(arena, "%s/%s", to, names[i]), error);
    }
    return ok;
}

/* ---- all of it ---- */

bool rh_physical_restore(rh_physical_facts *copy, bool atomic, const char *to, rh_arena *arena,
                         const rh_progress *progress, rh_error *error)
{
    rh_manifest manifest = {0};
    rh_control control;
    if (!copy->tar && !check_label(copy, atomic, error))
        return false;
    if (!(copy->tar ? rh_physical_unpack(copy, to, arena, progress, error)
                    : rh_physical_copy_directory(copy, to, arena, progress, error)))
        return false;
    if (!make_directories(to, arena, error) || !take_control(copy, to, &control, arena, error) ||
        !check_label(copy, atomic, error) || !read_manifest(copy, arena, &manifest, error) ||
        !rh_manifest_verify(&manifest, to, progress, &copy->files_verified, error) ||
        !rh_physical_check_whole(copy, to, &control, error) ||
        !check_wal(copy, to, &manifest, &control, &copy->wal_complete, arena, error) ||
        !check_tablespaces(copy, to, &control, arena, error))
        return false;
    read_settings(copy, to, arena);
    return clean(copy, to, arena, error) &&
           rh_file_write(rh_arena_printf(arena, "%s/postgresql.auto.conf", to), "", 0, error);
}

bool rh_physical_check_recovered(const rh_physical_facts *copy, const char *to, rh_error *error)
{
    rh_control control;
    if (!rh_control_read(to, copy->major, &control, error))
        return false;
    rh_arena *arena = rh_arena_new();
    if (control.state != RH_CONTROL_SHUTDOWNED)
        rh_error_set(error, RH_ERROR_BACKUP, "its recovery did not end: the server is \"%s\"",
                     rh_control_state_name(control.state));
    else if (control.checkpoint < copy->minimum_recovery)
        rh_error_set(error, RH_ERROR_BACKUP,
                     "its WAL ends at %s, before %s, from where on its files fit together",
                     rh_lsn_format(control.checkpoint, arena), rh_lsn_format(copy->minimum_recovery, arena));
    else {
        rh_arena_free(arena);
        return true;
    }
    rh_error_hint(error, "put the WAL segments that follow into the copy's pg_wal, or take another backup");
    rh_arena_free(arena);
    return false;
}
