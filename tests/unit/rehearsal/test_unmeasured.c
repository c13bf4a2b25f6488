/* What a run did not measure, from its results: one sentence a kind, and none where all was measured. */
#include "pgrehearse/model/run.h"
#include "rehearsal/unmeasured.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static rh_run run;
static rh_migration migration;
static rh_statement statements[2], down;
static rh_statement_run runs[2];
static rh_lock lock;

/* A migration of two statements, each run at full size, in a run that measured everything. */
static int begin(void **state)
{
    (void)state;
    memset(&run, 0, sizeof run);
    lock = (rh_lock){.relation = "public.t", .mode = RH_LOCK_ACCESS_EXCLUSIVE};
    down = (rh_statement){.ordinal = 1};
    for (int i = 0; i < 2; i++) {
        runs[i] = (rh_statement_run){.pass = RH_PASS_KIND_QUIET, .locks = &lock, .lock_count = 1};
        statements[i] =
            (rh_statement){.ordinal = i + 1, .runs = &runs[i], .run_count = 1, .class_measured = true};
    }
    migration = (rh_migration){.id = "7",
                               .up = {.statements = statements, .statement_count = 2},
                               .down = {.statements = &down, .statement_count = 1}};
    run.arena = rh_arena_new();
    run.plan = (rh_plan){.migrations = &migration, .migration_count = 1};
    run.prediction.median_s = RH_NOT_MEASURED;
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_arena_free(run.arena);
    return 0;
}

static void says(const char *text)
{
    rh_unmeasured_add(&run);
    assert_int_equal(run.not_measured.count, 1);
    if (!strstr(run.not_measured.items[0].text, text))
        fail_msg("\"%s\" lacks \"%s\"", run.not_measured.items[0].text, text);
}

static void says_nothing(void)
{
    rh_unmeasured_add(&run);
    assert_int_equal(run.not_measured.count, 0);
}

static void nothing_where_all_was_measured(void **state)
{
    (void)state;
    says_nothing();
}

static void locks_that_follow_from_the_text(void **state)
{
    (void)state;
    lock.inferred = true;
    says("locks of 2 statements: too short to be observed");
    assert_non_null(strstr(run.not_measured.items[0].text, "migration 7, statement 1 on public.t"));
    assert_int_equal(run.not_measured.items[0].code, RH_UNMEASURED_STATEMENT_LOCKS);
}

static void a_lock_that_one_run_observed_is_measured(void **state)
{
    (void)state;
    rh_lock inferred = {.relation = "public.t", .inferred = true};
    rh_statement_run both[] = {
        {.pass = RH_PASS_KIND_QUIET, .locks = &inferred, .lock_count = 1},
        {.pass = RH_PASS_KIND_LOADED, .locks = &lock, .lock_count = 1},
    };
    statements[0].runs = both;
    statements[0].run_count = 2;
    says_nothing();
}

static void locks_of_scaled_passes_do_not_count(void **state)
{
    (void)state;
    lock.inferred = true;
    runs[0].pass = runs[1].pass = RH_PASS_KIND_SCALED;
    says_nothing();
}

static void statements_that_the_parser_does_not_know(void **state)
{
    (void)state;
    statements[1].parse_error = "syntax error";
    says("1 statement that the parser does not understand");
    assert_non_null(strstr(run.not_measured.items[0].text, "statement 2: syntax error"));
}

static void effects_that_an_empty_table_hides(void **state)
{
    (void)state;
    statements[1].class_measured = false;
    statements[1].class_evidence = "the table is empty";
    says("effect of 1 statement (the first: migration 7, statement 2: the table is empty)");
}

static void one_that_did_not_run_has_no_effect_to_hide(void **state)
{
    (void)state;
    statements[1].class_measured = false;
    statements[1].class_evidence = "the table is empty";
    statements[1].run_count = 0;
    says_nothing();
}

static void rows_that_could_not_be_counted_behind_row_security(void **state)
{
    (void)state;
    rh_hidden_rows hidden = {.table = "public.secret", .seen = 3, .all = RH_UNKNOWN};
    runs[0].hidden = &hidden;
    runs[0].hidden_count = 1;
    says("whether row-level security hides rows from 1 statement");
}

static void rows_that_were_counted_are_no_gap(void **state)
{
    (void)state;
    rh_hidden_rows hidden = {.table = "public.secret", .seen = 3, .all = 9};
    runs[0].hidden = &hidden;
    runs[0].hidden_count = 1;
    says_nothing();
}

static void those_of_a_down_migration_count_too(void **state)
{
    (void)state;
    rh_hidden_rows hidden = {.table = "public.secret", .seen = RH_UNKNOWN, .all = 9};
    rh_statement_run back = {.hidden = &hidden, .hidden_count = 1};
    down.runs = &back;
    down.run_count = 1;
    says("migration 7, statement 1 on public.secret");
}

static void tables_that_the_rollback_did_not_compare(void **state)
{
    (void)state;
    rh_table_data table = {.table = "public.big", .why = "it has more than 10 GB"};
    migration.rollback.data = (rh_data_comparison){
        .measured = true, .counted_only = 1, .not_compared = 2, .tables = &table, .table_count = 1};
    says("the rows of 3 tables were not compared one by one: it has more than 10 GB");
}

static void a_rollback_that_did_not_run_has_none(void **state)
{
    (void)state;
    migration.rollback.data = (rh_data_comparison){.not_compared = 2};
    says_nothing();
}

static void parts_of_the_load_that_were_left_out(void **state)
{
    (void)state;
    const char *left_out[] = {"a function", "a COPY"};
    run.load = (rh_load){.measured = true, .mix = {.left_out = left_out, .left_out_count = 2}};
    says("load: 2 parts were left out, such as: a function");
}

static void statements_of_the_load_that_were_refused_all_the_time(void **state)
{
    (void)state;
    rh_load_error refused = {
        .template_name = "read t", .sqlstate = "42501", .message = "denied", .count = 9, .before = 4};
    run.load = (rh_load){.measured = true, .errors = &refused, .error_count = 1};
    says("4 of its calls were refused before the first migration, in all 9");
}

static void errors_that_begin_with_the_migration_are_measured(void **state)
{
    (void)state;
    rh_load_error errors[] = {{.sqlstate = "42501", .count = 9},
                              {.sqlstate = "40P01", .count = 9, .before = 4}};
    run.load = (rh_load){.measured = true, .errors = errors, .error_count = 2};
    says_nothing();
}

static void a_prediction_without_production_is_of_this_machine(void **state)
{
    (void)state;
    run.prediction = (rh_run_prediction){.median_s = 4, .cold_s = 6};
    says("no profile of production was given");
}

static void a_prediction_without_cold_caches_says_so(void **state)
{
    (void)state;
    const rh_profile profile = {0};
    run.production.profile = &profile;
    run.prediction = (rh_run_prediction){.median_s = 4, .cold_s = RH_NOT_MEASURED};
    says("cold caches");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
        test(nothing_where_all_was_measured),
        test(locks_that_follow_from_the_text),
        test(a_lock_that_one_run_observed_is_measured),
        test(locks_of_scaled_passes_do_not_count),
        test(statements_that_the_parser_does_not_know),
        test(effects_that_an_empty_table_hides),
        test(one_that_did_not_run_has_no_effect_to_hide),
        test(rows_that_could_not_be_counted_behind_row_security),
        test(rows_that_were_counted_are_no_gap),
        test(those_of_a_down_migration_count_too),
        test(tables_that_the_rollback_did_not_compare),
        test(a_rollback_that_did_not_run_has_none),
        test(parts_of_the_load_that_were_left_out),
        test(statements_of_the_load_that_were_refused_all_the_time),
        test(errors_that_begin_with_the_migration_are_measured),
        test(a_prediction_without_production_is_of_this_machine),
        test(a_prediction_without_cold_caches_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
