/* Predictions under the load. */
#include "pgrehearse/model/facts.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { STATEMENTS = 3 };

/* One migration: alone its statements take 2 s, 1 s and 2 ms; under load 4 s, 2 s and 6 ms. */
typedef struct world {
    rh_arena *arena;
    rh_statement_run runs[STATEMENTS][2];
    rh_statement statements[STATEMENTS];
    rh_migration migration;
    rh_plan plan;
    rh_lock_forecasts locks;
    rh_run_prediction whole;
} world;

static world w;

static rh_statement_run run_of(rh_pass_kind pass, double elapsed_s)
{
    return (rh_statement_run){.pass = pass,
                              .repeat = 1,
                              .scale = 1,
                              .elapsed_s = elapsed_s,
                              .lock_wait_s = 0,
                              .cpu_user_s = NAN,
                              .cpu_system_s = NAN};
}

static int set_up(void **state)
{
    static const double alone[] = {2, 1, 0.002}, loaded[] = {4, 2, 0.006};
    (void)state;
    w = (world){.arena = rh_arena_new()};
    for (int i = 0; i < STATEMENTS; i++) {
        w.runs[i][0] = run_of(RH_PASS_KIND_QUIET, alone[i]);
        w.runs[i][1] = run_of(RH_PASS_KIND_LOADED, loaded[i]);
        w.statements[i] = (rh_statement){.ordinal = i + 1, .runs = w.runs[i], .run_count = 2};
        w.statements[i].prediction = (rh_prediction){
            .median_s = 10 * alone[i], .low_s = NAN, .high_s = NAN}; /* ten times as large on production */
    }
    for (int i = 0; i < 2; i++) {
        w.statements[i].prediction.low_s = w.statements[i].prediction.median_s / 1.1;
        w.statements[i].prediction.high_s = w.statements[i].prediction.median_s * 1.1;
    }
    w.migration =
        (rh_migration){.id = "7", .up = {.statements = w.statements, .statement_count = STATEMENTS}};
    w.plan = (rh_plan){.migrations = &w.migration, .migration_count = 1};
    w.whole = (rh_run_prediction){.median_s = 30.02, .low_s = 28, .high_s = 32};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rh_arena_free(w.arena);
    return 0;
}

static void predict(bool disturbed)
{
    const rh_predict_load load = {.locks = &w.locks, .disturbed = disturbed, .level = 0.9};
    rh_predict_loaded(&w.plan, &load, w.arena, &w.whole);
}

static const rh_loaded_prediction *of(int statement)
{
    return &w.statements[statement].prediction.loaded;
}

static void the_load_slows_each_statement_down(void **state)
{
    (void)state;
    predict(false);
    assert_float_equal(of(0)->median_s, 40, 1e-6);
    assert_float_equal(of(1)->factor, 2, 1e-6);
    assert_float_equal(w.whole.loaded.median_s, 40 + 20 + 0.06, 1e-6);
}

static void short_statements_are_measured_together(void **state)
{
    (void)state;
    predict(false);
    assert_float_equal(of(2)->factor, 3, 1e-6);
}

static void a_load_speeds_nothing_up(void **state)
{
    (void)state;
    w.runs[0][1].elapsed_s = 1.5;
    predict(false);
    assert_float_equal(of(0)->factor, 1, 1e-6);
}

static void the_factor_adds_to_the_uncertainty(void **state)
{
    (void)state;
    predict(false);
    const double half = sqrt(2) * log(1.1); /* the factors agree: as uncertain as the figure alone */
    assert_float_equal(of(0)->high_s, 40 * exp(half), 1e-6);
    assert_float_equal(of(0)->low_s, 40 * exp(-half), 1e-6);
}

static void factors_that_differ_widen_it(void **state)
{
    (void)state;
    w.runs[1][1].elapsed_s = 1;
    predict(false);
    assert_true(of(0)->high_s > 40 * exp(sqrt(2) * log(1.1)));
}

static void its_waits_are_added(void **state)
{
    (void)state;
    w.runs[0][1].elapsed_s = 4.5;
    w.runs[0][1].lock_wait_s = 0.5;
    predict(false);
    assert_float_equal(of(0)->median_s, 40.5, 1e-6);
    assert_float_equal(of(0)->wait_s, 0.5, 1e-6);
}

static void waits_for_disturbers_are_not_productions(void **state)
{
    (void)state;
    w.runs[0][1].elapsed_s = 4.5;
    w.runs[0][1].lock_wait_s = 0.5;
    predict(true);
    assert_float_equal(of(0)->median_s, 40, 1e-6);
}

static void a_forecast_of_waits_replaces_them(void **state)
{
    rh_lock_forecast rows[] = {{.migration = "7", .statement = 1, .wait_total_s = 3},
                               {.migration = "7", .statement = 1, .wait_total_s = 9, .inferred = true}};
    (void)state;
    w.locks = (rh_lock_forecasts){.made = true, .rows = rows, .row_count = 2};
    w.runs[0][1].elapsed_s = 4.5;
    w.runs[0][1].lock_wait_s = 0.5;
    predict(false);
    assert_float_equal(of(0)->wait_s, 3, 1e-6);
    assert_float_equal(w.whole.loaded.wait_s, 3, 1e-6);
}

static void one_that_did_not_run_leaves_it_unmeasured(void **state)
{
    (void)state;
    w.statements[2].run_count = 1;
    predict(false);
    assert_true(isnan(w.whole.loaded.median_s));
    assert_true(isnan(of(0)->median_s));
    assert_null(of(0)->basis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_load_slows_each_statement_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_statements_are_measured_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_load_speeds_nothing_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_factor_adds_to_the_uncertainty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(factors_that_differ_widen_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_waits_are_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_disturbers_are_not_productions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_forecast_of_waits_replaces_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_did_not_run_leaves_it_unmeasured, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
