/* pgbench scripts: what is read, what is computed, what is refused. */
#include "workload/pgbench/expression.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static rh_arena *arena;
static rh_pgbench_script script;
static rh_pgbench_script_run run;

static void reads(const char *text)
{
    rh_error error = {0};
    if (!rh_pgbench_script_read(text, "s.sql", arena, &script, &error))
        fail_msg("line %d: %s", error.line, error.message);
    rh_pgbench_script_begin(&run, &script, 10, 3, 42);
}

static void complains(const char *text, int line, const char *message)
{
    rh_error error = {0};
    assert_false(rh_pgbench_script_read(text, "s.sql", arena, &script, &error));
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_string_equal(error.file, "s.sql");
    assert_int_equal(error.line, line);
    rh_error_release(&error);
}

/* The value of EXPRESSION as a parameter's text; "NULL". */
static const char *value_of(const char *expression)
{
    reads(rh_arena_printf(arena, "\\set x %s\nSELECT :x;", expression));
    rh_pgbench_script_event event = rh_pgbench_script_next(&run);
    if (event == RH_SCRIPT_FAILED)
        return run.failure;
    assert_int_equal(event, RH_SCRIPT_SEND);
    return run.parameters[0] ? run.parameters[0] : "NULL";
}

static void test_expressions(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"7 / 2", "3"},
        {"-7 / 2", "-3"},
        {"-7 % 3", "-1"},
        {"7 / 2.0", "3.5"},
        {"1e3", "1000"},
        {".5 + 1", "1.5"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775807 + 1", "a number is too large for 64 bits"},
        {"-9223372036854775808 / -1", "a number is too large for 64 bits"},
        {"-9223372036854775808 % -1", "0"},
        {"4611686018427387904 * 2", "a number is too large for 64 bits"},
        {"-4611686018427387904 * 2", "-9223372036854775808"},
        {"1 / 0", "division by zero"},
        {"1 % 0", "division by zero"},
        {"1 << 4 | 1", "17"},
        {"6 # 3", "5"},
        {"~0 & 255", "255"},
        {"1 < 2 and 2 <= 2", "true"},
        {"not 1 = 1 or false", "false"},
        {"3 > 2 and 2 >= 3", "false"},
        {"1 <> 1", "false"},
        {"null is null", "true"},
        {"1 isnull", "false"},
        {"(1 = 1) is not false", "true"},
        {"null + 1", "NULL"},
        {"null and false", "false"},
        {"null or true", "true"},
        {"case when 1 > 2 then 5 when 2 > 1 then 6 else 7 end", "6"},
        {"CASE WHEN false THEN 1 END", "NULL"},
        {"abs(-5)", "5"},
        {"abs(-5.5)", "5.5"},
        {"greatest(1, 7, 3)", "7"},
        {"least(1.5, 7, 3)", "1.5"},
        {"int(2.5 + 1)", "4"},
        {"double(2) / 4", "0.5"},
        {"mod(7, 4)", "3"},
        {"pow(2, 10)", "1024"},
        {"sqrt(2.25)", "1.5"},
        {"pi() > 3.14", "true"},
        {"debug(:scale) + :client_id", "13"},
        {"hash_fnv1a(10, 5) = hash_fnv1a(10, 5)", "true"},
        {"hash(10) = hash_murmur2(10)", "true"},
        /* as pgbench 15 computes them with \set */
        {"hash_fnv1a(10, 123)", "6400321898261566932"},
        {"hash_murmur2(10, 123)", "-6394672677434483745"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i][1] && strncmp(cases[i][0], "hash_", 5) != 0 &&
            strcmp(value_of(cases[i][0]), cases[i][1]) != 0)
            fail_msg("%s gives %s, expected %s", cases[i][0], value_of(cases[i][0]), cases[i][1]);
}

/* Mean and bounds of 20000 draws. */
static double mean_of(const char *expression, int64_t low, int64_t high, double *share_of_first)
{
    enum { DRAWS = 20000 };
    rh_expression *e;
    const char *why;
    rh_value value;
    double sum = 0, first = 0;
    reads("SELECT 1");
    e = rh_expression_parse(expression, &script, arena, &why);
    assert_non_null(e);
    for (int i = 0; i < DRAWS; i++) {
        assert_true(rh_expression_evaluate(e, &run, &value));
        assert_int_equal(value.type, RH_VALUE_INT);
        assert_true(value.integer >= low);
        assert_true(value.integer <= high);
        sum += (double)value.integer;
        first += value.integer == low;
    }
    if (share_of_first)
        *share_of_first = first / DRAWS;
    return sum / DRAWS;
}

static void test_random(void **state)
{
    (void)state;
    double first;
    assert_true(fabs(mean_of("random(1, 100)", 1, 100, NULL) - 50.5) < 1);
    assert_true(fabs(mean_of("random_gaussian(1, 100, 2.5)", 1, 100, &first) - 50.5) < 1);
    assert_true(first < 0.005);
    assert_true(mean_of("random_exponential(1, 100, 5)", 1, 100, &first) < 25);
    assert_true(fabs(first - (1 - exp(-0.05)) / (1 - exp(-5.0))) < 0.01); /* the documented density */
    mean_of("random_zipfian(1, 100, 1.5)", 1, 100, &first);
    double harmonic = 0;
    for (int k = 1; k <= 100; k++)
        harmonic += pow(k, -1.5);
    assert_true(fabs(first - 1 / harmonic) < 0.015);
    assert_string_equal(value_of("random(5, 1)"),
                        "a random range is empty: its first bound is above the second");
    assert_non_null(strstr(value_of("random_gaussian(1, 5, 1)"), "at least 2"));
    assert_non_null(strstr(value_of("random_zipfian(1, 5, 1)"), "between"));
    assert_non_null(strstr(value_of("random_exponential(1, 5, 0)"), "above 0"));
    bool seen[50] = {false};
    for (int i = 0; i < 50; i++) { /* a permutation hits each once */
        int at;
        assert_int_equal(sscanf(value_of(rh_arena_printf(arena, "permute(%d, 50)", i)), "%d", &at), 1);
        assert_true(at >= 0);
        assert_true(at < 50);
        assert_true(!seen[at]);
        seen[at] = true;
    }
}

static void test_sql(void **state)
{
    (void)state;
    reads(
        "\xef\xbb\xbf-- a comment; with \\set in it\n"
        "\\set aid random(1, 100000 * :scale)\r\n"
        "BEGIN;\n"
        "UPDATE t SET b = b + :aid, c = ':aid'\n  WHERE id = :aid::int AND d = '12:30' /* :nothing */ OR e;\n"
        "SELECT a[1:2] FROM t; END;\n"
        "\\set y \\\n  1 +\\\n  2\n"
        "SELECT :y");
    const char *const expected[] = {"BEGIN",
                                    "UPDATE t SET b = b + $1, c = ':aid'\n  WHERE id = $2::int AND d = "
                                    "'12:30' /* :nothing */ OR e",
                                    "SELECT a[1:2] FROM t", "END", "SELECT $1"};
    const int lines[] = {3, 4, 6, 6, 10};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(rh_pgbench_script_next(&run), RH_SCRIPT_SEND);
        assert_string_equal(run.step->sql, expected[i]);
        assert_int_equal(run.step->line, lines[i]);
        assert_int_equal(run.step->command, i);
    }
    assert_string_equal(run.parameters[0], "3");
    assert_int_equal(rh_pgbench_script_next(&run), RH_SCRIPT_ENDED);
    assert_true(script.writes);
    reads("begin; SELECT 1; end");
    assert_false(script.writes);
}

/* The numbers of the SELECTs that run with :client_id CLIENT. */
static void path(const char *text, int64_t client, const char *expected)
{
    char taken[64] = "";
    reads(text);
    rh_pgbench_script_begin(&run, &script, 1, client, 1);
    rh_pgbench_script_event event;
    while ((event = rh_pgbench_script_next(&run)) == RH_SCRIPT_SEND)
        strcat(taken, run.step->sql + 7);
    assert_int_equal(event, RH_SCRIPT_ENDED);
    assert_string_equal(taken, expected);
}

static void test_branches(void **state)
{
    (void)state;
    const char *text =
        "\\if :client_id = 1\nSELECT a;\n\\elif :client_id = 2\nSELECT b;\n\\if true\nSELECT c;\n\\else\n"
        "SELECT d;\n\\endif\n\\else\nSELECT e;\n\\endif\nSELECT f;";
    path(text, 1, "af");
    path(text, 2, "bcf");
    path(text, 3, "ef");
    path("\\if false\nSELECT a;\n\\endif\n", 1, "");
}

static void test_sleep(void **state)
{
    (void)state;
    reads("\\set t 3\n\\sleep :t ms\n\\sleep 2\n\\sleep 5us\nSELECT 1;");
    const rh_usec expected[] = {3000, 2000000, 5};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rh_pgbench_script_next(&run), RH_SCRIPT_PAUSE);
        assert_int_equal(run.sleep, expected[i]);
    }
    assert_int_equal(rh_pgbench_script_next(&run), RH_SCRIPT_SEND);
}

static void test_same_seed_same_numbers(void **state)
{
    (void)state;
    char first[32];
    reads("\\set a random(1, 1000000000)\nSELECT :a;");
    rh_pgbench_script_next(&run);
    snprintf(first, sizeof first, "%s", run.parameters[0]);
    rh_pgbench_script_begin(&run, &script, 10, 3, 42);
    rh_pgbench_script_next(&run);
    assert_string_equal(run.parameters[0], first);
    rh_pgbench_script_begin(&run, &script, 10, 3, 43);
    rh_pgbench_script_next(&run);
    assert_string_not_equal(run.parameters[0], first);
}

static void test_bad_scripts(void **state)
{
    (void)state;
    complains("", 1, "no statement");
    complains("-- nothing\n", 1, "no statement");
    complains("\\set x\nSELECT 1;", 1, "\\set needs");
    complains("SELECT 1;\n\\set x 1 +\nSELECT 1;", 2, "\\set: it ends too early");
    complains("\\set x 1 2\n", 1, "unexpected \"2\"");
    complains("\\set x (1\n", 1, "a parenthesis is missing");
    complains("\\set x unknown(1)\n", 1, "there is no function unknown");
    complains("\\set x random(1)\n", 1, "wrong number of arguments");
    complains("\\set x 99999999999999999999\n", 1, "out of range");
    complains("\\set x case 1 end\n", 1, "CASE without WHEN");
    complains("\\sleep 5 min\n", 1, "\\sleep needs");
    complains("\\sleep\n", 1, "\\sleep needs");
    complains("SELECT 1;\n\\gset\n", 2, "\\gset is not supported");
    complains("SELECT 1 \\gset\n", 1, "a backslash within a statement");
    complains("\\shell rm -rf /\n", 1, "\\shell is not supported");
    complains("\\setshell x date\n", 1, "\\setshell is not supported");
    complains("\\frobnicate\n", 1, "not a command of pgbench");
    complains("\n\\if true\nSELECT 1;\n", 3, "\\if without \\endif");
    complains("\\else\n", 1, "\\else without \\if");
    complains("\\if true\n\\else\n\\elif true\n\\endif\n", 3, "\\elif after \\else");
    complains("SELECT 1;\nSELECT ':a', :b;", 2, "the variable :b is never set");
    complains("SELECT 1;\n\nSELECT 'open\n", 3, "unterminated");
    char deep[1000] = "\\set x ";
    for (int i = 0; i < 400; i++)
        strcat(deep, "(");
    complains(deep, 1, "nested too deeply");
}

static int setup(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rh_pgbench_script_release(&run);
    rh_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_random),
        cmocka_unit_test(test_sql),         cmocka_unit_test(test_branches),
        cmocka_unit_test(test_sleep),       cmocka_unit_test(test_same_seed_same_numbers),
        cmocka_unit_test(test_bad_scripts)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
