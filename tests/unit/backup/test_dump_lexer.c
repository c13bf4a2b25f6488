/* The lexer against what psql would do: every portioning gives the same pieces, and no command hides. */
#include "backup/dump_lexer.h"
#include "pgrehearse/base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

typedef struct seen {
    rh_text all;    /* every byte, as it came */
    rh_text pieces; /* "S12:SELECT 1;" a line each: kind, line, text from the first token; data: D */
} seen;

static bool note(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    seen *s = user;
    rh_text_append_bytes(&s->all, piece->bytes, piece->length);
    static const char names[] = "SPDC";
    if (piece->kind == RH_DUMP_STATEMENT || piece->kind == RH_DUMP_COMMAND)
        rh_text_printf(&s->pieces, "%c%d:%.*s|", names[piece->kind], (int)piece->line,
                       (int)(piece->length - piece->start), piece->bytes + piece->start);
    if (piece->kind == RH_DUMP_COPY_DATA && piece->first)
        rh_text_printf(&s->pieces, "D%d:", (int)piece->line);
    if (piece->kind == RH_DUMP_COPY_DATA)
        rh_text_append_bytes(&s->pieces, piece->bytes, piece->length);
    if (piece->kind == RH_DUMP_COPY_DATA && piece->last)
        rh_text_append(&s->pieces, "|");
    return true;
}

static bool lex(const char *text, size_t length, size_t portion, seen *s, rh_error *error)
{
    *s = (seen){0};
    rh_dump_lexer *lexer = rh_dump_lexer_new("dump.sql", note, s);
    bool fine = true;
    for (size_t i = 0; fine && i < length; i += portion) {
        /* An exact copy, so that a sanitizer sees a read beyond the portion. */
        size_t n = length - i < portion ? length - i : portion;
        char *copy = malloc(n);
        memcpy(copy, text + i, n);
        fine = rh_dump_lexer_feed(lexer, copy, n, error);
        free(copy);
    }
    fine = fine && rh_dump_lexer_finish(lexer, error);
    rh_dump_lexer_free(lexer);
    return fine;
}

static void release(seen *s)
{
    rh_text_release(&s->all);
    rh_text_release(&s->pieces);
}

static void expect_pieces(const char *text, const char *pieces)
{
    for (size_t portion = 1; portion <= 9; portion++) {
        rh_error error = {0};
        seen s;
        size_t length = strlen(text), step = portion == 9 ? length + 1 : portion;
        if (!lex(text, length, step, &s, &error))
            fail_msg("%s: %s", text, error.message);
        assert_string_equal(rh_text_string(&s.all), text);
        assert_string_equal(rh_text_string(&s.pieces), pieces);
        release(&s);
        rh_error_release(&error);
    }
}

static void expect_error(const char *text, rh_error_code code, int line)
{
    for (size_t portion = 1; portion <= 9; portion++) {
        rh_error error = {0};
        seen s;
        size_t length = strlen(text), step = portion == 9 ? length + 1 : portion;
        if (lex(text, length, step, &s, &error))
            fail_msg("accepted: %s", text);
        assert_int_equal(error.code, code);
        if (line)
            assert_int_equal(error.line, line);
        assert_non_null(error.hint);
        release(&s);
        rh_error_release(&error);
    }
}

static void statements_are_found(void **state)
{
    (void)state;
    expect_pieces("SELECT 1;\n\nSELECT 2 ;", "S1:SELECT 1;|S3:SELECT 2 ;|");
    expect_pieces("-- a; comment\nSELECT /* ; /* ; */ ; */ 1;", "S2:SELECT /* ; /* ; */ ; */ 1;|");
    expect_pieces("SELECT ';', 'it''s;', \"a;\"\"b\", E'\\';', U&'\\';",
                  "S1:SELECT ';', 'it''s;', \"a;\"\"b\", E'\\';', U&'\\';|");
    expect_pieces("DO $$ ; $x$ ; $$;DO $a1$ $a $a1 $$ ; $a1$;",
                  "S1:DO $$ ; $x$ ; $$;|S1:DO $a1$ $a $a1 $$ ; $a1$;|");
    expect_pieces("SELECT a$b$c; SELECT $1;SELECT $q; ", "S1:SELECT a$b$c;|S1:SELECT $1;|S1:SELECT $q;|");
    expect_pieces("CREATE RULE r AS DO (SELECT 1; SELECT 2);",
                  "S1:CREATE RULE r AS DO (SELECT 1; SELECT 2);|");
    expect_pieces(
        "CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN 1 THEN 2 END; SELECT 2; END; SELECT 3;",
        "S1:CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN 1 THEN 2 END; SELECT 2; "
        "END;|S1:SELECT 3;|");
    expect_pieces("SELECT 1 - -1, 2/3, 'a\\';\nSELECT 'b';", "S1:SELECT 1 - -1, 2/3, 'a\\';|S2:SELECT 'b';|");
    expect_pieces("SET standard_conforming_strings = off;SELECT 'a\\';b';",
                  "S1:SET standard_conforming_strings = off;|S1:SELECT 'a\\';b';|");
    expect_pieces("", "");
    expect_pieces("-- nothing", "");
    expect_pieces("-\n-1;", "S1:-\n-1;|");
}

static void copy_data_are_passed(void **state)
{
    (void)state;
    expect_pieces("COPY t (a, \"b)\") FROM stdin;\n1\t\\N\n\\! id\n\\.x\n ;'\n\\.\nSELECT 1;",
                  "S1:COPY t (a, \"b)\") FROM stdin;|D2:1\t\\N\n\\! id\n\\.x\n ;'\n\\.\n|S7:SELECT 1;|");
    expect_pieces("COPY s.t FROM stdin;\r\n1\r\n\\.\r\nSELECT 1;",
                  "S1:COPY s.t FROM stdin;|D2:1\r\n\\.\r\n|S4:SELECT 1;|");
    expect_pieces("COPY t FROM STDIN WITH CSV;\n\\.\n", "S1:COPY t FROM STDIN WITH CSV;|D2:\\.\n|");
}

static void commands_are_refused(void **state)
{
    (void)state;
    expect_error("SELECT 1;\n\\! id\n", RH_ERROR_REFUSED, 2);
    expect_error("SELECT 1 \\! id\n;", RH_ERROR_REFUSED, 1);
    expect_error("\n\\copy t from program 'id'\n", RH_ERROR_REFUSED, 2);
    expect_error("\\i /etc/passwd\n", RH_ERROR_REFUSED, 1);
    expect_error("SELECT 1 \\g |id\n", RH_ERROR_REFUSED, 1);
    expect_error("SELECT 1 \\; SELECT 2;", RH_ERROR_REFUSED, 1);
    expect_error("-- x\r\\! id\n", RH_ERROR_REFUSED, 1);
    expect_error("SELECT 'a' E'\\'' \\! id ' ;", RH_ERROR_REFUSED, 1);
    expect_error("SET standard_conforming_strings = off;SELECT '\\'' \\! id '", RH_ERROR_REFUSED, 1);
    expect_error("SELECT E'a'\n'\\' \\! id ';", RH_ERROR_REFUSED, 2);
    expect_error("SELECT 1e'\\' \\! id ';", RH_ERROR_REFUSED, 1);
    expect_error("DO $a$ $a$ \\! id $a$;", RH_ERROR_REFUSED, 1);
    expect_error("CREATE FUNCTION f() BEGIN ATOMIC COPY t FROM stdin;\n\\! id\n\\.\nEND;", RH_ERROR_REFUSED,
                 2);
    expect_error("COPY t FROM stdin; SELECT 1\n\\.\n", RH_ERROR_REFUSED, 1);
    expect_error("SET client_encoding = 'SJIS';", RH_ERROR_REFUSED, 1);
    expect_error("\\", RH_ERROR_REFUSED, 1);
    expect_pieces("\\restrict abc\nSELECT 1;\n\\unrestrict abc\n",
                  "C1:\\restrict abc\n|S2:SELECT 1;|C3:\\unrestrict abc\n|");
    expect_pieces("\\connect shop\nSELECT '\\! id', $$ \\! id $$ /* \\! id */; -- \\! id\n",
                  "C1:\\connect shop\n|S2:SELECT '\\! id', $$ \\! id $$ /* \\! id */;|");
}

static void foreign_copies_are_refused(void **state)
{
    (void)state;
    expect_error("\nCOPY t FROM PROGRAM 'id';", RH_ERROR_REFUSED, 2);
    expect_error("COPY t TO PROGRAM 'id';", RH_ERROR_REFUSED, 1);
    expect_error("/* */ COPY /* FROM stdin */ t FROM\n'/etc/passwd';", RH_ERROR_REFUSED, 1);
    expect_error("COPY (SELECT 1 FROM stdin) TO stdout;", RH_ERROR_REFUSED, 1);
    expect_error("COPY t FROM stdin WITH (FORMAT binary);\n", RH_ERROR_REFUSED, 1);
    expect_error("COPY t TO STDOUT;", RH_ERROR_REFUSED, 1);
    expect_error("CREATE FUNCTION begin() RETURNS int AS ''; COPY t FROM PROGRAM 'id'; END;",
                 RH_ERROR_REFUSED, 1);
}

static void truncation_is_reported(void **state)
{
    (void)state;
    expect_error("SELECT 1;\nSELECT 'abc", RH_ERROR_BACKUP, 2);
    expect_error("SELECT 1", RH_ERROR_BACKUP, 1);
    expect_error("COPY t FROM stdin;", RH_ERROR_BACKUP, 1);
    expect_error("COPY t FROM stdin;\n1\n2\n", RH_ERROR_BACKUP, 4);
    expect_error("COPY t FROM stdin;\n1\n\\.", RH_ERROR_BACKUP, 3);
    expect_error("/* a", RH_ERROR_BACKUP, 1);
    expect_error("DO $$ a", RH_ERROR_BACKUP, 1);
    expect_error("--\n-- PostgreSQL database dump\n--\nSELECT 1;\n", RH_ERROR_BACKUP, 0);
    expect_pieces("-- PostgreSQL database dump\r\nSELECT 1;\n-- PostgreSQL database dump complete\r\n--\n",
                  "S2:SELECT 1;|");
    expect_pieces("-- PostgreSQL database dump\nSELECT 1;\n-- PostgreSQL database dump complete",
                  "S2:SELECT 1;|");
}

static void nul_bytes_are_refused(void **state)
{
    (void)state;
    rh_error error = {0};
    seen s;
    assert_false(lex("SELECT '\0';", 11, 3, &s, &error));
    assert_int_equal(error.code, RH_ERROR_REFUSED);
    release(&s);
    rh_error_release(&error);
}

static void long_statements_come_in_parts(void **state)
{
    (void)state;
    rh_text text = {0};
    rh_text_append(&text, "SELECT 0; INSERT INTO t VALUES ('");
    for (int i = 0; i < 300000; i++)
        rh_text_append(&text, "0123456789");
    rh_text_append(&text, "');\nSELECT 1;");
    rh_error error = {0};
    seen s;
    assert_true(lex(text.data, text.length, 65536, &s, &error));
    assert_int_equal(s.all.length, text.length);
    assert_memory_equal(s.all.data, text.data, text.length);
    assert_string_equal(rh_text_string(&s.pieces), "S1:SELECT 0;|S2:SELECT 1;|");
    release(&s);
    /* The first word decides, however long the comment behind it is. */
    rh_text_clear(&text);
    rh_text_append(&text, "COPY /*");
    for (int i = 0; i < 300000; i++)
        rh_text_append(&text, "0123456789");
    rh_text_append(&text, "*/ t FROM PROGRAM 'id';");
    assert_false(lex(text.data, text.length, 65536, &s, &error));
    assert_int_equal(error.code, RH_ERROR_REFUSED);
    release(&s);
    rh_error_release(&error);
    rh_text_release(&text);
}

/* Counts bytes and the longest piece instead of keeping them. */
typedef struct measured {
    int64_t bytes;
    size_t longest;
} measured;

static bool measure(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    measured *m = user;
    m->bytes += (int64_t)piece->length;
    m->longest = piece->length > m->longest ? piece->length : m->longest;
    return true;
}

/* BEFORE, then TIMES times 1 MiB of one digit, then AFTER. */
static bool lex_long(const char *before, int times, const char *after, measured *m, rh_error *error)
{
    static char portion[1024 * 1024];
    memset(portion, '7', sizeof portion);
    rh_dump_lexer *lexer = rh_dump_lexer_new("dump.sql", measure, m);
    bool fine = rh_dump_lexer_feed(lexer, before, strlen(before), error);
    for (int i = 0; fine && i < times; i++)
        fine = rh_dump_lexer_feed(lexer, portion, sizeof portion, error);
    fine =
        fine && rh_dump_lexer_feed(lexer, after, strlen(after), error) && rh_dump_lexer_finish(lexer, error);
    rh_dump_lexer_free(lexer);
    return fine;
}

static void longest_statement_is_refused(void **state)
{
    (void)state;
    rh_error error = {0};
    measured m = {0};
    assert_false(lex_long("INSERT INTO t VALUES ('", 260, "');", &m, &error));
    assert_int_equal(error.code, RH_ERROR_BACKUP);
    assert_non_null(error.hint);
    assert_true(m.longest <= 3 * RH_DUMP_HELD);
    rh_error_release(&error);
}

/* A field of 1 GB is the server's limit. */
static void row_of_a_gigabyte_passes_in_pieces(void **state)
{
    (void)state;
    rh_error error = {0};
    measured m = {0};
    assert_true(lex_long("COPY t FROM stdin;\n", 1024, "\n\\.\n", &m, &error));
    assert_true(m.bytes > (int64_t)1024 * 1024 * 1024);
    assert_true(m.longest <= 3 * RH_DUMP_HELD);
    rh_error_release(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_found),
        cmocka_unit_test(copy_data_are_passed),
        cmocka_unit_test(commands_are_refused),
        cmocka_unit_test(foreign_copies_are_refused),
        cmocka_unit_test(truncation_is_reported),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(long_statements_come_in_parts),
        cmocka_unit_test(longest_statement_is_refused),
        cmocka_unit_test(row_of_a_gigabyte_passes_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
