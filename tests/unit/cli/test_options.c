/* The command line: what the option table accepts, and what it says to the rest. */
#include "cli/options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static rh_arena *arena;
static rh_options options;

static int setup(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

/* LINE is split at blanks; "''" is an empty word. */
static bool parse(const char *line, rh_error *error)
{
    char program[] = "pgrehearse", empty[] = "", *argv[32] = {program}, *rest = rh_arena_strdup(arena, line);
    int argc = 1;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (*word)
            argv[argc++] = strcmp(word, "''") == 0 ? empty : word;
    return rh_options_parse(argc, argv, arena, &options, error);
}

static void accepts(const char *line)
{
    rh_error error = {0};
    if (!parse(line, &error))
        fail_msg("\"%s\": %s", line, error.message);
}

static void refuses(const char *line, const char *message, const char *hint)
{
    rh_error error = {0};
    assert_false(parse(line, &error));
    assert_int_equal(error.code, RH_ERROR_USAGE);
    assert_string_equal(error.message, message);
    assert_string_equal(error.hint, hint);
    rh_error_release(&error);
}

static void test_run(void **state)
{
    (void)state;
    accepts("run s.yaml --output out --pass quiet,scaled --pass=loaded --only 12 --set a=b=c --set x=1,2 "
            "--keep-staging -q");
    assert_int_equal(options.command, RH_COMMAND_RUN);
    assert_int_equal(options.argument_count, 1);
    assert_string_equal(options.arguments[0], "s.yaml");
    assert_string_equal(rh_options_value(&options, RH_OPTION_OUTPUT, NULL), "out");
    assert_int_equal(options.given[RH_OPTION_PASS].count, 3);
    assert_string_equal(options.given[RH_OPTION_PASS].values[1], "scaled");
    assert_string_equal(options.given[RH_OPTION_PASS].values[2], "loaded");
    assert_int_equal(options.given[RH_OPTION_SET].count, 2);
    assert_string_equal(options.given[RH_OPTION_SET].values[0], "a=b=c");
    assert_string_equal(options.given[RH_OPTION_SET].values[1], "x=1,2");
    assert_int_equal(options.given[RH_OPTION_KEEP_STAGING].count, 1);
    assert_int_equal(options.given[RH_OPTION_QUIET].count, 1);
    assert_int_equal(options.given[RH_OPTION_HELP].count, 0);
    assert_string_equal(rh_options_value(&options, RH_OPTION_PLAN_FORMAT, "text"), "text");
}

static void test_shapes(void **state)
{
    (void)state;
    accepts("--quiet --no-color run -oDIR s.yaml");
    assert_string_equal(rh_options_value(&options, RH_OPTION_OUTPUT, NULL), "DIR");
    assert_int_equal(options.given[RH_OPTION_NO_COLOR].count, 1);
    accepts("run -qo DIR -- -odd.yaml");
    assert_string_equal(rh_options_value(&options, RH_OPTION_OUTPUT, NULL), "DIR");
    assert_string_equal(options.arguments[0], "-odd.yaml");
    accepts("run - --output a --output b");
    assert_string_equal(options.arguments[0], "-");
    assert_string_equal(rh_options_value(&options, RH_OPTION_OUTPUT, NULL), "b");
    accepts("plan s.yaml -f json");
    assert_string_equal(rh_options_value(&options, RH_OPTION_PLAN_FORMAT, "text"), "json");
    accepts("report d --format=junit");
    assert_string_equal(rh_options_value(&options, RH_OPTION_REPORT_FORMAT, "text"), "junit");
    accepts("--help");
    accepts("run --help");
    accepts("compare a -h");
    accepts("--version");
    accepts("profile --url postgresql://x -o y --probe cpu,wal --probe sort --watch 1min");
    assert_int_equal(options.given[RH_OPTION_PROBE].count, 3);
    assert_string_equal(rh_options_value(&options, RH_OPTION_PROFILE_OUTPUT, ""), "y");
    accepts("profile --sql");
    accepts("score run --actual f.csv");
    assert_int_equal(options.command, RH_COMMAND_SCORE);
}

static void test_refusals(void **state)
{
    (void)state;
    refuses("", "no command", "see: pgrehearse --help");
    refuses("paln s.yaml", "unknown command \"paln\"; did you mean \"plan\"?", "see: pgrehearse --help");
    refuses("frobnicate", "unknown command \"frobnicate\"", "see: pgrehearse --help");
    refuses("run", "run needs SCENARIO", "see: pgrehearse run --help");
    refuses("compare a", "compare needs RUN_B", "see: pgrehearse compare --help");
    refuses("run a b", "run does not take \"b\"", "see: pgrehearse run --help");
    refuses("run s --outptu d", "unknown option --outptu; did you mean --output?",
            "see: pgrehearse run --help");
    refuses("run s --zzzz=1", "unknown option --zzzz", "see: pgrehearse run --help");
    refuses("run s -x", "unknown option -x", "see: pgrehearse run --help");
    refuses("run s --format json", "--format is an option of \"plan\"", "see: pgrehearse run --help");
    refuses("--output d run s", "--output is an option of \"run\" and comes after it",
            "see: pgrehearse --help");
    refuses("run s --output", "--output needs a value: --output DIR", "see: pgrehearse run --help");
    refuses("run s --output ''", "--output is empty", "see: pgrehearse run --help");
    refuses("run s --quiet=yes", "--quiet takes no value", "see: pgrehearse run --help");
    refuses("run s --pass quite", "--pass cannot be \"quite\"; did you mean \"quiet\"?",
            "see: pgrehearse run --help");
    refuses("run s --pass quiet,", "--pass is empty", "see: pgrehearse run --help");
    refuses("plan s --format yaml", "--format cannot be \"yaml\"", "see: pgrehearse plan --help");
    refuses("plan s --format html", "--format cannot be \"html\"", "see: pgrehearse plan --help");
}

/* Every option and command is explained, on lines that fit. */
static void test_help(void **state)
{
    (void)state;
    for (int command = 0; command < RH_COMMAND_COUNT; command++) {
        rh_text text = {0};
        rh_help((rh_command_id)command, &text);
        for (int id = 0; id < RH_OPTION_COUNT; id++) {
            char name[64];
            snprintf(name, sizeof name, "--%s", rh_option_spec_of((rh_option_id)id)->name);
            if (rh_option_spec_of((rh_option_id)id)->commands & 1u << command)
                assert_non_null(strstr(rh_text_string(&text), name));
        }
        char *rest = text.data;
        for (char *line; (line = strsep(&rest, "\n")) != NULL;)
            if (strlen(line) > 110)
                fail_msg("too long: %s", line);
        rh_text_release(&text);
    }
}

static void test_completion(void **state)
{
    static const struct {
        const char *shell, *line;
    } expected[] = {
        {"bash", "plan:--format) words=\"text json\""},
        {"zsh", "'--safer[print the migrations as SQL that blocks less]'"},
        {"zsh", "{-f+,--format=}'[output format\\: text (default) or json]:FORMAT:(text json)'"},
        {"fish", "-n '__fish_seen_subcommand_from plan' -l format -s f -x -a 'text json'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        rh_text text = {0};
        assert_true(rh_completion(expected[i].shell, &text));
        if (!strstr(rh_text_string(&text), expected[i].line))
            fail_msg("%s: missing: %s", expected[i].shell, expected[i].line);
        rh_text_release(&text);
    }
    rh_text text = {0};
    assert_false(rh_completion("csh", &text));
    rh_text_release(&text);
}

static void test_man_page_has_every_option(void **state)
{
    (void)state;
    rh_text text = {0};
    rh_man_page(&text);
    for (int id = 0; id < RH_OPTION_COUNT; id++) {
        rh_text name = {0};
        rh_text_append(&name, "\\-\\-");
        for (const char *c = rh_option_spec_of((rh_option_id)id)->name; *c; c++)
            rh_text_printf(&name, *c == '-' ? "\\%c" : "%c", *c);
        rh_text_append(&name, "\\fR");
        assert_non_null(strstr(rh_text_string(&text), rh_text_string(&name)));
        rh_text_release(&name);
    }
    rh_text_release(&text);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {EACH(test_run),        EACH(test_shapes),
                                       EACH(test_refusals),   EACH(test_help),
                                       EACH(test_completion), EACH(test_man_page_has_every_option)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
