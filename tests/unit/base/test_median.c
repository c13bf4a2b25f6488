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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_middle_and_both_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
