/* Scores against numbers worked out by hand, and Wilson's interval against his own kind of example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/predict/predict.h"
#include <math.h>

static void figures_are_the_medians(void **state)
{
    (void)state;
    rh_score_row rows[] = {
        {.migration = "1",
         .predicted_s = 1.0,
         .low_s = 0.5,
         .high_s = 1.5,
         .actual_s = 2.0}, /* −50 %, outside */
        {.migration = "2",
         .predicted_s = 1.1,
         .low_s = 0.9,
         .high_s = 1.3,
         .actual_s = 1.0}, /* +10 %, inside */
        {.migration = "3",
         .predicted_s = 3.0,
         .low_s = NAN,
         .high_s = NAN,
         .actual_s = 2.0}, /* +50 %, no interval */
        {.migration = "4",
         .predicted_s = NAN,
         .low_s = NAN,
         .high_s = NAN,
         .actual_s = 2.0}, /* not predicted */
        {.migration = "5",
         .predicted_s = 0.001,
         .low_s = 0,
         .high_s = 0.002,
         .actual_s = 0.004}, /* too short */
    };
    rh_score score = {.rows = rows, .row_count = 5};
    rh_score_rows(&score);
    assert_true(fabs(score.median_abs_error - 0.5) < 1e-9);
    assert_true(fabs(score.bias - 0.1) < 1e-9);
    assert_int_equal(score.with_interval, 2);
    assert_int_equal(score.inside, 1);
    assert_int_equal(score.scored, 3);
    assert_int_equal(score.too_short, 1);
    assert_true(fabs(score.coverage - 0.5) < 1e-9);
}

static void nothing_to_score_is_not_a_number(void **state)
{
    (void)state;
    rh_score score = {0};
    rh_score_rows(&score);
    assert_true(isnan(score.median_abs_error));
    assert_true(isnan(score.coverage));
    assert_true(isnan(score.coverage_low));
}

static void wilson(void **state)
{
    (void)state;
    double low, high;
    rh_wilson_interval(18, 20, &low, &high);
    assert_true(fabs(low - 0.6990) < 5e-4);
    assert_true(fabs(high - 0.9721) < 5e-4);
    rh_wilson_interval(0, 10, &low, &high);
    assert_true(low == 0);
    assert_true(fabs(high - 0.2775) < 5e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_the_medians),
        cmocka_unit_test(nothing_to_score_is_not_a_number),
        cmocka_unit_test(wilson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
