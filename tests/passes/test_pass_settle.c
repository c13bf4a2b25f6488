/* The pass of verify: every migration once, nothing measured. */
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

typedef struct samples {
    const char *states[4];
    size_t count, refuse; /* REFUSE: from 1; 0: none */
} samples;

static bool look(void *user, const char *migration, rh_error *failure)
{
    samples *l = user;
    l->states[l->count++] = migration;
    return l->count != l->refuse || rh_error_set(failure, RH_ERROR_SQL, "a look failed");
}

static bool settled(rh_pass_inspect look_at, void *user)
{
    const rh_pass_result result =
        rh_pass_settle(run, script_staging_handle(), RH_PASS_KIND_VERIFY, NULL, NULL, look_at, user, &error);
    return rh_file_pass(run, &result);
}

static void every_state_is_inspected(void **state)
{
    (void)state;
    samples l = {0};
    assert_true(settled(look, &l));
    assert_int_equal(l.count, 3);
    assert_null(l.states[0]);
    assert_string_equal(l.states[1], "1");
    assert_string_equal(l.states[2], "2");
    assert_int_equal(run->plan.migrations[0].up.statements[0].run_count, 0);
}

static void without_inspection_it_migrates(void **state)
{
    (void)state;
    assert_true(settled(NULL, NULL));
    assert_int_equal(script_sent(": migration", "CREATE INDEX"), 1);
}

static void a_migration_that_fails_ends_it(void **state)
{
    (void)state;
    samples l = {0};
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD a",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "42703",
                             .message = "no"});
    assert_false(settled(look, &l));
    assert_int_equal(error.code, RH_ERROR_MIGRATION);
    assert_int_equal(l.count, 1);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_FAILED);
    assert_string_equal(run->plan.migrations[0].failure->sqlstate, "42703");
}

static void a_query_that_fails_ends_it(void **state)
{
    (void)state;
    samples l = {.refuse = 2};
    assert_false(settled(look, &l));
    assert_non_null(strstr(error.message, "a look failed"));
    assert_int_equal(script_sent(": migration", "CREATE INDEX"), 0);
}

static void a_lost_process_does_not_fail_the_migration(void **state)
{
    (void)state;
    scripted_staging.dead = true;
    script_add((script_rule){.role = ": migration", .pattern = "ADD a", .action = SCRIPT_LOSE});
    assert_false(settled(NULL, NULL));
    assert_int_equal(error.code, RH_ERROR_STAGING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_state_is_inspected, begin, end),
        cmocka_unit_test_setup_teardown(without_inspection_it_migrates, begin, end),
        cmocka_unit_test_setup_teardown(a_migration_that_fails_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(a_query_that_fails_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_process_does_not_fail_the_migration, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
