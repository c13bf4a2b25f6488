/* Predictions against numbers worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/predict/predict.h"
#include <string.h>

static void near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-9 + 1e-6 * fabs(expected)))
        fail_msg("%.12g is not %.12g", actual, expected);
}

static void add_run(rh_arena *arena, rh_statement *statement, rh_pass_kind pass, double bytes, double elapsed)
{
    rh_statement_run *run = rh_arena_add(arena, &statement->runs, &statement->run_count);
    run->pass = pass;
    run->relation_bytes = run->size.bytes = bytes;
    run->scale = pass == RH_PASS_KIND_SCALED ? bytes / 64e6 : 1;
    run->read_bytes = run->write_bytes = run->temp_bytes = run->fsyncs = RH_UNKNOWN;
    run->elapsed_s = elapsed;
    run->wal_bytes = 100;
}

static rh_plan one_migration(rh_arena *arena, size_t statements)
{
    rh_plan plan = {0};
    rh_migration *migration = rh_arena_add(arena, &plan.migrations, &plan.migration_count);
    migration->id = "1";
    for (size_t i = 0; i < statements; i++) {
        rh_statement *statement =
            rh_arena_add(arena, &migration->up.statements, &migration->up.statement_count);
        statement->ordinal = (int)i + 1;
        statement->class_ = RH_CLASS_HEAP_SCAN;
    }
    return plan;
}

static void backtest_scores_beside_baselines(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_plan plan = one_migration(arena, 2);
    rh_statement *s = plan.migrations[0].up.statements;
    for (double x = 1e6; x <= 4e6; x *= 2) {
        add_run(arena, &s[0], RH_PASS_KIND_SCALED, x, 0.010 + 1e-8 * x);
        add_run(arena, &s[1], RH_PASS_KIND_SCALED, x, 0.0001); /* below the floor: no score */
    }
    rh_backtest backtest;
    rh_work_size bytes[] = {{.bytes = 64e6}, {.bytes = 64e6}};
    rh_backtest_predict(&plan, bytes, NULL, 0.9, arena, &backtest);
    assert_int_equal(backtest.row_count, 2);
    near(backtest.rows[0].predicted_s, 0.65);
    near(backtest.rows[0].linear_largest_s, 0.05 * 16);
    near(backtest.rows[0].linear_smallest_s, 0.02 * 64);
    assert_true(isnan(backtest.median_abs_error));
    add_run(arena, &s[0], RH_PASS_KIND_QUIET, 64e6, 0.5);
    add_run(arena, &s[1], RH_PASS_KIND_QUIET, 64e6, 0.0002);
    rh_backtest_score(&plan, arena, &backtest);
    near(backtest.median_abs_error, 0.3);
    near(backtest.bias, 0.3);
    assert_int_equal(backtest.baseline_count, 3);
    near(backtest.baselines[0].median_abs_error, 0.6);
    rh_arena_free(arena);
}

static void a_row_that_never_ran_is_dropped(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_plan plan = one_migration(arena, 1);
    add_run(arena, plan.migrations[0].up.statements, RH_PASS_KIND_SCALED, 1e6, 0.1);
    rh_backtest backtest;
    rh_work_size bytes[] = {{.bytes = 2e6}};
    rh_backtest_predict(&plan, bytes, NULL, 0.9, arena, &backtest);
    rh_backtest_score(&plan, arena, &backtest);
    assert_int_equal(backtest.row_count, 0);
    assert_true(isnan(backtest.median_abs_error));
    rh_arena_free(arena);
}

static void intervals_need_evidence(void **state)
{
    (void)state;
    assert_int_equal(rh_predict_residuals_needed(0.9), 9);
    assert_int_equal(rh_predict_residuals_needed(0.5), 1);
    rh_arena *arena = rh_arena_new();
    rh_plan few = one_migration(arena, 4), enough = one_migration(arena, 5);
    for (int i = 0; i < 5; i++)
        for (int repeat = 0; repeat < 3; repeat++) {
            double elapsed = 1.0 + 0.1 * repeat;
            if (i < 4)
                add_run(arena, &few.migrations[0].up.statements[i], RH_PASS_KIND_QUIET, 1, elapsed);
            add_run(arena, &enough.migrations[0].up.statements[i], RH_PASS_KIND_QUIET, 1, elapsed);
        }
    rh_predict_statements(&few, 0.9, arena); /* 8 residuals */
    rh_prediction p = few.migrations[0].up.statements[0].prediction;
    near(p.median_s, 1.1);
    assert_true(isnan(p.low_s));
    assert_true(isnan(p.high_s));
    assert_non_null(strstr(p.basis, "not enough evidence"));
    rh_predict_statements(&enough, 0.9, arena); /* 10 residuals: log 1.1 and log(1.2/1.05), five of each */
    p = enough.migrations[0].up.statements[0].prediction;
    near(p.high_s, 1.1 * 1.2 / 1.05);
    near(p.low_s, 1.1 * 1.05 / 1.2);
    rh_contention none = {0};
    rh_run_prediction total = {0};
    rh_predict_total(&enough, &none, 0.9, arena, &total);
    near(total.median_s, 5.5);
    near(total.high_s, 5.5 + sqrt(5) * (p.high_s - 1.1));
    assert_int_equal(total.wal_bytes, 500);
    assert_true(isnan(total.reads_blocked_s));
    rh_predict_total(&few, &none, 0.9, arena, &total);
    near(total.median_s, 4.4);
    assert_true(isnan(total.high_s));
    rh_arena_free(arena);
}

static void nothing_measured_is_nan(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_plan plan = one_migration(arena, 1);
    rh_contention none = {0};
    rh_run_prediction total = {0};
    rh_predict_statements(&plan, 0.9, arena);
    rh_predict_total(&plan, &none, 0.9, arena, &total);
    assert_true(isnan(plan.migrations[0].up.statements[0].prediction.median_s));
    assert_true(isnan(total.median_s));
    assert_int_equal(total.wal_bytes, RH_UNKNOWN);
    rh_arena_free(arena);
}

/* Statements under the floor need no interval of their own, but the whole is not known to the millisecond. */
static void short_statements_widen_the_whole(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statements[4] = {0};
    for (size_t i = 0; i < 4; i++)
        add_run(arena, &statements[i], RH_PASS_KIND_QUIET, 1, 0.003);
    rh_migration migration = {.up = {.statements = statements, .statement_count = 4}};
    rh_plan plan = {.migrations = &migration, .migration_count = 1};
    rh_contention none = {0};
    rh_run_prediction total;
    rh_predict_statements(&plan, 0.9, arena);
    rh_predict_total(&plan, &none, 0.9, arena, &total);
    near(total.median_s, 0.012);
    near(total.low_s, 0.006);
    near(total.high_s, 0.012 + 2 * RH_PREDICT_FLOOR_S);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backtest_scores_beside_baselines), cmocka_unit_test(a_row_that_never_ran_is_dropped),
        cmocka_unit_test(intervals_need_evidence),          cmocka_unit_test(nothing_measured_is_nan),
        cmocka_unit_test(short_statements_widen_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
