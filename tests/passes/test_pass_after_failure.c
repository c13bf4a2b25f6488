/* After a failure: what the migrations before it meet, and what the failed one left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted.h"
#include "rehearsal/passes/after_failure.h"
#include <string.h>

static const char *const up1[] = {"ALTER TABLE t ADD a int", NULL}, *const down1[] = {"ALTER TABLE t DROP a",
                                                                                      NULL};
static const char *const up2[] = {"ALTER TABLE t ADD b int", NULL}, *const down2[] = {"ALTER TABLE t DROP b",
                                                                                      NULL};
static const script_migration migrations[] = {{up1, down1}, {up2, down2}};

static rh_scenario scenario;
static rh_run *run;
static rh_error error;

static int begin(void **state)
{
    (void)state;
    script_begin();
    run = script_run(&scenario, migrations, sizeof migrations / sizeof *migrations);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return script_end(run, &error);
}

static void failed_in(rh_pass_kind pass)
{
    static rh_failure failure = {.message = "it failed", .line = 1};
    rh_migration *failed = &run->plan.migrations[1];
    run->plan.migrations[0].outcome = RH_OUTCOME_OK;
    failed->outcome = RH_OUTCOME_FAILED;
    failed->failure = &failure;
    failed->failed_in = pass;
    failed->failed_pass = rh_pass_kind_name(pass);
}

static void expect_as_before(void)
{
    assert_int_equal(run->plan.migration_count, 2);
    assert_int_equal(run->plan.pending_count, 2);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_OK);
    assert_null(run->plan.migrations[0].failure);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_FAILED);
    assert_string_equal(run->plan.migrations[1].failure->message, "it failed");
}

static void second_fails(void)
{
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD b",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "42701",
                             .message = "again"});
}

static void those_before_it_are_loaded_and_rolled_back(void **state)
{
    (void)state;
    failed_in(RH_PASS_KIND_QUIET);
    second_fails();
    rh_after_failure(run, script_staging_handle(), NULL);
    expect_as_before();
    assert_true(run->load.measured);
    assert_int_equal(scripted_load.window_migration_count, 1);
    assert_int_equal(run->plan.migrations[0].rollback.outcome, RH_OUTCOME_OK);
    assert_int_equal(run->plan.migrations[1].rollback.outcome, RH_OUTCOME_NOT_RUN);
    assert_non_null(script_not_measured(run, "load and rollback of 2 and the migrations after it"));
}

static void the_state_after_it_is_inspected(void **state)
{
    (void)state;
    failed_in(RH_PASS_KIND_QUIET);
    second_fails();
    rh_after_failure(run, script_staging_handle(), NULL);
    expect_as_before();
    assert_int_equal(run->plan.migrations[1].interruption_count, 1);
    const rh_interruption *found = &run->plan.migrations[1].interruptions[0];
    assert_int_equal(found->how, RH_INTERRUPTION_FAILURE);
    assert_true(found->hit);
    assert_int_equal(found->statement, 1);
    assert_int_equal(found->run_again, RH_RUN_AGAIN_FAILED);
    assert_non_null(strstr(found->error, "again"));
}

static void under_load_only_all_are_rolled_back(void **state)
{
    (void)state;
    failed_in(RH_PASS_KIND_LOADED);
    rh_after_failure(run, script_staging_handle(), NULL);
    expect_as_before();
    assert_int_equal(run->plan.migrations[1].rollback.outcome, RH_OUTCOME_OK);
    assert_int_equal(run->plan.migrations[1].interruption_count, 0);
    assert_int_equal(scripted_load.started, 0);
}

static void after_other_passes_nothing_is_done(void **state)
{
    (void)state;
    failed_in(RH_PASS_KIND_VERIFY);
    rh_after_failure(run, script_staging_handle(), NULL);
    expect_as_before();
    assert_int_equal(scripted_staging.resets, 0);
}

static void errors_are_reported(void **state)
{
    (void)state;
    failed_in(RH_PASS_KIND_QUIET);
    scripted_load.fail_start = true;
    scripted_staging.fail_reset = 2;
    rh_after_failure(run, script_staging_handle(), NULL);
    expect_as_before();
    assert_non_null(script_not_measured(run, "load, after the failure"));
    assert_non_null(script_not_measured(run, "rollback, after the failure: the reset failed"));
    assert_int_equal(run->plan.migrations[1].interruption_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(those_before_it_are_loaded_and_rolled_back, begin, end),
        cmocka_unit_test_setup_teardown(the_state_after_it_is_inspected, begin, end),
        cmocka_unit_test_setup_teardown(under_load_only_all_are_rolled_back, begin, end),
        cmocka_unit_test_setup_teardown(after_other_passes_nothing_is_done, begin, end),
        cmocka_unit_test_setup_teardown(errors_are_reported, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
