/* The whole backfill from sampled batches: weighted by rows of the strata, with the scatter of the batches.
 */
#include "pgrehearse/base/random.h"
#include "pgrehearse/predict/predict.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static rh_backfill_batch batch(size_t stratum, int64_t rows, double seconds)
{
    return (rh_backfill_batch){.stratum = stratum, .update_s = seconds, .changed = rows};
}

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%g is not %g", value, expected);
}

/* Few of the rows are dear, and as many batches lie there as in the cheap ones: a mean of all would be far
 * off. */
static void strata_count_by_their_rows(void **state)
{
    (void)state;
    const rh_backfill_stratum strata[] = {{.rows = 9000}, {.rows = 1000}};
    rh_backfill_batch batches[20];
    for (size_t i = 0; i < 20; i++)
        batches[i] = batch(i % 2, 100, i % 2 ? 1.0 : 0.1);
    const rh_backfill_figure figure = rh_predict_backfill(strata, 2, batches, 20, 0.9, 1);
    near(figure.median, 9000 * 0.001 + 1000 * 0.01, 1e-9);
    near(figure.low, figure.median, 1e-9); /* no scatter within the strata */
    near(figure.high, figure.median, 1e-9);
}

static void a_stratum_without_batches_counts_as_the_mean(void **state)
{
    (void)state;
    const rh_backfill_stratum strata[] = {{.rows = 1000}, {.rows = 1000}};
    const rh_backfill_batch batches[] = {batch(0, 100, 0.1), batch(0, 100, 0.3)};
    const rh_backfill_figure figure = rh_predict_backfill(strata, 2, batches, 2, 0.9, 1);
    near(figure.median, 4, 1e-9);
    assert_true(isnan(figure.low) && isnan(figure.high)); /* two batches carry no interval */
}

/* Beside the load batches took twice as long as without it: so they do in the stratum that no batch came to.
 */
static void a_stratum_without_batches_is_as_dear_as_without_load(void **state)
{
    (void)state;
    const rh_backfill_stratum strata[] = {{.rows = 1000, .us_per_row = 500},
                                          {.rows = 1000, .us_per_row = 4000}};
    const rh_backfill_batch batches[] = {batch(0, 100, 0.1), batch(0, 100, 0.1)};
    near(rh_predict_backfill(strata, 2, batches, 2, 0.9, 1).median, 1 + 8, 1e-9);
}

static void nothing_measured(void **state)
{
    (void)state;
    const rh_backfill_stratum strata[] = {{.rows = 1000}};
    assert_true(isnan(rh_predict_backfill(strata, 1, NULL, 0, 0.9, 1).median));
}

/* Of 200 samples of 40 batches, the intervals of about nine in ten hold the truth. */
static void the_interval_covers(void **state)
{
    (void)state;
    enum { SAMPLES = 200, SIZE = 40 };
    const rh_backfill_stratum strata[] = {{.rows = 50000}, {.rows = 50000}};
    rh_random random;
    size_t inside = 0;
    rh_random_seed(&random, 7);
    for (size_t s = 0; s < SAMPLES; s++) {
        rh_backfill_batch batches[SIZE];
        for (size_t i = 0; i < SIZE; i++)
            batches[i] = batch(i % 2, 100, (i % 2 ? 0.2 : 0.1) * (0.5 + rh_random_uniform(&random)));
        const rh_backfill_figure figure = rh_predict_backfill(strata, 2, batches, SIZE, 0.9, s);
        inside += figure.low <= 150 && 150 <= figure.high;
    }
    if (inside < SAMPLES * 80 / 100 || inside > SAMPLES * 97 / 100)
        fail_msg("%zu of %d hold the truth", inside, SAMPLES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strata_count_by_their_rows),
        cmocka_unit_test(a_stratum_without_batches_counts_as_the_mean),
        cmocka_unit_test(a_stratum_without_batches_is_as_dear_as_without_load),
        cmocka_unit_test(nothing_measured),
        cmocka_unit_test(the_interval_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
