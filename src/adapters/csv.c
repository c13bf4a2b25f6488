#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <csv.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- writing ---- */

struct rh_csv_writer {
    FILE *file;
    char *path;
    bool row_begun;
    int failed; /* errno of the first write that failed */
};

rh_csv_writer *rh_csv_open(const char *path, rh_error *error)
{
    FILE *file = fopen(path, "wbe");
    if (!file) {
        rh_error_errno(error, errno, "%s", path);
        return NULL;
    }
    rh_csv_writer *csv = rh_alloc(sizeof *csv);
    csv->file = file;
    csv->path = rh_strdup(path);
    return csv;
}

static void check(rh_csv_writer *csv, int status)
{
    if (status == EOF && !csv->failed)
        csv->failed = errno ? errno : EIO;
}

static void separate(rh_csv_writer *csv)
{
    if (csv->row_begun)
        check(csv, fputc(CSV_COMMA, csv->file));
    csv->row_begun = true;
}

void rh_csv_text(rh_csv_writer *csv, const char *value)
{
    separate(csv);
    if (!value)
        return;
    /* "" is the empty string and nothing at all is NULL, as COPY … CSV has it. */
    size_t length = strlen(value);
    bool quote =
        length == 0 || value[strcspn(value, ",\"\r\n")] || value[0] == ' ' || value[length - 1] == ' ';
    check(csv, quote ? csv_fwrite2(csv->file, value, length, CSV_QUOTE) : fputs(value, csv->file));
}

void rh_csv_int(rh_csv_writer *csv, long long value)
{
    separate(csv);
    check(csv, fprintf(csv->file, "%lld", value) < 0 ? EOF : 0);
}

void rh_csv_real(rh_csv_writer *csv, double value, int decimals)
{
    separate(csv);
    if (isfinite(value))
        check(csv, fprintf(csv->file, "%.*f", decimals, value) < 0 ? EOF : 0);
}

void rh_csv_end_row(rh_csv_writer *csv)
{
    check(csv, fputc('\n', csv->file));
    csv->row_begun = false;
}

bool rh_csv_close(rh_csv_writer *csv, rh_error *error)
{
    if (!csv)
        return true;
    errno = 0;
    check(csv, fclose(csv->file));
    bool done = !csv->failed;
    if (!done)
        rh_error_errno(error, csv->failed, "%s", csv->path);
    free(csv->path);
    free(csv);
    return done;
}

/* ---- reading ---- */

typedef struct reader {
    rh_arena *arena;
    rh_csv_table *table;
    rh_csv_row row; /* being read */
    bool have_header, row_ended;
} reader;

static void on_field(void *bytes, size_t length, void *user)
{
    reader *r = user;
    char **field = rh_arena_add(r->arena, &r->row.fields, &r->row.count);
    *field = rh_arena_strndup(r->arena, bytes ? bytes : "", length);
}

static void on_row(int terminator, void *user)
{
    (void)terminator;
    reader *r = user;
    if (r->have_header)
        *rh_arena_add(r->arena, &r->table->rows, &r->table->row_count) = r->row;
    else
        r->table->header = r->row;
    r->have_header = true;
    r->row_ended = true;
    r->row = (rh_csv_row){0};
}

/* libcsv trims blanks around unquoted fields; they are data here. */
static int no_blank(unsigned char c)
{
    (void)c;
    return 0;
}

/* Bytes of the line at TEXT with its end: LF, CRLF or a bare CR. */
static size_t line_length(const char *text, size_t rest)
{
    size_t i = 0;
    while (i < rest && text[i] != '\n' && text[i] != '\r')
        i++;
    if (i + 1 < rest && text[i] == '\r' && text[i + 1] == '\n')
        return i + 2;
    return i < rest ? i + 1 : rest;
}

/* libcsv counts no lines, so it is fed a line at a time. */
static bool parse(struct csv_parser *parser, reader *r, const char *text, size_t length, const char *path,
                  rh_error *error)
{
    bool inside = false; /* a row began and has not ended: a quoted line break */
    int line = 1;
    for (size_t at = 0; at < length; line++) {
        size_t size = line_length(text + at, length - at);
        if (!inside)
            r->row.line = line;
        r->row_ended = false;
        if (csv_parse(parser, text + at, size, on_field, on_row, r) != size) {
            rh_error_set(error, RH_ERROR_IO, "%s is not valid CSV: %s", path,
                         csv_strerror(csv_error(parser)));
            return rh_error_at(error, path, line, 0);
        }
        bool blank = text[at] == '\n' || text[at] == '\r';
        inside = !r->row_ended && (inside || !blank);
        at += size;
    }
    /* Only at the end: in strict mode throughout, a quote within an unquoted field would be an error. */
    csv_set_opts(parser, CSV_STRICT | CSV_STRICT_FINI);
    int begun = r->row.line;
    if (csv_fini(parser, on_field, on_row, r) != 0) {
        rh_error_set(error, RH_ERROR_IO, "%s: a quoted field is never closed", path);
        return rh_error_at(error, path, begun, 0);
    }
    return true;
}

bool rh_csv_read(const char *path, rh_arena *arena, rh_csv_table *table, rh_error *error)
{
    FILE *file = rh_file_stream(path, error);
    if (!file)
        return false;
    rh_text text = {0};
    char block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        rh_text_append_bytes(&text, block, got);
    bool done = !ferror(file) || rh_error_errno(error, errno, "%s", path);
    fclose(file);

    const char *bytes = rh_text_string(&text);
    size_t length = text.length;
    if (done && memchr(bytes, 0, length)) {
        done = rh_error_set(error, RH_ERROR_IO, "%s is not a CSV file: it has NUL bytes", path);
        rh_error_hint(error, "save it as UTF-8");
    }
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        length -= 3;
    }
    *table = (rh_csv_table){0};
    if (done) {
        struct csv_parser parser;
        csv_init(&parser, 0);
        csv_set_space_func(&parser, no_blank);
        reader r = {.arena = arena, .table = table};
        done = parse(&parser, &r, bytes, length, path, error);
        csv_free(&parser);
    }
    rh_text_release(&text);
    return done;
}

int rh_csv_column(const rh_csv_table *table, const char *name)
{
    for (size_t i = 0; i < table->header.count; i++)
        if (strcmp(table->header.fields[i], name) == 0)
            return (int)i;
    return -1;
}
