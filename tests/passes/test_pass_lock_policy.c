/* The lock policy: which lock_timeout gets a transaction through. */
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
    static rh_usec timeouts[] = {50000, 0};
    scenario.lock_policy = (rh_lock_policy_options){.search = true,
                                                    .timeouts = timeouts,
                                                    .timeout_count = 2,
                                                    .attempts = 2,
                                                    .tries = 1,
                                                    .limit = 60 * RH_SECOND};
    return 0;
}

static int end(void **state)
{
    (void)state;
    return script_end(run, &error);
}

static bool searched(void)
{
    const rh_lock_policy_result result = rh_pass_lock_policy(run, script_staging_handle(), NULL, &error);
    return rh_file_lock_policy(run, &result);
}

static const rh_lock_policy *policy(size_t index)
{
    return &run->lock_policy.cases[0].policies[index];
}

/* The first migration's lock keeps the load out of its table. */
static void make_hazardous(void)
{
    rh_statement *statement = &run->plan.migrations[0].up.statements[0];
    statement->expected_lock = RH_LOCK_ACCESS_EXCLUSIVE;
    statement->expected_relation = "public.t";
}

static void every_timeout_is_tried(void **state)
{
    (void)state;
    make_hazardous();
    assert_true(searched());
    assert_int_equal(run->lock_policy.case_count, 1);
    assert_string_equal(run->lock_policy.cases[0].migration, "1");
    assert_int_equal(run->lock_policy.cases[0].policy_count, 2);
    assert_int_equal(policy(0)->successes, 1);
    assert_int_equal(policy(1)->successes, 1);
    assert_true(run->lock_policy.recommended >= 0);
    assert_int_equal(scripted_load.finished, 1);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_NOT_RUN);
}

static void what_is_not_granted_is_tried_again(void **state)
{
    (void)state;
    make_hazardous();
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD a",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "55P03",
                             .message = "lock timeout",
                             .first = 1,
                             .last = 1});
    assert_true(searched());
    assert_int_equal(policy(0)->successes, 1);
    assert_int_equal(policy(0)->attempts_max, 2);
    assert_int_equal(policy(1)->attempts_max, 1);
}

static void what_is_refused_ends_the_search(void **state)
{
    (void)state;
    make_hazardous();
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD a",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "42701",
                             .message = "it is there"});
    assert_true(searched());
    assert_int_equal(run->lock_policy.not_tried_count, 1);
    assert_non_null(strstr(run->lock_policy.not_tried[0], "it is there"));
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_null(run->plan.migrations[0].failure);
}

static void a_lost_server_is_an_error(void **state)
{
    (void)state;
    make_hazardous();
    script_add((script_rule){.role = ": migration", .pattern = "ADD a", .action = SCRIPT_LOSE});
    assert_false(searched());
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_int_equal(scripted_load.finished, 1);
}

/* One without hazard is carried out, since the one behind it needs what it makes; its failure is told. */
static void one_without_hazard_that_fails_is_reported(void **state)
{
    (void)state;
    rh_statement *statement = &run->plan.migrations[1].up.statements[0];
    statement->expected_lock = RH_LOCK_SHARE;
    statement->expected_relation = "public.t";
    script_add((script_rule){
        .role = ": migration", .pattern = "ADD a", .action = SCRIPT_REFUSE, .sqlstate = "42701"});
    assert_true(searched());
    assert_non_null(strstr(run->lock_policy.not_tried[0], "migration 1 and those after it"));
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_null(run->plan.migrations[0].failure);
}

static void without_hazard_there_is_nothing_to_try(void **state)
{
    (void)state;
    assert_true(searched());
    assert_int_equal(run->lock_policy.case_count, 0);
    assert_int_equal(run->lock_policy.not_tried_count, 1);
    assert_int_equal(scripted_load.started, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_timeout_is_tried, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_granted_is_tried_again, begin, end),
        cmocka_unit_test_setup_teardown(what_is_refused_ends_the_search, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_server_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(one_without_hazard_that_fails_is_reported, begin, end),
        cmocka_unit_test_setup_teardown(without_hazard_there_is_nothing_to_try, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
