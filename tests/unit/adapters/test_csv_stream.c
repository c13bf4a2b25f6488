/* CSV as a stream: rows, positions, and what is refused where. */
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Rows as "line:column value|…" a line; a quoted field has its quotes. */
static bool note(void *user, const rh_csv_record *record, rh_error *error)
{
    (void)error;
    rh_text *seen = user;
    for (size_t i = 0; i < record->count; i++) {
        const rh_csv_field *f = &record->fields[i];
        assert_int_equal(strlen(f->bytes), f->length);
        rh_text_printf(seen, "%s%d:%d %s%s%s", i ? "|" : "", (int)f->line, f->column, f->quoted ? "\"" : "",
                       f->bytes, f->quoted ? "\"" : "");
    }
    rh_text_append(seen, "\n");
    return true;
}

static bool read_in(const char *text, size_t length, size_t portion, rh_text *seen, rh_error *error)
{
    rh_csv_stream *stream = rh_csv_stream_new("t.csv", note, seen);
    bool fine = true;
    for (size_t at = 0; fine && at < length;) {
        size_t n = at == 0 && portion < 3 ? 3 : portion;
        n = n < length - at ? n : length - at;
        fine = rh_csv_stream_feed(stream, text + at, n, error);
        at += n;
    }
    fine = fine && rh_csv_stream_finish(stream, error);
    rh_csv_stream_free(stream);
    return fine;
}

static void expect(const char *text, const char *rows)
{
    for (size_t portion = 1; portion < 64; portion *= 3) {
        rh_text seen = {0};
        rh_error error = {0};
        if (!read_in(text, strlen(text), portion, &seen, &error))
            fail_msg("[%s] in portions of %zu: %s at %d:%d", text, portion, error.message, error.line,
                     error.column);
        assert_string_equal(rh_text_string(&seen), rows);
        rh_text_release(&seen);
    }
}

static void expect_error_of(const char *text, size_t length, const char *said, int line, int column)
{
    for (size_t portion = 1; portion < 64; portion *= 3) {
        rh_text seen = {0};
        rh_error error = {0};
        if (read_in(text, length, portion, &seen, &error))
            fail_msg("[%s] was read", text);
        if (!strstr(error.message, said))
            fail_msg("[%s]: \"%s\" has no \"%s\"", text, error.message, said);
        assert_int_equal(error.code, RH_ERROR_BACKUP);
        assert_string_equal(error.file, "t.csv");
        assert_int_equal(error.line, line);
        assert_int_equal(error.column, column);
        rh_error_release(&error);
        rh_text_release(&seen);
    }
}

static void expect_error(const char *text, const char *said, int line, int column)
{
    expect_error_of(text, strlen(text), said, line, column);
}

static void tells_empty_from_quoted_empty(void **state)
{
    (void)state;
    expect("a,b,c\n,\"\",x\n", "1:1 a|1:3 b|1:5 c\n2:1 |2:2 \"\"|2:5 x\n");
    expect("a,b\n\\N,\"\\N\"\n", "1:1 a|1:3 b\n2:1 \\N|2:4 \"\\N\"\n");
    expect("a,b\n1,", "1:1 a|1:3 b\n2:1 1|2:3 \n");
}

static void reads_each_kind_of_line_end(void **state)
{
    (void)state;
    expect("a,b\r\n1,2\r\n", "1:1 a|1:3 b\n2:1 1|2:3 2\n");
    expect("a,b\r1,2\r", "1:1 a|1:3 b\n2:1 1|2:3 2\n");
    expect("a,b\r1,2\n", "1:1 a|1:3 b\n2:1 1|2:3 2\n");
    expect("\xef\xbb\xbf"
           "a,b\n1,2",
           "1:1 a|1:3 b\n2:1 1|2:3 2\n");
}

static void counts_lines_and_characters(void **state)
{
    (void)state;
    expect("a,b,c\n\"x\ny\",\xc3\xa4\xc3\xb6,z\nu,v,w\n",
           "1:1 a|1:3 b|1:5 c\n2:1 \"x\ny\"|3:4 \xc3\xa4\xc3\xb6|3:7 z\n4:1 u|4:3 v|4:5 w\n");
    expect("a,b\n\"x\r\ny\",2\nu,v\n", "1:1 a|1:3 b\n2:1 \"x\r\ny\"|3:4 2\n4:1 u|4:3 v\n");
    expect("a,b\n\"\"\"x\"\", y\", z \n", "1:1 a|1:3 b\n2:1 \"\"x\", y\"|2:12  z \n");
}

static void takes_an_empty_line_for_a_row_of_one_column(void **state)
{
    (void)state;
    expect("a\n1\n\n2\n\n", "1:1 a\n2:1 1\n3:1 \n4:1 2\n5:1 \n");
    expect("a,b\n1,2\n\n\n", "1:1 a|1:3 b\n2:1 1|2:3 2\n");
    expect("a,b\r\n\r\n1,2\r\n", "1:1 a|1:3 b\n2:1 \n3:1 1|3:3 2\n");
}

static void refuses_what_could_be_read_otherwise(void **state)
{
    (void)state;
    expect_error("a,b\n1,2\"x\"\n", "a quote inside a field", 2, 4);
    expect_error("a,b\n1,\"2\"x\n", "something follows the quote", 2, 6);
    expect_error("a,b\n1,2\n3,\"4\n5,6\n", "a quoted field begins here", 3, 3);
    expect_error("a,b\n1,2\r3,4\n", "ends otherwise than those before it, with LF", 2, 0);
    expect_error("a,b\r\n1,2\n3,4\r\n", "ends otherwise than those before it, with CRLF", 2, 0);
    expect_error("a,b\n1,2\r3,4", "ends otherwise", 2, 0);
}

static void refuses_other_encodings(void **state)
{
    (void)state;
    expect_error("name,b\nx,caf\xe9\n", "not UTF-8", 2, 3);
    expect_error("name,b\nx,\xc3\n", "not UTF-8", 2, 3);
    expect_error_of("\xff\xfe"
                    "a\0,\0",
                    6, "UTF-16", 1, 1);
    expect_error_of("a\0,\0b\0", 6, "NUL byte", 1, 2);
}

/* ---- files of other people's, as python3's csv module reads them ---- */

typedef struct totals {
    size_t columns, rows, fields, bytes;
    int64_t line;
} totals;

static bool count(void *user, const rh_csv_record *record, rh_error *error)
{
    (void)error;
    totals *t = user;
    if (t->columns == 0) {
        t->columns = record->count;
        return true;
    }
    t->rows++;
    t->fields += record->count;
    t->line = record->fields[0].line;
    for (size_t i = 0; i < record->count; i++)
        t->bytes += record->fields[i].length;
    return true;
}

static bool read_file(const char *name, totals *found, rh_error *error)
{
    char path[4096], block[1000];
    snprintf(path, sizeof path, "%s/csv/%s", RH_CORPORA, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        print_message("skipped: %s is not here\n", path);
        return false;
    }
    rh_csv_stream *stream = rh_csv_stream_new(name, count, found);
    bool fine = true;
    for (size_t n; fine && (n = fread(block, 1, sizeof block, file)) > 0;)
        fine = rh_csv_stream_feed(stream, block, n, error);
    fine = fine && rh_csv_stream_finish(stream, error);
    rh_csv_stream_free(stream);
    fclose(file);
    return fine;
}

static void reads_real_files_like_python(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        totals expected;
    } files[] = {
        {"2024_polls.csv", {18, 1700, 30600, 152401, 1702}},
        {"allstar_player_talent.csv", {15, 3930, 58950, 330966, 3931}},
        {"bachelorette.csv", {23, 921, 21183, 26524, 922}},
        {"candidate_visits.csv", {7, 1741, 12187, 106880, 1742}},
        {"castle-solutions.csv", {11, 1349, 14839, 375979, 2014}},
        {"pollster-ratings.csv", {23, 453, 10419, 43224, 454}},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        totals found = {0};
        rh_error error = {0};
        if (!read_file(files[i].name, &found, &error)) {
            if (rh_error_is_set(&error))
                fail_msg("%s:%d:%d: %s", files[i].name, error.line, error.column, error.message);
            continue;
        }
        assert_memory_equal(&found, &files[i].expected, sizeof found);
    }
}

static void refuses_real_files_that_are_not_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int line, column;
    } files[] = {{"biopics.csv", 21, 87}, {"police_killings.csv", 145, 137}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        totals found = {0};
        rh_error error = {0};
        bool fine = read_file(files[i].name, &found, &error);
        assert_false(fine);
        if (!rh_error_is_set(&error))
            continue;
        assert_string_equal(error.message, "the field is not UTF-8");
        assert_int_equal(error.line, files[i].line);
        assert_int_equal(error.column, files[i].column);
        rh_error_release(&error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_empty_from_quoted_empty),
        cmocka_unit_test(reads_each_kind_of_line_end),
        cmocka_unit_test(counts_lines_and_characters),
        cmocka_unit_test(takes_an_empty_line_for_a_row_of_one_column),
        cmocka_unit_test(refuses_what_could_be_read_otherwise),
        cmocka_unit_test(refuses_other_encodings),
        cmocka_unit_test(reads_real_files_like_python),
        cmocka_unit_test(refuses_real_files_that_are_not_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
