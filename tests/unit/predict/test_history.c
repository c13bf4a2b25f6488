/* What earlier scores make of a prediction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/model/facts.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <string.h>

static void near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-9 + 1e-9 * fabs(expected)))
        fail_msg("%.12g is not %.12g", actual, expected);
}

/* A rewrite of 10 s (8 … 12.5) and an index build of 1 ms. */
typedef struct world {
    rh_arena *arena;
    rh_statement statements[2];
    rh_migration migration;
    rh_plan plan;
    rh_residual rows[20];
    rh_history history;
} world;

static int set_up(void **state)
{
    static world w;
    memset(&w, 0, sizeof w);
    w.arena = rh_arena_new();
    w.statements[0] =
        (rh_statement){.ordinal = 1,
                       .class_ = RH_CLASS_REWRITE,
                       .prediction = {10, 8, 12.5, .level = 0.9, .basis = "by hand", .parts = {.cpu_s = 10}}};
    w.statements[1] = (rh_statement){
        .ordinal = 2, .class_ = RH_CLASS_INDEX_BUILD, .prediction = {0.001, NAN, NAN, .level = NAN}};
    w.migration = (rh_migration){.id = "1", .up = {.statements = w.statements, .statement_count = 2}};
    w.plan = (rh_plan){.migrations = &w.migration, .migration_count = 1};
    w.history = (rh_history){.rows = w.rows, .scored_runs = 1};
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    rh_arena_free(((world *)*state)->arena);
    return 0;
}

static void add(world *w, rh_statement_class class_, double actual_over_predicted)
{
    w->rows[w->history.row_count++] = (rh_residual){.kind = RH_RESIDUAL_PRODUCTION,
                                                    .class_ = class_,
                                                    .predicted_s = 2,
                                                    .correction = 1,
                                                    .actual_s = 2 * actual_over_predicted};
}

static const rh_prediction *apply(world *w, const char *sentence)
{
    rh_history_apply(&w->plan, &w->history, 0.9, w->arena);
    assert_int_equal(w->history.applied_count, sentence != NULL);
    if (sentence)
        assert_string_equal(w->history.applied[0], sentence);
    near(w->statements[1].prediction.median_s, 0.001); /* too short to be touched */
    return &w->statements[0].prediction;
}

static void nothing_scored_nothing_changed(void **state)
{
    world *w = *state;
    w->history.scored_runs = 0;
    const rh_prediction *p = apply(w, NULL);
    near(p->median_s, 10);
    assert_string_equal(p->basis, "by hand");
}

static void one_miss_widens_and_corrects_nothing(void **state)
{
    world *w = *state;
    add(w, RH_CLASS_REWRITE, 1.5);
    const rh_prediction *p =
        apply(w, "rewrite: 1 earlier prediction held against production; the interval is wider");
    near(p->median_s, 10);
    near(p->low_s, 10 / 1.5);
    near(p->high_s, 15);
    assert_true(p->correction == 0);
}

static void one_hit_narrows_nothing(void **state)
{
    world *w = *state;
    add(w, RH_CLASS_REWRITE, 1.01);
    const rh_prediction *p =
        apply(w, "rewrite: 1 earlier prediction held against production; the interval stays");
    near(p->low_s, 8);
    near(p->high_s, 12.5);
}

static void three_that_agree_correct(void **state)
{
    world *w = *state;
    add(w, RH_CLASS_REWRITE, 1.2);
    add(w, RH_CLASS_REWRITE, 1.2);
    add(w, RH_CLASS_REWRITE, 1.2);
    const rh_prediction *p = apply(w, "rewrite: 3 earlier predictions held against production took 20 % "
                                      "longer (median): corrected by × 1.20; the interval stays");
    near(p->median_s, 12);
    near(p->low_s, 9.6);
    near(p->high_s, 15);
    near(p->parts.cpu_s, 12);
    near(p->correction, 1.2);
    assert_string_equal(p->basis, "by hand; 3 earlier scores taken into account");
}

/* A score is of the corrected prediction; what is learned is about the one before. */
static void corrections_do_not_add_up(void **state)
{
    world *w = *state;
    for (int i = 0; i < 3; i++) {
        add(w, RH_CLASS_REWRITE, 1);
        w->rows[i].correction = 1.2;
    }
    near(apply(w, "rewrite: 3 earlier predictions held against production took 20 % longer (median): "
                  "corrected by × 1.20; the interval stays")
             ->median_s,
         12);
}

static void nine_make_the_interval(void **state)
{
    world *w = *state;
    for (int i = 0; i < 9; i++)
        add(w, RH_CLASS_REWRITE, i % 2 ? 0.95 : 1.0);
    const rh_prediction *p = apply(w, "rewrite: 9 earlier predictions held against production; the interval "
                                      "is narrower");
    near(p->median_s, 10);
    near(p->high_s, 10 / 0.95);
    near(p->low_s, 9.5);
    w->history.applied_count = 0;
    w->statements[0].prediction = (rh_prediction){10, NAN, NAN, .level = NAN};
    p = apply(w, "rewrite: 9 earlier predictions held against production; it gives the interval");
    near(p->high_s, 10 / 0.95);
    near(p->level, 0.9);
}

static void without_an_interval_few_rows_give_none(void **state)
{
    world *w = *state;
    add(w, RH_CLASS_REWRITE, 2);
    w->statements[0].prediction.low_s = w->statements[0].prediction.high_s = NAN;
    assert_true(
        isnan(apply(w, "rewrite: 1 earlier prediction held against production; the interval stays")->high_s));
}

static void another_class_only_warns(void **state)
{
    world *w = *state;
    for (int i = 0; i < 10; i++)
        add(w, RH_CLASS_INDEX_BUILD, 2);
    const rh_prediction *p =
        apply(w, "rewrite, of which none was scored: 10 earlier predictions held against "
                 "production; the interval is wider");
    near(p->median_s, 10);
    near(p->high_s, 20);
}

static void what_does_not_count(void **state)
{
    world *w = *state;
    add(w, RH_CLASS_REWRITE, 3);
    w->rows[0].kind = RH_RESIDUAL_BACKTEST;
    add(w, RH_CLASS_REWRITE, 3);
    w->rows[1].translated = true; /* this prediction is not */
    add(w, RH_CLASS_REWRITE, 3);
    w->rows[2].predicted_s = w->rows[2].actual_s = 0.002; /* too short */
    near(apply(w, NULL)->high_s, 12.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_scored_nothing_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_miss_widens_and_corrects_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_hit_narrows_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(three_that_agree_correct, set_up, tear_down),
        cmocka_unit_test_setup_teardown(corrections_do_not_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nine_make_the_interval, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_an_interval_few_rows_give_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_class_only_warns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_count, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
