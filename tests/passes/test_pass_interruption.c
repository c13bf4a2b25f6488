/* The interruption pass: every migration is killed half-way, looked at, and run again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted.h"
#include "rehearsal/passes/results.h"
#include <string.h>

static const char *const first[] = {"ALTER TABLE t ADD a int", NULL};
static const script_migration migrations[] = {{first, NULL}};

static rh_scenario scenario;
static rh_run *run;
static rh_error error;

static int begin(void **state)
{
    (void)state;
    script_begin();
    run = script_run(&scenario, migrations, sizeof migrations / sizeof *migrations);
    scenario.staging.kind = RH_STAGING_SERVER;
    rh_migration *migration = &run->plan.migrations[0];
    rh_statement *statement = &migration->up.statements[0];
    rh_statement_run *quiet = rh_arena_add(run->arena, &statement->runs, &statement->run_count);
    *quiet = (rh_statement_run){.pass = RH_PASS_KIND_QUIET, .repeat = 1, .scale = 1, .elapsed_s = 0.001};
    migration->outcome = RH_OUTCOME_OK;
    return 0;
}

static int end(void **state)
{
    (void)state;
    return script_end(run, &error);
}

static rh_migration *migration(void)
{
    return &run->plan.migrations[0];
}

static bool interrupted(void)
{
    const rh_interruption_result result = rh_pass_interruption(run, script_staging_handle(), NULL, &error);
    return rh_file_interruption(run, &result);
}

/* The N-th time that it is sent, the statement ends when what interrupts has struck. */
static void strikes(int time, const char *how)
{
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD a",
                             .action = SCRIPT_LOSE,
                             .first = time,
                             .last = time,
                             .until = how});
}

static void a_connection_is_lost_and_it_runs_again(void **state)
{
    (void)state;
    strikes(1, "pg_terminate_backend");
    assert_true(interrupted());
    assert_int_equal(migration()->interruption_count, 1);
    const rh_interruption *found = &migration()->interruptions[0];
    assert_int_equal(found->how, RH_INTERRUPTION_CONNECTION);
    assert_true(found->hit);
    assert_true(found->in_statement);
    assert_int_equal(found->statement, 1);
    assert_int_equal(found->run_again, RH_RUN_AGAIN_OK);
    assert_null(found->error);
    assert_int_equal(migration()->outcome, RH_OUTCOME_OK);
    assert_null(migration()->failure);
    assert_int_equal(migration()->up.statements[0].run_count, 1);
}

static void what_fails_when_run_again_is_the_interruptions(void **state)
{
    (void)state;
    strikes(1, "pg_terminate_backend");
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD a",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "42701",
                             .message = "it is there"});
    assert_true(interrupted());
    const rh_interruption *found = &migration()->interruptions[0];
    assert_int_equal(found->run_again, RH_RUN_AGAIN_FAILED);
    assert_non_null(strstr(found->error, "it is there"));
    assert_int_equal(migration()->outcome, RH_OUTCOME_OK);
    assert_null(migration()->failure);
}

static void one_that_ends_before_is_not_hit(void **state)
{
    (void)state;
    assert_true(interrupted());
    assert_int_equal(migration()->interruption_count, 1);
    assert_false(migration()->interruptions[0].hit);
    assert_int_equal(migration()->interruptions[0].run_again, RH_RUN_AGAIN_NOT_TRIED);
    assert_int_equal(scripted_staging.resets, 3);
}

static void an_embedded_server_crashes_too(void **state)
{
    (void)state;
    scenario.staging.kind = RH_STAGING_EMBEDDED;
    strikes(1, "pg_terminate_backend");
    strikes(2, "the server crashes"); /* of the times that the rule before it has left over */
    assert_true(interrupted());
    assert_int_equal(migration()->interruption_count, 2);
    assert_int_equal(migration()->interruptions[1].how, RH_INTERRUPTION_SERVER);
    assert_true(migration()->interruptions[1].hit);
    assert_int_equal(scripted_staging.crashes, 1);
    assert_int_equal(scripted_staging.restarts, 1);
    assert_int_equal(migration()->outcome, RH_OUTCOME_OK);
}

static void without_a_quiet_pass_it_is_reported(void **state)
{
    (void)state;
    migration()->up.statements[0].run_count = 0;
    assert_true(interrupted());
    assert_non_null(script_not_measured(run, "interruption of migration 1"));
    assert_int_equal(migration()->interruption_count, 0);
}

static void a_dead_server_ends_the_pass(void **state)
{
    (void)state;
    scripted_staging.dead = true;
    strikes(1, "pg_terminate_backend");
    script_add((script_rule){.role = ": migration", .pattern = "ADD a", .action = SCRIPT_LOSE});
    assert_false(interrupted());
    assert_int_equal(error.code, RH_ERROR_STAGING);
    assert_int_equal(migration()->outcome, RH_OUTCOME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_connection_is_lost_and_it_runs_again, begin, end),
        cmocka_unit_test_setup_teardown(what_fails_when_run_again_is_the_interruptions, begin, end),
        cmocka_unit_test_setup_teardown(one_that_ends_before_is_not_hit, begin, end),
        cmocka_unit_test_setup_teardown(an_embedded_server_crashes_too, begin, end),
        cmocka_unit_test_setup_teardown(without_a_quiet_pass_it_is_reported, begin, end),
        cmocka_unit_test_setup_teardown(a_dead_server_ends_the_pass, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
