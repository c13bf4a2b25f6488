/* The loaded pass: every migration under load. */
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

static bool loaded(void)
{
    const rh_loaded_result result = rh_pass_loaded(run, script_staging_handle(), NULL, &error);
    return rh_file_loaded(run, &result);
}

static void every_migration_has_its_window(void **state)
{
    (void)state;
    assert_true(loaded());
    assert_int_equal(scripted_load.started, 1);
    assert_int_equal(scripted_load.finished, 1);
    assert_int_equal(scripted_load.window_migration_count, 2);
    assert_string_equal(scripted_load.window_migrations[0], "1");
    assert_string_equal(scripted_load.window_migrations[1], "2");
    assert_true(run->load.measured);
    assert_string_equal(run->load.rate_basis, "the scenario");
    assert_true(run->contention.measured);
    assert_int_equal(run->plan.migrations[1].up.statements[0].runs[0].pass, RH_PASS_KIND_LOADED);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_OK);
    assert_true(run->passes[0].complete);
}

static void without_templates_nothing_runs(void **state)
{
    (void)state;
    scripted_load.no_templates = true;
    assert_true(loaded());
    assert_non_null(script_not_measured(run, "no template of its mix can run"));
    assert_int_equal(scripted_load.started, 0);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_int_equal(script_sent(": migration", "ALTER TABLE"), 0);
}

static void a_load_that_does_not_start_is_an_error(void **state)
{
    (void)state;
    scripted_load.fail_start = true;
    assert_false(loaded());
    assert_non_null(strstr(error.message, "does not prepare"));
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
}

static void what_fails_under_load_has_failed(void **state)
{
    (void)state;
    script_add((script_rule){
        .role = ": migration", .pattern = "CREATE INDEX", .action = SCRIPT_REFUSE, .sqlstate = "40P01"});
    assert_false(loaded());
    assert_int_equal(error.code, RH_ERROR_MIGRATION);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_OK);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_FAILED);
    assert_int_equal(scripted_load.finished, 1);
    assert_true(run->load.measured);
    assert_int_equal(run->contention.cancelled_count, 1);
    assert_string_equal(run->contention.cancelled[0].migration, "2");
    assert_false(run->passes[0].complete);
}

/* The session of the migrations has ended, and with it the server's: the window after says nothing. */
static void a_process_lost_under_load_is_an_error(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": migration", .pattern = "SELECT 1", .action = SCRIPT_LOSE});
    assert_false(loaded());
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_OK);
    assert_int_equal(scripted_load.finished, 1);
}

static void a_lost_sampler_is_reported(void **state)
{
    (void)state;
    script_add(
        (script_rule){.role = ": sampler", .pattern = "EXECUTE pgrehearse_sample", .action = SCRIPT_LOSE});
    assert_true(loaded());
    assert_non_null(script_not_measured(run, "lock waits of the loaded pass"));
    assert_false(run->contention.measured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_migration_has_its_window, begin, end),
        cmocka_unit_test_setup_teardown(without_templates_nothing_runs, begin, end),
        cmocka_unit_test_setup_teardown(a_load_that_does_not_start_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(what_fails_under_load_has_failed, begin, end),
        cmocka_unit_test_setup_teardown(a_process_lost_under_load_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_sampler_is_reported, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
