/* Splitting, redacting and parsing, at the edges. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Each statement between brackets, with line and column before it. */
static char *split_text(const char *sql, rh_arena *arena, rh_error *error)
{
    rh_sql_span *spans;
    size_t count;
    rh_sql_split(sql, "f.sql", arena, &spans, &count, error);
    rh_text text = {0};
    for (size_t i = 0; i < count; i++)
        rh_text_printf(&text, "%d:%d[%.*s]", spans[i].line, spans[i].column, (int)spans[i].length,
                       sql + spans[i].offset);
    char *copy = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return copy;
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *expected;
    } cases[] = {
        {"", ""},
        {" \n;;\t; -- nothing\n/* at all */", ""},
        {"select 1", "1:1[select 1]"},
        {"select 1; select 2;", "1:1[select 1]1:11[select 2]"},
        {"-- why\nselect 1 -- end\n;\n/* a /* nested; */ b */ select 2", "2:1[select 1]4:25[select 2]"},
        {"select ';', E'\\';', \"a;b\", U&'\\0041;';x",
         "1:1[select ';', E'\\';', \"a;b\", U&'\\0041;']1:39[x]"},
        {"do $$ begin; $x$ ; $x$ end $$; select $a$ $$;$$ $a$",
         "1:1[do $$ begin; $x$ ; $x$ end $$]1:32[select $a$ $$;$$ $a$]"},
        {"select 1;\r\nselect\r\n 2;\r\n", "1:1[select 1]2:1[select\r\n 2]"},
        {"\xef\xbb\xbfselect 1; select 2", "1:1[select 1]1:11[select 2]"},
        {"select 'é'; select 2", "1:1[select 'é']1:13[select 2]"},
        {"create rule r as on insert to t do also (select 1; select 2); x",
         "1:1[create rule r as on insert to t do also (select 1; select 2)]1:63[x]"},
        {"create or replace function f() returns int begin atomic select case when true then 1 end; select "
         "2; end; x",
         "1:1[create or replace function f() returns int begin atomic select case when true then 1 end; "
         "select 2; "
         "end]1:106[x]"},
        {"create function f(\"begin\" int) returns int language sql as 'select 1'; begin; commit; end",
         "1:1[create function f(\"begin\" int) returns int language sql as 'select "
         "1']1:72[begin]1:79[commit]1:87[end]"},
        {"begin; select case when true then 1 end; end;",
         "1:1[begin]1:8[select case when true then 1 end]1:42[end]"},
        {"selct 1; ) ; select (", "1:1[selct 1]1:10[)]1:14[select (]"},
        {"\\echo x\n;select 1", "1:1[\\echo x]2:2[select 1]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_arena *arena = rh_arena_new();
        rh_error error = {0};
        assert_string_equal(split_text(cases[i].sql, arena, &error), cases[i].expected);
        assert_false(rh_error_is_set(&error));
        rh_arena_free(arena);
    }
}

/* Each statement of newer versions is split off, begins where it does, and shows none of its data. */
static void test_newer_statements(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    const char *sql =
        rh_file_read(RH_SOURCE_DIRECTORY "/tests/server/newer/newer_syntax.sql", 0, arena, NULL, NULL);
    rh_sql_span *spans;
    size_t count, expected = 0;
    int line = 1;
    assert_non_null(sql);
    assert_true(rh_sql_split(sql, NULL, arena, &spans, &count, &error));
    for (const char *at = sql; *at; line++) {
        if (strncmp(at, "-- 1", 4) == 0) { /* the statement is on the next line */
            assert_true(expected < count);
            assert_int_equal(spans[expected].line, line + 1);
            char *one = rh_arena_strndup(arena, sql + spans[expected].offset, spans[expected].length);
            const char *shown = rh_sql_redact(one, arena);
            assert_null(strcasestr(shown, "confidential"));
            assert_null(strcasestr(shown, "987_654"));
            assert_null(strcasestr(shown, "badcafe"));
            assert_null(strchr(shown, '\''));
            expected++;
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    assert_int_equal(expected, 50);
    assert_int_equal(count, expected);
    rh_arena_free(arena);
}

/* What libpg_query's scanner refuses is split all the same. */
static void test_split_newer(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"update t set a = 1_000_000; select 2", "1:1[update t set a = 1_000_000]1:29[select 2]"},
        {"select 0x1F, 0o17, 0b101;\nselect $a$;$a$, ';', \";\", E'\\';' -- ;\n, /* ; /* ; */ ; */ (1;2);select 3",
         "1:1[select 0x1F, 0o17, 0b101]2:1[select $a$;$a$, ';', \";\", E'\\';' -- ;\n, /* ; /* ; */ ; */ (1;2)]3:27[select 3]"},
        {"create function f() returns int language sql begin atomic select 1_0; select case when true then 1 end; end; "
         "select 2",
         "1:1[create function f() returns int language sql begin atomic select 1_0; select case when true then 1 end; "
         "end]1:110[select 2]"},
        {"select E'ab\\u12'; select 2", "1:1[select E'ab\\u12']1:19[select 2]"},
        {"select 1_0 as \"a\"\"b;\", a$b$c; select $1, x::int, 1..2, U&'\\0061;', B'1;';", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_arena *arena = rh_arena_new();
        rh_error error = {0};
        const char *found = split_text(cases[i][0], arena, &error);
        assert_false(rh_error_is_set(&error));
        if (cases[i][1])
            assert_string_equal(found, cases[i][1]);
        else
            assert_non_null(strstr(found, "[select $1, x::int, 1..2, U&'\\0061;', B'1;']"));
        rh_arena_free(arena);
    }
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    assert_string_equal(split_text("select 1_0; select 'open; select 2", arena, &error),
                        "1:1[select 1_0]1:13[select 'open; select 2]");
    assert_int_equal(error.column, 20);
    rh_error_release(&error);
    rh_arena_free(arena);
}

static void test_split_failures(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *expected;
        int line, column;
    } cases[] = {
        {"select 1;\nselect é, 'abc", "1:1[select 1]2:1[select é, 'abc]", 2, 11},
        {"select 1;\n $$ abc", "1:1[select 1]2:2[$$ abc]", 2, 2},
        {"select 1; /* /* */", "1:1[select 1]1:11[/* /* */]", 1, 11},
        {"select \"a", "1:1[select \"a]", 1, 8},
        {"'", "1:1[']", 1, 1},
        {"\xef\xbb\xbfx; '", "1:1[x]1:4[']", 1, 4},
        {"select 1;\nselect '\xff'", "", 2, 9},
        {"select '\xc3", "", 1, 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_arena *arena = rh_arena_new();
        rh_error error = {0};
        assert_string_equal(split_text(cases[i].sql, arena, &error), cases[i].expected);
        assert_int_equal(error.code, RH_ERROR_SCENARIO);
        assert_string_equal(error.file, "f.sql");
        assert_int_equal(error.line, cases[i].line);
        assert_int_equal(error.column, cases[i].column);
        rh_error_release(&error);
        rh_arena_free(arena);
    }
}

static void test_split_large(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_sql_span *spans;
    size_t count;
    rh_text text = {0};
    for (int i = 0; i < 100000; i++)
        rh_text_printf(&text, "insert into t values (%d, 'x;y');\n", i);
    assert_true(rh_sql_split(text.data, "f.sql", arena, &spans, &count, NULL));
    assert_int_equal(count, 100000);
    assert_int_equal(spans[99999].line, 100000);
    rh_text_clear(&text);

    rh_text_append(&text, "select '");
    char *filler = malloc(1 << 20);
    memset(filler, ';', 1 << 20);
    for (int i = 0; i < 10; i++)
        rh_text_append_bytes(&text, filler, 1 << 20);
    free(filler);
    rh_text_append(&text, "'; select 2");
    assert_true(rh_sql_split(text.data, "f.sql", arena, &spans, &count, NULL));
    assert_int_equal(count, 2);
    assert_true(strlen(rh_sql_redact(text.data, arena)) < 100);
    rh_text_release(&text);
    rh_arena_free(arena);
}

static void test_redact(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *expected;
    } cases[] = {
        {"ALTER ROLE x PASSWORD 'secret'", "ALTER ROLE x PASSWORD $1"},
        {"insert into t values (4711, 'secret', -1.5e3, B'01', X'5ec')",
         "insert into t values ($1, $2, -$3, $4, $5)"},
        {"do $$ begin raise 'secret'; end $$", "do $1"},
        {"select date'secret', $'secret'$'", "select date $1, $ $2$…"},
        {"comment on table t is E'sec\\'ret'", "comment on table t is $1"},
        {"create function f() returns text language sql as $f$ select 'secret' $f$",
         "create function f() returns text language sql as $1"},
        {"select * -- secret\n\n from   t /* secret */ where a=$2 and b = 'secret'",
         "select * from t where a=$2 and b = $3"},
        {"create table t (a varchar(30), b numeric(10, 2) default 4711, c timestamp (3), d int check (d > "
         "4711))",
         "create table t (a varchar(30), b numeric(10, 2) default $1, c timestamp (3), d int check (d > "
         "$2))"},
        {"set my.token = secret", "set my.token = $1"},
        {"set local my.token to secret", "set local my.token to $1"},
        {"set search_path to app, public", "set search_path to app, public"},
        {"set lock_timeout = '2s'", "set lock_timeout = $1"},
        {"selct 'secret", "selct…"},
        {"select 'a', E'secret\\u12', 'secret'", "select $1, $2, $3"},
        {"update t set a = 4711_000, b = 0x4711, c = 1_0.5e-3, d = 4711ecret where e = 'secret'",
         "update t set a = $1, b = $2, c = $3, d = $4 where e = $5"},
        {"create user u password 'secret' valid until '2030'", "create user u password $1 valid until $2"},
        {"select U&'secret' uescape '!', N'secret'", "select $1 uescape $2, N $3"},
        {"grant select on t to joe", "grant select on t to joe"},
        {"", ""},
    };
    rh_arena *arena = rh_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *redacted = rh_sql_redact(cases[i].sql, arena);
        assert_string_equal(redacted, cases[i].expected);
        assert_null(strstr(redacted, "ecre"));
        assert_null(strstr(redacted, "4711"));
    }
    rh_arena_free(arena);
}

/* What stands near a syntax error can be a password. */
static void test_messages(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"alter tabel x", "syntax error at or near \"tabel\""},
        {"alter role x password password 'secret'", "syntax error at or near \"password\""},
        {"comment on 'secret'", "syntax error"},
        {"select 1 2345678", "syntax error"},
        {"select $$ secret", "unterminated dollar-quoted string"},
        {"alter role x password 'secret", "unterminated quoted string"},
        {"select 1 E'secret'", "syntax error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_error error = {0};
        assert_null(rh_sql_parse(cases[i][0], &error));
        assert_string_equal(error.message, cases[i][1]);
        rh_error_release(&error);
    }
    rh_sql_redact_message(NULL);
}

static void test_redact_is_short(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_text text = {0};
    rh_text_append(&text, "insert into t values ");
    for (int i = 0; i < 50000; i++)
        rh_text_append(&text, "('é', ünï), ");
    char *redacted = rh_sql_redact(text.data, arena);
    assert_true(strlen(redacted) <= 4096);
    assert_true(rh_ends_with(redacted, "…"));
    assert_null(strstr(redacted, "é"));
    for (size_t length = 4090; length < 4100; length++) { /* cut for what does not scan, near the limit */
        rh_text_clear(&text);
        for (size_t i = 0; i < length; i++)
            rh_text_append_char(&text, 'a');
        rh_text_append(&text, " '");
        redacted = rh_sql_redact(text.data, arena);
        assert_true(strlen(redacted) <= 4096);
        assert_true(rh_ends_with(redacted, "a…"));
    }
    rh_text_release(&text);
    rh_arena_free(arena);
}

static void test_parse(void **state)
{
    (void)state;
    rh_json *tree = rh_sql_parse("alter table a add column b int", NULL);
    assert_string_equal(rh_json_string(rh_json_path(tree, "AlterTableStmt.relation.relname")), "a");
    rh_json_free(tree);

    rh_error error = {0};
    assert_null(rh_sql_parse("select é\nfrom +", &error));
    assert_int_equal(error.code, RH_ERROR_SQL);
    assert_string_equal(error.sqlstate, "42601");
    assert_int_equal(error.line, 2);
    rh_error_release(&error);
    assert_null(rh_sql_parse("", &error));
    assert_true(rh_error_is_set(&error));
    rh_error_release(&error);

    char a[17], b[17];
    assert_true(rh_sql_fingerprint("select 1", a));
    assert_true(rh_sql_fingerprint("SELECT  'x'", b));
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 16);
    assert_false(rh_sql_fingerprint("selct", a));
}

/* libpg_query leaves the value of a negative integer out. */
static void test_negative(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int expected;
    } cases[] = {{"-1", -1},  {"- 7", -7},    {"-(2)", -2},
                 {"- -3", 3}, {"- - -4", -4}, {"- /* - 9 */ (\n5)", -5},
                 {"6", 6}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_text sql = {0};
        rh_text_printf(&sql, "alter table a alter b set default %s", cases[i].value);
        rh_json *tree = rh_sql_parse(sql.data, NULL);
        rh_json *command = rh_json_at(rh_json_path(tree, "AlterTableStmt.cmds"), 0);
        rh_json *integer = rh_json_path(command, "AlterTableCmd.def.A_Const.ival.ival");
        assert_int_equal(rh_json_int(integer), cases[i].expected);
        rh_json_free(tree);
        rh_text_release(&sql);
    }
}

/* Nesting beyond what the parser takes is an error, on a thread's small stack too. */
static void *parse_deep(void *unused)
{
    (void)unused;
    enum { DEPTH = 100000 };
    char *sql = malloc(2 * DEPTH + 20);
    strcpy(sql, "select ");
    memset(sql + 7, '(', DEPTH);
    sql[7 + DEPTH] = '1';
    memset(sql + 8 + DEPTH, ')', DEPTH);
    sql[8 + 2 * DEPTH] = '\0';
    rh_json_free(rh_sql_parse(sql, NULL));
    char fingerprint[17];
    rh_sql_fingerprint(sql, fingerprint);

    rh_text text = {0};
    rh_text_append(&text, "select 1");
    for (int i = 0; i < DEPTH / 2; i++)
        rh_text_append(&text, "+1");
    rh_json_free(rh_sql_parse(text.data, NULL));
    rh_sql_fingerprint(text.data, fingerprint);
    rh_text_release(&text);
    free(sql);
    return NULL;
}

static void test_deep_nesting(void **state)
{
    (void)state;
    parse_deep(NULL);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_deep, NULL), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void test_scan(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    const char *sql = "Copy t from '/x' -- c\n\\ ::";
    rh_sql_token *tokens;
    size_t count;
    assert_true(rh_sql_scan(sql, arena, &tokens, &count, NULL));
    assert_int_equal(count, 7);
    static const char *const kinds[] = {"KEYWORD",     "IDENT", "KEYWORD", "SCONST",
                                        "SQL_COMMENT", "\\",    "TYPECAST"};
    for (size_t i = 0; i < count; i++)
        assert_string_equal(tokens[i].kind, kinds[i]);
    assert_true(rh_sql_token_is(sql, &tokens[0], "copy"));
    assert_false(rh_sql_token_is(sql, &tokens[0], "cop"));
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_failures),
        cmocka_unit_test(test_split_newer),
        cmocka_unit_test(test_newer_statements),
        cmocka_unit_test(test_split_large),
        cmocka_unit_test(test_redact),
        cmocka_unit_test(test_redact_is_short),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_negative),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_deep_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
