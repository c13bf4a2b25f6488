/* The arrivals are what they are said to be: a Poisson process, Zipf-like keys, templates by weight; the same
 * for the same seed. */
#include "workload/generator/arrivals.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { GAPS = 100000, CELLS = 20 };

static rh_mix two_templates(rh_template *templates)
{
    templates[0] =
        (rh_template){.name = "read", .kind = RH_TEMPLATE_READ, .weight = 0.75, .value_row_count = 1000};
    templates[1] =
        (rh_template){.name = "write", .kind = RH_TEMPLATE_WRITE, .weight = 0.25, .value_row_count = 10};
    return (rh_mix){.templates = templates, .template_count = 2};
}

/* Gaps: mean and standard deviation 1/rate, and a chi-square over CELLS equally likely ranges (19 degrees of
 * freedom; 43.8 is exceeded once in a thousand seeds). */
static void test_gaps_are_exponential(void **state)
{
    (void)state;
    rh_template templates[2];
    rh_mix mix = two_templates(templates);
    rh_arrivals arrivals;
    rh_arrivals_init(&arrivals, &mix, 50, 1);
    double sum = 0, squares = 0, before = 0;
    int cells[CELLS] = {0};
    for (int i = 0; i < GAPS; i++) {
        rh_arrivals_next(&arrivals);
        double gap = (arrivals.next_us - before) / 20000; /* in means */
        before = arrivals.next_us;
        sum += gap;
        squares += gap * gap;
        int cell = (int)(CELLS * -expm1(-gap));
        cells[cell < CELLS ? cell : CELLS - 1]++;
    }
    double mean = sum / GAPS, variance = squares / GAPS - mean * mean, chi_square = 0;
    for (int i = 0; i < CELLS; i++) {
        double expected = (double)GAPS / CELLS;
        chi_square += (cells[i] - expected) * (cells[i] - expected) / expected;
    }
    assert_true(fabs(mean - 1) < 0.015);
    assert_true(fabs(variance - 1) < 0.04);
    assert_true(chi_square < 43.8);
    rh_arrivals_release(&arrivals);
}

/* Counts in seconds: the variance is the mean (index of dispersion near 1), which evenly spaced arrivals
 * would not have. */
static void test_counts_are_poisson(void **state)
{
    (void)state;
    enum { SECONDS = 2000 };
    static int counts[SECONDS];
    rh_template templates[2];
    rh_mix mix = two_templates(templates);
    rh_arrivals arrivals;
    rh_arrivals_init(&arrivals, &mix, 50, 2);
    rh_usec last = 0;
    for (;;) {
        rh_arrival arrival = rh_arrivals_next(&arrivals);
        assert_true(arrival.intended >= last);
        last = arrival.intended;
        if (last / RH_SECOND >= SECONDS)
            break;
        counts[last / RH_SECOND]++;
    }
    double sum = 0, squares = 0;
    for (int i = 0; i < SECONDS; i++) {
        sum += counts[i];
        squares += (double)counts[i] * counts[i];
    }
    double mean = sum / SECONDS, dispersion = (squares / SECONDS - mean * mean) / mean;
    assert_true(fabs(mean - 50) < 0.6);
    assert_true(dispersion > 0.88);
    assert_true(dispersion < 1.12);
    rh_arrivals_release(&arrivals);
}

static void test_zipf(void **state)
{
    (void)state;
    enum { ROWS = 2000, DRAWS = 200000 };
    static int counts[ROWS];
    rh_chooser chooser;
    rh_random random;
    rh_random_seed(&random, 3);
    rh_chooser_init_zipf(&chooser, ROWS, RH_ZIPF_THETA);
    int head = 0;
    for (int i = 0; i < DRAWS; i++) {
        size_t rank = rh_chooser_draw(&chooser, &random);
        assert_true(rank < ROWS);
        counts[rank]++;
        head += rank < ROWS / 10;
    }
    double ratio = (double)counts[0] / (counts[15] + 1); /* 16^0.8 = 9.2 */
    assert_true(ratio > 7);
    assert_true(ratio < 12);
    assert_true((double)head / DRAWS > 0.54);
    assert_true((double)head / DRAWS < 0.58); /* as the header says */
    rh_chooser_release(&chooser);
    rh_chooser_init_zipf(&chooser, 0, 1);
    assert_int_equal(rh_chooser_draw(&chooser, &random), 0);
    rh_chooser_release(&chooser);
    rh_chooser_init_zipf(&chooser, 4, 0);
    int uniform[4] = {0};
    for (int i = 0; i < 40000; i++)
        uniform[rh_chooser_draw(&chooser, &random)]++;
    for (int i = 0; i < 4; i++)
        assert_true(abs(uniform[i] - 10000) < 400);
    rh_chooser_release(&chooser);
}

static void test_templates_by_weight(void **state)
{
    (void)state;
    rh_template templates[2];
    rh_mix mix = two_templates(templates);
    rh_arrivals a, b;
    rh_arrivals_init(&a, &mix, 1000, 4);
    rh_arrivals_init(&b, &mix, 1000, 4);
    int writes = 0;
    for (int i = 0; i < 40000; i++) {
        rh_arrival one = rh_arrivals_next(&a), other = rh_arrivals_next(&b);
        assert_memory_equal(&one, &other, sizeof one);
        writes += one.template_index == 1;
        assert_true(one.value_row < templates[one.template_index].value_row_count);
    }
    assert_true(abs(writes - 10000) < 400);
    rh_arrivals_release(&a);
    rh_arrivals_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps_are_exponential),
        cmocka_unit_test(test_counts_are_poisson),
        cmocka_unit_test(test_zipf),
        cmocka_unit_test(test_templates_by_weight),
    };
    return cmocka_run_group_tests_name("arrivals", tests, NULL, NULL);
}
