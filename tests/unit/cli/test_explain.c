/* docs/hazards: each rule has a page of the agreed form, no page lacks a rule, and the list of rules is
 * complete. */
#include "pgrehearse/adapters/files.h"
#include "cli/commands.h"
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

static void test_list(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    size_t length;
    const char *list =
        rh_file_read(RH_SOURCE_DIRECTORY "/docs/hazards/README.md", 1 << 20, arena, &length, &error);
    assert_non_null(list);
    const rh_hazard_rule *rule;
    for (size_t i = 0; (rule = rh_hazard_rule_at(i)); i++) {
        const char *row =
            rh_arena_printf(arena, "\n| [%s](%s.md) | %s |\n", rule->id, rule->id, rule->summary);
        if (!strstr(list, row))
            fail_msg("docs/hazards/README.md lacks:%s", row);
    }
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages), cmocka_unit_test(test_links),
                                       cmocka_unit_test(test_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
