/* The quiet pass: every migration timed while nothing else runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted.h"
#include "rehearsal/passes/results.h"
#include <string.h>

static const char *const first[] = {"ALTER TABLE t ADD a int", "ALTER TABLE t ADD b int", NULL};
static const char *const second[] = {"CREATE INDEX i ON t (a)", NULL};
static const script_migration migrations[] = {{first, NULL}, {second, NULL}};

static rh_scenario scenario;
static rh_run *run;
static rh_error error;

static int begin(void **state)
{
    (void)state;
    script_begin();
    run = script_run(&scenario, migrations, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return script_end(run, &error);
}

static bool quiet(int repeat)
{
    const rh_quiet_result result = rh_pass_quiet(run, script_staging_handle(), repeat, NULL, &error);
    return rh_file_quiet(run, &result);
}

static size_t runs_of(size_t m, size_t s)
{
    return run->plan.migrations[m].up.statements[s].run_count;
}

static void every_statement_gets_a_run(void **state)
{
    (void)state;
    assert_true(quiet(1));
    assert_int_equal(scripted_staging.resets, 1);
    assert_int_equal(script_sent(": migration", "ALTER TABLE t ADD"), 2);
    assert_int_equal(runs_of(0, 0), 1);
    assert_int_equal(runs_of(0, 1), 1);
    assert_int_equal(runs_of(1, 0), 1);
    assert_int_equal(run->plan.migrations[0].up.statements[0].runs[0].pass, RH_PASS_KIND_QUIET);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_OK);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_OK);
    assert_int_equal(run->pass_count, 1);
    assert_true(run->passes[0].complete);
}

static void a_repeat_adds_a_run(void **state)
{
    (void)state;
    assert_true(quiet(1));
    assert_true(quiet(2));
    assert_int_equal(runs_of(1, 0), 2);
    assert_int_equal(run->plan.migrations[1].up.statements[0].runs[1].repeat, 2);
    assert_int_equal(run->pass_count, 2);
}

static void a_failing_statement_fails_its_migration(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD b",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "42701",
                             .message = "column b exists"});
    assert_false(quiet(1));
    assert_int_equal(error.code, RH_ERROR_MIGRATION);
    const rh_migration *failed = &run->plan.migrations[0];
    assert_int_equal(failed->outcome, RH_OUTCOME_FAILED);
    assert_string_equal(failed->failure->sqlstate, "42701");
    assert_int_equal(failed->failure->line, 2);
    assert_int_equal(runs_of(0, 0), 1);
    assert_int_equal(runs_of(0, 1), 0);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_NOT_RUN);
    assert_false(run->passes[0].complete);
    assert_int_equal(script_sent(": migration", "CREATE INDEX"), 0);
}

static void a_timeout_is_the_migrations(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": migration", .pattern = "CREATE INDEX", .action = SCRIPT_TIME_OUT});
    assert_false(quiet(1));
    assert_int_equal(error.code, RH_ERROR_TIMEOUT);
    assert_non_null(strstr(error.hint, "statement_timeout"));
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_OK);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_FAILED);
}

/* Once from outside, such as for want of memory; the repetition is well, and nothing is known. */
static void a_lost_process_repeats_the_pass_once(void **state)
{
    (void)state;
    script_add((script_rule){
        .role = ": migration", .pattern = "CREATE INDEX", .action = SCRIPT_LOSE, .first = 1, .last = 1});
    assert_false(quiet(1));
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_non_null(strstr(error.hint, "run again"));
    assert_int_equal(scripted_staging.resets, 2);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_NOT_RUN);
    assert_null(run->plan.migrations[1].failure);
    assert_int_equal(runs_of(0, 0), 0);
}

static void a_repeated_crash_is_the_migrations(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": migration", .pattern = "CREATE INDEX", .action = SCRIPT_LOSE});
    assert_false(quiet(1));
    assert_int_equal(error.code, RH_ERROR_MIGRATION);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_FAILED);
}

static void a_dead_server_does_not_fail_the_migration(void **state)
{
    (void)state;
    scripted_staging.dead = true;
    script_add((script_rule){.role = ": migration", .pattern = "CREATE INDEX", .action = SCRIPT_LOSE});
    assert_false(quiet(1));
    assert_int_equal(error.code, RH_ERROR_STAGING);
    assert_int_equal(scripted_staging.resets, 1);
}

static void a_full_disk_is_reported(void **state)
{
    (void)state;
    script_add((script_rule){
        .role = ": migration", .pattern = "ADD a", .action = SCRIPT_REFUSE, .sqlstate = "53100"});
    assert_false(quiet(1));
    assert_int_equal(error.code, RH_ERROR_NO_SPACE);
}

static void a_reset_that_fails_leaves_the_plan(void **state)
{
    (void)state;
    scripted_staging.fail_reset = 1;
    assert_false(quiet(1));
    assert_int_equal(error.code, RH_ERROR_STAGING);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_int_equal(run->pass_count, 0);
}

static void a_lost_sampler_is_reported(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": sampler",
                             .pattern = "EXECUTE pgrehearse_sample",
                             .action = SCRIPT_LOSE,
                             .message = "gone"});
    assert_true(quiet(1));
    assert_non_null(script_not_measured(run, "lock waits of quiet pass 1 of 1"));
    assert_false(run->contention.measured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_statement_gets_a_run, begin, end),
        cmocka_unit_test_setup_teardown(a_repeat_adds_a_run, begin, end),
        cmocka_unit_test_setup_teardown(a_failing_statement_fails_its_migration, begin, end),
        cmocka_unit_test_setup_teardown(a_timeout_is_the_migrations, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_process_repeats_the_pass_once, begin, end),
        cmocka_unit_test_setup_teardown(a_repeated_crash_is_the_migrations, begin, end),
        cmocka_unit_test_setup_teardown(a_dead_server_does_not_fail_the_migration, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_is_reported, begin, end),
        cmocka_unit_test_setup_teardown(a_reset_that_fails_leaves_the_plan, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_sampler_is_reported, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
