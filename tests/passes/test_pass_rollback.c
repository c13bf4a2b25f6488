/* The rollback pass: every migration up, down and up again, then the whole set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted.h"
#include "rehearsal/passes/results.h"
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

static const char OBJECTS[] = "Every object of the current database";
static const char *const column[] = {"column public.t.x", "integer", "f", "f"};

static bool rolled_back(void)
{
    const rh_rollback_result result = rh_pass_rollback(run, script_staging_handle(), NULL, &error);
    return rh_file_rollback(run, &result);
}

static const rh_rollback *rollback_of(size_t m)
{
    return &run->plan.migrations[m].rollback;
}

static void all_goes_down_and_up_again(void **state)
{
    (void)state;
    assert_true(rolled_back());
    for (size_t m = 0; m < 2; m++) {
        assert_int_equal(rollback_of(m)->outcome, RH_OUTCOME_OK);
        assert_int_equal(rollback_of(m)->reversibility, RH_REVERSIBILITY_FULL);
        assert_int_equal(rollback_of(m)->schema_restored, 1);
        assert_int_equal(run->plan.migrations[m].outcome, RH_OUTCOME_OK);
    }
    assert_int_equal(run->set_rollback.outcome, RH_OUTCOME_OK);
    assert_int_equal(run->set_rollback.reversibility, RH_REVERSIBILITY_FULL);
    assert_int_equal(scripted_staging.resets, 1);
    assert_int_equal(script_sent(": migration", "DROP a"), 2);
    assert_int_equal(run->plan.migrations[0].down.statements[0].run_count, 1);
    assert_int_equal(run->plan.migrations[0].up.statements[0].run_count, 0);
}

static void a_down_that_fails_is_the_rollbacks(void **state)
{
    (void)state;
    run->plan.migrations[0].outcome = run->plan.migrations[1].outcome = RH_OUTCOME_OK;
    script_add((script_rule){.role = ": migration",
                             .pattern = "DROP a",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "2BP01",
                             .message = "other objects depend on it"});
    assert_true(rolled_back());
    assert_int_equal(rollback_of(0)->outcome, RH_OUTCOME_FAILED);
    assert_int_equal(rollback_of(0)->reversibility, RH_REVERSIBILITY_BROKEN);
    assert_string_equal(rollback_of(0)->failure->sqlstate, "2BP01");
    assert_string_equal(rollback_of(0)->failure->file, "/m/1.down.sql");
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_OK);
    assert_null(run->plan.migrations[0].failure);
    assert_int_equal(rollback_of(1)->outcome, RH_OUTCOME_OK);
    assert_int_equal(run->set_rollback.outcome, RH_OUTCOME_FAILED);
    assert_string_equal(run->set_rollback.failure->sqlstate, "2BP01");
}

static void an_up_again_that_fails_is_the_rollbacks(void **state)
{
    (void)state;
    run->plan.migrations[0].outcome = run->plan.migrations[1].outcome = RH_OUTCOME_OK;
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD a",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "42701",
                             .first = 2,
                             .last = 2});
    assert_true(rolled_back());
    assert_int_equal(rollback_of(0)->reversibility, RH_REVERSIBILITY_BROKEN);
    assert_string_equal(rollback_of(0)->failure->sqlstate, "42701");
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_OK);
    assert_null(run->plan.migrations[0].failure);
}

/* On what the others left; from the restored state it is well. */
static void an_up_that_fails_is_tried_on_a_fresh_copy(void **state)
{
    (void)state;
    run->plan.migrations[0].outcome = run->plan.migrations[1].outcome = RH_OUTCOME_OK;
    script_add((script_rule){.role = ": migration",
                             .pattern = "ADD b",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "42701",
                             .message = "it is there",
                             .first = 1,
                             .last = 1});
    assert_true(rolled_back());
    assert_non_null(strstr(script_not_measured(run, "rollback of 2"), "it is there"));
    assert_int_equal(rollback_of(1)->outcome, RH_OUTCOME_OK);
    assert_null(rollback_of(1)->failure);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_OK);
    assert_null(run->plan.migrations[1].failure);
    assert_int_equal(scripted_staging.resets, 2);
}

static void an_up_that_always_fails_is_the_migrations(void **state)
{
    (void)state;
    run->plan.migrations[0].outcome = run->plan.migrations[1].outcome = RH_OUTCOME_OK;
    script_add((script_rule){
        .role = ": migration", .pattern = "ADD b", .action = SCRIPT_REFUSE, .sqlstate = "42701"});
    assert_false(rolled_back());
    assert_int_equal(error.code, RH_ERROR_MIGRATION);
    assert_int_equal(run->plan.migrations[1].outcome, RH_OUTCOME_FAILED);
    assert_string_equal(run->plan.migrations[1].failure->sqlstate, "42701");
}

static void what_a_down_leaves_out_is_irreversible(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": side",
                             .pattern = OBJECTS,
                             .values = column,
                             .columns = 4,
                             .rows = 1,
                             .first = 2,
                             .last = 2});
    script_add((script_rule){.role = ": side",
                             .pattern = OBJECTS,
                             .values = column,
                             .columns = 4,
                             .rows = 1,
                             .first = 1,
                             .last = 1});
    assert_true(rolled_back());
    assert_int_equal(rollback_of(0)->schema_restored, 0);
    assert_int_equal(rollback_of(0)->difference_count, 1);
    assert_int_equal(rollback_of(0)->differences[0].change, RH_CHANGE_MISSING);
    assert_int_equal(rollback_of(0)->reversibility, RH_REVERSIBILITY_IRREVERSIBLE);
}

/* The schema's readings: before the set, before the first migration, after its way down, and so on. */
static void move_columns_by_first_migration(void)
{
    static const char *const was[] = {"order of the columns of table public.t", "a,\nx", "t", "f"};
    static const char *const is[] = {"order of the columns of table public.t", "x,\na", "t", "f"};
    script_rule rule = {.role = ": side", .pattern = OBJECTS, .columns = 4, .rows = 1};
    rule.values = is;
    rule.first = 3;
    rule.last = 99;
    script_add(rule);
    rule.values = was;
    rule.first = 1;
    rule.last = 2;
    script_add(rule);
}

static void moved_columns_need_no_fresh_copy(void **state)
{
    (void)state;
    move_columns_by_first_migration();
    assert_true(rolled_back());
    assert_int_equal(rollback_of(0)->schema_restored, 0);
    assert_int_equal(rollback_of(0)->reversibility, RH_REVERSIBILITY_FULL);
    assert_int_equal(rollback_of(1)->reversibility, RH_REVERSIBILITY_FULL);
    assert_int_equal(scripted_staging.resets, 2); /* at the beginning, and for the set */
}

static void moved_columns_matter_to_who_goes_by_their_order(void **state)
{
    (void)state;
    move_columns_by_first_migration();
    run->plan.migrations[1].up.statements[0].sql = "INSERT INTO t VALUES (1)";
    assert_true(rolled_back());
    assert_int_equal(scripted_staging.resets, 3);
}

static void a_loss_on_moved_columns_is_tried_on_a_fresh_copy(void **state)
{
    (void)state;
    move_columns_by_first_migration();
    script_add((script_rule){.role = ": migration",
                             .pattern = "DROP b",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "2BP01",
                             .message = "on the moved columns only",
                             .first = 1,
                             .last = 1});
    run->plan.migrations[0].outcome = run->plan.migrations[1].outcome = RH_OUTCOME_OK;
    assert_true(rolled_back());
    assert_int_equal(rollback_of(1)->reversibility, RH_REVERSIBILITY_FULL);
    assert_null(rollback_of(1)->failure);
    assert_int_equal(run->plan.migrations[1].down.statements[0].run_count, 1);
}

static void without_a_down_the_part_after_it_is_tried(void **state)
{
    (void)state;
    run->plan.migrations[0].has_down = false;
    assert_true(rolled_back());
    assert_int_equal(rollback_of(0)->outcome, RH_OUTCOME_NOT_RUN);
    assert_int_equal(rollback_of(0)->reversibility, RH_REVERSIBILITY_IRREVERSIBLE);
    assert_int_equal(rollback_of(1)->outcome, RH_OUTCOME_OK);
    assert_int_equal(run->set_rollback.reversibility, RH_REVERSIBILITY_IRREVERSIBLE);
    assert_non_null(strstr(run->set_rollback.why, "1 cannot be rolled back"));
}

/* Down one by one all is well, down together not. */
static void the_set_fails_by_itself(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": migration",
                             .pattern = "DROP b",
                             .action = SCRIPT_REFUSE,
                             .sqlstate = "2BP01",
                             .first = 2});
    assert_true(rolled_back());
    assert_int_equal(rollback_of(1)->outcome, RH_OUTCOME_OK);
    assert_null(rollback_of(1)->failure);
    assert_int_equal(run->set_rollback.outcome, RH_OUTCOME_FAILED);
    assert_string_equal(run->set_rollback.failure->sqlstate, "2BP01");
}

static void a_dead_server_ends_the_pass(void **state)
{
    (void)state;
    scripted_staging.dead = true;
    script_add((script_rule){.role = ": migration", .pattern = "DROP a", .action = SCRIPT_LOSE});
    assert_false(rolled_back());
    assert_int_equal(error.code, RH_ERROR_STAGING);
}

static void a_query_that_fails_ends_the_pass(void **state)
{
    (void)state;
    script_add((script_rule){
        .role = ": side", .pattern = OBJECTS, .action = SCRIPT_REFUSE, .message = "no look", .first = 2});
    assert_false(rolled_back());
    assert_non_null(strstr(error.message, "no look"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_goes_down_and_up_again, begin, end),
        cmocka_unit_test_setup_teardown(a_down_that_fails_is_the_rollbacks, begin, end),
        cmocka_unit_test_setup_teardown(an_up_again_that_fails_is_the_rollbacks, begin, end),
        cmocka_unit_test_setup_teardown(an_up_that_fails_is_tried_on_a_fresh_copy, begin, end),
        cmocka_unit_test_setup_teardown(an_up_that_always_fails_is_the_migrations, begin, end),
        cmocka_unit_test_setup_teardown(what_a_down_leaves_out_is_irreversible, begin, end),
        cmocka_unit_test_setup_teardown(moved_columns_need_no_fresh_copy, begin, end),
        cmocka_unit_test_setup_teardown(moved_columns_matter_to_who_goes_by_their_order, begin, end),
        cmocka_unit_test_setup_teardown(a_loss_on_moved_columns_is_tried_on_a_fresh_copy, begin, end),
        cmocka_unit_test_setup_teardown(without_a_down_the_part_after_it_is_tried, begin, end),
        cmocka_unit_test_setup_teardown(the_set_fails_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(a_dead_server_ends_the_pass, begin, end),
        cmocka_unit_test_setup_teardown(a_query_that_fails_ends_the_pass, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
