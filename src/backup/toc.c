#include "toc.h"
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

/* The oldest version that pg_dump of a PostgreSQL with custom archives worth reading wrote (8.0 and
 * later: 1.10), and the newest known. */
enum { OLDEST_MINOR = 10, NEWEST_MINOR = 16 };
/* What a table of contents may take, so that memory stays within a constant: pg_restore holds it, too. */
enum { MOST_ENTRIES = 2000000, MOST_BYTES = 512 << 20 };

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

static bool fail_damaged(reader *r, const char *what)
{
    rh_error_set(r->error, RH_ERROR_BACKUP, "the archive's table of contents is damaged: %s", what);
    rh_error_hint(r->error, "compare the file's checksum with the original's, or make the dump again");
    return rh_error_at(r->error, r->path, 0, 0);
}

static bool read_bytes(reader *r, void *bytes, size_t size)
{
    r->toc->bytes += (int64_t)size;
    if (r->toc->bytes > MOST_BYTES)
        return fail_damaged(r, "it takes more than 512 MiB");
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

/* A sign byte, then the magnitude, least significant byte first. pg_dump writes C's int, and no negative
 * zero. */
static bool read_integer(reader *r, int64_t *value)
{
    unsigned char bytes[1 + 32];
    size_t size = 1 + (size_t)r->toc->integer_size;
    if (!read_bytes(r, bytes, size))
        return false;
    uint64_t magnitude = 0;
    bool fits = true;
    for (size_t i = 1; i < size; i++) {
        fits = fits && (i <= 4 || bytes[i] == 0);
        magnitude |= i <= 4 ? (uint64_t)bytes[i] << (8 * (i - 1)) : 0;
    }
    if (!fits || magnitude > INT32_MAX || bytes[0] > 1 || (bytes[0] == 1 && magnitude == 0))
        return fail_damaged(r, "an impossible number");
    *value = bytes[0] ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static bool read_within(reader *r, int64_t low, int64_t high, const char *what, int64_t *value)
{
    int64_t number;
    if (!read_integer(r, &number))
        return false;
    if (value)
        *value = number;
    return (number >= low && number <= high) || fail_damaged(r, what);
}

/* A length and that many bytes; -1 is no string. *STRING (may be NULL) is "" then, and *MISSING (may be NULL)
 * true. */
static bool read_string(reader *r, const char **string, bool *missing)
{
    int64_t length;
    if (!read_within(r, -1, MOST_BYTES, "a text of an impossible length", &length))
        return false;
    if (missing)
        *missing = length < 0;
    rh_text_clear(&r->buffer);
    while (length > 0) { /* piece by piece: a damaged length must not make us allocate it */
        char bytes[4096];
        size_t piece = length < (int64_t)sizeof bytes ? (size_t)length : sizeof bytes;
        if (!read_bytes(r, bytes, piece))
            return false;
        if (memchr(bytes, 0, piece))
            return fail_damaged(r, "a text with a zero byte");
        rh_text_append_bytes(&r->buffer, bytes, piece);
        length -= (int64_t)piece;
    }
    if (string)
        *string = rh_arena_strndup(r->arena, rh_text_string(&r->buffer), r->buffer.length);
    return true;
}

/* A number that is written as text: an OID, or the id of another entry. */
static bool read_digits(reader *r, int64_t *value, bool *missing)
{
    if (!read_string(r, NULL, missing))
        return false;
    const char *text = rh_text_string(&r->buffer);
    *value = strtoll(text, NULL, 10);
    return (missing && *missing) ||
           (*text && strspn(text, "0123456789") == strlen(text) && *value <= UINT32_MAX) ||
           fail_damaged(r, "a number with other characters than digits");
}

static bool read_offset(reader *r, rh_toc_entry *entry)
{
    enum { NOT_SET = 1, SET = 2, NO_DATA = 3 };
    unsigned char bytes[1 + 32];
    if (!read_bytes(r, bytes, 1 + (size_t)r->toc->offset_size))
        return false;
    if (bytes[0] < NOT_SET || bytes[0] > NO_DATA)
        return fail_damaged(r, "an unknown kind of offset");
    uint64_t offset = 0;
    for (int i = 0; i < r->toc->offset_size && i < 8; i++)
        offset |= (uint64_t)bytes[1 + i] << (8 * i);
    if (offset > INT64_MAX || (bytes[0] != SET && offset != 0))
        return fail_damaged(r, "an impossible offset");
    entry->has_data = bytes[0] != NO_DATA;
    entry->offset = bytes[0] == SET ? (int64_t)offset : -1;
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
            return fail_damaged(r, "an unknown compression");
        toc->compression = names[algorithm];
        return true;
    }
    int64_t level;
    if (!read_within(r, -1, 9, "an impossible compression level", &level))
        return false;
    toc->compression = level == 0 ? "none" : "gzip";
    return true;
}

static bool read_head(reader *r)
{
    rh_toc *toc = r->toc;
    static const struct {
        int low, high;
    } time[] = {{0, 60}, {0, 59}, {0, 23}, {1, 31}, {0, 11}, {70, 1100}, {-1, 1}}; /* as struct tm */
    char magic[5];
    int revision, format;
    if (!read_bytes(r, magic, 5))
        return false;
    if (memcmp(magic, "PGDMP", 5) != 0)
        return fail_damaged(r, "it does not begin with PGDMP");
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
        return fail_damaged(r, "an impossible size of integers");
    toc->format = (rh_toc_format)format;
    if (format != RH_TOC_CUSTOM && format != RH_TOC_TAR && format != RH_TOC_DIRECTORY)
        return fail_damaged(r, "an unknown format");
    if (!read_compression(r))
        return false;
    for (size_t i = 0; i < sizeof time / sizeof *time; i++)
        if (!read_within(r, time[i].low, time[i].high, "an impossible time", NULL))
            return false;
    return read_string(r, &toc->database, NULL) && read_string(r, &toc->server_version, NULL) &&
           read_string(r, &toc->dump_version, NULL);
}

static bool read_dependencies(reader *r, rh_toc_entry *entry)
{
    int64_t id;
    bool missing = false;
    while (read_digits(r, &id, &missing)) {
        if (missing)
            return true;
        *(int64_t *)rh_arena_add(r->arena, &entry->dependencies, &entry->dependency_count) = id;
    }
    return false;
}

static bool read_entry(reader *r, rh_toc_entry *entry)
{
    int minor = r->toc->version_minor;
    int64_t dumper, section = 0, ignored;
    const char *oids;
    bool missing = false;
    if (!read_within(r, 1, INT32_MAX, "an impossible number of an entry", &entry->id) ||
        !read_within(r, 0, 1, "an entry that neither has data nor lacks them", &dumper) ||
        !read_digits(r, &ignored, NULL) || !read_digits(r, &entry->oid, NULL) ||
        !read_string(r, &entry->tag, NULL) || !read_string(r, &entry->desc, NULL) ||
        (minor >= 11 && !read_within(r, 1, 4, "a section that does not exist", &section)) ||
        !read_string(r, &entry->definition, NULL) || !read_string(r, NULL, NULL) /* drop */ ||
        !read_string(r, &entry->copy_statement, NULL) || !read_string(r, &entry->schema, NULL) ||
        !read_string(r, NULL, NULL) /* tablespace */ ||
        (minor >= 14 && !read_string(r, NULL, NULL)) /* access method */ ||
        (minor >= 16 && !read_integer(r, &ignored)) /* relkind */ || !read_string(r, &entry->owner, NULL) ||
        !read_string(r, &oids, NULL))
        return false;
    entry->section = (int)section;
    entry->has_data = dumper == 1;
    if (strcmp(oids, "true") != 0 && strcmp(oids, "false") != 0)
        return fail_damaged(r, "an entry that has neither OIDs nor none");
    if (!read_dependencies(r, entry))
        return false;
    if (r->toc->format == RH_TOC_CUSTOM)
        return read_offset(r, entry) && (entry->has_data == (dumper == 1) ||
                                         fail_damaged(r, "an entry that neither has data nor lacks them"));
    if (!read_string(r, &entry->file, &missing))
        return false;
    if (missing || !*entry->file)
        entry->file = NULL;
    return entry->has_data == (entry->file != NULL) ||
           fail_damaged(r, "an entry that neither has data nor lacks them");
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = (*(rh_toc_entry *const *)a)->id, y = (*(rh_toc_entry *const *)b)->id;
    return (x > y) - (x < y);
}

/* Sorts the entries by their ids, for rh_toc_find. */
static bool index_entries(reader *r)
{
    rh_toc *toc = r->toc;
    toc->by_id = rh_arena_alloc(r->arena, (toc->entry_count + 1) * sizeof(*toc->by_id));
    for (size_t i = 0; i < toc->entry_count; i++)
        toc->by_id[i] = &toc->entries[i];
    qsort(toc->by_id, toc->entry_count, sizeof(*toc->by_id), compare_ids);
    for (size_t i = 1; i < toc->entry_count; i++)
        if (toc->by_id[i]->id == toc->by_id[i - 1]->id)
            return fail_damaged(r, "two entries of the same number");
    return true;
}

rh_toc_entry *rh_toc_find(const rh_toc *toc, int64_t id)
{
    rh_toc_entry wanted = {.id = id}, *key = &wanted, **found;
    found = bsearch(&key, toc->by_id, toc->entry_count, sizeof(*toc->by_id), compare_ids);
    return found ? *found : NULL;
}

bool rh_toc_read(rh_toc_source source, const char *path, rh_arena *arena, rh_toc *toc, rh_error *error)
{
    reader r = {.source = source, .path = path, .arena = arena, .toc = toc, .error = error};
    int64_t count = 0;
    *toc = (rh_toc){0};
    bool fine = read_head(&r) && read_integer(&r, &count);
    if (fine && (count < 0 || count > MOST_ENTRIES))
        fine = fail_damaged(&r, "an impossible number of entries");
    while (fine && (int64_t)toc->entry_count < count) {
        rh_toc_entry *entry = rh_arena_add(arena, &toc->entries, &toc->entry_count);
        fine = read_entry(&r, entry);
    }
    fine = fine && index_entries(&r);
    rh_text_release(&r.buffer);
    return fine;
}

/* Of a regular file; *AFTER (may be NULL): whether bytes follow the table of contents. */
static bool read_from_file(const char *path, bool follow, rh_arena *arena, rh_toc *toc, bool *after,
                           rh_error *error)
{
    char more;
    rh_hashed_file *file = rh_hashed_file_open(path, follow, error);
    bool fine = file && rh_toc_read((rh_toc_source){rh_hashed_file_read, file}, path, arena, toc, error);
    if (fine && after)
        *after = rh_hashed_file_read(file, &more, 1) == 1;
    rh_hashed_file_close(file);
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

static bool read_from_tar(const char *path, rh_arena *arena, rh_toc *toc, bool *after, rh_error *error)
{
    const char *name;
    int64_t size;
    char more;
    rh_archive *archive = rh_archive_open(path, error);
    bool fine = archive && rh_archive_next(archive, &name, &size, error) == 1 &&
                rh_toc_read((rh_toc_source){read_member, archive}, path, arena, toc, error);
    *after = fine && read_member(archive, &more, 1) == 1;
    rh_archive_close(archive);
    return fine;
}

bool rh_toc_read_path(const char *path, rh_arena *arena, rh_toc *toc, rh_error *error)
{
    bool after = false, fine;
    char magic[5] = "";
    if (rh_directory_exists(path)) {
        /* pg_dump writes "tar" into a directory's toc.dat. */
        fine = read_from_file(rh_arena_printf(arena, "%s/toc.dat", path), false, arena, toc, &after, error);
        toc->format = RH_TOC_DIRECTORY;
    } else {
        rh_hashed_file *file = rh_hashed_file_open(path, true, error);
        bool custom = file && rh_hashed_file_read(file, magic, 5) == 5 && memcmp(magic, "PGDMP", 5) == 0;
        rh_hashed_file_close(file);
        if (custom)
            return read_from_file(path, true, arena, toc, NULL, error);
        fine = file && read_from_tar(path, arena, toc, &after, error);
    }
    reader r = {.path = path, .error = error};
    return fine && (!after || fail_damaged(&r, "it ends before its file does"));
}

int rh_toc_needed_major(int version_minor)
{
    /* 1.13 came with the security releases of 2018, so every living pg_restore reads it. */
    return version_minor >= 16 ? 17 : version_minor == 15 ? 16 : version_minor == 14 ? 12 : 10;
}
