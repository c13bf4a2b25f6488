/* As whom the sessions of the migrations and of the load run, and what is not known of their rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted.h"
#include "rehearsal/roles.h"
#include <string.h>

#define MIGRATIONS "Whom the backup names as the one who migrates"

static rh_scenario scenario;
static rh_run *run;
static rh_error error;

static int begin(void **state)
{
    (void)state;
    script_begin();
    run = script_run(&scenario, NULL, 0);
    run->staging.kind = scenario.staging.kind = RH_STAGING_EMBEDDED;
    run->backup.database.owner = "owner";
    run->plan.history_table = "schema_migrations";
    scenario.migrations.role_where = (rh_location){.file = "s.yaml", .line = 4, .column = 9};
    scenario.workload.role_where = (rh_location){.file = "s.yaml", .line = 8, .column = 9};
    scripted_staging.ordinary_roles = true;
    return 0;
}

static int end(void **state)
{
    (void)state;
    return script_end(run, &error);
}

/* What the backup names: rank and role of the migrations; a role and its tables for the load; "": nobody. */
static bool chosen(const char *migrations, const char *workload)
{
    script_rows(MIGRATIONS, migrations)->role = ": roles";
    script_rows("SELECT", workload)->role = ": roles";
    return rh_roles_choose(run, script_staging_handle(), &error);
}

static void the_owner_of_the_history_table_migrates(void **state)
{
    (void)state;
    assert_true(chosen("1 deployer", "web 12"));
    assert_string_equal(run->migrations_role.name, "deployer");
    assert_string_equal(run->migrations_role.why, "the owner of the history table schema_migrations");
    assert_string_equal(run->workload_role.name, "web");
    assert_non_null(strstr(run->workload_role.why, "(12 tables)"));
    assert_string_equal(scripted_staging.migrations_role, "deployer");
    assert_string_equal(scripted_staging.workload_role, "web");
}

static void the_reason_names_what_it_owns(void **state)
{
    (void)state;
    assert_true(chosen("2 owner", "web 1"));
    assert_string_equal(run->migrations_role.why, "the owner of the backup's database");
    assert_non_null(strstr(run->workload_role.why, "(1 table)"));
}

static void else_the_owner_of_most_tables(void **state)
{
    (void)state;
    assert_true(chosen("3 app", "web 1"));
    assert_string_equal(run->migrations_role.why, "the owner of most tables");
}

static void without_an_owner_the_programs_own_role_and_a_note(void **state)
{
    (void)state;
    assert_true(chosen("", ""));
    assert_string_equal(run->migrations_role.name, "postgres");
    assert_string_equal(run->migrations_role.why, "the backup names no owner of its objects");
    assert_string_equal(run->workload_role.name, "postgres");
    assert_null(scripted_staging.migrations_role);
    assert_non_null(script_not_measured(run, "the migrations ran as the superuser postgres"));
}

static void the_load_runs_as_the_migrations_where_no_other_has_rights(void **state)
{
    (void)state;
    assert_true(chosen("1 deployer", ""));
    assert_string_equal(run->workload_role.name, "deployer");
    assert_non_null(strstr(run->workload_role.why, "no other has privileges on tables"));
}

static void the_scenario_has_the_last_word(void **state)
{
    (void)state;
    scenario.migrations.role = "alice";
    scenario.workload.role = "bob";
    assert_true(chosen("1 deployer", "web 12"));
    assert_string_equal(run->migrations_role.name, "alice");
    assert_string_equal(run->workload_role.name, "bob");
    assert_int_equal(script_sent(": roles", MIGRATIONS), 0);
}

static void a_role_of_the_scenario_that_is_not_there_is_its_mistake(void **state)
{
    (void)state;
    scenario.workload.role = "bob";
    scripted_staging.admission = RH_ADMISSION_NONE;
    assert_false(chosen("", ""));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_int_equal(error.line, 8);
    assert_non_null(strstr(error.message, "workload.role: staging has no role \"bob\""));
}

static void one_that_it_must_not_become_is_its_mistake(void **state)
{
    (void)state;
    run->staging.kind = scenario.staging.kind = RH_STAGING_SERVER;
    scenario.migrations.role = "alice";
    scripted_staging.admission = RH_ADMISSION_DENIED;
    assert_false(chosen("", ""));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_int_equal(error.line, 4);
    assert_non_null(strstr(error.message, "\"postgres\", must not become \"alice\""));
}

/* The migrations then run with more rights than on production: this is said. */
static void one_of_the_backup_that_it_must_not_become_is_replaced(void **state)
{
    (void)state;
    run->staging.kind = scenario.staging.kind = RH_STAGING_SERVER;
    scripted_staging.admission = RH_ADMISSION_DENIED;
    assert_true(chosen("1 deployer", ""));
    assert_string_equal(run->migrations_role.name, "postgres");
    assert_string_equal(run->migrations_role.why, "the role of staging.url");
    assert_non_null(script_not_measured(run, "deployer, the owner of the history table"));
    assert_non_null(script_not_measured(run, "the migrations ran as the superuser postgres"));
}

static void connect_that_was_granted_is_said(void **state)
{
    (void)state;
    scripted_staging.admission = RH_ADMITTED_LATER;
    assert_true(chosen("1 deployer", "web 12"));
    assert_non_null(script_not_measured(run, "how deployer may connect"));
    assert_non_null(script_not_measured(run, "how web may connect"));
}

static void an_owner_that_is_assumed_is_said(void **state)
{
    (void)state;
    run->backup.database.owner = NULL;
    assert_true(chosen("1 deployer", "web 12"));
    assert_int_equal(script_sent(": roles", "ALTER DATABASE scripted OWNER TO \"deployer\""), 1);
    assert_non_null(script_not_measured(run, "deployer is assumed"));
}

static void an_owner_that_the_backup_names_stays(void **state)
{
    (void)state;
    assert_true(chosen("1 deployer", "web 12"));
    assert_int_equal(script_sent(": roles", "ALTER DATABASE"), 0);
}

static void a_superuser_under_load_is_said(void **state)
{
    (void)state;
    scripted_staging.ordinary_roles = false;
    scenario.workload.source = RH_WORKLOAD_SCHEMA;
    assert_true(chosen("1 deployer", "web 12"));
    assert_non_null(script_not_measured(run, "the load ran as the superuser web"));
    assert_null(script_not_measured(run, "role memberships and attributes"));
}

static void without_load_its_role_is_not_spoken_of(void **state)
{
    (void)state;
    scripted_staging.ordinary_roles = false;
    scenario.passes = RH_PASS_QUIET;
    assert_true(chosen("1 deployer", "web 12"));
    assert_null(script_not_measured(run, "the load ran as"));
}

static void memberships_are_not_in_a_dump(void **state)
{
    (void)state;
    assert_true(chosen("1 deployer", "web 12"));
    assert_non_null(script_not_measured(run, "role memberships and attributes are not in the backup"));
}

static void memberships_are_in_a_dump_of_roles(void **state)
{
    (void)state;
    run->backup.roles_known = true;
    assert_true(chosen("1 deployer", "web 12"));
    assert_null(script_not_measured(run, "role memberships and attributes"));
}

static void a_lost_server_is_an_error(void **state)
{
    (void)state;
    script_rows(MIGRATIONS, "")->action = SCRIPT_LOSE;
    assert_false(rh_roles_choose(run, script_staging_handle(), &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
}

/* ---- before the restore ---- */

static void a_role_of_a_given_server_is_looked_up_early(void **state)
{
    (void)state;
    scenario.staging.kind = RH_STAGING_SERVER;
    scenario.migrations.role = "alice";
    scripted_staging.admission = RH_ADMISSION_NONE;
    assert_false(rh_roles_check(run, script_staging_handle(), &error));
    assert_int_equal(error.line, 4);
    assert_non_null(strstr(error.hint, "create it on the staging server"));
}

static void a_command_may_create_it(void **state)
{
    (void)state;
    rh_step step = {.kind = RH_STEP_COMMAND};
    scenario.staging.kind = RH_STAGING_SERVER;
    scenario.prepare = &step;
    scenario.prepare_count = 1;
    scenario.migrations.role = "alice";
    scripted_staging.admission = RH_ADMISSION_NONE;
    assert_true(rh_roles_check(run, script_staging_handle(), &error));
}

static void predefined_roles_need_no_backup(void **state)
{
    (void)state;
    scenario.migrations.role = "postgres";
    scenario.workload.role = "pg_read_all_data";
    assert_true(rh_roles_check(run, NULL, &error));
}

/* ---- what was refused ---- */

static void a_refusal_says_as_whom(void **state)
{
    (void)state;
    rh_failure failure = {.sqlstate = "42501", .hint = "Ask."};
    run->migrations_role = (rh_session_role){.name = "deployer", .why = "the owner of most tables"};
    rh_roles_explain(run, &failure, NULL);
    assert_non_null(strstr(failure.hint, "Ask. The migration ran as deployer (the owner of most tables)."));
    assert_non_null(strstr(failure.hint, "GRANT it in prepare:"));
}

static void other_failures_are_not_about_rights(void **state)
{
    (void)state;
    rh_failure failure = {.sqlstate = "42P01"};
    run->migrations_role = (rh_session_role){.name = "deployer", .why = "the owner of most tables"};
    rh_roles_explain(run, &failure, NULL);
    assert_null(failure.hint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
        test(the_owner_of_the_history_table_migrates),
        test(the_reason_names_what_it_owns),
        test(else_the_owner_of_most_tables),
        test(without_an_owner_the_programs_own_role_and_a_note),
        test(the_load_runs_as_the_migrations_where_no_other_has_rights),
        test(the_scenario_has_the_last_word),
        test(a_role_of_the_scenario_that_is_not_there_is_its_mistake),
        test(one_that_it_must_not_become_is_its_mistake),
        test(one_of_the_backup_that_it_must_not_become_is_replaced),
        test(connect_that_was_granted_is_said),
        test(an_owner_that_is_assumed_is_said),
        test(an_owner_that_the_backup_names_stays),
        test(a_superuser_under_load_is_said),
        test(without_load_its_role_is_not_spoken_of),
        test(memberships_are_not_in_a_dump),
        test(memberships_are_in_a_dump_of_roles),
        test(a_lost_server_is_an_error),
        test(a_role_of_a_given_server_is_looked_up_early),
        test(a_command_may_create_it),
        test(predefined_roles_need_no_backup),
        test(a_refusal_says_as_whom),
        test(other_failures_are_not_about_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
