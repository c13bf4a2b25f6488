/* Several runners of the migrating program at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted.h"
#include "rehearsal/passes/results.h"
#include "pgrehearse/adapters/files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const script_migration migrations[] = {{NULL, NULL}};
static char directory[] = "/tmp/pgrehearse-runners-XXXXXX";
static const char *command[] = {"sh", "-c", NULL, NULL};

static rh_scenario scenario;
static rh_run *run;
static rh_error error;

static int begin(void **state)
{
    (void)state;
    script_begin();
    run = script_run(&scenario, migrations, sizeof migrations / sizeof *migrations);
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(mkdir(rh_arena_printf(run->arena, "%s/log", directory), 0700), 0);
    run->directory = directory;
    scenario.directory = directory;
    scenario.migrations.concurrent_runners = 2;
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_tree_remove(directory, NULL);
    return script_end(run, &error);
}

static bool meet(void)
{
    const rh_runners_result result = rh_pass_runners(run, script_staging_handle(), NULL, &error);
    return rh_file_runners(run, &result);
}

/* Alone it ends well at once; then as SCRIPT says. */
static bool runs(const char *script)
{
    command[2] = rh_arena_printf(run->arena, "[ -e alone ] || { touch alone; exit 0; }; %s", script);
    run->plan.migrations[0].command = command;
    return meet();
}

static const char *go_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/go", directory);
    return path;
}

static void let_go(void *user)
{
    (void)user;
    fclose(fopen(go_path(), "w"));
}

static void runners_without_statements_do_not_overlap(void **state)
{
    (void)state;
    assert_true(runs("exit 0"));
    assert_int_equal(run->runners.outcome, RH_RUNNERS_NOT_MET);
    assert_int_equal(run->runners.count, 2);
    assert_int_equal(scripted_staging.resets, 2);
}

static void the_same_change_twice_is_both(void **state)
{
    (void)state;
    static const char *const sends[] = {"ALTER TABLE t ADD x int", NULL};
    scripted_program = sends;
    assert_true(runs("exit 0"));
    assert_int_equal(run->runners.outcome, RH_RUNNERS_BOTH_RAN);
    assert_int_equal(run->runners.repeated, 1);
    assert_int_equal(run->runners.runners[1].changes, 1);
}

static void one_that_fails_has_collided(void **state)
{
    (void)state;
    assert_true(runs("echo the table is there >&2; exit 3"));
    assert_int_equal(run->runners.outcome, RH_RUNNERS_COLLIDED);
    assert_int_equal(run->runners.runners[0].status, 3);
    assert_string_equal(run->runners.runners[0].last_line, "the table is there");
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_null(run->plan.migrations[0].failure);
}

static void an_advisory_lock_keeps_them_apart(void **state)
{
    (void)state;
    static const char *const wait[] = {"an advisory lock", "1.5", "t"};
    script_add((script_rule){.role = ": runners",
                             .pattern = "NOT l.granted",
                             .values = wait,
                             .columns = 3,
                             .rows = 1,
                             .then = let_go});
    assert_true(runs("while [ ! -e go ]; do sleep 0.01; done"));
    assert_int_equal(run->runners.outcome, RH_RUNNERS_WAITED);
    assert_true(run->runners.runners[0].lock_wait_s == 1.5);
}

static void a_relation_is_created_too(void **state)
{
    (void)state;
    static const char *const wait[] = {"public.advisory_notes", "0.5", "f"};
    script_add((script_rule){.role = ": runners",
                             .pattern = "NOT l.granted",
                             .values = wait,
                             .columns = 3,
                             .rows = 1,
                             .then = let_go});
    assert_true(runs("while [ ! -e go ]; do sleep 0.01; done"));
    assert_int_equal(run->runners.outcome, RH_RUNNERS_SERIALISED);
}

static void one_that_fails_alone_is_an_error_and_no_outcome(void **state)
{
    (void)state;
    static const char *const fails[] = {"false", NULL};
    run->plan.migrations[0].command = fails;
    assert_false(meet());
    assert_int_equal(error.code, RH_ERROR_MIGRATION);
    assert_int_equal(run->plan.migrations[0].outcome, RH_OUTCOME_NOT_RUN);
    assert_null(run->plan.migrations[0].failure);
    assert_int_equal(run->runners.outcome, RH_RUNNERS_NOT_RUN);
}

static void a_query_that_fails_ends_it(void **state)
{
    (void)state;
    script_add((script_rule){
        .role = ": runners", .pattern = "NOT l.granted", .action = SCRIPT_LOSE, .then = let_go});
    assert_false(runs("while [ ! -e go ]; do sleep 0.01; done"));
    assert_int_equal(error.code, RH_ERROR_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runners_without_statements_do_not_overlap, begin, end),
        cmocka_unit_test_setup_teardown(the_same_change_twice_is_both, begin, end),
        cmocka_unit_test_setup_teardown(one_that_fails_has_collided, begin, end),
        cmocka_unit_test_setup_teardown(an_advisory_lock_keeps_them_apart, begin, end),
        cmocka_unit_test_setup_teardown(a_relation_is_created_too, begin, end),
        cmocka_unit_test_setup_teardown(one_that_fails_alone_is_an_error_and_no_outcome, begin, end),
        cmocka_unit_test_setup_teardown(a_query_that_fails_ends_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
