/* Forecasts of a plan's locks from a profile, by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/model/run.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <string.h>

static void near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-6 + 1e-6 * fabs(expected)))
        fail_msg("%.9g is not %.9g", actual, expected);
}

/* One migration of three statements in one transaction: 1 s that takes ACCESS EXCLUSIVE on orders, 2 s that
 * take SHARE on "Odd.items", 0.5 s without a lock; each predicted to take twice as long on production. */
typedef struct world {
    rh_arena *arena;
    rh_lock locks[2];
    rh_statement_run runs[3];
    rh_statement statements[3];
    rh_migration migration;
    rh_plan plan;
    rh_profile_relation relations[2];
    rh_profile_ages ages[3];
    rh_profile_setting settings[1];
    rh_profile_statement statistics[1];
    rh_profile profile;
    rh_lock_timeout timeouts[3];
    rh_lock_forecast_input input;
    rh_lock_forecasts out;
} world;

static void set_up_statement(world *w, int i, double at_s, double elapsed_s)
{
    w->runs[i] = (rh_statement_run){.pass = RH_PASS_KIND_QUIET,
                                    .started = (rh_usec)(at_s * 1e6),
                                    .elapsed_s = elapsed_s,
                                    .locks = i < 2 ? &w->locks[i] : NULL,
                                    .lock_count = i < 2};
    w->statements[i] = (rh_statement){
        .ordinal = i + 1,
        .class_ = RH_CLASS_REWRITE,
        .runs = &w->runs[i],
        .run_count = 1,
        .prediction = {
            .median_s = 2 * elapsed_s, .low_s = elapsed_s, .high_s = 2 * elapsed_s + 0.3, .level = 0.9}};
}

static int set_up(void **state)
{
    static world w;
    memset(&w, 0, sizeof w);
    w.arena = rh_arena_new();
    w.locks[0] = (rh_lock){"public.orders", RH_LOCK_ACCESS_EXCLUSIVE, 0, 3.5, true, true, NULL, false};
    w.locks[1] = (rh_lock){"\"Odd.\"\"x\".items", RH_LOCK_SHARE, 0, 2.5, false, true, NULL, false};
    set_up_statement(&w, 0, 100, 1);
    set_up_statement(&w, 1, 101, 2);
    set_up_statement(&w, 2, 103, 0.5);
    w.migration =
        (rh_migration){.id = "12", .pending = true, .up = {.statements = w.statements, .statement_count = 3}};
    w.plan = (rh_plan){.migrations = &w.migration, .migration_count = 1};
    w.relations[0] = (rh_profile_relation){.schema = "public",
                                           .name = "orders",
                                           .inserts_per_s = 10,
                                           .updates_per_s = 20,
                                           .deletes_per_s = 0,
                                           .scans_per_s = 60};
    w.relations[1] = (rh_profile_relation){.schema = "Odd.\"x",
                                           .name = "items",
                                           .inserts_per_s = 5,
                                           .updates_per_s = 0,
                                           .deletes_per_s = 0,
                                           .scans_per_s = RH_NOT_MEASURED};
    /* N(t) = 1 − t/4 on orders, nobody on items; 100 looks. */
    w.ages[0] = (rh_profile_ages){"public", "orders", RH_LOCK_ACCESS_SHARE, 4, 100};
    w.ages[1] = (rh_profile_ages){NULL, NULL, RH_LOCK_NONE, 4, 100};
    w.ages[2] = (rh_profile_ages){"Odd.\"x", "items", RH_LOCK_ACCESS_SHARE, 4, 100};
    w.settings[0] = (rh_profile_setting){"max_connections", "103", false};
    w.statistics[0] = (rh_profile_statement){.calls = 1000, .total_s = 20};
    w.profile = (rh_profile){.relations = w.relations,
                             .relation_count = 2,
                             .ages = w.ages,
                             .age_count = 3,
                             .samples = 100,
                             .watched_s = 25,
                             .settings = w.settings,
                             .setting_count = 1,
                             .statements = w.statistics,
                             .statement_count = 1,
                             .cpu_count = 4,
                             .commits_per_s = 1000};
    for (size_t i = 0; i < 3; i++)
        w.timeouts[i] = (rh_lock_timeout){0, "PostgreSQL's default"};
    w.input = (rh_lock_forecast_input){.plan = &w.plan,
                                       .profile = &w.profile,
                                       .timeouts = w.timeouts,
                                       .connections = RH_NOT_MEASURED,
                                       .level = 0.9};
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    rh_arena_free(((world *)*state)->arena);
    return 0;
}

static const rh_lock_forecast *make(world *w, size_t rows)
{
    rh_lock_forecast_make(&w->input, w->arena, &w->out);
    assert_true(w->out.made);
    assert_int_equal(w->out.row_count, rows);
    return w->out.rows;
}

/* ∫₀⁴ (1 − exp(−(1 − t/4))) dt = 4 − 4 (1 − 1/e) */
#define MEAN_WAIT (4 * exp(-1))

static void waits_holds_and_queues(void **state)
{
    world *w = *state;
    const rh_lock_forecast *f = make(w, 2);
    assert_string_equal(f[0].relation, "public.orders");
    near(f[0].granted, 1);
    near(f[0].attempts, 1);
    near(f[0].wait_s, MEAN_WAIT);
    near(f[0].wait_high_s, 4 * (1 + log(0.9)));
    near(f[0].chances[0].probability, exp(-1));
    near(f[0].hold_s, 7); /* 2 · (1 + 2 + 0.5) */
    near(f[0].hold_high_s, 7 + 0.3 * sqrt(3));
    near(f[0].blocked_s, MEAN_WAIT + 7);
    near(f[0].reads_per_s, 40); /* 60 scans, 20 of them updates */
    near(f[0].writes_per_s, 30);
    near(w->out.connections, 100);
    near(w->out.service_per_s, 200); /* 4 CPUs at 20 ms */
    near(f[0].waiting, 100);
    near(f[0].unserved_requests, 70 * (MEAN_WAIT + 7) - 100);
    near(f[0].pool_exhausted_s, 100.0 / 70);
    near(f[0].drain_s, 70 * (MEAN_WAIT + 7) / 130);
    /* SHARE waits for no reader. */
    near(f[1].wait_s, 0);
    near(f[1].hold_s, 5);
    near(f[1].reads_per_s, 0);
    near(f[1].writes_per_s, 5);
    near(f[1].waiting, 25);
    assert_true(isnan(f[1].pool_exhausted_s));
    near(w->out.reads_blocked_s, f[0].blocked_s);
    near(w->out.writes_blocked_high_s, f[0].blocked_high_s);
    assert_ptr_equal(w->out.reads_worst, &f[0]);
    assert_null(w->out.unknown);
}

static void the_timeout_limits_the_wait(void **state)
{
    world *w = *state;
    w->timeouts[0] = (rh_lock_timeout){1, "the migration"};
    w->input.connections = 20;
    const rh_lock_forecast *f = make(w, 2);
    near(f[0].granted, exp(-0.75));
    near(f[0].attempts, exp(0.75));
    near(f[0].wait_high_s, 1);
    assert_true(f[0].wait_s < 1);
    near(f[0].chances[f[0].chance_count - 1].t_s, 1);
    near(f[0].waiting, 20);
    assert_string_equal(w->out.connections_basis, "the scenario");
    assert_string_equal(f[0].lock_timeout_source, "the migration");
}

/* What is held stands still as well while its transaction waits for the next lock. */
static void a_later_wait_holds_the_earlier_lock(void **state)
{
    world *w = *state;
    w->ages[2].mode = RH_LOCK_ROW_EXCLUSIVE;
    const rh_lock_forecast *f = make(w, 2);
    near(f[1].wait_s, MEAN_WAIT);
    near(f[0].blocked_s, 2 * MEAN_WAIT + 7);
    near(f[1].blocked_s, MEAN_WAIT + 5); /* orders was waited for before */
    w->locks[0].held_s = 1;              /* autocommit: released before the second statement */
    f = make(w, 2);
    near(f[0].blocked_s, MEAN_WAIT + 2);
}

static void commits_bound_the_rates(void **state)
{
    world *w = *state;
    w->profile.commits_per_s = 35;
    const rh_lock_forecast *f = make(w, 2);
    near(f[0].reads_per_s, 20);
    near(f[0].writes_per_s, 15);
}

static void without_enough_samples_nothing_is_claimed(void **state)
{
    world *w = *state;
    assert_int_equal(rh_lock_samples_needed(0.9), 22);
    w->profile.samples = 21;
    const rh_lock_forecast *f = make(w, 2);
    assert_true(isnan(f[0].wait_s));
    assert_true(isnan(f[0].blocked_s));
    assert_true(isnan(f[0].waiting));
    near(f[0].hold_s, 7);
    assert_non_null(strstr(f[0].unknown, "21 times, 90 % needs 22"));
    assert_true(isnan(w->out.reads_blocked_s));
    assert_true(isnan(w->out.writes_blocked_high_s));
    assert_non_null(w->out.unknown);
    w->profile.samples = 0;
    assert_non_null(strstr(make(w, 2)[0].unknown, "pg_monitor"));
}

static void tables_that_are_not_in_the_profile(void **state)
{
    world *w = *state;
    static const char *unlisted[] = {"other.orders", "public.orders"};
    w->relations[0].name = "other";
    const rh_lock_forecast *f = make(w, 1); /* orders is new: the migrations made it */
    assert_string_equal(f[0].relation, "\"Odd.\"\"x\".items");
    near(w->out.reads_blocked_s, 0);
    w->input.unlisted = unlisted;
    w->input.unlisted_count = 2;
    f = make(w, 2);
    assert_string_equal(f[0].unknown, "production's profile does not have public.orders");
    assert_true(isnan(w->out.reads_blocked_s));
    assert_true(isnan(w->out.writes_blocked_s));
    near(f[1].blocked_s, 5);
    assert_ptr_equal(w->out.writes_worst, &f[1]); /* the longest that is known */
}

static void no_interval_no_upper_end(void **state)
{
    world *w = *state;
    w->statements[1].prediction.high_s = RH_NOT_MEASURED;
    const rh_lock_forecast *f = make(w, 2);
    near(f[0].hold_s, 7);
    assert_true(isnan(f[0].hold_high_s));
    near(w->out.reads_blocked_s, f[0].blocked_s);
    assert_true(isnan(w->out.reads_blocked_high_s));
    assert_non_null(strstr(w->out.unknown, "not enough evidence"));
}

static void a_statement_that_never_ran_leaves_all_open(void **state)
{
    world *w = *state;
    w->statements[2].run_count = 0;
    make(w, 2);
    assert_true(isnan(w->out.reads_blocked_s));
    assert_string_equal(w->out.unknown, "no quiet pass ran every statement");
}

static void a_concurrent_build_waits_for_all_sessions(void **state)
{
    world *w = *state;
    w->statements[0].class_ = RH_CLASS_INDEX_CONCURRENT;
    w->locks[0] = (rh_lock){"public.orders", RH_LOCK_SHARE_UPDATE_EXCLUSIVE, 0, 1, false, false, NULL, false};
    w->ages[0].mode = RH_LOCK_ROW_EXCLUSIVE;
    const rh_lock_forecast *f = make(w, 2);
    assert_true(f[0].concurrent);
    near(f[0].wait_s, 3 * MEAN_WAIT); /* the writers twice, then all */
    near(f[0].reads_per_s + f[0].writes_per_s, 0);
    near(w->out.reads_blocked_s, 0);
}

static void unknown_facts_of_production_stay_unknown(void **state)
{
    world *w = *state;
    w->profile.cpu_count = RH_UNKNOWN;
    w->profile.setting_count = 0;
    const rh_lock_forecast *f = make(w, 2);
    assert_true(isnan(w->out.service_per_s));
    assert_true(isnan(w->out.connections));
    assert_true(isnan(f[0].drain_s));
    assert_true(isnan(f[0].unserved_requests));
    assert_true(isnan(f[0].pool_exhausted_s));
    near(f[0].waiting, 70 * f[0].blocked_s);
    w->relations[0].scans_per_s = RH_NOT_MEASURED;
    f = make(w, 2);
    assert_true(isnan(f[0].reads_per_s));
    assert_true(isnan(f[0].waiting));
    near(f[0].blocked_s, MEAN_WAIT + 7);
}

/* A lock that no look saw: the figures stay open, the bound does not. */
static void an_inferred_lock_is_no_figure(void **state)
{
    world *w = *state;
    w->locks[0].inferred = true;
    const rh_lock_forecast *f = make(w, 2);
    assert_true(f[0].inferred);
    assert_false(f[1].inferred);
    assert_null(w->out.reads_worst);
    assert_true(isnan(w->out.reads_blocked_s));
    assert_true(isnan(w->out.reads_blocked_high_s));
    near(w->out.reads_at_most_s, f[0].blocked_high_s);
    assert_non_null(strstr(w->out.unknown, "statement 1 locks public.orders follows from its text only"));
    assert_ptr_equal(w->out.writes_worst, &f[1]);
}

static void a_lock_observed_in_another_run_is_not_inferred(void **state)
{
    world *w = *state;
    rh_lock seen = w->locks[0];
    rh_statement_run runs[] = {{.pass = RH_PASS_KIND_LOADED, .locks = &seen, .lock_count = 1}, w->runs[0]};
    w->statements[0].runs = runs;
    w->statements[0].run_count = 2;
    w->locks[0].inferred = true;
    const rh_lock_forecast *f = make(w, 2);
    assert_false(f[0].inferred);
    near(w->out.reads_blocked_s, f[0].blocked_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waits_holds_and_queues, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_timeout_limits_the_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_later_wait_holds_the_earlier_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(commits_bound_the_rates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_enough_samples_nothing_is_claimed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_that_are_not_in_the_profile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_interval_no_upper_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_statement_that_never_ran_leaves_all_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_concurrent_build_waits_for_all_sessions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_facts_of_production_stay_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_inferred_lock_is_no_figure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lock_observed_in_another_run_is_not_inferred, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
