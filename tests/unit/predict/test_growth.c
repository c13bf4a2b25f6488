/* The model by which durations grow, chosen on samples that are held out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "predict/growth.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <string.h>

enum { STATEMENTS = 6 };
typedef double (*truth)(double rows);

static double line(double rows)
{
    return 1e-6 * rows;
}

/* As the terms of an index build have it. */
static double sort(double rows)
{
    return 3e-8 * rows * log2(rows);
}

/* STATEMENTS of CLASS, a migration each; samples of 1/64 to 1/8 of a million rows. */
static rh_plan plan_of(rh_arena *arena, rh_statement_class class_, truth seconds)
{
    rh_plan plan = {0};
    for (int s = 0; s < STATEMENTS; s++) {
        rh_migration *migration = rh_arena_add(arena, &plan.migrations, &plan.migration_count);
        rh_statement *statement =
            rh_arena_add(arena, &migration->up.statements, &migration->up.statement_count);
        *statement = (rh_statement){.ordinal = 1, .class_ = class_};
        for (int denominator = 64; denominator >= 8; denominator /= 2) {
            rh_statement_run *run = rh_arena_add(arena, &statement->runs, &statement->run_count);
            *run = rh_statement_run_unmeasured(RH_PASS_KIND_SCALED, 1, 1.0 / denominator);
            run->size =
                (rh_work_size){.rows = 1e6 * (s + 1) / denominator, .bytes = 6e7 * (s + 1) / denominator};
            run->elapsed_s = seconds(run->size.rows);
        }
    }
    return plan;
}

static rh_growth_choice chosen_for(rh_statement_class class_, truth seconds)
{
    rh_arena *arena = rh_arena_new();
    const rh_plan plan = plan_of(arena, class_, seconds);
    rh_growth_choice choices[RH_CLASS_COUNT];
    rh_growth_choose(&plan, choices);
    rh_arena_free(arena);
    return choices[class_];
}

static void terms_that_fit_are_kept(void **state)
{
    (void)state;
    const rh_growth_choice choice = chosen_for(RH_CLASS_INDEX_BUILD, sort);
    assert_int_equal(choice.model, RH_GROWTH_WORK);
    assert_true(choice.heldouts >= RH_GROWTH_HELDOUTS);
    assert_true(choice.error[RH_GROWTH_WORK] < choice.error[RH_GROWTH_LINE]);
}

/* An index build is n · log n by its terms; this one is in proportion. */
static void a_model_that_is_clearly_better_replaces_them(void **state)
{
    (void)state;
    const rh_growth_choice choice = chosen_for(RH_CLASS_INDEX_BUILD, line);
    assert_int_equal(choice.model, RH_GROWTH_LINE);
    assert_true(choice.error[RH_GROWTH_LINE] < 1e-9);
}

static void a_class_without_samples_of_its_own_keeps_the_terms(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    const rh_plan plan = plan_of(arena, RH_CLASS_INDEX_BUILD, line);
    rh_growth_choice choices[RH_CLASS_COUNT];
    rh_growth_choose(&plan, choices);
    assert_int_equal(choices[RH_CLASS_VALIDATION].model, RH_GROWTH_WORK);
    rh_arena_free(arena);
}

static void without_samples_the_terms_stay(void **state)
{
    (void)state;
    rh_growth_choice choices[RH_CLASS_COUNT];
    rh_growth_choose(&(rh_plan){0}, choices);
    assert_int_equal(choices[RH_CLASS_REWRITE].model, RH_GROWTH_WORK);
    assert_int_equal(choices[RH_CLASS_REWRITE].heldouts, 0);
    assert_true(isnan(choices[RH_CLASS_REWRITE].error[RH_GROWTH_WORK]));
}

static void the_line_starts_at_the_least_run_of_the_largest_sample(void **state)
{
    (void)state;
    rh_statement_run runs[3];
    for (int i = 0; i < 3; i++) {
        runs[i] = rh_statement_run_unmeasured(RH_PASS_KIND_SCALED, i, i == 0 ? 0.0625 : 0.125);
        runs[i].size.rows = i == 0 ? 1000 : 2000;
        runs[i].elapsed_s = i == 1 ? 0.5 : 0.4;
    }
    const rh_statement statement = {.class_ = RH_CLASS_HEAP_SCAN, .runs = runs, .run_count = 3};
    const rh_work_size whole = {.rows = 16000};
    rh_growth growth =
        rh_growth_fit(&statement, RH_COST_ELAPSED, 1u << RH_PASS_KIND_SCALED, 1, RH_GROWTH_LINE);
    assert_float_equal(rh_growth_at(&growth, &whole), 3.2, 1e-9);
    const double work = rh_cost_at(&growth.cost, &whole);
    growth.model = RH_GROWTH_MEAN;
    assert_float_equal(rh_growth_at(&growth, &whole), sqrt(3.2 * work), 1e-9);
}

/* Samples of ORDERS rows of one relation for each of ITEMS of the other, whose time is that of the other. */
static rh_growth join_of(double orders, double items, const rh_work_size *whole, double *at, double *doubt)
{
    enum { SAMPLES = 4 };
    rh_statement_run runs[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        runs[i] = rh_statement_run_unmeasured(RH_PASS_KIND_SCALED, 1, 0.125 / (1 << i));
        runs[i].size.rows = orders / (1 << i);
        runs[i].size.referenced_rows = items / (1 << i);
        runs[i].elapsed_s = 2e-6 * runs[i].size.referenced_rows;
    }
    const rh_statement statement = {.class_ = RH_CLASS_UNCLASSIFIED, .runs = runs, .run_count = SAMPLES};
    const rh_growth growth =
        rh_growth_fit(&statement, RH_COST_ELAPSED, 1u << RH_PASS_KIND_SCALED, 1, RH_GROWTH_WORK);
    *at = rh_growth_at(&growth, whole);
    *doubt = rh_growth_doubt(&growth, whole);
    return growth;
}

static void a_join_that_may_go_with_either_relation_is_in_doubt(void **state)
{
    (void)state;
    const rh_work_size whole = {.rows = 120000, .referenced_rows = 800000};
    double at, doubt;
    const rh_growth growth = join_of(40000, 100000, &whole, &at, &doubt);
    assert_true(growth.ambiguous);
    assert_true(at > 0.6 && at < 1.6); /* 3 and 8 times the largest sample's 0.2 s */
    assert_true(at * exp(doubt) >= 1.6 - 1e-9);
    assert_true(at * exp(-doubt) <= 0.7);
}

static void a_join_of_relations_in_proportion_is_in_none(void **state)
{
    (void)state;
    const rh_work_size whole = {.rows = 120000, .referenced_rows = 800000};
    double at, doubt;
    join_of(15000, 100000, &whole, &at, &doubt);
    assert_float_equal(at, 1.6, 0.1);
    assert_true(doubt < 0.1);
}

static void the_evidence_is_in_the_sentence(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    const rh_growth_choice choice = {
        .model = RH_GROWTH_LINE, .heldouts = 9, .error = {log(1.3), log(1.1), log(1.2)}};
    assert_string_equal(
        rh_growth_describe(&choice, arena),
        ", by the straight line, which missed 9 held-out samples by 10 %, the terms of the work "
        "by 30 %");
    assert_string_equal(rh_growth_describe(&(rh_growth_choice){.model = RH_GROWTH_WORK}, arena), "");
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_that_fit_are_kept),
        cmocka_unit_test(a_model_that_is_clearly_better_replaces_them),
        cmocka_unit_test(a_class_without_samples_of_its_own_keeps_the_terms),
        cmocka_unit_test(without_samples_the_terms_stay),
        cmocka_unit_test(the_line_starts_at_the_least_run_of_the_largest_sample),
        cmocka_unit_test(a_join_that_may_go_with_either_relation_is_in_doubt),
        cmocka_unit_test(a_join_of_relations_in_proportion_is_in_none),
        cmocka_unit_test(the_evidence_is_in_the_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
