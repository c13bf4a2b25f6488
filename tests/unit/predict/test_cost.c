/* Cost models against durations made of known terms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "predict/cost.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <string.h>

static void within(double actual, double expected, double relative)
{
    if (!(fabs(actual - expected) <= relative * fabs(expected)))
        fail_msg("%.12g is not %.12g", actual, expected);
}

typedef double (*truth)(const rh_work_size *size);

static rh_work_size table(double rows, double memory_share)
{
    return (rh_work_size){.rows = rows,
                          .bytes = rows * 60,
                          .index_bytes = rows * 40,
                          .buffers_bytes = 4e7 * memory_share,
                          .sort_bytes = fmax(8e6 * memory_share, 1e6)};
}

/* Samples of 1/64 to 1/8 of a million rows, twice each, and memory in proportion. */
static rh_statement sampled(rh_arena *arena, rh_statement_class class_, truth seconds)
{
    rh_statement statement = {.ordinal = 1, .class_ = class_};
    for (int denominator = 64; denominator >= 8; denominator /= 2)
        for (int repeat = 1; repeat <= 2; repeat++) {
            rh_statement_run *run = rh_arena_add(arena, &statement.runs, &statement.run_count);
            *run = (rh_statement_run){.pass = RH_PASS_KIND_SCALED,
                                      .repeat = repeat,
                                      .scale = 1.0 / denominator,
                                      .size = table(1e6 / denominator, 1.0 / denominator),
                                      .lock_wait_s = NAN};
            run->elapsed_s = seconds(&run->size);
        }
    return statement;
}

static double scan(const rh_work_size *size)
{
    return 0.002 + 2e-7 * size->rows;
}
static double sort(const rh_work_size *size)
{
    return 0.001 + 3e-8 * size->rows * log2(size->rows);
}
static double outgrown(const rh_work_size *size)
{
    return 1e-8 * size->rows * log2(size->rows) +
           2e-8 * fmax(0, size->bytes + size->index_bytes - size->buffers_bytes);
}
static double constant(const rh_work_size *size)
{
    (void)size;
    return 0.005;
}

static double predicted(const rh_statement *statement, const rh_work_size *at)
{
    rh_cost cost = rh_cost_fit(statement, RH_COST_ELAPSED, 1u << RH_PASS_KIND_SCALED, 1);
    assert_int_equal(cost.observations, statement->run_count);
    return rh_cost_at(&cost, at);
}

static void each_class_has_its_terms(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_work_size whole = table(1e6, 1);
    rh_statement statement = sampled(arena, RH_CLASS_HEAP_SCAN, scan);
    within(predicted(&statement, &whole), scan(&whole), 1e-6);
    statement = sampled(arena, RH_CLASS_INDEX_BUILD, sort);
    within(predicted(&statement, &whole), sort(&whole), 1e-3);
    statement = sampled(arena, RH_CLASS_DATA_CHANGE, outgrown);
    within(predicted(&statement, &whole), outgrown(&whole), 0.02);
    statement = sampled(arena, RH_CLASS_CATALOG, constant);
    within(predicted(&statement, &whole), 0.005, 1e-6);
    rh_arena_free(arena);
}

/* Memory that goes down in proportion only to some least value, and pages that are whole: what the largest
 * sample has beyond its buffers is a hundredth of it, and noise. */
static void a_hinge_with_few_samples_is_not_fitted(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = sampled(arena, RH_CLASS_DATA_CHANGE, sort);
    for (size_t i = 0; i < statement.run_count; i++) {
        rh_statement_run *run = &statement.runs[i];
        run->size.buffers_bytes =
            (run->size.bytes + run->size.index_bytes) * (run->scale > 0.1 ? 0.99 : 1.01);
        run->elapsed_s *= run->scale > 0.1 ? 1.05 : 1;
    }
    rh_work_size whole = table(1e6, 1);
    within(predicted(&statement, &whole), sort(&whole), 0.05);
    rh_arena_free(arena);
}

/* The hinge bends where the table outgrows the server's memory. */
static void hinges_bend_at_their_memory(void **state)
{
    (void)state;
    rh_work_size small = table(1000, 1), large = table(1e6, 1);
    assert_true(rh_cost_term_value(RH_TERM_BUFFERS, RH_CLASS_DATA_CHANGE, &small) == 0);
    within(rh_cost_term_value(RH_TERM_BUFFERS, RH_CLASS_DATA_CHANGE, &large), 1e8 - 4e7, 1e-9);
    assert_true(rh_cost_term_value(RH_TERM_BUFFERS, RH_CLASS_HEAP_SCAN, &large) == 0);
    assert_true(rh_cost_term_value(RH_TERM_SPILL, RH_CLASS_INDEX_BUILD, &small) == 0);
    within(rh_cost_term_value(RH_TERM_SPILL, RH_CLASS_INDEX_BUILD, &large), 48e6 - 8e6, 1e-9);
}

/* A sample refers to as many rows as there are, and is the smaller side of the join; the whole is the larger.
 */
static void a_foreign_key_is_a_join_with_the_smaller_side_hashed(void **state)
{
    (void)state;
    const rh_work_size sample = {.rows = 5000, .referenced_rows = 20000},
                       whole = {.rows = 200000, .referenced_rows = 20000};
    within(rh_cost_term_value(RH_TERM_ROWS, RH_CLASS_FOREIGN_KEY, &sample), 20000 + 2 * 5000, 1e-9);
    within(rh_cost_term_value(RH_TERM_ROWS, RH_CLASS_FOREIGN_KEY, &whole), 200000 + 2 * 20000, 1e-9);
    within(rh_cost_term_value(RH_TERM_ROWS, RH_CLASS_VALIDATION, &whole), 200000, 1e-9);
}

static void a_disturbed_run_counts_less(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = sampled(arena, RH_CLASS_HEAP_SCAN, scan);
    statement.runs[7].elapsed_s *= 3;
    statement.runs[4].elapsed_s *= 1.5;
    rh_work_size whole = table(1e6, 1);
    within(predicted(&statement, &whole), scan(&whole), 0.05);
    rh_arena_free(arena);
}

static void nothing_grows_below_zero(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = sampled(arena, RH_CLASS_HEAP_SCAN, scan);
    for (size_t i = 0; i < statement.run_count; i++)
        statement.runs[i].elapsed_s = 0.01 / (double)(i + 1); /* faster when larger */
    rh_work_size whole = table(1e6, 1);
    rh_cost cost = rh_cost_fit(&statement, RH_COST_ELAPSED, 1u << RH_PASS_KIND_SCALED, 1);
    assert_true(rh_cost_at(&cost, &whole) > 0);
    for (int t = 0; t < RH_TERM_COUNT; t++)
        assert_true(cost.coefficient[t] >= 0);
    assert_non_null(strstr(rh_cost_describe(&cost, &whole, arena), "fixed"));
    rh_arena_free(arena);
}

/* Programs beside the rehearsal have the CPU: that is no work of the statement's. */
static void waits_for_a_cpu_do_not_count(void **state)
{
    (void)state;
    rh_statement_run run = {.pass = RH_PASS_KIND_QUIET,
                            .elapsed_s = 3,
                            .lock_wait_s = 0.5,
                            .cpu_user_s = 0.8,
                            .cpu_system_s = 0.2,
                            .cpu_wait_s = 1};
    within(rh_cost_measured(&run, RH_COST_ELAPSED), 1.5, 1e-9);
    run.cpu_wait_s = 2.5;
    within(rh_cost_measured(&run, RH_COST_ELAPSED), 1, 1e-9);
    run.cpu_user_s = 4; /* with parallel workers */
    within(rh_cost_measured(&run, RH_COST_ELAPSED), 3, 1e-9);
}

static void under_load_they_do(void **state)
{
    (void)state;
    const rh_statement_run run = {
        .pass = RH_PASS_KIND_LOADED, .elapsed_s = 3, .cpu_user_s = 0.8, .cpu_system_s = 0.2, .cpu_wait_s = 1};
    within(rh_cost_measured(&run, RH_COST_ELAPSED), 3, 1e-9);
}

/* A wait that was seen as longer than the whole statement, which worked most of the time. */
static void what_used_the_cpu_did_not_wait(void **state)
{
    (void)state;
    rh_statement_run run = {
        .elapsed_s = 0.0014, .lock_wait_s = 0.0022, .cpu_user_s = 0.0008, .cpu_system_s = 0.0002};
    within(rh_cost_measured(&run, RH_COST_ELAPSED), 0.001, 1e-9);
    run.lock_wait_s = 0.0001;
    within(rh_cost_measured(&run, RH_COST_ELAPSED), 0.0013, 1e-9);
    run.lock_wait_s = 0.0022;
    run.cpu_user_s = NAN;
    within(rh_cost_measured(&run, RH_COST_ELAPSED), 0.0014, 1e-9);
}

static void what_was_not_measured_is_not_fitted(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = sampled(arena, RH_CLASS_HEAP_SCAN, scan);
    for (size_t i = 0; i < statement.run_count; i++)
        statement.runs[i].wal_bytes = RH_UNKNOWN;
    rh_cost cost = rh_cost_fit(&statement, RH_COST_WAL, 1u << RH_PASS_KIND_SCALED, 1);
    assert_int_equal(cost.observations, 0);
    rh_arena_free(arena);
}

/* ---- widths ---- */

static void widths_grow_with_the_distance(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_heldouts seen = {0};
    for (int i = 1; i <= 9; i++)
        rh_heldouts_add(&seen, (rh_heldout){RH_CLASS_REWRITE, 1, i % 2 ? 0.01 * i : -0.01 * i}, arena);
    size_t used;
    within(rh_heldouts_width(&seen, RH_CLASS_REWRITE, 1, 0.9, &used), 0.09, 1e-9);
    assert_int_equal(used, 9);
    within(rh_heldouts_width(&seen, RH_CLASS_REWRITE, 16, 0.9, &used), 0.18, 1e-9);
    within(rh_heldouts_width(&seen, RH_CLASS_HEAP_SCAN, 1, 0.5, &used), 0.05, 1e-9); /* from all */
    rh_arena_free(arena);
}

static void a_class_uses_its_own_rows_if_enough(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_heldouts seen = {0};
    size_t used;
    for (int i = 0; i < 8; i++)
        rh_heldouts_add(&seen, (rh_heldout){RH_CLASS_REWRITE, 1, 0.1}, arena);
    assert_true(isnan(rh_heldouts_width(&seen, RH_CLASS_REWRITE, 1, 0.9, &used)));
    for (int i = 0; i < 18; i++)
        rh_heldouts_add(&seen, (rh_heldout){RH_CLASS_HEAP_SCAN, 1, 0.3}, arena);
    within(rh_heldouts_width(&seen, RH_CLASS_HEAP_SCAN, 1, 0.9, &used), 0.3, 1e-9);
    assert_int_equal(used, 18);
    within(rh_heldouts_width(&seen, RH_CLASS_REWRITE, 1, 0.9, &used), 0.3, 1e-9); /* 8 are too few: all 26 */
    assert_int_equal(used, 26);
    rh_arena_free(arena);
}

static void samples_are_held_out(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = sampled(arena, RH_CLASS_HEAP_SCAN, scan);
    statement.runs[6].elapsed_s = statement.runs[7].elapsed_s = 1.2 * scan(&statement.runs[7].size);
    rh_migration migration = {.id = "1", .up = {.statements = &statement, .statement_count = 1}};
    rh_plan plan = {.migrations = &migration, .migration_count = 1};
    const rh_growth_choice growth[RH_CLASS_COUNT] = {0};
    rh_heldouts seen = {0};
    rh_heldouts_of_samples(&plan, 1, growth, &seen, arena);
    assert_int_equal(seen.count, 1);
    within(seen.rows[0].distance, 1, 1e-9);
    within(seen.rows[0].log_error, log(1.2), 1e-3);
    seen.count = 0;
    rh_heldouts_of_samples(&plan, 2, growth, &seen, arena); /* one is not enough: the second largest, too */
    assert_int_equal(seen.count, 2);
    within(seen.rows[1].distance, 1, 1e-9);
    assert_true(fabs(seen.rows[1].log_error) < 1e-3);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_has_its_terms),
        cmocka_unit_test(a_hinge_with_few_samples_is_not_fitted),
        cmocka_unit_test(hinges_bend_at_their_memory),
        cmocka_unit_test(a_foreign_key_is_a_join_with_the_smaller_side_hashed),
        cmocka_unit_test(a_disturbed_run_counts_less),
        cmocka_unit_test(nothing_grows_below_zero),
        cmocka_unit_test(waits_for_a_cpu_do_not_count),
        cmocka_unit_test(under_load_they_do),
        cmocka_unit_test(what_used_the_cpu_did_not_wait),
        cmocka_unit_test(what_was_not_measured_is_not_fitted),
        cmocka_unit_test(widths_grow_with_the_distance),
        cmocka_unit_test(a_class_uses_its_own_rows_if_enough),
        cmocka_unit_test(samples_are_held_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
