/* Whether all the data that a table of contents promises are there, before anything is restored. */
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/backup/toc.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
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

typedef struct blocks {
    FILE *file;
    int integer_size;
    int64_t size; /* of the file */
} blocks;

/* As ReadInt; false at the end of the file. */
static bool block_integer(blocks *b, int64_t *value)
{
    unsigned char bytes[33];
    size_t size = 1 + (size_t)b->integer_size;
    if (fread(bytes, 1, size, b->file) != size)
        return false;
    *value = 0;
    for (size_t i = 1; i < size && i <= 7; i++)
        *value |= (int64_t)bytes[i] << (8 * (i - 1));
    return bytes[0] == 0;
}

/* Chunks of a length and that many bytes, ended by a length of 0. */
static bool pass_chunks(blocks *b)
{
    int64_t length;
    do {
        if (!block_integer(b, &length) || length > b->size)
            return false;
        if (length > 0 && (fseeko(b->file, length, SEEK_CUR) != 0 || ftello(b->file) > b->size))
            return false;
    } while (length > 0 && !rh_interrupt_requested());
    return true;
}

/* Passes one block: 1 done (its entry in *ID), 0 the end of the file, -1 cut off. */
static int pass_block(blocks *b, int64_t *id)
{
    enum { DATA = 1, BLOBS = 3 };
    int kind = fgetc(b->file);
    int64_t oid;
    if (kind == EOF)
        return 0;
    if (!block_integer(b, id) || (kind != DATA && kind != BLOBS))
        return -1;
    if (kind == DATA)
        return pass_chunks(b) ? 1 : -1;
    do {
        if (!block_integer(b, &oid) || (oid != 0 && !pass_chunks(b)))
            return -1;
    } while (oid != 0);
    return 1;
}

static const rh_toc_entry *find_entry(const rh_toc *toc, int64_t id)
{
    for (size_t i = 0; i < toc->entry_count; i++)
        if (toc->entries[i].id == id)
            return &toc->entries[i];
    return NULL;
}

/* With offsets the last block must end at the file's end; without (a dump into a pipe, or one that was
 * killed) every block is passed. */
static bool check_custom(const char *path, const rh_toc *toc, FILE *file, int64_t size, int64_t data_start,
                         rh_error *error)
{
    blocks b = {.file = file, .integer_size = toc->integer_size, .size = size};
    size_t expected = 0, found = 0, unknown = 0;
    const rh_toc_entry *last = NULL;
    for (size_t i = 0; i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        expected += entry->has_data;
        unknown += entry->has_data && entry->offset < 0;
        if (entry->has_data && entry->offset >= size)
            return incomplete(path, entry, "begin behind the end of the file", error);
        if (entry->has_data && entry->offset >= 0 && (!last || entry->offset > last->offset))
            last = entry;
    }
    if (expected == 0)
        return true;
    if (fseeko(file, unknown == 0 ? last->offset : data_start, SEEK_SET) != 0)
        return rh_error_errno(error, errno, "cannot read %s", path);
    int status;
    int64_t id = 0;
    while ((status = pass_block(&b, &id)) > 0)
        found++;
    if (status < 0)
        return incomplete(path, find_entry(toc, id), "are cut off by the end of the file", error);
    if (unknown > 0 && found < expected)
        return incomplete(path, NULL, "not all tables' data are there (was pg_dump interrupted?)", error);
    return unknown > 0 || found > 0 || incomplete(path, last, "are missing", error);
}

static size_t read_counting(void *user, void *buffer, size_t size)
{
    return fread(buffer, 1, size, user);
}

static bool check_custom_path(const char *path, const rh_toc *toc, rh_error *error)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    if (!file || fstat(fileno(file), &status) != 0) {
        rh_error_errno(error, errno, "cannot read %s", path);
        if (file)
            fclose(file);
        return false;
    }
    /* The data begin where the table of contents ends. */
    rh_arena *arena = rh_arena_new();
    rh_toc again;
    bool fine = rh_toc_read((rh_toc_source){read_counting, file}, path, arena, &again, error) &&
                check_custom(path, toc, file, status.st_size, ftello(file), error);
    rh_arena_free(arena);
    fclose(file);
    return fine;
}

/* ---- directory and tar: a file for every entry ---- */

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
    rh_text full = {0};
    bool found = false, fine = true;
    if (file[0] == '/' || strstr(file, "..")) {
        rh_error_set(error, RH_ERROR_REFUSED, "the backup names a file outside of itself: \"%s\"", file);
        rh_error_hint(error, "pg_dump does not write such names: where does this backup come from?");
        return rh_error_at(error, path, 0, 0);
    }
    for (size_t i = 0; !found && i < sizeof suffixes / sizeof *suffixes; i++) {
        rh_text_clear(&full);
        rh_text_printf(&full, "%s/%s%s", path, file, suffixes[i]);
        found = rh_file_exists(full.data);
    }
    fine =
        found ? check_member(path, full.data, entry, error) : incomplete(path, entry, "are missing", error);
    rh_text_release(&full);
    return fine;
}

/* The large objects: a list of "oid file" lines, and each of these files. */
static bool check_large_objects(const char *path, const rh_toc_entry *entry, rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    char *list = rh_file_read(rh_arena_printf(arena, "%s/%s", path, entry->file), 0, arena, NULL, NULL),
         *rest = NULL;
    bool fine = list || incomplete(path, entry, "are missing", error);
    for (char *line = list ? strtok_r(list, "\n", &rest) : NULL; fine && line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *file = strchr(line, ' ');
        fine = file ? check_file(path, file + 1, entry, error)
                    : incomplete(path, entry, "have a damaged list", error);
    }
    rh_arena_free(arena);
    return fine;
}

static bool check_directory(const char *path, const rh_toc *toc, rh_error *error)
{
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

/* Is MEMBER what holds the entry's data? A tar's large objects are listed in blobs.toc (blobs_N.toc since
 * 17), whatever the entry says. */
static bool holds(const rh_toc_entry *entry, const char *member)
{
    if (entry->file && strcmp(entry->desc, "BLOBS") == 0)
        return rh_starts_with(member, "blobs") && rh_ends_with(member, ".toc");
    return entry->file && strcmp(entry->file, member) == 0;
}

static bool check_tar(const char *path, const rh_toc *toc, rh_error *error)
{
    const char *name;
    int64_t size, n = 0;
    char buffer[65536];
    int more = 0;
    rh_archive *archive = rh_archive_open(path, error);
    bool *found = rh_alloc(toc->entry_count + 1);
    memset(found, 0, toc->entry_count + 1);
    while (archive && (more = rh_archive_next(archive, &name, &size, error)) > 0) {
        for (size_t i = 0; i < toc->entry_count; i++)
            if (holds(&toc->entries[i], name))
                found[i] = true;
        while ((n = rh_archive_read(archive, buffer, sizeof buffer, error)) > 0)
            ;
        if (n < 0)
            break;
    }
    bool fine = archive && n == 0 && more == 0;
    for (size_t i = 0; fine && i < toc->entry_count; i++)
        if (toc->entries[i].file && !found[i])
            fine = incomplete(path, &toc->entries[i], "are missing", error);
    free(found);
    rh_archive_close(archive);
    return fine;
}

bool rh_toc_check(const char *path, const rh_toc *toc, rh_error *error)
{
    switch (toc->format) {
    case RH_TOC_CUSTOM:
        return check_custom_path(path, toc, error);
    case RH_TOC_DIRECTORY:
        return check_directory(path, toc, error);
    default:
        return check_tar(path, toc, error);
    }
}
