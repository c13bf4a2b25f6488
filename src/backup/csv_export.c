/* Recognises a CSV export and reads its files to their ends. */
#include "csv_export.h"
#include "file_type.h"
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 256 * 1024 };
static const rh_usec PROGRESS_EVERY = RH_SECOND / 5;

/* ---- one file ---- */

static bool feed(rh_archive *archive, rh_csv_stream *stream, const rh_csv_progress *progress, char *buffer,
                 rh_error *error)
{
    int64_t length;
    rh_usec reported = 0;
    do {
        int64_t n = 1;
        for (length = 0; length < CHUNK && n > 0; length += n > 0 ? n : 0)
            n = rh_archive_read(archive, buffer + length, (size_t)(CHUNK - length), error);
        if (n < 0 || !rh_csv_stream_feed(stream, buffer, (size_t)length, error))
            return false;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
        rh_usec now = rh_clock_monotonic();
        if (progress && now - reported >= PROGRESS_EVERY) {
            rh_progress_update(progress->progress, progress->stage, NULL,
                               progress->before + rh_archive_position(archive), progress->total,
                               RH_UNIT_BYTES);
            reported = now;
        }
    } while (length > 0);
    return true;
}

/* The only entry of a file without a container, to the checksum at its end. */
static bool read_archive(rh_archive *archive, rh_csv_stream *stream, const rh_csv_progress *progress,
                         rh_error *error)
{
    const char *name;
    int64_t size;
    int more = rh_archive_next(archive, &name, &size, error);
    if (more < 0)
        return false;
    if (strcmp(rh_archive_container(archive), "none") != 0)
        return rh_error_set(error, RH_ERROR_BACKUP, "the file is a %s archive, not CSV",
                            rh_archive_container(archive));
    if (more == 0)
        return rh_csv_stream_finish(stream, error);
    char *buffer = rh_alloc(CHUNK);
    bool fine = feed(archive, stream, progress, buffer, error);
    free(buffer);
    return fine && rh_archive_next(archive, &name, &size, error) == 0 && rh_csv_stream_finish(stream, error);
}

bool rh_csv_read_rows(const char *path, rh_csv_sink sink, void *user, const rh_csv_progress *progress,
                      const char **compression, rh_error *error)
{
    rh_error own = {0};
    rh_csv_stream *stream = rh_csv_stream_new(path, sink, user);
    rh_archive *archive = rh_archive_open(path, &own);
    bool fine = archive && read_archive(archive, stream, progress, &own);
    if (archive && compression)
        *compression = rh_archive_compression(archive);
    rh_archive_close(archive);
    rh_csv_stream_free(stream);
    if (rh_error_is_set(&own)) {
        if (!own.file)
            rh_error_at(&own, path, 0, 0);
        rh_error_move(error, &own);
    }
    return fine;
}

bool rh_csv_is_null(const rh_csv_field *field, const char *word)
{
    return !field->quoted && strcmp(field->bytes, word) == 0;
}

/* ---- the folder ---- */

/* Bytes of NAME before ".csv" and what compressed it; 0: not a CSV file. */
static size_t stem_length(const char *name)
{
    static const char *const endings[] = {".csv", ".csv.gz", ".csv.zst", ".csv.xz", ".csv.lz4", ".csv.bz2"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (*name != '.' && rh_ends_with(name, endings[i]))
            return strlen(name) - strlen(endings[i]);
    return 0;
}

int64_t rh_csv_read_head(const char *path, char *head, rh_error *error)
{
    const char *name;
    int64_t size, length = 0;
    rh_archive *archive = rh_archive_open(path, error);
    if (!archive)
        return -1;
    int64_t n = rh_archive_next(archive, &name, &size, error);
    bool bare = strcmp(rh_archive_container(archive), "none") == 0;
    while (bare && n > 0 && length < RH_HEAD_SIZE &&
           (n = rh_archive_read(archive, head + length, (size_t)(RH_HEAD_SIZE - length), error)) > 0)
        length += n;
    rh_archive_close(archive);
    head[length] = '\0';
    return n < 0 ? -1 : length;
}

/* Damaged files that are not CSV do not matter, unless they are the definitions, which are then not found. */
static bool take_other(const char *path, rh_arena *arena, rh_csv_facts *csv, rh_error *error)
{
    rh_error unreadable = {0};
    char *head = rh_alloc(RH_HEAD_SIZE + 1);
    int64_t length = rh_csv_read_head(path, head, &unreadable);
    bool sql = length > 0 && rh_is_sql_dump(head, (size_t)length);
    free(head);
    rh_error_release(&unreadable);
    if (!sql)
        return true;
    if (!csv->definitions) {
        csv->definitions = rh_arena_strdup(arena, path);
        return true;
    }
    rh_error_set(error, RH_ERROR_BACKUP, "the folder has two files of SQL, %s and %s",
                 rh_base_name(csv->definitions), rh_base_name(path));
    rh_error_hint(error, "leave the one with the definitions: pg_dump --schema-only --file=schema.sql");
    return rh_error_at(error, path, 0, 0);
}

static bool take_file(const char *folder, const char *name, rh_arena *arena, rh_csv_facts *csv,
                      rh_error *error)
{
    struct stat status;
    size_t stem = stem_length(name);
    const char *path = rh_arena_printf(arena, "%s/%s", folder, name);
    if (lstat(path, &status) != 0) {
        rh_error_errno(error, errno, "%s", path);
        return rh_error_at(error, path, 0, 0);
    }
    if (*name == '.')
        return true;
    if (!S_ISREG(status.st_mode) && stem > 0) {
        rh_error_set(error, RH_ERROR_BACKUP, "the file is %s", rh_file_kind(status.st_mode));
        rh_error_hint(error, "put the file itself into the folder");
        return rh_error_at(error, path, 0, 0);
    }
    if (!S_ISREG(status.st_mode))
        return true;
    if (stem == 0)
        return take_other(path, arena, csv, error);
    rh_csv_file *file = rh_arena_add(arena, &csv->files, &csv->file_count);
    *file = (rh_csv_file){.path = path,
                          .stem = rh_arena_strndup(arena, name, stem),
                          .bytes = status.st_size,
                          .rows = RH_UNKNOWN};
    return true;
}

bool rh_csv_recognise(const char *path, rh_arena *arena, rh_csv_facts **csv, rh_error *error)
{
    char **names = NULL;
    size_t count = 0, found = 0;
    *csv = NULL;
    if (!rh_directory_list(path, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        found += stem_length(names[i]) > 0;
    if (found == 0)
        return true;
    rh_csv_facts *facts = rh_arena_alloc(arena, sizeof *facts);
    for (size_t i = 0; i < count; i++)
        if (!take_file(path, names[i], arena, facts, error))
            return false;
    if (facts->definitions) {
        *csv = facts;
        return true;
    }
    rh_error_set(error, RH_ERROR_BACKUP,
                 "%s is a folder of CSV files, without the definitions of their tables", path);
    rh_error_hint(error, "write them into it: pg_dump --schema-only --file=schema.sql");
    return rh_error_at(error, path, 0, 0);
}

/* ---- all of it, before anything starts ---- */

typedef struct checking {
    const char *path;
    size_t width;
    int64_t rows;
    rh_csv_facts *csv;
} checking;

static bool check_header(checking *c, const rh_csv_record *header, rh_error *error)
{
    static const char *const others[][2] = {
        {";", "semicolons"}, {"\t", "tabs"}, {"|", "vertical bars"}, {NULL, NULL}};
    c->width = header->count;
    for (size_t i = 0; header->count == 1 && others[i][0]; i++)
        if (strstr(header->fields[0].bytes, others[i][0])) {
            rh_error_set(error, RH_ERROR_BACKUP, "the fields appear to be separated by %s", others[i][1]);
            rh_error_hint(error, "export with commas: COPY … TO … (FORMAT csv, HEADER)");
            return rh_error_at(error, c->path, (int)header->fields[0].line, 1);
        }
    return true;
}

/* What may mean NULL. */
static void note_null(checking *c, const rh_csv_field *field)
{
    c->csv->empty_fields = c->csv->empty_fields || rh_csv_is_null(field, "");
    if (c->csv->word_where.file || !rh_csv_is_null(field, "\\N"))
        return;
    c->csv->word_where = (rh_location){.file = c->path, .line = (int)field->line, .column = field->column};
}

static bool check_row(void *user, const rh_csv_record *row, rh_error *error)
{
    checking *c = user;
    if (c->width == 0)
        return check_header(c, row, error);
    c->rows++;
    for (size_t i = 0; i < row->count; i++)
        note_null(c, &row->fields[i]);
    if (row->count == c->width)
        return true;
    const rh_csv_field *at = &row->fields[row->count > c->width ? c->width : row->count - 1];
    rh_error_set(error, RH_ERROR_BACKUP, "the row has %zu field%s, and the header has %zu", row->count,
                 row->count == 1 ? "" : "s", c->width);
    rh_error_hint(error, "a comma or line end inside of a field is written in quotes");
    return rh_error_at(error, c->path, (int)at->line, at->column);
}

bool rh_csv_check(rh_csv_facts *csv, rh_arena *arena, const rh_progress *progress, const char *stage,
                  rh_error *error)
{
    rh_csv_progress at = {.progress = progress, .stage = stage};
    for (size_t i = 0; i < csv->file_count; i++)
        at.total += csv->files[i].bytes;
    for (size_t i = 0; i < csv->file_count; i++) {
        rh_csv_file *file = &csv->files[i];
        checking c = {.path = file->path, .csv = csv};
        const char *compression = "none";
        if (!rh_csv_read_rows(file->path, check_row, &c, &at, &compression, error))
            return false;
        if (c.width == 0) {
            rh_error_set(error, RH_ERROR_BACKUP, "the file is empty: it has no header");
            rh_error_hint(error, "export it with its header: COPY … TO … (FORMAT csv, HEADER)");
            return rh_error_at(error, file->path, 0, 0);
        }
        bool same = i == 0 || strcmp(csv->compression, compression) == 0;
        csv->compression = same ? rh_arena_strdup(arena, compression) : "mixed";
        file->rows = c.rows;
        at.before += file->bytes;
    }
    return true;
}

bool rh_csv_choose_null(rh_csv_facts *csv, const char *word, rh_error *error)
{
    const rh_location *where = &csv->word_where;
    csv->null_word = word ? word : where->file ? "\\N" : "";
    if (word || !where->file || !csv->empty_fields)
        return true;
    rh_error_set(error, RH_ERROR_BACKUP,
                 "the field is \\N, and others are empty, all without quotes: which of them means NULL?");
    rh_error_hint(error, "tell it with backup.csv_null: '\\N' or backup.csv_null: ''");
    return rh_error_at(error, where->file, where->line, where->column);
}
