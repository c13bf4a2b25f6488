/* The names that enums have in report.json: each value has one, and each name leads back to its value. */
#include "pgrehearse/model/statement.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_class_has_a_name_that_leads_back_to_it(void **state)
{
    (void)state;
    for (int i = 0; i < RH_CLASS_COUNT; i++) {
        rh_statement_class found = RH_CLASS_COUNT;
        const char *name = rh_statement_class_name((rh_statement_class)i);
        assert_non_null(name);
        assert_true(rh_statement_class_named(name, &found));
        assert_int_equal(found, i);
    }
}

static void an_unknown_name_is_no_class(void **state)
{
    (void)state;
    rh_statement_class found = RH_CLASS_COUNT;
    assert_false(rh_statement_class_named("backfill", &found));
    assert_false(rh_statement_class_named(NULL, &found));
    assert_int_equal(found, RH_CLASS_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_has_a_name_that_leads_back_to_it),
        cmocka_unit_test(an_unknown_name_is_no_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
