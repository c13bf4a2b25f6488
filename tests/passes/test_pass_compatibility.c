/* The compatibility pass: a release of the application on each schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted.h"
#include "rehearsal/passes/results.h"
#include <string.h>

static const char *const first[] = {"ALTER TABLE t ADD a int", NULL};
static const char *const second[] = {"CREATE INDEX i ON t (a)", NULL};
static const script_migration migrations[] = {{first, NULL}, {second, NULL}};

static rh_template statement = {
    .name = "read t", .sql = "SELECT * FROM t", .relation = "t", .kind = RH_TEMPLATE_READ, .weight = 1};

static rh_scenario scenario;
static rh_run *run;
static rh_error error;

static int begin(void **state)
{
    (void)state;
    script_begin();
    run = script_run(&scenario, migrations, sizeof migrations / sizeof *migrations);
    run->load.mix = (rh_mix){.templates = &statement, .template_count = 1};
    return 0;
}

static int end(void **state)
{
    (void)state;
    return script_end(run, &error);
}

static bool compatible(void)
{
    const rh_compatibility_result result = rh_pass_compatibility(run, script_staging_handle(), NULL, &error);
    return rh_file_compatibility(run, &result);
}

/* From the FIRST to the LAST state, where 1 is the one before any migration. */
static void fails_in_states(int first_state, int last_state)
{
    script_add((script_rule){.role = ": compatibility",
                             .pattern = "SELECT * FROM t",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "42703",
                             .message = "column is missing",
                             .first = first_state,
                             .last = last_state});
}

static void a_working_template_has_no_row(void **state)
{
    (void)state;
    assert_true(compatible());
    assert_true(run->compatibility.measured);
    assert_int_equal(run->compatibility.current_tried, 1);
    assert_int_equal(run->compatibility.row_count, 0);
    assert_int_equal(script_sent(": compatibility", "SELECT * FROM t"), 3);
}

static void one_that_fails_has_the_other_complete(void **state)
{
    (void)state;
    fails_in_states(2, 0);
    assert_true(compatible());
    assert_int_equal(run->compatibility.row_count, 1);
    assert_string_equal(run->compatibility.rows[0].broken_by, "1");
    assert_null(run->compatibility.rows[0].fixed_by);
    assert_string_equal(run->compatibility.rows[0].sqlstate, "42703");
}

static void one_that_works_again_names_the_migration(void **state)
{
    (void)state;
    fails_in_states(2, 2);
    assert_true(compatible());
    assert_int_equal(run->compatibility.row_count, 1);
    assert_string_equal(run->compatibility.rows[0].fixed_by, "2");
}

static void one_that_fails_on_its_own_schema_is_not_judged(void **state)
{
    (void)state;
    fails_in_states(1, 0);
    assert_true(compatible());
    assert_int_equal(run->compatibility.row_count, 0);
    assert_int_equal(run->compatibility.current_tried, 0);
    assert_non_null(script_not_measured(run, "on the release's own schema"));
}

static void a_lost_server_ends_it(void **state)
{
    (void)state;
    script_add((script_rule){
        .role = ": compatibility", .pattern = "SELECT * FROM t", .action = SCRIPT_LOSE, .first = 2});
    assert_false(compatible());
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_false(run->compatibility.measured);
}

static void a_migration_that_fails_ends_it(void **state)
{
    (void)state;
    script_add((script_rule){
        .role = ": migration", .pattern = "CREATE INDEX", .action = SCRIPT_REFUSE, .sqlstate = "23505"});
    assert_false(compatible());
    assert_int_equal(error.code, RH_ERROR_MIGRATION);
    assert_false(run->compatibility.measured);
}

static void the_next_release_is_tried_on_every_schema(void **state)
{
    (void)state;
    scenario.workload.next.source = RH_WORKLOAD_SCHEMA;
    assert_true(compatible());
    assert_true(run->compatibility.next_measured);
    assert_int_equal(run->compatibility.next_tried, 1);
    assert_int_equal(scripted_staging.resets, 2);
}

static void errors_of_a_schema_request_it(void **state)
{
    (void)state;
    rh_load_error failure = {.sqlstate = "42703"};
    assert_false(rh_compatibility_wanted(run));
    run->load.errors = &failure;
    run->load.error_count = 1;
    assert_true(rh_compatibility_wanted(run));
    failure.sqlstate = "40P01";
    assert_false(rh_compatibility_wanted(run));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_working_template_has_no_row, begin, end),
        cmocka_unit_test_setup_teardown(one_that_fails_has_the_other_complete, begin, end),
        cmocka_unit_test_setup_teardown(one_that_works_again_names_the_migration, begin, end),
        cmocka_unit_test_setup_teardown(one_that_fails_on_its_own_schema_is_not_judged, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_server_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(a_migration_that_fails_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(the_next_release_is_tried_on_every_schema, begin, end),
        cmocka_unit_test_setup_teardown(errors_of_a_schema_request_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
