/* Reads CSV of any size with libcsv, which knows neither positions nor whether a field was quoted: it gets
 * one piece up to a comma or a line end at a time, so that both are known here. */
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/base/text.h"
#include <csv.h>
#include <stdlib.h>
#include <string.h>

/* PostgreSQL has 1600 columns at the most, and 1 GB for a row as it is sent. */
enum { MOST_FIELDS = 4096, LONGEST_ROW = 256 * 1024 * 1024, BLOCK = 64 * 1024 };

typedef enum line_end { END_UNKNOWN, END_LF, END_CR, END_CRLF } line_end;

struct rh_csv_stream {
    struct csv_parser parser;
    char *file;
    rh_csv_sink sink;
    void *user;
    rh_csv_field *fields;
    size_t *offsets; /* of the fields in row */
    size_t count, width;
    rh_text row;
    int64_t line; /* of the next byte */
    int column;
    rh_csv_field field; /* the position of the one that is read */
    size_t held;        /* bytes of the row so far */
    int64_t blank_line; /* the first of the empty lines that were not handed out */
    int64_t blank_count;
    int64_t odd_line; /* which ends otherwise than those before it; 0 */
    line_end end;
    bool begun, field_begins, field_ended, row_ended, too_many;
    bool last_cr, row_cr; /* the byte before was a CR; which ended a row */
};

/* Blanks around a field are data; libcsv would trim them. */
static int no_blank(unsigned char c)
{
    (void)c;
    return 0;
}

rh_csv_stream *rh_csv_stream_new(const char *file, rh_csv_sink sink, void *user)
{
    rh_csv_stream *s = rh_alloc(sizeof *s);
    *s = (rh_csv_stream){.file = rh_strdup(file),
                         .sink = sink,
                         .user = user,
                         .fields = rh_alloc(MOST_FIELDS * sizeof *s->fields),
                         .offsets = rh_alloc(MOST_FIELDS * sizeof *s->offsets),
                         .line = 1,
                         .column = 1,
                         .field_begins = true};
    csv_init(&s->parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_space_func(&s->parser, no_blank);
    csv_set_blk_size(&s->parser, BLOCK);
    return s;
}

void rh_csv_stream_free(rh_csv_stream *s)
{
    if (!s)
        return;
    csv_free(&s->parser);
    rh_text_release(&s->row);
    free(s->fields);
    free(s->offsets);
    free(s->file);
    free(s);
}

static bool fail(const rh_csv_stream *s, int64_t line, int column, const char *what, const char *hint,
                 rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "%s", what);
    if (hint)
        rh_error_hint(error, "%s", hint);
    return rh_error_at(error, s->file, (int)line, column);
}

/* ---- what libcsv tells ---- */

static void on_field(void *bytes, size_t length, void *user)
{
    rh_csv_stream *s = user;
    s->field_ended = true;
    if (s->count >= MOST_FIELDS) {
        s->too_many = true;
        return;
    }
    s->offsets[s->count] = s->row.length;
    s->field.length = length;
    s->fields[s->count++] = s->field;
    rh_text_append_bytes(&s->row, length ? bytes : "", length);
    rh_text_append_bytes(&s->row, "", 1);
}

static void on_row(int terminator, void *user)
{
    (void)terminator;
    rh_csv_stream *s = user;
    s->row_ended = true;
}

/* ---- rows ---- */

static bool is_utf8(const rh_csv_field *field)
{
    size_t i = 0;
    while (i < field->length && !((unsigned char)field->bytes[i] & 0x80))
        i++;
    for (uint32_t code; i < field->length;) {
        size_t length = rh_utf8_decode(field->bytes + i, &code);
        if (length == 0 || (length == 1 && code == 0xfffd))
            return false;
        i += length;
    }
    return true;
}

/* The empty lines before a row, each as a row of one field. */
static bool hand_out_blanks(rh_csv_stream *s, rh_error *error)
{
    for (; s->width > 0 && s->blank_count > 0; s->blank_count--) {
        rh_csv_field field = {.bytes = "", .line = s->blank_line++, .column = 1};
        if (!s->sink(s->user, &(rh_csv_record){&field, 1}, error))
            return false;
    }
    s->blank_count = 0;
    return true;
}

static bool hand_out(rh_csv_stream *s, rh_error *error)
{
    for (size_t i = 0; i < s->count; i++) {
        rh_csv_field *field = &s->fields[i];
        field->bytes = s->row.data + s->offsets[i];
        if (!is_utf8(field))
            return fail(s, field->line, field->column, "the field is not UTF-8",
                        "convert the file: iconv -f LATIN1 -t UTF-8 (or the encoding that it has), or export "
                        "it with COPY … (FORMAT csv, HEADER, ENCODING 'UTF8')",
                        error);
    }
    bool fine = hand_out_blanks(s, error) && s->sink(s->user, &(rh_csv_record){s->fields, s->count}, error);
    s->width = s->width ? s->width : s->count;
    s->count = 0;
    s->held = 0;
    if (s->row.capacity > BLOCK)
        rh_text_release(&s->row);
    rh_text_clear(&s->row);
    return fine;
}

static void note_line_end(rh_csv_stream *s, line_end end, int64_t line)
{
    if (s->end == END_UNKNOWN)
        s->end = end;
    else if (s->end != end && s->odd_line == 0)
        s->odd_line = line;
}

/* ---- pieces ---- */

static void advance(rh_csv_stream *s, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool of_crlf = bytes[i] == '\n' && s->last_cr;
        s->last_cr = bytes[i] == '\r';
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            s->line += !of_crlf;
            s->column = 1;
        } else if (((unsigned char)bytes[i] & 0xc0) != 0x80) {
            s->column++;
        }
    }
}

static bool fail_of_quote(const rh_csv_stream *s, rh_error *error)
{
    return fail(s, s->line, s->column,
                s->field.quoted ? "something follows the quote that ends a field"
                                : "a quote inside a field that does not begin with one",
                "a field with quotes is written in quotes, each of its own doubled: \"say \"\"yes\"\"\"",
                error);
}

/* A piece has at most one comma or line end, its last byte. */
static bool feed_piece(rh_csv_stream *s, const char *bytes, size_t length, rh_error *error)
{
    if (s->field_begins)
        s->field = (rh_csv_field){.quoted = *bytes == '"', .line = s->line, .column = s->column};
    s->field_begins = s->field_ended = s->row_ended = false;
    size_t done = csv_parse(&s->parser, bytes, length, on_field, on_row, s);
    int64_t line = s->line;
    advance(s, bytes, done);
    if (done != length)
        return fail_of_quote(s, error);
    s->held += length;
    if (s->too_many)
        return fail(s, line, 0, "the row has more than 4096 fields", NULL, error);
    if (s->held > LONGEST_ROW)
        return fail(s, s->count ? s->fields[0].line : s->field.line, 0,
                    "the row that begins here has more than 256 MiB", "is a quote missing that ends a field?",
                    error);
    s->field_begins = s->field_ended;
    if (!s->row_ended)
        return true;
    if (s->last_cr)
        s->row_cr = true;
    else
        note_line_end(s, END_LF, line);
    return hand_out(s, error);
}

static void take_blank_line(rh_csv_stream *s, const char *byte)
{
    if (s->blank_count++ == 0)
        s->blank_line = s->line;
    int64_t line = s->line;
    advance(s, byte, 1);
    s->row_cr = *byte == '\r';
    if (!s->row_cr)
        note_line_end(s, END_LF, line);
}

/* What follows a CR at the end of a row; bytes taken. */
static size_t take_after_cr(rh_csv_stream *s, const char *byte)
{
    bool crlf = byte && *byte == '\n';
    s->row_cr = false;
    note_line_end(s, crlf ? END_CRLF : END_CR, s->line - 1);
    if (crlf)
        advance(s, byte, 1);
    return crlf;
}

static bool fail_of_line_end(const rh_csv_stream *s, rh_error *error)
{
    static const char *const names[] = {"", "LF", "CR", "CRLF"};
    rh_text what = {0};
    rh_text_printf(&what, "the line ends otherwise than those before it, with %s", names[s->end]);
    fail(s, s->odd_line, 0, what.data,
         "a line end inside of a field is written in quotes; else convert the file's line ends", error);
    rh_text_release(&what);
    return false;
}

static bool feed_text(rh_csv_stream *s, const char *bytes, size_t length, rh_error *error)
{
    for (const char *p = bytes, *end = bytes + length; p < end;) {
        if (s->row_cr) {
            p += take_after_cr(s, p);
            continue;
        }
        if (s->odd_line)
            return fail_of_line_end(s, error);
        if (s->field_begins && s->count == 0 && (*p == '\n' || *p == '\r')) {
            take_blank_line(s, p++);
            continue;
        }
        const char *q = p;
        while (q < end && *q != ',' && *q != '\n' && *q != '\r')
            q++;
        q += q < end;
        if (!feed_piece(s, p, (size_t)(q - p), error))
            return false;
        p = q;
    }
    return true;
}

bool rh_csv_stream_feed(rh_csv_stream *s, const char *bytes, size_t length, rh_error *error)
{
    static const char convert[] = "convert the file: iconv -f UTF-16 -t UTF-8";
    if (!s->begun && length >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return fail(s, 1, 1, "the file is text in UTF-16", convert, error);
    size_t mark = !s->begun && length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    s->begun = s->begun || length > 0;
    bytes += mark;
    length -= mark;
    const char *nul = memchr(bytes, 0, length);
    if (!feed_text(s, bytes, nul ? (size_t)(nul - bytes) : length, error))
        return false;
    return !nul || fail(s, s->line, s->column, "the file has a NUL byte: it is not text in UTF-8",
                        "if it is UTF-16, convert it: iconv -f UTF-16LE -t UTF-8", error);
}

bool rh_csv_stream_finish(rh_csv_stream *s, rh_error *error)
{
    if (s->row_cr)
        take_after_cr(s, NULL);
    if (s->field_begins) /* behind a comma */
        s->field = (rh_csv_field){.line = s->line, .column = s->column};
    s->row_ended = false;
    if (csv_fini(&s->parser, on_field, on_row, s) != 0)
        return fail(s, s->field.line, s->field.column, "a quoted field begins here and never ends",
                    "is the file cut off?", error);
    if (s->row_ended && s->odd_line)
        return fail_of_line_end(s, error);
    if (s->row_ended && !hand_out(s, error))
        return false;
    return s->width != 1 || hand_out_blanks(s, error);
}
