#include "pgrehearse/adapters/csv.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void write_bytes(char path[32], const char *bytes, size_t length)
{
    strcpy(path, "/tmp/rh-csv-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

/* Numbers of python3's csv module on the same files; line_last is the physical line the last row begins on.
 */
static void reads_real_files_like_python(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t columns, rows, fields, bytes;
        int line_last;
    } files[] = {
        {"2024_polls.csv", 18, 1700, 30600, 152401, 1702},
        {"allstar_player_talent.csv", 15, 3930, 58950, 330966, 3931},
        {"bachelorette.csv", 23, 921, 21183, 26524, 922},
        {"biopics.csv", 14, 761, 10654, 97222, 762},
        {"candidate_visits.csv", 7, 1741, 12187, 106880, 1742},
        {"castle-solutions.csv", 11, 1349, 14839, 375979, 2014},
        {"police_killings.csv", 34, 467, 15878, 112725, 468},
        {"pollster-ratings.csv", 23, 453, 10419, 43224, 454},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/csv/%s", RH_CORPORA, files[i].name);
        if (access(path, R_OK) != 0) {
            print_message("skipped: %s is not here\n", path);
            continue;
        }
        rh_arena *arena = rh_arena_new();
        rh_csv_table table;
        rh_error error = {0};
        assert_true(rh_csv_read(path, arena, &table, &error));
        assert_int_equal(table.header.count, files[i].columns);
        assert_int_equal(table.row_count, files[i].rows);
        size_t fields = 0, bytes = 0;
        for (size_t r = 0; r < table.row_count; r++) {
            fields += table.rows[r].count;
            for (size_t c = 0; c < table.rows[r].count; c++)
                bytes += strlen(table.rows[r].fields[c]);
        }
        assert_int_equal(fields, files[i].fields);
        assert_int_equal(bytes, files[i].bytes);
        assert_int_equal(table.rows[table.row_count - 1].line, files[i].line_last);
        rh_arena_free(arena);
    }
}

static void keeps_blanks_quotes_and_line_numbers(void **state)
{
    (void)state;
    const char text[] = "\xef\xbb\xbfname, value \r\n\r\n\"a \"\"b\"\"\nc\", 5\" pipe\r\r\"\",\xff\nlast";
    char path[32];
    write_bytes(path, text, sizeof text - 1);
    rh_arena *arena = rh_arena_new();
    rh_csv_table table;
    rh_error error = {0};
    assert_true(rh_csv_read(path, arena, &table, &error));
    assert_int_equal(rh_csv_column(&table, "name"), 0);
    assert_int_equal(rh_csv_column(&table, " value "), 1);
    assert_int_equal(rh_csv_column(&table, "value"), -1);
    assert_int_equal(table.row_count, 3);
    assert_string_equal(table.rows[0].fields[0], "a \"b\"\nc");
    assert_string_equal(table.rows[0].fields[1], " 5\" pipe");
    assert_int_equal(table.rows[0].line, 3);
    assert_string_equal(table.rows[1].fields[0], "");
    assert_string_equal(table.rows[1].fields[1], "\xff");
    assert_int_equal(table.rows[1].line, 6);
    assert_int_equal(table.rows[2].count, 1);
    assert_int_equal(table.rows[2].line, 7);
    unlink(path);
    rh_arena_free(arena);
}

static void refuses_what_is_no_csv(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_csv_table table;
    rh_error error = {0};
    char path[32];

    const char open_quote[] = "a,b\n1,2\n3,\"never closed\nmore\n";
    write_bytes(path, open_quote, sizeof open_quote - 1);
    assert_false(rh_csv_read(path, arena, &table, &error));
    assert_non_null(strstr(error.message, "a quoted field is never closed"));
    assert_int_equal(error.line, 3);
    rh_error_release(&error);
    unlink(path);

    write_bytes(path, "a\0b\0", 4);
    assert_false(rh_csv_read(path, arena, &table, &error));
    assert_string_equal(error.hint, "save it as UTF-8");
    rh_error_release(&error);
    unlink(path);

    write_bytes(path, "", 0);
    assert_true(rh_csv_read(path, arena, &table, &error));
    assert_int_equal(table.header.count, 0);
    unlink(path);

    assert_false(rh_csv_read("/nowhere.csv", arena, &table, &error));
    rh_error_release(&error);
    rh_arena_free(arena);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    char path[32];
    write_bytes(path, "", 0);
    rh_error error = {0};
    rh_csv_writer *csv = rh_csv_open(path, &error);
    assert_non_null(csv);
    const char *values[] = {"plain", "a,b", "say \"hi\"", "two\nlines", " blank", "", "caf\xe9"};
    for (size_t i = 0; i < 7; i++)
        rh_csv_text(csv, values[i]);
    rh_csv_end_row(csv);
    rh_csv_text(csv, NULL);
    rh_csv_int(csv, -5);
    rh_csv_real(csv, NAN, 3);
    rh_csv_real(csv, 1.0 / 3, 3);
    rh_csv_end_row(csv);
    assert_true(rh_csv_close(csv, &error));

    char bytes[256] = {0};
    FILE *file = fopen(path, "r");
    assert_true(fread(bytes, 1, sizeof bytes - 1, file) > 0);
    fclose(file);
    assert_string_equal(
        bytes, "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\" blank\",\"\",caf\xe9\n,-5,,0.333\n");

    rh_arena *arena = rh_arena_new();
    rh_csv_table table;
    assert_true(rh_csv_read(path, arena, &table, &error));
    assert_int_equal(table.header.count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(table.header.fields[i], values[i]);
    rh_arena_free(arena);
    unlink(path);
}

static void reports_a_full_disk(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_csv_writer *csv = rh_csv_open("/dev/full", &error);
    rh_csv_text(csv, "x");
    rh_csv_end_row(csv);
    assert_false(rh_csv_close(csv, &error));
    assert_int_equal(error.code, RH_ERROR_NO_SPACE);
    rh_error_release(&error);
    assert_true(rh_csv_close(NULL, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_real_files_like_python),
        cmocka_unit_test(keeps_blanks_quotes_and_line_numbers),
        cmocka_unit_test(refuses_what_is_no_csv),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(reports_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
