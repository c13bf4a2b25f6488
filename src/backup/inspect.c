/* Determines the format of a backup by its content. */
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/backup/backup.h"
#include "cluster_dump.h"
#include "csv_export.h"
#include "database.h"
#include "dump_stream.h"
#include "file_type.h"
#include "toc.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/physical/physical.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char stage[] = "backup";

static bool no_backup(rh_error *error, const char *path, const char *what, const char *hint)
{
    rh_error_set(error, RH_ERROR_BACKUP, "%s is not a PostgreSQL dump: it appears to be %s", path, what);
    rh_error_hint(error, "%s", hint);
    return rh_error_at(error, path, 0, 0);
}

/* ---- pg_dump's own formats ---- */

static bool check_toc(const rh_toc *toc, rh_arena *arena, rh_backup_facts *facts, const rh_progress *progress,
                      rh_error *error)
{
    static const rh_backup_shape shapes[] = {[RH_TOC_CUSTOM] = RH_SHAPE_PGDUMP_CUSTOM,
                                             [RH_TOC_TAR] = RH_SHAPE_PGDUMP_TAR,
                                             [RH_TOC_DIRECTORY] = RH_SHAPE_PGDUMP_DIRECTORY};
    rh_backup_shape found = facts->shape;
    facts->shape = shapes[toc->format];
    if (facts->shape != found)
        return no_backup(error, facts->path, "one file of a pg_dump backup that has several",
                         "name the directory (or the tar file) that pg_dump wrote");
    facts->compression = toc->compression;
    facts->archive_version = rh_arena_printf(arena, "%d.%d", toc->version_major, toc->version_minor);
    facts->dump_version = *toc->dump_version ? rh_arena_strdup(arena, toc->dump_version) : NULL;
    facts->server_major = rh_leading_int(toc->server_version);
    rh_database_read_toc(toc, arena, &facts->database);
    rh_progress_update(progress, stage, "checking that all data are there", -1, -1, RH_UNIT_NONE);
    return rh_toc_check_entries(facts->path, toc, error) &&
           rh_toc_check(facts->path, toc, facts->sha256, progress, stage, error);
}

/* The table of contents itself is not kept: it may be large. */
static bool inspect_toc(rh_arena *arena, rh_backup_facts *facts, const rh_progress *progress, rh_error *error)
{
    rh_arena *scratch = rh_arena_new();
    rh_toc toc;
    bool fine =
        rh_toc_read_path(facts->path, scratch, &toc, error) && check_toc(&toc, arena, facts, progress, error);
    rh_arena_free(scratch);
    return fine;
}

/* ---- plain SQL, bare or inside of something ---- */

/* The version behind LABEL in the comments at the start of the dump. */
static const char *version_after(const char *head, const char *label, rh_arena *arena)
{
    const char *found = strstr(head, label);
    if (!found)
        return NULL;
    found += strlen(label);
    size_t length = strcspn(found, "\r\n");
    return length > 0 && length < 100 ? rh_arena_strndup(arena, found, length) : NULL;
}

static bool inspect_plain(const char *head, rh_arena *arena, rh_backup_facts *facts,
                          const rh_progress *progress, rh_error *error)
{
    facts->shape = RH_SHAPE_PLAIN;
    facts->dump_version = version_after(head, "Dumped by pg_dump version ", arena);
    if (!facts->dump_version)
        facts->dump_version = version_after(head, "Dumped by pg_dumpall version ", arena);
    const char *server = version_after(head, "Dumped from database version ", arena);
    facts->server_major = server ? rh_leading_int(server) : 0;
    if (strstr(head, "-- PostgreSQL database cluster dump"))
        return rh_cluster_dump_choose(facts, arena, progress, stage, error);
    return rh_database_read_plain(facts, arena, error);
}

/* ---- a folder of CSV files ---- */

/* The beginning of the definitions has their versions. */
static bool inspect_csv(rh_arena *arena, rh_backup_facts *facts, const rh_progress *progress, rh_error *error)
{
    char *head = rh_alloc(RH_HEAD_SIZE + 1);
    bool fine = rh_csv_read_head(facts->csv->definitions, head, error) >= 0 &&
                inspect_plain(head, arena, facts, progress, error) &&
                rh_csv_check(facts->csv, arena, progress, stage, error);
    free(head);
    facts->shape = RH_SHAPE_CSV;
    if (fine)
        facts->compression = facts->csv->compression;
    return fine;
}

/* ---- directories ---- */

static bool take_physical(rh_backup_facts *facts)
{
    const rh_physical_facts *copy = facts->physical;
    facts->shape = copy->tar ? RH_SHAPE_BASE_BACKUP_TAR : RH_SHAPE_DATA_DIRECTORY;
    facts->container = copy->tar ? "tar" : "none";
    facts->compression = copy->compression;
    facts->server_major = copy->major;
    return true;
}

static bool inspect_directory(const char *path, rh_arena *arena, rh_backup_facts *facts,
                              const rh_progress *progress, rh_error *error)
{
    static const struct {
        const char *file, *what, *hint;
    } known[] = {
        {"PG_VERSION", "a part of a server's data directory",
         "name the data directory itself, with global/ in it"},
        {"backup_manifest", "a pg_basebackup without its files",
         "name the directory that has base.tar or PG_VERSION"},
        {"backup.info", "a pgBackRest or Barman repository",
         "let the tool restore it into an empty directory, and name that directory"},
    };
    facts->shape = RH_SHAPE_PGDUMP_DIRECTORY;
    if (rh_file_exists(rh_arena_printf(arena, "%s/toc.dat", path)))
        return inspect_toc(arena, facts, progress, error);
    if (!rh_physical_recognise(path, arena, &facts->physical, error))
        return false;
    if (facts->physical)
        return take_physical(facts);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (rh_file_exists(rh_arena_printf(arena, "%s/%s", path, known[i].file)))
            return no_backup(error, path, known[i].what, known[i].hint);
    if (!rh_csv_recognise(path, arena, &facts->csv, error))
        return false;
    if (facts->csv)
        return inspect_csv(arena, facts, progress, error);
    return no_backup(
        error, path, "a directory without pg_dump's toc.dat",
        "name a file, or a directory that pg_dump --format=directory wrote, or one of CSV files");
}

/* What the walk over the entries of a file has seen. */
typedef struct walk {
    rh_text candidates; /* names of entries that are SQL, ", " between; not more than MOST_NAMED */
    size_t candidate_count, entry_count;
    bool base_backup, damaged;
    rh_text first_head, sql_head; /* of the first entry, and of the first that is SQL */
    char head[RH_HEAD_SIZE];      /* of the current one */
} walk;

enum { MOST_NAMED = 8 };

static bool inspect_entry(rh_archive *archive, const char *name, rh_arena *arena, rh_backup_facts *facts,
                          walk *seen, rh_error *error)
{
    char *head = seen->head;
    int64_t length = 0, n = 1;
    while (length < RH_HEAD_SIZE &&
           (n = rh_archive_read(archive, head + length, (size_t)(RH_HEAD_SIZE - length), error)) > 0)
        length += n;
    if (n < 0)
        return false;
    const char *base = rh_base_name(name);
    seen->base_backup =
        seen->base_backup || strcmp(base, "PG_VERSION") == 0 || strcmp(base, "backup_label") == 0;
    if (seen->entry_count++ == 0)
        rh_text_append_bytes(&seen->first_head, head, (size_t)length);
    if (!rh_is_sql_dump(head, (size_t)length))
        return true;
    if (seen->candidate_count++ == 0) {
        rh_text_append_bytes(&seen->sql_head, head, (size_t)length);
        facts->entry = *name ? rh_arena_strdup(arena, name) : NULL;
    }
    if (seen->candidate_count <= MOST_NAMED)
        rh_text_printf(&seen->candidates, "%s%s", seen->candidate_count > 1 ? ", " : "", name);
    return true;
}

/* No entry is SQL: what is it instead? */
static bool explain(const char *path, const rh_backup_facts *facts, const walk *seen, rh_error *error)
{
    const char *hint,
        *what = rh_describe_file_type(rh_text_string(&seen->first_head), seen->first_head.length, &hint);
    bool packed = strcmp(facts->compression, "none") != 0, contained = strcmp(facts->container, "none") != 0;
    rh_text all = {0};
    if (seen->base_backup) {
        rh_text_append(&all, "a pg_basebackup in a tar file (it has PG_VERSION)");
        hint = "name the directory that holds base.tar, or unpack it and name the data directory";
    } else if (contained) {
        rh_text_printf(&all, "a %s%s%s file in which no entry is SQL (the first is %s)",
                       packed ? facts->compression : "", packed ? "-compressed " : "", facts->container,
                       seen->entry_count ? what : "missing");
    } else if (packed) {
        rh_text_printf(&all, "%s data that hold %s", facts->compression,
                       seen->entry_count ? what : "nothing");
    } else {
        rh_text_append(&all, what);
    }
    no_backup(error, path, all.data, hint);
    rh_text_release(&all);
    return false;
}

static bool several(const char *path, const walk *seen, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "%s holds %zu files that may be the dump: %s%s", path,
                 seen->candidate_count, rh_text_string(&seen->candidates),
                 seen->candidate_count > MOST_NAMED ? " …" : "");
    rh_error_hint(error, "unpack it and name the one that is the dump");
    return rh_error_at(error, path, 0, 0);
}

static bool inspect_file(const char *path, rh_arena *arena, rh_backup_facts *facts,
                         const rh_progress *progress, rh_error *error)
{
    const char *name;
    int64_t size;
    int more = 0;
    bool fine = false, is_toc = false;
    rh_archive *archive = rh_archive_open(path, error);
    if (!archive)
        return false;
    walk *seen = rh_alloc(sizeof *seen);
    memset(seen, 0, sizeof *seen);
    facts->compression = rh_archive_compression(archive);
    facts->container = rh_archive_container(archive);
    bool contained = strcmp(facts->container, "none") != 0;
    while ((more = rh_archive_next(archive, &name, &size, error)) > 0) {
        bool toc_name = strcmp(name, "toc.dat") == 0;
        if (!inspect_entry(archive, name, arena, facts, seen, error)) {
            seen->damaged = true;
            break;
        }
        is_toc = seen->entry_count == 1 && (toc_name || !contained) &&
                 rh_starts_with(rh_text_string(&seen->first_head), "PGDMP");
        if (is_toc || !contained)
            break;
    }
    bool whole = more >= 0 && !seen->damaged;
    rh_archive_close(archive);
    if (!whole)
        fine = false;
    else if (is_toc && strcmp(facts->compression, "none") == 0) {
        facts->shape = contained ? RH_SHAPE_PGDUMP_TAR : RH_SHAPE_PGDUMP_CUSTOM;
        facts->container = "none";
        fine = inspect_toc(arena, facts, progress, error);
    } else if (seen->candidate_count == 1)
        fine = inspect_plain(rh_text_string(&seen->sql_head), arena, facts, progress, error);
    else
        fine = seen->candidate_count > 1 ? several(path, seen, error) : explain(path, facts, seen, error);
    rh_text_release(&seen->candidates);
    rh_text_release(&seen->first_head);
    rh_text_release(&seen->sql_head);
    free(seen);
    return fine;
}

static bool inspect(const char *path, rh_arena *arena, rh_backup_facts *facts, const rh_progress *progress,
                    rh_error *error)
{
    struct stat status;
    *facts = (rh_backup_facts){.path = rh_arena_strdup(arena, path),
                               .compression = "none",
                               .container = "none",
                               .bytes = RH_UNKNOWN,
                               .restore_s = RH_NOT_MEASURED,
                               .database_bytes = RH_UNKNOWN,
                               .tables = RH_UNKNOWN,
                               .rows = RH_UNKNOWN};
    if (stat(path, &status) != 0) {
        rh_error_errno(error, errno, "cannot read the backup %s", path);
        return rh_error_at(error, path, 0, 0);
    }
    if (S_ISDIR(status.st_mode)) {
        if (!rh_tree_bytes(path, &facts->bytes, error) ||
            !inspect_directory(path, arena, facts, progress, error))
            return false;
    } else if (!S_ISREG(status.st_mode)) {
        return no_backup(error, path, rh_file_kind(status.st_mode), "name a file or a directory");
    } else if (status.st_size == 0) {
        return no_backup(error, path, "an empty file",
                         "was the disk full when it was made? make the dump again");
    } else {
        facts->bytes = status.st_size;
        if (!inspect_file(path, arena, facts, progress, error))
            return false;
    }
    return facts->physical || facts->sha256[0] ||
           rh_sha256_path(path, facts->sha256, &facts->bytes, progress, stage, error);
}

bool rh_backup_inspect(const char *path, rh_arena *arena, rh_backup_facts *facts, const rh_progress *progress,
                       rh_error *error)
{
    rh_error own = {0};
    bool fine = inspect(path, arena, facts, progress, &own);
    if (!fine && !own.file)
        rh_error_at(&own, path, 0, 0);
    if (!fine && error)
        rh_error_move(error, &own);
    rh_error_release(&own);
    return fine;
}

int rh_backup_needed_major(const rh_backup_facts *facts)
{
    return facts->archive_version
               ? rh_toc_needed_major(rh_leading_int(strchr(facts->archive_version, '.') + 1))
               : 0;
}
