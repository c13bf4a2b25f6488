/* What cold caches add: which pages count, and what the probes make of them. */
#include "pgrehearse/predict/translate.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { PAGES = 12500 }; /* 102.4 MB */

/* A statement of one quiet run that scanned orders and wrote orders_key by key. */
typedef struct scene {
    rh_arena *arena;
    rh_relation_work relations[2];
    rh_statement_work work;
    rh_statement_run run;
    rh_statement statement;
    rh_migration migration;
    rh_plan plan;
    rh_probe production, staging;
    rh_work_size there;
    rh_translation t;
    rh_run_prediction prediction;
} scene;

static scene s;

static int set_up(void **state)
{
    (void)state;
    s = (scene){.arena = rh_arena_new()};
    s.relations[0] = (rh_relation_work){
        .relation = "orders", .kind = 'r', .pages_before = PAGES, .blocks_read = PAGES, .scans = 1};
    s.relations[1] = (rh_relation_work){
        .relation = "orders_key", .table = "orders", .kind = 'i', .pages_before = 1000, .blocks_read = 400};
    s.work = (rh_statement_work){.relations = s.relations, .relation_count = 2, .counted = true};
    s.run = (rh_statement_run){.pass = RH_PASS_KIND_QUIET,
                               .size = {.rows = 1e6, .bytes = PAGES * 8192.0},
                               .read_bytes = 0,
                               .cached_read_bytes = PAGES * 8192,
                               .work = &s.work};
    s.statement = (rh_statement){.ordinal = 1, .class_ = RH_CLASS_HEAP_SCAN, .runs = &s.run, .run_count = 1};
    s.statement.prediction =
        (rh_prediction){.median_s = 2, .parts = {.cpu_s = 1.5, .read_s = 0.5}, .basis = "b"};
    s.migration = (rh_migration){.id = "1", .up = {.statements = &s.statement, .statement_count = 1}};
    s.plan = (rh_plan){.migrations = &s.migration, .migration_count = 1};
    s.production.value[RH_PROBE_SEQUENTIAL] = 200e6;
    s.production.value[RH_PROBE_CACHED] = 2e9;
    s.production.value[RH_PROBE_RANDOM] = 0.0005;
    s.there = (rh_work_size){.rows = 2e6, .bytes = 2 * PAGES * 8192.0};
    s.t = (rh_translation){.production = &s.production, .staging = &s.staging, .sizes = &s.there};
    s.prediction.median_s = 2;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rh_arena_free(s.arena);
    return 0;
}

static void predict(void)
{
    rh_cold_predict(&s.plan, &s.t, s.arena, &s.prediction);
}

static void test_pages_by_access(void **state)
{
    (void)state;
    rh_cold_reading reading = rh_cold_reading_of(&s.statement);
    assert_float_equal(reading.sequential_bytes, PAGES * 8192.0, 1);
    assert_float_equal(reading.random_pages, 400, 1e-9);
    s.relations[0].blocks_read = 40000000; /* again and again: cold but once */
    s.relations[1].blocks_read = 90000;
    reading = rh_cold_reading_of(&s.statement);
    assert_float_equal(reading.sequential_bytes, PAGES * 8192.0, 1);
    assert_float_equal(reading.random_pages, 1000, 1e-9);
    s.relations[0].blocks_read = 10; /* a parallel scan whose workers counted the rest */
    assert_float_equal(rh_cold_reading_of(&s.statement).sequential_bytes, PAGES * 8192.0, 1);
    s.statement.class_ = RH_CLASS_DATA_CHANGE; /* it may have stopped early */
    assert_float_equal(rh_cold_reading_of(&s.statement).sequential_bytes, 10 * 8192.0, 1);
    s.statement.class_ = RH_CLASS_REWRITE; /* TOAST is read, too */
    s.run.size.bytes = 1e9;
    assert_float_equal(rh_cold_reading_of(&s.statement).sequential_bytes, 1e9, 1);
    s.relations[0].created = true;
    s.relations[1].is_private = true;
    s.statement.class_ = RH_CLASS_DATA_CHANGE;
    reading = rh_cold_reading_of(&s.statement);
    assert_true(reading.sequential_bytes == 0);
    assert_true(reading.random_pages == 0);
    s.work.counted = false;
    assert_true(isnan(rh_cold_reading_of(&s.statement).sequential_bytes));
}

static void test_appended_rows_read_nothing(void **state)
{
    (void)state;
    s.statement.class_ = RH_CLASS_DATA_CHANGE;
    s.relations[0].scans = 0;
    s.relations[0].rows_inserted = 1000;
    rh_cold_reading reading = rh_cold_reading_of(&s.statement);
    assert_true(reading.sequential_bytes == 0);
    assert_float_equal(reading.random_pages, 400, 1e-9);
}

static void test_price(void **state)
{
    (void)state;
    predict();
    /* twice the size: 204.8 MB at 200 MB/s less 2 GB/s in memory, 800 pages of 0.5 ms, in the place of 0.5 s
     */
    double read_s = 204.8e6 * (1 / 200e6 - 1 / 2e9) + 800 * 0.0005;
    assert_float_equal(s.statement.prediction.cold_s, 1.5 + read_s, 1e-6);
    assert_non_null(strstr(s.statement.prediction.cold_basis, "800 single pages"));
    assert_float_equal(s.prediction.cold_s, 1.5 + read_s, 1e-6);
    assert_non_null(strstr(s.prediction.caches, "were warm"));
    /* what it reads already is not less than that */
    s.statement.prediction.parts = (rh_duration_parts){.cpu_s = 0.1, .read_s = 1.9};
    predict();
    assert_float_equal(s.statement.prediction.cold_s, 2, 1e-9);
    assert_true(s.prediction.cold_s >= s.prediction.median_s);
}

/* A device that was not seen is no fast one. */
static void test_uninformative_probes(void **state)
{
    (void)state;
    s.production.value[RH_PROBE_SEQUENTIAL] = 900e6; /* nearly as fast as shared buffers */
    predict();
    assert_true(isnan(s.statement.prediction.cold_s));
    assert_true(isnan(s.prediction.cold_s));
    assert_non_null(strstr(s.statement.prediction.cold_basis, "as fast as from memory"));
    assert_non_null(strstr(s.prediction.cold_basis, "migration 1, statement 1"));
    s.production.uncached_bytes_per_s = 100e6; /* but some places were not */
    predict();
    assert_true(s.statement.prediction.cold_s > 3);
    s.production.value[RH_PROBE_RANDOM] = 5e-6;
    predict();
    assert_true(isnan(s.statement.prediction.cold_s));
    s.work.relation_count = 1;
    predict();
    assert_true(s.statement.prediction.cold_s > 3);
    s.production = (rh_probe){0};
    predict();
    assert_true(isnan(s.statement.prediction.cold_s));
    rh_cold_predict(&s.plan, NULL, s.arena, &s.prediction);
    assert_true(isnan(s.prediction.cold_s));
    assert_non_null(strstr(s.statement.prediction.cold_basis, "no profile"));
}

static void test_nothing_to_read(void **state)
{
    (void)state;
    s.work.relation_count = 0;
    s.statement.class_ = RH_CLASS_CATALOG;
    s.production = (rh_probe){0};
    predict();
    assert_float_equal(s.statement.prediction.cold_s, 2, 1e-9);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_pages_by_access), TEST(test_appended_rows_read_nothing),
        TEST(test_price),           TEST(test_uninformative_probes),
        TEST(test_nothing_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
