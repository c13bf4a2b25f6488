/* Scores against numbers worked out by hand, and Wilson's interval against his own kind of example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/predict/score.h"
#include <math.h>

static void figures_are_the_medians(void **state)
{
    (void)state;
    rh_score_row rows[] = {
        {"1", 0, 1.0, 0.5, 1.5, 2.0}, /* −50 %, outside */
        {"2", 1, 1.1, 0.9, 1.3, 1.0}, /* +10 %, inside */
        {"3", 1, 3.0, NAN, NAN, 2.0}, /* +50 %, no interval */
        {"4", 1, NAN, NAN, NAN, 2.0}, /* not predicted */
    };
    rh_score score = {.rows = rows, .row_count = 4};
    rh_score_rows(&score);
    assert_true(fabs(score.median_abs_error - 0.5) < 1e-9);
    assert_true(fabs(score.bias - 0.1) < 1e-9);
    assert_int_equal(score.with_interval, 2);
    assert_int_equal(score.inside, 1);
    assert_true(fabs(score.coverage - 0.5) < 1e-9);
}

static void nothing_to_score_is_not_a_number(void **state)
{
    (void)state;
    rh_score score = {0};
    rh_score_rows(&score);
    assert_true(isnan(score.median_abs_error) && isnan(score.coverage) && isnan(score.coverage_low));
}

static void wilson(void **state)
{
    (void)state;
    double low, high;
    rh_wilson_interval(18, 20, &low, &high);
    assert_true(fabs(low - 0.6990) < 5e-4 && fabs(high - 0.9721) < 5e-4);
    rh_wilson_interval(0, 10, &low, &high);
    assert_true(low == 0 && fabs(high - 0.2775) < 5e-4);
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
