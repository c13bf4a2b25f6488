/* Checks, before the restore, that the archive has all the data that its table of contents lists. */
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/adapters/files.h"
#include "toc.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool incomplete(const char *path, const rh_toc_entry *entry, const char *what, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "the backup is truncated or damaged: %s%s%s%s%s%s",
                 entry ? "the data of " : "", entry ? entry->schema : "", entry && *entry->schema ? "." : "",
                 entry ? entry->tag : "", entry ? " " : "", what);
    rh_error_hint(error, "compare its size and checksum with the original's, or make the dump again");
    return rh_error_at(error, path, 0, 0);
}

/* ---- custom: blocks behind one another ---- */

/* As ReadInt, of an int that is not negative; -1: there is none, or the file ends. */
static int64_t block_integer(rh_hashed_file *file, const rh_toc *toc)
{
    unsigned char bytes[33] = {0};
    size_t size = 1 + (size_t)toc->integer_size;
    int64_t value = 0;
    if (rh_hashed_file_read(file, bytes, size) != size || bytes[0] != 0)
        return -1;
    for (size_t i = 1; i < size && i <= 4; i++)
        value |= (int64_t)bytes[i] << (8 * (i - 1));
    return value <= INT32_MAX ? value : -1;
}

/* Chunks of a length and that many bytes, ended by a length of 0. */
static bool pass_chunks(rh_hashed_file *file, const rh_toc *toc)
{
    int64_t length;
    while ((length = block_integer(file, toc)) > 0)
        if (!rh_hashed_file_skip(file, length))
            return false;
    return length == 0;
}

/* What is behind a block's id: the data of a table, or large objects, each with its OID. */
static bool pass_block(rh_hashed_file *file, const rh_toc *toc, bool large_objects)
{
    int64_t oid = 0;
    if (!large_objects)
        return pass_chunks(file, toc);
    unsigned char bytes[33] = {0};
    size_t size = 1 + (size_t)toc->integer_size;
    do { /* an OID may not fit an int: it is written as one all the same */
        if (rh_hashed_file_read(file, bytes, size) != size)
            return false;
        oid = 0;
        for (size_t i = 1; i < size; i++)
            oid |= bytes[i];
        if (oid != 0 && !pass_chunks(file, toc))
            return false;
    } while (oid != 0);
    return true;
}

/* The blocks up to the file's end, each of an entry that has data and where it says. *SEEN by index. */
static bool check_blocks(const char *path, const rh_toc *toc, rh_hashed_file *file, bool *seen,
                         rh_error *error)
{
    enum { DATA = 1, BLOBS = 3 };
    for (;;) {
        unsigned char kind;
        int64_t at = rh_hashed_file_position(file);
        if (rh_hashed_file_read(file, &kind, 1) != 1)
            return true;
        int64_t id = block_integer(file, toc);
        const rh_toc_entry *entry = id > 0 ? rh_toc_find(toc, id) : NULL;
        bool large_objects = entry && strcmp(entry->desc, "BLOBS") == 0;
        if (id < 0 && (kind == DATA || kind == BLOBS))
            return incomplete(path, NULL, "it ends where a table's data begin", error);
        if (!entry || !entry->has_data || seen[entry - toc->entries] ||
            kind != (large_objects ? BLOBS : DATA) || (entry->offset >= 0 && entry->offset != at))
            return incomplete(path, NULL, "its data are not those that its table of contents lists", error);
        seen[entry - toc->entries] = true;
        if (!pass_block(file, toc, large_objects))
            return incomplete(path, entry, "are cut off or damaged", error);
    }
}

static bool check_custom(const char *path, const rh_toc *toc, char digest[65], const rh_progress *progress,
                         const char *stage, rh_error *error)
{
    rh_hashed_file *file = rh_hashed_file_open(path, true, error);
    if (!file)
        return false;
    rh_hashed_file_progress(file, progress, stage);
    bool *seen = rh_alloc(toc->entry_count + 1);
    memset(seen, 0, toc->entry_count + 1);
    bool fine = (rh_hashed_file_skip(file, toc->bytes) ||
                 incomplete(path, NULL, "it became shorter while it was read", error)) &&
                check_blocks(path, toc, file, seen, error);
    for (size_t i = 0; fine && i < toc->entry_count; i++)
        if (toc->entries[i].has_data && !seen[i])
            fine = incomplete(path, &toc->entries[i], "are missing (was pg_dump interrupted?)", error);
    fine = fine && rh_hashed_file_end(file, digest, error);
    free(seen);
    rh_hashed_file_close(file);
    return fine;
}

/* ---- directory and tar: a file for every entry ---- */

static bool special_file(const char *file, const char *kind, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "the backup holds %s in place of a file: %s", kind, file);
    rh_error_hint(error, "copy the backup as pg_dump wrote it, and its files themselves rather than links");
    return rh_error_at(error, file, 0, 0);
}

/* Decompresses FILE to its end; COPY data must end with their last line. */
static bool check_member(const char *path, const char *file, const rh_toc_entry *entry, rh_error *error)
{
    const char *name;
    int64_t size, n = 0;
    char tail[8] = "", buffer[65536];
    size_t kept = 0;
    int more = 0;
    rh_archive *archive = rh_archive_open(file, error);
    if (!archive)
        return false;
    while ((more = rh_archive_next(archive, &name, &size, error)) > 0) {
        while ((n = rh_archive_read(archive, buffer, sizeof buffer, error)) > 0 &&
               !rh_interrupt_requested()) {
            for (int64_t i = n < 7 ? 0 : n - 7; i < n; i++) {
                if (kept == 7)
                    memmove(tail, tail + 1, --kept);
                tail[kept++] = buffer[i];
            }
        }
        if (n < 0)
            break;
    }
    rh_archive_close(archive);
    if (n < 0 || more < 0)
        return false;
    while (kept > 0 && (tail[kept - 1] == '\n' || tail[kept - 1] == '\r'))
        kept--;
    if (entry && *entry->copy_statement && (kept < 2 || memcmp(tail + kept - 2, "\\.", 2) != 0) &&
        !rh_interrupt_requested())
        return incomplete(path, entry, "end too early", error);
    return true;
}

/* PATH/FILE, by itself or compressed: found and read to its end. */
static bool check_file(const char *path, const char *file, const rh_toc_entry *entry, rh_error *error)
{
    static const char *const suffixes[] = {"", ".gz", ".lz4", ".zst"};
    struct stat status;
    rh_text full = {0};
    bool found = false;
    if (strchr(file, '/') || !*file) {
        rh_error_set(error, RH_ERROR_REFUSED, "the backup names a file outside of itself: \"%s\"", file);
        rh_error_hint(error, "pg_dump does not write such names: where does this backup come from?");
        return rh_error_at(error, path, 0, 0);
    }
    for (size_t i = 0; !found && i < sizeof suffixes / sizeof *suffixes; i++) {
        rh_text_clear(&full);
        rh_text_printf(&full, "%s/%s%s", path, file, suffixes[i]);
        found = lstat(full.data, &status) == 0;
    }
    const char *kind = found ? rh_file_kind(status.st_mode) : NULL;
    bool fine = kind    ? special_file(full.data, kind, error)
                : found ? check_member(path, full.data, entry, error)
                        : incomplete(path, entry, "are missing", error);
    rh_text_release(&full);
    return fine;
}

/* The large objects: a list of "oid file" lines, and each of these files. */
static bool check_large_objects(const char *path, const rh_toc_entry *entry, rh_error *error)
{
    char line[256];
    bool fine = true;
    rh_text name = {0};
    rh_text_printf(&name, "%s/%s", path, entry->file);
    FILE *list = rh_file_stream(name.data, error);
    while (list && fine && fgets(line, sizeof line, list) && !rh_interrupt_requested()) {
        size_t length = strcspn(line, "\n"), digits = strspn(line, "0123456789");
        bool whole = line[length] == '\n' && digits > 0 && line[digits] == ' ';
        line[length] = 0;
        fine = whole ? check_file(path, line + digits + 1, entry, error)
                     : incomplete(path, entry, "have a damaged list", error);
    }
    fine = fine && list && !ferror(list);
    if (list)
        fclose(list);
    rh_text_release(&name);
    return fine;
}

/* "123.dat", "123.dat.gz": whether it is the file of an entry; true for other names, too. */
static bool is_listed(const rh_toc *toc, const char *name)
{
    char *end;
    long long id = strtoll(name, &end, 10);
    if (end == name || !rh_starts_with(end, ".dat"))
        return true;
    const rh_toc_entry *entry = rh_toc_find(toc, id);
    return entry && entry->file && rh_starts_with(name, entry->file);
}

/* No data but those of the entries, and nothing that a reader might wait for. */
static bool check_listing(const char *path, const rh_toc *toc, rh_error *error)
{
    struct stat status;
    struct dirent *found;
    bool fine = true;
    DIR *directory = opendir(path);
    if (!directory)
        return rh_error_errno(error, errno, "cannot read %s", path);
    while (fine && !rh_interrupt_requested() && (found = readdir(directory))) {
        const char *kind = fstatat(dirfd(directory), found->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0
                               ? rh_file_kind(status.st_mode)
                               : NULL;
        if (kind && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
            fine = special_file(found->d_name, kind, error);
        else if (!is_listed(toc, found->d_name))
            fine = incomplete(path, NULL, "it has data that its table of contents does not list", error);
    }
    closedir(directory);
    return fine;
}

static bool check_directory(const char *path, const rh_toc *toc, rh_error *error)
{
    if (!check_listing(path, toc, error))
        return false;
    for (size_t i = 0; i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        if (entry->file && !check_file(path, entry->file, entry, error))
            return false;
        if (entry->file && strcmp(entry->desc, "BLOBS") == 0 && !check_large_objects(path, entry, error))
            return false;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
    }
    return true;
}

/* A tar's large objects are listed in blobs.toc (blobs_N.toc since 17), whatever the entry says. */
static bool is_blob_list(const char *member)
{
    return rh_starts_with(member, "blobs") && rh_ends_with(member, ".toc");
}

/* Notes in FOUND whose data MEMBER holds; false when it is of none. */
static bool note_member(const rh_toc *toc, const char *member, bool *found, bool *blobs)
{
    const rh_toc_entry *entry = rh_toc_find(toc, strtoll(member, NULL, 10));
    *blobs = *blobs || is_blob_list(member);
    if (entry && entry->file && strcmp(entry->file, member) == 0)
        found[entry - toc->entries] = true;
    return is_listed(toc, member);
}

static bool check_tar(const char *path, const rh_toc *toc, rh_error *error)
{
    const char *name;
    int64_t size, n = 0;
    char buffer[65536];
    int more = 0;
    bool blobs = false, listed = true;
    rh_archive *archive = rh_archive_open(path, error);
    bool *found = rh_alloc(toc->entry_count + 1);
    memset(found, 0, toc->entry_count + 1);
    while (archive && listed && (more = rh_archive_next(archive, &name, &size, error)) > 0) {
        listed = note_member(toc, name, found, &blobs);
        while ((n = rh_archive_read(archive, buffer, sizeof buffer, error)) > 0)
            ;
        if (n < 0)
            break;
    }
    bool fine = archive && n == 0 && more >= 0;
    if (fine && !listed)
        fine = incomplete(path, NULL, "it has data that its table of contents does not list", error);
    for (size_t i = 0; fine && i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        bool there = found[i] || (blobs && strcmp(entry->desc, "BLOBS") == 0);
        if (entry->file && !there)
            fine = incomplete(path, entry, "are missing", error);
    }
    free(found);
    rh_archive_close(archive);
    return fine;
}

bool rh_toc_check(const char *path, const rh_toc *toc, char digest[65], const rh_progress *progress,
                  const char *stage, rh_error *error)
{
    digest[0] = 0;
    switch (toc->format) {
    case RH_TOC_CUSTOM:
        return check_custom(path, toc, digest, progress, stage, error);
    case RH_TOC_DIRECTORY:
        return check_directory(path, toc, error);
    default:
        return check_tar(path, toc, error);
    }
}
