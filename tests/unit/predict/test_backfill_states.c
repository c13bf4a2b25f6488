/* Page images by checkpoint cycle, and vacuums beside a backfill. */
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%g is not %g", value, expected);
}

/* ---- images ---- */

/* An index of 300,000 leaves in random order: 0.73 images a row over 200,000 rows, 0.15 over 2 million. */
static void images_of_a_random_index(void **state)
{
    (void)state;
    double leaves[] = {300000};
    const rh_backfill_pages pages = {.random = leaves, .random_count = 1};
    near(rh_predict_images(&pages, 200000) / 200000, 0.73, 0.005);
    near(rh_predict_images(&pages, 2e6) / 2e6, 0.15, 0.001);
    near(rh_predict_images(&pages, 20e6) / 20e6, 0.015, 0.0001);
}

static void images_along_the_walk(void **state)
{
    (void)state;
    const rh_backfill_pages pages = {.along = 0.05};
    near(rh_predict_images(&pages, 1000), 50, 1e-9);
    const rh_backfill_prices prices = {.row_bytes = 300, .image_bytes = 8000};
    const rh_backfill_checkpoints checkpoints = {.distance_bytes = 70000}; /* 100 rows */
    const rh_backfill_images images = rh_predict_images_of(&pages, &prices, &checkpoints, 1000);
    near(images.count, 50, 1e-6);
    near(images.bytes, 50 * 8000, 1e-3);
    near(images.cycle_rows, 100, 1e-6); /* cycles make no difference */
}

static void each_cycle_begins_again(void **state)
{
    (void)state;
    double leaves[] = {1000};
    const rh_backfill_pages pages = {.random = leaves, .random_count = 1};
    const rh_backfill_prices prices = {.row_bytes = 100}; /* images without WAL: cycles by rows */
    rh_backfill_checkpoints checkpoints = {.distance_bytes = 500000};
    const double one = rh_predict_images(&pages, 5000);
    near(rh_predict_images_of(&pages, &prices, &checkpoints, 20000).count, 4 * one, 0.1);
    near(rh_predict_images_of(&pages, &prices, &checkpoints, 22000).count,
         4 * one + rh_predict_images(&pages, 2000), 0.1);
    checkpoints.distance_bytes = 0;
    near(rh_predict_images_of(&pages, &prices, &checkpoints, 22000).count, rh_predict_images(&pages, 22000),
         1e-6);
}

/* Once its pages have been split, an index has twice as many to image. */
static void split_pages_are_imaged_both(void **state)
{
    (void)state;
    double leaves[] = {1000};
    const rh_backfill_pages pages = {.random = leaves, .random_count = 1, .split_rows = 100000};
    const rh_backfill_prices prices = {.row_bytes = 100};
    const rh_backfill_checkpoints checkpoints = {.distance_bytes = 5000000}; /* 50,000 rows: every page */
    near(rh_predict_images_of(&pages, &prices, &checkpoints, 100000).count, 2 * 1000, 1);
    near(rh_predict_images_of(&pages, &prices, &checkpoints, 300000).count, 2 * 1000 + 4 * 2000, 1);
}

/* A page that was split is half full, and so is its image; the entries of as many rows as the table has fill
 * it. */
static void images_of_split_pages_are_smaller(void **state)
{
    (void)state;
    double leaves[] = {1000};
    const rh_backfill_pages pages = {
        .random = leaves, .random_count = 1, .split_rows = 100000, .filled_rows = 1000000};
    const rh_backfill_prices prices = {.row_bytes = 100, .image_bytes = 8000};
    const rh_backfill_checkpoints checkpoints = {.distance_bytes = 50e6};
    const rh_backfill_images some = rh_predict_images_of(&pages, &prices, &checkpoints, 200000),
                             all = rh_predict_images_of(&pages, &prices, &checkpoints, 1000000);
    const double first = rh_predict_images_of(&pages, &prices, &checkpoints, 100000).count;
    near((some.bytes - 8000 * first) / (some.count - first), 8000 * 0.5 * 1.15, 20);
    near((all.bytes - 8000 * first) / (all.count - first), 8000 * 0.5 * 1.55, 100);
}

/* The cycle is as long as makes its own WAL fill the distance. */
static void a_cycle_fills_the_distance(void **state)
{
    (void)state;
    double leaves[] = {20000};
    const rh_backfill_pages pages = {.along = 0.1, .random = leaves, .random_count = 1};
    const rh_backfill_prices prices = {.row_bytes = 300, .image_bytes = 8000};
    rh_backfill_checkpoints checkpoints = {.distance_bytes = 500e6, .timeout_s = 300, .rows_per_s = 1e6};
    const double rows = rh_predict_cycle_rows(&pages, &prices, &checkpoints);
    near(rows * 300 + 8000 * rh_predict_images(&pages, rows), 500e6, 1);
    checkpoints.other_per_s = 100e6; /* what others write comes on top */
    const double fewer = rh_predict_cycle_rows(&pages, &prices, &checkpoints);
    near(fewer * 400 + 8000 * rh_predict_images(&pages, fewer), 500e6, 1);
    checkpoints.timeout_s = 0.1; /* 100,000 rows */
    near(rh_predict_cycle_rows(&pages, &prices, &checkpoints), 100000, 1e-6);
    checkpoints = (rh_backfill_checkpoints){0};
    assert_true(isinf(rh_predict_cycle_rows(&pages, &prices, &checkpoints)));
}

/* The first batches behind a checkpoint write ten times the WAL of later ones; both prices come out. */
static void prices_from_both_ends_of_a_cycle(void **state)
{
    (void)state;
    double leaves[] = {3000};
    const rh_backfill_pages pages = {.along = 0.05, .random = leaves, .random_count = 1};
    rh_backfill_batch batches[40];
    for (size_t i = 0; i < 40; i++) {
        const double from = 1000.0 * (double)i;
        const double images = rh_predict_images(&pages, from + 1000) - rh_predict_images(&pages, from);
        batches[i] = (rh_backfill_batch){.changed = 1000,
                                         .images = images,
                                         .wal_bytes = llround(1000 * 250 + images * 7500),
                                         .update_s = 0.002 + 1000 * 20e-6 + images * 40e-6};
    }
    const rh_backfill_prices prices = rh_predict_prices(batches, 40);
    near(prices.row_bytes, 250, 1);
    near(prices.image_bytes, 7500, 10);
    near(prices.image_s, 40e-6, 2e-6);
}

/* Batches that filled room on pages of the table wrote an image a row: neither price moves, and the images
 * are counted once. */
static void room_on_pages_is_filled_once(void **state)
{
    (void)state;
    double leaves[] = {3000};
    const rh_backfill_pages pages = {.along = 0.05, .random = leaves, .random_count = 1};
    rh_backfill_batch batches[40];
    for (size_t i = 0; i < 40; i++) {
        const double from = 1000.0 * (double)i;
        const double images = rh_predict_images(&pages, from + 1000) - rh_predict_images(&pages, from);
        const double room = i % 4 == 1 ? 900 : 0;
        batches[i] = (rh_backfill_batch){.changed = 1000,
                                         .images = images,
                                         .wal_bytes = llround(1000 * 250 + (images + room) * 7500),
                                         .update_s = 0.002 + 1000 * 20e-6 + (images + room) * 40e-6};
    }
    const rh_backfill_prices prices = rh_predict_prices(batches, 40);
    near(prices.row_bytes, 250, 5);
    near(prices.image_bytes, 7500, 75);
    near(prices.image_s, 40e-6, 2e-6);
    near(prices.room_images, 10 * 900, 100);
}

/* An update that is HOT leaves nothing in an index: its page of the table alone is imaged. */
static void hot_updates_image_no_index(void **state)
{
    (void)state;
    double leaves[] = {1000};
    const rh_backfill_pages pages = {.along = 0.05,
                                     .along_index = 0.01,
                                     .random = leaves,
                                     .random_count = 1,
                                     .split_rows = 30000,
                                     .hot_share = 0.8};
    near(rh_predict_images(&pages, 1000), 50 + 2 + 1000 * -expm1(-0.2), 1e-6);
    const rh_backfill_prices prices = {.row_bytes = 100};
    const rh_backfill_checkpoints checkpoints = {.distance_bytes = 5000000}; /* 50,000 rows: every page */
    near(rh_predict_images_of(&pages, &prices, &checkpoints, 150000).count, 150000 * 0.052 + 3 * 1000,
         1); /* 30,000 entries fill the index's room */
}

/* ---- vacuums ---- */

static rh_backfill_vacuum stock(double table_rows)
{
    return (rh_backfill_vacuum){.on = true,
                                .table_rows = table_rows,
                                .threshold = 50,
                                .factor = 0.2,
                                .naptime_s = 1,
                                .s_per_credit = 1e-5, /* 200 a 2 ms */
                                .slowdown = 1.5};
}

static void no_vacuum_below_the_threshold(void **state)
{
    (void)state;
    const rh_backfill_pages pages = {.along = 0.05};
    const rh_backfill_vacuum vacuum = stock(1e6);
    const rh_backfill_vacuums few = rh_predict_vacuums(&vacuum, &pages, 150000, 10000);
    assert_int_equal(few.count, 0);
    near(few.elapsed_s, 15, 1e-9);
    near(few.grown_rows, 150000, 1e-6);
}

/* 3 of 20 ms beside it among 12 of 14 to 26: their medians' ratio is 1.18, and its scatter as large; three
 * times as long is one. */
static void scatter_is_no_slowdown(void **state)
{
    (void)state;
    double alone[12], beside[] = {19, 23, 27}, slow[] = {55, 60, 65};
    for (size_t i = 0; i < 12; i++)
        alone[i] = 14 + (double)i;
    assert_true(rh_predict_slowdown(alone, 12, beside, 3, 3) < 1.05);
    const double slowdown = rh_predict_slowdown(alone, 12, slow, 3, 3);
    assert_true(slowdown > 2.4 && slowdown < 3.1);
    assert_true(isnan(rh_predict_slowdown(alone, 12, slow, 2, 3)));
}

/* A vacuum each 205,050 rows and what die beside it; the table stops growing where removed rows make room. */
static void vacuums_keep_up(void **state)
{
    (void)state;
    const rh_backfill_pages pages = {.along = 0.05};
    const rh_backfill_vacuum vacuum = stock(1e6);
    const rh_backfill_vacuums v = rh_predict_vacuums(&vacuum, &pages, 1e6, 10000);
    const double one_s = 205050 * 0.05 * 22 * 1e-5; /* 2.26 s */
    assert_int_equal(v.count, 4);
    near(v.beside_s, 4 * one_s, 0.4);
    near(v.elapsed_s, 100 + v.beside_s * (1 - 1 / 1.5), 0.01);
    near(v.peak_dead, 205050 + one_s * 10000 / 1.5, 1500);
    assert_true(!v.behind && v.grown_rows < 250000);
}

static void vacuums_do_not_keep_up(void **state)
{
    (void)state;
    const rh_backfill_pages pages = {.along = 0.05};
    rh_backfill_vacuum vacuum = stock(1e6);
    vacuum.s_per_credit = 1e-3;
    const rh_backfill_vacuums v = rh_predict_vacuums(&vacuum, &pages, 1e6, 10000);
    assert_true(v.behind);
    near(v.peak_dead, 1e6, 1); /* none was removed in time */
    near(v.elapsed_s, 20.505 + 79.495 * 1.5, 0.01);
}

static void autovacuum_off(void **state)
{
    (void)state;
    const rh_backfill_pages pages = {.along = 0.05};
    rh_backfill_vacuum vacuum = stock(1e6);
    vacuum.on = false;
    const rh_backfill_vacuums v = rh_predict_vacuums(&vacuum, &pages, 1e6, 10000);
    assert_int_equal(v.count, 0);
    near(v.peak_dead, 1e6, 1e-6);
}

/* 64 MB hold 11 million dead rows: 20 million take two passes over every index. */
static void memory_makes_passes(void **state)
{
    (void)state;
    const rh_backfill_pages none = {0};
    const rh_backfill_vacuum vacuum = {.memory_bytes = 64 << 20, .index_pages = 1000};
    near(rh_predict_vacuum_credits(&vacuum, &none, 10e6), 2000, 1e-9);
    near(rh_predict_vacuum_credits(&vacuum, &none, 20e6), 4000, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_of_split_pages_are_smaller),
        cmocka_unit_test(scatter_is_no_slowdown),
        cmocka_unit_test(room_on_pages_is_filled_once),
        cmocka_unit_test(hot_updates_image_no_index),
        cmocka_unit_test(images_of_a_random_index),
        cmocka_unit_test(images_along_the_walk),
        cmocka_unit_test(each_cycle_begins_again),
        cmocka_unit_test(split_pages_are_imaged_both),
        cmocka_unit_test(a_cycle_fills_the_distance),
        cmocka_unit_test(prices_from_both_ends_of_a_cycle),
        cmocka_unit_test(no_vacuum_below_the_threshold),
        cmocka_unit_test(vacuums_keep_up),
        cmocka_unit_test(vacuums_do_not_keep_up),
        cmocka_unit_test(autovacuum_off),
        cmocka_unit_test(memory_makes_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
