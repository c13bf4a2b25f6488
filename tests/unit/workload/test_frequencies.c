/* Rows as often as production has their values. */
#include "workload/mix/frequencies.h"
#include "pgrehearse/model/load.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 1000 };

static const char **sample[ROWS];
static const char *cells[ROWS][1];
static size_t rows[ROWS];
static mix_column column = {.name = "status"};
static mix_table table = {.relation = {"public", "orders"},
                          .name = "public.orders",
                          .columns = &column,
                          .column_count = 1,
                          .sample = sample,
                          .sample_count = ROWS};
static const char *common[] = {"a", "b", "d"};
static double frequencies[] = {0.1, 0.8, 0.05};
static const rh_profile_values values[] = {{.schema = "other",
                                            .table = "orders",
                                            .column = "status",
                                            .values = common,
                                            .frequencies = frequencies,
                                            .count = 3},
                                           {.schema = "public",
                                            .table = "orders",
                                            .column = "status",
                                            .values = common,
                                            .frequencies = frequencies,
                                            .count = 3}};

/* Half is a, two fifths b, the rest c. */
static mix_build build(void)
{
    mix_build b = {.values = values, .value_count = 2};
    rh_random_seed(&b.random, 3);
    for (size_t i = 0; i < ROWS; i++) {
        cells[i][0] = i % 10 < 5 ? "a" : i % 10 < 9 ? "b" : "c";
        sample[i] = cells[i];
        rows[i] = i;
    }
    return b;
}

static size_t count_of(const char *value, size_t first, size_t last)
{
    size_t count = 0;
    for (size_t i = first; i < last; i++)
        count += strcmp(cells[rows[i]][0], value) == 0;
    return count;
}

static void test_follow(void **state)
{
    (void)state;
    mix_build b = build();
    assert_int_equal(rh_mix_frequencies_of(&b, &table, 0), 1);
    assert_true(rh_mix_frequencies_follow(&b, &table, 0, 1, rows, ROWS));
    /* d is in no row: 0.1, 0.8 and 0.05 for all others, of 0.95 */
    assert_in_range(count_of("a", 0, ROWS), 104, 107);
    assert_in_range(count_of("b", 0, ROWS), 840, 844);
    assert_in_range(count_of("c", 0, ROWS), 51, 55);
    assert_in_range(count_of("a", 0, ROWS / 4), 10, 50); /* in no order */
}

static void test_nothing_to_follow(void **state)
{
    (void)state;
    mix_build b = build();
    for (size_t i = 0; i < ROWS; i++)
        cells[i][0] = "z";
    assert_false(rh_mix_frequencies_follow(&b, &table, 0, 1, rows, ROWS));
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(rows[i], i);
    assert_false(rh_mix_frequencies_follow(&b, &table, 0, 1, rows, 0));
    column.name = "other";
    assert_true(rh_mix_frequencies_of(&b, &table, 0) == SIZE_MAX);
    column.name = "status";
    size_t one[] = {5};
    cells[5][0] = "a";
    assert_true(rh_mix_frequencies_follow(&b, &table, 0, 1, one, 1));
    assert_int_equal(one[0], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_follow),
                                       cmocka_unit_test(test_nothing_to_follow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
