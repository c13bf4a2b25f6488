#include "pgrehearse/base/sql_name.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_read(void **state)
{
    static const struct {
        const char *text, *written; /* NULL: no name */
    } cases[] = {
        {"a", "a"},
        {"a.b", "a.b"},
        {"Billing.versions", "\"Billing\".versions"},
        {"\"a.b\".\"C \"\"d\"\"\"", "\"a.b\".\"C \"\"d\"\"\""},
        {"9a", "\"9a\""},
        {"", NULL},
        {"a.", NULL},
        {".a", NULL},
        {"a.b.c", NULL},
        {"\"a", NULL},
        {"\"a\"b", NULL},
        {"\"\"", NULL},
        {"a\"b", NULL},
    };
    (void)state;
    rh_arena *arena = rh_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_sql_name name;
        const bool ok = rh_sql_name_read(cases[i].text, arena, &name);
        assert_int_equal(ok, cases[i].written != NULL);
        if (ok)
            assert_string_equal(rh_sql_name_text(name.schema, name.name, arena), cases[i].written);
    }
    rh_sql_name name;
    char longest[66] = "";
    memset(longest, 'a', 63);
    assert_true(rh_sql_name_read(longest, arena, &name));
    longest[63] = 'a';
    assert_false(rh_sql_name_read(longest, arena, &name));
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
