/* Non-negative least squares against solutions worked out by hand, and its optimality on random problems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/base/random.h"
#include "predict/nnls.h"
#include <math.h>

static void near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-8 + 1e-8 * fabs(expected)))
        fail_msg("%.12g is not %.12g", actual, expected);
}

static void an_exact_solution_is_found(void **state)
{
    (void)state;
    const double a[] = {1, 2, 3, 4, 5, 7}, b[] = {8, 18, 31}; /* x = (2, 3) */
    double x[2];
    rh_nnls(a, b, 3, 2, x);
    near(x[0], 2);
    near(x[1], 3);
}

static void what_would_be_negative_is_zero(void **state)
{
    (void)state;
    const double a[] = {1, 1, 1, 2, 1, 3}, b[] = {3, 2, 1}; /* unbounded: 4 − x. Bounded: the mean */
    double x[2];
    rh_nnls(a, b, 3, 2, x);
    near(x[0], 2);
    near(x[1], 0);
    const double down[] = {-1, -2, -3};
    rh_nnls(a, down, 3, 2, x);
    near(x[0], 0);
    near(x[1], 0);
}

static void equal_columns_are_accepted(void **state)
{
    (void)state;
    const double a[] = {1, 2, 0, 2, 4, 0, 3, 6, 0}, b[] = {5, 10, 15};
    double x[3];
    rh_nnls(a, b, 3, 3, x);
    near(x[0] + 2 * x[1], 5);
    near(x[2], 0);
}

/* Karush, Kuhn, Tucker: where x > 0 the gradient is 0; where x = 0 it does not point upwards. */
static void random_problems_are_solved(void **state)
{
    (void)state;
    enum { ROWS = 12, COLUMNS = 6 };
    rh_random random;
    rh_random_seed(&random, 20261122);
    for (int problem = 0; problem < 2000; problem++) {
        double a[ROWS * COLUMNS], b[ROWS], x[COLUMNS];
        for (size_t i = 0; i < ROWS * COLUMNS; i++)
            a[i] = rh_random_uniform(&random) - (problem % 2 ? 0.5 : 0);
        for (size_t i = 0; i < ROWS; i++)
            b[i] = rh_random_uniform(&random) - 0.3;
        rh_nnls(a, b, ROWS, COLUMNS, x);
        for (size_t c = 0; c < COLUMNS; c++) {
            double gradient = 0;
            for (size_t r = 0; r < ROWS; r++) {
                double residual = b[r];
                for (size_t k = 0; k < COLUMNS; k++)
                    residual -= a[r * COLUMNS + k] * x[k];
                gradient += a[r * COLUMNS + c] * residual;
            }
            assert_true(x[c] >= 0);
            if (x[c] > 0 ? fabs(gradient) > 1e-6 : gradient > 1e-6)
                fail_msg("problem %d: x[%zu] is %g with gradient %g", problem, c, x[c], gradient);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_solution_is_found),
        cmocka_unit_test(what_would_be_negative_is_zero),
        cmocka_unit_test(equal_columns_are_accepted),
        cmocka_unit_test(random_problems_are_solved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
