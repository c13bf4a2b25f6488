#include "pgrehearse/backup/toc.h"
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <string.h>

/* The oldest version that pg_dump of a PostgreSQL with custom archives worth reading wrote (8.0 and
 * later: 1.10), and the newest known. */
enum { OLDEST_MINOR = 10, NEWEST_MINOR = 16, LONGEST_STRING = 1 << 30, MOST_ENTRIES = 1 << 26 };

typedef struct reader {
    rh_toc_source source;
    const char *path;
    rh_arena *arena;
    rh_toc *toc;
    rh_error *error;
    rh_text buffer;
} reader;

static bool ended(reader *r)
{
    rh_error_set(r->error, RH_ERROR_BACKUP, "the archive is truncated: it ends inside its table of contents");
    rh_error_hint(r->error, "compare the file's size with the original's, or make the dump again");
    return rh_error_at(r->error, r->path, 0, 0);
}

static bool nonsense(reader *r, const char *what)
{
    rh_error_set(r->error, RH_ERROR_BACKUP, "the archive's table of contents is damaged: %s", what);
    rh_error_hint(r->error, "compare the file's checksum with the original's, or make the dump again");
    return rh_error_at(r->error, r->path, 0, 0);
}

static bool read_bytes(reader *r, void *bytes, size_t size)
{
    return r->source.read(r->source.user, bytes, size) == size || ended(r);
}

static bool read_byte(reader *r, int *value)
{
    unsigned char c;
    if (!read_bytes(r, &c, 1))
        return false;
    *value = c;
    return true;
}

/* A sign byte, then the magnitude, least significant byte first. */
static bool read_integer(reader *r, int64_t *value)
{
    unsigned char bytes[1 + 32];
    size_t size = 1 + (size_t)r->toc->integer_size;
    if (!read_bytes(r, bytes, size))
        return false;
    uint64_t magnitude = 0;
    for (size_t i = 1; i < size && i <= 8; i++)
        magnitude |= (uint64_t)bytes[i] << (8 * (i - 1));
    *value = bytes[0] ? -(int64_t)(magnitude & INT64_MAX) : (int64_t)(magnitude & INT64_MAX);
    return true;
}

/* A length and that many bytes; -1 is no string. *STRING (may be NULL) is "" then, and *MISSING (may be NULL)
 * true. */
static bool read_string(reader *r, const char **string, bool *missing)
{
    int64_t length;
    if (!read_integer(r, &length))
        return false;
    if (missing)
        *missing = length < 0;
    if (length > LONGEST_STRING)
        return nonsense(r, "a text of more than 1 GiB");
    rh_text_clear(&r->buffer);
    while (length > 0) { /* piece by piece: a damaged length must not make us allocate it */
        char bytes[4096];
        size_t piece = length < (int64_t)sizeof bytes ? (size_t)length : sizeof bytes;
        if (!read_bytes(r, bytes, piece))
            return false;
        rh_text_append_bytes(&r->buffer, bytes, piece);
        length -= (int64_t)piece;
    }
    if (string)
        *string = rh_arena_strndup(r->arena, rh_text_string(&r->buffer), r->buffer.length);
    return true;
}

static bool read_offset(reader *r, rh_toc_entry *entry)
{
    enum { NOT_SET = 1, SET = 2, NO_DATA = 3 };
    unsigned char bytes[1 + 32];
    if (!read_bytes(r, bytes, 1 + (size_t)r->toc->offset_size))
        return false;
    if (bytes[0] < NOT_SET || bytes[0] > NO_DATA)
        return nonsense(r, "an unknown kind of offset");
    entry->has_data = bytes[0] != NO_DATA;
    entry->offset = -1;
    if (bytes[0] == SET) {
        uint64_t offset = 0;
        for (int i = 0; i < r->toc->offset_size && i < 8; i++)
            offset |= (uint64_t)bytes[1 + i] << (8 * i);
        entry->offset = (int64_t)(offset & INT64_MAX);
    }
    return true;
}

static bool read_compression(reader *r)
{
    rh_toc *toc = r->toc;
    if (toc->version_minor >= 15) {
        static const char *const names[] = {"none", "gzip", "lz4", "zstd"};
        int algorithm;
        if (!read_byte(r, &algorithm))
            return false;
        if (algorithm > 3)
            return nonsense(r, "an unknown compression");
        toc->compression = names[algorithm];
        return true;
    }
    int64_t level;
    if (!read_integer(r, &level))
        return false;
    toc->compression = level == 0 ? "none" : "gzip";
    return true;
}

static bool read_head(reader *r)
{
    rh_toc *toc = r->toc;
    char magic[5];
    int revision, format;
    int64_t ignored;
    if (!read_bytes(r, magic, 5))
        return false;
    if (memcmp(magic, "PGDMP", 5) != 0)
        return nonsense(r, "it does not begin with PGDMP");
    if (!read_byte(r, &toc->version_major) || !read_byte(r, &toc->version_minor) || !read_byte(r, &revision))
        return false;
    if (toc->version_major != 1 || toc->version_minor < OLDEST_MINOR || toc->version_minor > NEWEST_MINOR) {
        rh_error_set(r->error, RH_ERROR_BACKUP,
                     "the archive has version %d.%d; versions 1.%d to 1.%d are understood",
                     toc->version_major, toc->version_minor, OLDEST_MINOR, NEWEST_MINOR);
        rh_error_hint(
            r->error,
            "dump with a pg_dump of PostgreSQL 8.4 to 18, or as plain SQL (pg_dump --format=plain)");
        return rh_error_at(r->error, r->path, 0, 0);
    }
    if (!read_byte(r, &toc->integer_size) || !read_byte(r, &toc->offset_size) || !read_byte(r, &format))
        return false;
    if (toc->integer_size < 1 || toc->integer_size > 32 || toc->offset_size < 1 || toc->offset_size > 32)
        return nonsense(r, "an impossible size of integers");
    toc->format = (rh_toc_format)format;
    if (format != RH_TOC_CUSTOM && format != RH_TOC_TAR && format != RH_TOC_DIRECTORY)
        return nonsense(r, "an unknown format");
    if (!read_compression(r))
        return false;
    for (int i = 0; i < 7; i++) /* when it was made */
        if (!read_integer(r, &ignored))
            return false;
    return read_string(r, &toc->database, NULL) && read_string(r, &toc->server_version, NULL) &&
           read_string(r, &toc->dump_version, NULL);
}

static bool read_entry(reader *r, rh_toc_entry *entry)
{
    int minor = r->toc->version_minor;
    int64_t ignored;
    bool missing = false;
    if (!read_integer(r, &entry->id) || !read_integer(r, &ignored) || !read_string(r, NULL, NULL) ||
        !read_string(r, NULL, NULL) || !read_string(r, &entry->tag, NULL) ||
        !read_string(r, &entry->desc, NULL) || (minor >= 11 && !read_integer(r, &ignored)) ||
        !read_string(r, &entry->definition, NULL) || !read_string(r, NULL, NULL) /* drop */ ||
        !read_string(r, &entry->copy_statement, NULL) || !read_string(r, &entry->schema, NULL) ||
        !read_string(r, NULL, NULL) /* tablespace */ ||
        (minor >= 14 && !read_string(r, NULL, NULL)) /* access method */ ||
        (minor >= 16 && !read_integer(r, &ignored)) /* relkind */ || !read_string(r, &entry->owner, NULL) ||
        !read_string(r, NULL, NULL) /* with oids */)
        return false;
    while (!missing) /* what it depends on */
        if (!read_string(r, NULL, &missing))
            return false;
    if (r->toc->format == RH_TOC_CUSTOM)
        return read_offset(r, entry);
    if (!read_string(r, &entry->file, &missing))
        return false;
    if (missing || !*entry->file)
        entry->file = NULL;
    return true;
}

bool rh_toc_read(rh_toc_source source, const char *path, rh_arena *arena, rh_toc *toc, rh_error *error)
{
    reader r = {.source = source, .path = path, .arena = arena, .toc = toc, .error = error};
    int64_t count = 0;
    *toc = (rh_toc){0};
    bool fine = read_head(&r) && read_integer(&r, &count);
    if (fine && (count < 0 || count > MOST_ENTRIES))
        fine = nonsense(&r, "an impossible number of entries");
    while (fine && (int64_t)toc->entry_count < count) {
        rh_toc_entry *entry = rh_arena_add(arena, &toc->entries, &toc->entry_count, sizeof *entry);
        fine = read_entry(&r, entry);
    }
    rh_text_release(&r.buffer);
    return fine;
}

static size_t read_file(void *user, void *buffer, size_t size)
{
    return fread(buffer, 1, size, user);
}

static bool read_from_file(const char *path, rh_arena *arena, rh_toc *toc, rh_error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return rh_error_errno(error, errno, "cannot open %s", path);
    bool fine = rh_toc_read((rh_toc_source){read_file, file}, path, arena, toc, error);
    fclose(file);
    return fine;
}

static size_t read_member(void *user, void *buffer, size_t size)
{
    size_t done = 0;
    int64_t n = 1;
    while (done < size && (n = rh_archive_read(user, (char *)buffer + done, size - done, NULL)) > 0)
        done += (size_t)n;
    return done;
}

static bool read_from_tar(const char *path, rh_arena *arena, rh_toc *toc, rh_error *error)
{
    const char *name;
    int64_t size;
    rh_archive *archive = rh_archive_open(path, error);
    bool fine = archive && rh_archive_next(archive, &name, &size, error) == 1 &&
                rh_toc_read((rh_toc_source){read_member, archive}, path, arena, toc, error);
    rh_archive_close(archive);
    return fine;
}

bool rh_toc_read_path(const char *path, rh_arena *arena, rh_toc *toc, rh_error *error)
{
    if (rh_directory_exists(path)) {
        /* pg_dump writes "tar" into a directory's toc.dat. */
        bool fine = read_from_file(rh_arena_printf(arena, "%s/toc.dat", path), arena, toc, error);
        toc->format = RH_TOC_DIRECTORY;
        return fine;
    }
    FILE *file = fopen(path, "re");
    char magic[5] = "";
    bool custom = file && fread(magic, 1, 5, file) == 5 && memcmp(magic, "PGDMP", 5) == 0;
    if (file)
        fclose(file);
    return custom ? read_from_file(path, arena, toc, error) : read_from_tar(path, arena, toc, error);
}

int rh_toc_needed_major(int version_minor)
{
    /* 1.13 came with the security releases of 2018, so every living pg_restore reads it. */
    return version_minor >= 16 ? 17 : version_minor == 15 ? 16 : version_minor == 14 ? 12 : 10;
}
