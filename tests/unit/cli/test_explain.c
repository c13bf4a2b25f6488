/* docs/hazards: each rule has a page of the agreed form, no page lacks a rule, and the list of rules is
 * complete. */
#include "pgrehearse/adapters/files.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "pgrehearse/sql/hazards.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

extern const char *const rh_text_hazards[][2]; /* generated */

static void test_pages(void **state)
{
    (void)state;
    static const char *const sections[] = {
        "\n## Example\n",   "\n## Why it is a hazard\n", "\n## What pgrehearse reports\n",
        "\n## Safer way\n", "\n## To silence it\n",      "\n## See also\n"};
    const rh_hazard_rule *rule;
    for (size_t i = 0; (rule = rh_hazard_rule_at(i)); i++) {
        const char *page = rh_hazard_page(rule->id);
        char expected[120];
        if (!page)
            fail_msg("docs/hazards/%s.md is missing", rule->id);
        snprintf(expected, sizeof expected, "# %s\n", rule->id);
        if (strncmp(page, expected, strlen(expected)) != 0)
            fail_msg("docs/hazards/%s.md has another title", rule->id);
        snprintf(expected, sizeof expected, "-- pgrehearse: ignore %s ", rule->id);
        if (!strstr(page, expected))
            fail_msg("docs/hazards/%s.md does not say how to silence it", rule->id);
        const char *at = page;
        for (size_t s = 0; s < sizeof sections / sizeof *sections; s++) {
            at = strstr(at, sections[s]);
            if (!at)
                fail_msg("docs/hazards/%s.md lacks, or has too early:%s", rule->id, sections[s]);
        }
    }
    for (size_t i = 0; rh_text_hazards[i][0]; i++)
        if (!rh_hazard_rule_exists(rh_text_hazards[i][0]))
            fail_msg("docs/hazards/%s.md is about no rule", rh_text_hazards[i][0]);
}

static void test_links(void **state)
{
    (void)state;
    for (size_t i = 0; rh_text_hazards[i][0]; i++)
        for (const char *at = rh_text_hazards[i][1]; (at = strstr(at, "\n- [")); at++) {
            char id[80];
            if (sscanf(at, "\n- [%79[^]]]", id) != 1 || !rh_hazard_rule_exists(id))
                fail_msg("docs/hazards/%s.md refers to an unknown rule", rh_text_hazards[i][0]);
        }
}

/* Fails unless ROW is a line of FILE. */
static void expect_row(const char *file, const char *row)
{
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    size_t length;
    const char *path = rh_arena_printf(arena, "%s/%s", RH_SOURCE_DIRECTORY, file);
    const char *text = rh_file_read(path, 1 << 20, arena, &length, &error);
    assert_non_null(text);
    if (!strstr(text, rh_arena_printf(arena, "\n%s\n", row)))
        fail_msg("%s lacks: %s", file, row);
    rh_arena_free(arena);
}

static void test_list(void **state)
{
    (void)state;
    const rh_hazard_rule *rule;
    char row[240];
    for (size_t i = 0; (rule = rh_hazard_rule_at(i)); i++) {
        snprintf(row, sizeof row, "| [%s](%s.md) | %s |", rule->id, rule->id, rule->summary);
        expect_row("docs/hazards/README.md", row);
    }
}

static void test_exit_codes(void **state)
{
    (void)state;
    char row[240];
    for (const rh_exit_meaning *exit_code = rh_exit_meanings(); exit_code->meaning; exit_code++) {
        snprintf(row, sizeof row, "| %d | %s |", exit_code->code, exit_code->meaning);
        expect_row("docs/compatibility.md", row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages), cmocka_unit_test(test_links),
                                       cmocka_unit_test(test_list), cmocka_unit_test(test_exit_codes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
