/* The scaled passes: every migration on samples of the pages. */
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

static bool scaled(int repeats)
{
    const rh_pass_result result =
        rh_pass_scaled(run, script_staging_handle(), 0.125, repeats, NULL, NULL, &error);
    return rh_file_pass(run, &result);
}

static const rh_statement *statement_of(size_t m)
{
    return &run->plan.migrations[m].up.statements[0];
}

static void every_repeat_is_a_run_and_no_outcome(void **state)
{
    (void)state;
    assert_true(scaled(2));
    assert_int_equal(scripted_staging.sample_runs, 2);
    assert_int_equal(scripted_staging.resets, 0);
    for (size_t m = 0; m < 2; m++) {
        assert_int_equal(statement_of(m)->run_count, 2);
        assert_int_equal(statement_of(m)->runs[1].pass, RH_PASS_KIND_SCALED);
        assert_int_equal(statement_of(m)->runs[1].repeat, 2);
        assert_true(statement_of(m)->runs[1].scale == 0.125);
        assert_int_equal(run->plan.migrations[m].outcome, RH_OUTCOME_NOT_RUN);
    }
    assert_int_equal(run->pass_count, 2);
    assert_false(run->contention.measured);
}

static void a_failure_on_a_sample_fails_no_migration(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD a",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "23505",
                             .message = "twice"});
    assert_true(scaled(1));
    assert_non_null(strstr(script_not_measured(run, "migration 1: it does not run on a sample"), "twice"));
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_null(run->plan.migrations[0].failure);
    assert_int_equal(statement_of(0)->run_count, 0);
    assert_int_equal(statement_of(1)->run_count, 1);
}

static void a_timeout_is_retried(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": migration", .pattern = "ADD a", .action = SCRIPT_TIME_OUT});
    assert_true(scaled(1));
    assert_non_null(script_not_measured(run, "it does not run on a sample"));
    assert_null(run->plan.migrations[0].failure);
}

static void a_lost_process_ends_the_pass(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": migration", .pattern = "CREATE INDEX", .action = SCRIPT_LOSE});
    assert_false(scaled(1));
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_false(run->passes[0].complete);
}

static void tables_without_a_sample_are_reported(void **state)
{
    (void)state;
    scripted_staging.sample_why_not = "t has no rows";
    assert_true(scaled(1));
    assert_non_null(script_not_measured(run, "scaled pass 1/8: t has no rows"));
}

static void a_small_database_needs_one_sample(void **state)
{
    (void)state;
    const rh_work_size small[] = {{.rows = 70, .bytes = 16384}, {.bytes = 8192}};
    const rh_samples samples = rh_samples_choose(run, small);
    assert_int_equal(samples.count, 1);
    assert_true(samples.fractions[0] == 0.125);
}

static void one_large_table_needs_all_samples(void **state)
{
    (void)state;
    const rh_work_size sizes[] = {{.rows = 70, .bytes = 16384}, {.rows = 6000, .bytes = 600000}};
    assert_int_equal(rh_samples_choose(run, sizes).count, RH_SAMPLES_MOST);
}

static void one_large_row_needs_all_samples(void **state)
{
    (void)state;
    const rh_work_size sizes[] = {{.rows = 1, .bytes = 1 << 30}, {.rows = 1}};
    assert_int_equal(rh_samples_choose(run, sizes).count, RH_SAMPLES_MOST);
}

static void a_program_needs_all_samples(void **state)
{
    static const char *const command[] = {"up.sh", NULL};
    (void)state;
    const rh_work_size small[] = {{.rows = 70}, {.rows = 70}};
    run->plan.migrations[0].command = command;
    assert_int_equal(rh_samples_choose(run, small).count, RH_SAMPLES_MOST);
}

static void a_larger_production_needs_all_samples(void **state)
{
    (void)state;
    const rh_work_size small[] = {{.rows = 70}, {.rows = 70}};
    scenario.production.profile = "production.json";
    assert_int_equal(rh_samples_choose(run, small).count, RH_SAMPLES_MOST);
    scenario.production.profile = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_repeat_is_a_run_and_no_outcome, begin, end),
        cmocka_unit_test_setup_teardown(a_failure_on_a_sample_fails_no_migration, begin, end),
        cmocka_unit_test_setup_teardown(a_timeout_is_retried, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_process_ends_the_pass, begin, end),
        cmocka_unit_test_setup_teardown(tables_without_a_sample_are_reported, begin, end),
        cmocka_unit_test_setup_teardown(a_small_database_needs_one_sample, begin, end),
        cmocka_unit_test_setup_teardown(one_large_table_needs_all_samples, begin, end),
        cmocka_unit_test_setup_teardown(one_large_row_needs_all_samples, begin, end),
        cmocka_unit_test_setup_teardown(a_program_needs_all_samples, begin, end),
        cmocka_unit_test_setup_teardown(a_larger_production_needs_all_samples, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
