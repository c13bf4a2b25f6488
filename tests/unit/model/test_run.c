#include "pgrehearse/model/run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_failure_outlives_its_error(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    rh_error_set(&error, RH_ERROR_SQL, "relation \"t\" does not exist");
    rh_error_sqlstate(&error, "42P01");
    rh_error_hint(&error, "Create it.");
    rh_error_at(&error, "/m/1.sql", 3, 7);
    const rh_failure *failure = rh_failure_of_error(&error, arena);
    rh_error_release(&error);
    assert_string_equal(failure->message, "relation \"t\" does not exist");
    assert_string_equal(failure->sqlstate, "42P01");
    assert_string_equal(failure->hint, "Create it.");
    assert_string_equal(failure->file, "/m/1.sql");
    assert_int_equal(failure->line, 3);
    assert_int_equal(failure->column, 7);
    rh_arena_free(arena);
}

static void test_missing_fields_of_an_error_are_absent(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    rh_error_set(&error, RH_ERROR_IO, "no");
    const rh_failure *failure = rh_failure_of_error(&error, arena);
    assert_null(failure->sqlstate);
    assert_null(failure->hint);
    assert_null(failure->file);
    assert_int_equal(failure->line, 0);
    rh_error_release(&error);
    rh_arena_free(arena);
}

static void test_what_was_not_measured(void **state)
{
    (void)state;
    rh_run run = {.arena = rh_arena_new()};
    rh_run_not_measured(&run, RH_UNMEASURED_DISK_SPACE, "disk");
    rh_run_not_measured(&run, RH_UNMEASURED_LOAD, "%s: %d%%", "load", 5);
    assert_int_equal(run.not_measured.count, 2);
    assert_int_equal(run.not_measured.items[0].code, RH_UNMEASURED_DISK_SPACE);
    assert_string_equal(run.not_measured.items[0].text, "disk");
    assert_int_equal(run.not_measured.items[1].code, RH_UNMEASURED_LOAD);
    assert_string_equal(run.not_measured.items[1].text, "load: 5%");
    rh_arena_free(run.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure_outlives_its_error),
        cmocka_unit_test(test_missing_fields_of_an_error_are_absent),
        cmocka_unit_test(test_what_was_not_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
