#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/base/statistics.h"
#include <math.h>

static void the_middle_and_both_ends(void **state)
{
    (void)state;
    double odd[] = {5, -1, 3}, even[] = {4, 1, 2, 10}, one[] = {7};
    assert_true(rh_median(odd, 3) == 3);
    assert_true(odd[0] == -1);
    assert_true(odd[2] == 5);
    assert_true(rh_median(even, 4) == 3);
    assert_true(even[0] == 1);
    assert_true(even[3] == 10);
    assert_true(rh_median(one, 1) == 7);
    assert_true(isnan(rh_median(NULL, 0)));
}

static void the_mean_in_standard_errors(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3}, below[] = {-1, -2, -3};
    assert_float_equal(rh_standard_errors_above_zero(values, 3), 2 / sqrt(1.0 / 3), 1e-9);
    assert_true(rh_standard_errors_above_zero(below, 3) == 0);
    assert_true(rh_standard_errors_above_zero(values, 1) == 0);
    assert_true(rh_standard_errors_above_zero(NULL, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_middle_and_both_ends),
                                       cmocka_unit_test(the_mean_in_standard_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
