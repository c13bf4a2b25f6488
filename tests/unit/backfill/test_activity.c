/* Differences and sums of a server's counters, of which some may not be known. */
#include "backfill/activity.h"
#include "pgrehearse/model/facts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void a_window_is_the_difference_of_its_ends(void **state)
{
    (void)state;
    const rh_backfill_activity before = {10, 1, 100, 0, 1000, 400, 8192},
                               after = {25, 2, 100, 1, 1800, 900, 16384};
    const rh_backfill_activity between = rh_activity_between(&before, &after);
    assert_int_equal(between.page_images, 15);
    assert_int_equal(between.checkpoints, 1);
    assert_int_equal(between.temp_bytes, 0);
    assert_int_equal(between.autovacuums, 1);
    assert_int_equal(between.updated, 800);
    assert_int_equal(between.hot, 500);
    assert_int_equal(between.table_bytes, 8192);
}

static void a_table_that_shrank_is_known(void **state)
{
    (void)state;
    const rh_backfill_activity before = {.table_bytes = 32768}, after = {.table_bytes = 16384};
    const rh_backfill_activity between = rh_activity_between(&before, &after);
    rh_backfill_activity sum = {.table_bytes = 8192};
    assert_int_equal(between.table_bytes, -16384);
    rh_activity_add(&sum, &between);
    assert_int_equal(sum.table_bytes, -8192);
}

static void what_one_end_does_not_know_is_unknown(void **state)
{
    (void)state;
    const rh_backfill_activity before = {.page_images = RH_UNKNOWN, .hot = 3},
                               after = {.page_images = 7, .hot = 5};
    const rh_backfill_activity between = rh_activity_between(&before, &after);
    assert_int_equal(between.page_images, RH_UNKNOWN);
    assert_int_equal(between.hot, 2);
}

static void windows_add_up(void **state)
{
    (void)state;
    rh_backfill_activity sum = {.page_images = 2, .hot = 1};
    rh_activity_add(&sum, &(rh_backfill_activity){.page_images = 3, .hot = RH_UNKNOWN});
    assert_int_equal(sum.page_images, 5);
    assert_int_equal(sum.hot, RH_UNKNOWN);
    rh_activity_add(&sum, &(rh_backfill_activity){.page_images = 1, .hot = 4});
    assert_int_equal(sum.hot, RH_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_the_difference_of_its_ends),
        cmocka_unit_test(a_table_that_shrank_is_known),
        cmocka_unit_test(what_one_end_does_not_know_is_unknown),
        cmocka_unit_test(windows_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
