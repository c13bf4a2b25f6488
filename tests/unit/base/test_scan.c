/* Tokens of SQL: kinds, lengths, quotes that stay open, bounded texts. */
#include "pgrehearse/base/scan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct expected {
    rh_token_kind kind;
    const char *text;
} expected;

static void check(const char *sql, const char *end, const expected *tokens)
{
    rh_token token;
    while (rh_scan(&sql, end, &token)) {
        assert_int_equal(token.kind, tokens->kind);
        assert_int_equal(token.length, strlen(tokens->text));
        assert_memory_equal(token.at, tokens->text, token.length);
        assert_false(token.open);
        tokens++;
    }
    assert_int_equal(tokens->kind, RH_TOKEN_END);
}
#define CHECK(sql, ...)                                                                                      \
    do {                                                                                                     \
        const expected tokens[] = {__VA_ARGS__, {RH_TOKEN_END, NULL}};                                       \
        check(sql, NULL, tokens);                                                                            \
        char padded[256];                                                                                    \
        snprintf(padded, sizeof padded, "%s'", sql);                                                         \
        check(padded, padded + strlen(sql), tokens);                                                         \
    } while (0)

static void test_words_and_numbers(void **state)
{
    (void)state;
    CHECK("Select a$1_ß,$12 ", {RH_TOKEN_WORD, "Select"}, {RH_TOKEN_WORD, "a$1_ß"}, {RH_TOKEN_CHARACTER, ","},
          {RH_TOKEN_PARAMETER, "$12"});
    CHECK("1_000 0x1F 1.5e-3 1..2 .5", {RH_TOKEN_INTEGER, "1_000"}, {RH_TOKEN_INTEGER, "0x1F"},
          {RH_TOKEN_NUMBER, "1.5e-3"}, {RH_TOKEN_INTEGER, "1"}, {RH_TOKEN_CHARACTER, "."},
          {RH_TOKEN_NUMBER, ".2"}, {RH_TOKEN_NUMBER, ".5"});
    CHECK("a::b:=c", {RH_TOKEN_WORD, "a"}, {RH_TOKEN_TYPECAST, "::"}, {RH_TOKEN_WORD, "b"},
          {RH_TOKEN_CHARACTER, ":"}, {RH_TOKEN_OPERATOR, "="}, {RH_TOKEN_WORD, "c"});
}

static void test_quotes(void **state)
{
    (void)state;
    CHECK("'it''s' \"a\"\"b\"", {RH_TOKEN_STRING, "'it''s'"}, {RH_TOKEN_IDENTIFIER, "\"a\"\"b\""});
    CHECK("E'a\\'b' 'a\\'", {RH_TOKEN_ESCAPE_STRING, "E'a\\'b'"}, {RH_TOKEN_STRING, "'a\\'"});
    CHECK("U&'x' u&\"y\" N'n' b'1' X'f'", {RH_TOKEN_UNICODE_STRING, "U&'x'"},
          {RH_TOKEN_UNICODE_IDENTIFIER, "u&\"y\""}, {RH_TOKEN_NATIONAL_STRING, "N'n'"},
          {RH_TOKEN_BINARY_STRING, "b'1'"}, {RH_TOKEN_HEX_STRING, "X'f'"});
    CHECK("$$a$b$$ $t1$ $$ $t $t1$ a$b$", {RH_TOKEN_DOLLAR_STRING, "$$a$b$$"},
          {RH_TOKEN_DOLLAR_STRING, "$t1$ $$ $t $t1$"}, {RH_TOKEN_WORD, "a$b$"});
}

static void test_comments_and_operators(void **state)
{
    (void)state;
    CHECK("a<>-- x\n+/* /* y */ */b", {RH_TOKEN_WORD, "a"}, {RH_TOKEN_OPERATOR, "<>"},
          {RH_TOKEN_LINE_COMMENT, "-- x"}, {RH_TOKEN_OPERATOR, "+"},
          {RH_TOKEN_BLOCK_COMMENT, "/* /* y */ */"}, {RH_TOKEN_WORD, "b"});
    assert_string_equal(rh_sql_skip_blanks(" ;-- a\n/* b /* c */ */ ;drop"), "drop");
    assert_string_equal(rh_sql_skip_blanks(" -- a"), "");
}

static void test_open(void **state)
{
    (void)state;
    static const char *const texts[] = {"'a''", "\"a", "$a$ $b$", "/* /* */", "E'a\\'", "U&'a"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *at = texts[i];
        rh_token token;
        assert_true(rh_scan(&at, NULL, &token));
        assert_true(token.open);
        assert_int_equal(*at, '\0');
        assert_int_equal(token.closing, 0);
    }
}

/* The end of a bounded text ends what is open, and a NUL byte does not. */
static void test_bounds(void **state)
{
    (void)state;
    static const char text[] = "ab\0c 'd'";
    const char *at = text, *end = text + 6;
    rh_token token;
    assert_true(rh_scan(&at, end, &token));
    assert_int_equal(token.length, 2);
    assert_true(rh_scan(&at, end, &token));
    assert_int_equal(token.kind, RH_TOKEN_CHARACTER);
    assert_true(rh_scan(&at, end, &token));
    assert_int_equal(token.length, 1);
    assert_true(rh_scan(&at, end, &token));
    assert_true(token.open);
    assert_ptr_equal(at, end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_and_numbers),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_comments_and_operators),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
