/* Which lock policy is chosen, from made-up tries. */
#include "rehearsal/passes/lock_policy.h"
#include "rehearsal/passes/lock_policy_units.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static rh_lock_policy policy(double timeout_s, int successes, double total_s, double victim_ms)
{
    return (rh_lock_policy){.lock_timeout_s = timeout_s,
                            .tries = 3,
                            .successes = successes,
                            .total_s_median = total_s,
                            .response_max_ms = victim_ms};
}

static int choose(rh_lock_policy *policies, size_t count, double hold_s, const char *says)
{
    rh_arena *arena = rh_arena_new();
    const char *why = NULL;
    int best = rh_lock_policy_choose(policies, count, hold_s, arena, &why);
    if (!strstr(why, says))
        fail_msg("\"%s\" does not say \"%s\"", why, says);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(policies[i].recommended, (int)i == best);
    rh_arena_free(arena);
    return best;
}

static void pauses_grow(void **state)
{
    (void)state;
    assert_int_equal(rh_lock_policy_pause(50000, 1), 200000);
    assert_int_equal(rh_lock_policy_pause(50000, 3), 800000);
    assert_int_equal(rh_lock_policy_pause(1000000, 1), 2000000);
    assert_int_equal(rh_lock_policy_pause(1000000, 9), 10000000);
    assert_int_equal(rh_lock_policy_pause(60000000, 1), 10000000);
    assert_int_equal(rh_lock_policy_pause(0, 1), 200000);
}

static void trials_are_summed_up(void **state)
{
    (void)state;
    const rh_lock_try tries[] = {
        {.timeout = 50000,
         .success = true,
         .attempts = 4,
         .total_s = 3,
         .lock_wait_s = 0.05,
         .response_max_ms = 80,
         .response_p99_ms = 20},
        {.timeout = 0,
         .success = true,
         .attempts = 1,
         .total_s = 9,
         .lock_wait_s = RH_NOT_MEASURED,
         .response_max_ms = 9000,
         .response_p99_ms = 8000,
         .load_errors = 2},
        {.timeout = 50000,
         .attempts = 10,
         .total_s = 20,
         .lock_wait_s = 0.06,
         .response_max_ms = RH_NOT_MEASURED,
         .response_p99_ms = RH_NOT_MEASURED,
         .failure = "canceling"},
    };
    rh_lock_policy p = rh_lock_policy_of_tries(50000, tries, 3);
    assert_int_equal(p.tries, 2);
    assert_int_equal(p.successes, 1);
    assert_int_equal(p.attempts_max, 4);
    assert_true(p.attempts_mean == 4);
    assert_true(p.total_s_median == 11.5);
    assert_true(p.total_s_max == 20);
    assert_true(p.lock_wait_s_max == 0.06);
    assert_true(p.response_max_ms == 80);
    assert_string_equal(p.failure, "canceling");
    p = rh_lock_policy_of_tries(0, tries, 3);
    assert_int_equal(p.load_errors, 2);
    assert_true(isnan(p.lock_wait_s_max));
    p = rh_lock_policy_of_tries(1000, tries, 3);
    assert_int_equal(p.tries, 0);
    assert_true(isnan(p.total_s_median));
    assert_true(isnan(p.attempts_mean));
}

static void the_one_with_least_effect_is_chosen(void **state)
{
    (void)state;
    rh_lock_policy a[] = {policy(0.05, 2, 8, 90), policy(0.2, 3, 9, 260), policy(5, 3, 15, 5080),
                          policy(0, 3, 10, 10000)};
    assert_int_equal(choose(a, 4, 0.01, "the least effect on the load"), 1);
    rh_lock_policy none[] = {policy(0.05, 2, 8, 90), policy(0.2, 0, 9, 260)};
    assert_int_equal(choose(none, 2, 0.01, "none succeeded"), -1);
    rh_lock_policy untried[] = {policy(0.05, 3, 8, 90)};
    untried[0].tries = untried[0].successes = 0;
    assert_int_equal(choose(untried, 1, 0.01, "none succeeded"), -1);
}

static void of_similar_ones_the_faster_with_a_timeout_is_chosen(void **state)
{
    (void)state;
    rh_lock_policy a[] = {policy(0.05, 3, 3, 2000), policy(1, 3, 2.1, 2100), policy(0, 3, 2, 2050)};
    assert_int_equal(choose(a, 3, 1.9, "no lock_timeout shortens"), 1);
    rh_lock_policy idle[] = {policy(0, 3, 2, RH_NOT_MEASURED), policy(1, 3, 2.1, RH_NOT_MEASURED)};
    assert_int_equal(choose(idle, 2, RH_NOT_MEASURED, "a similar effect on the load"), 1);
    rh_lock_policy only[] = {policy(0.05, 1, 3, 20), policy(0, 3, 2, 2050)};
    assert_int_equal(choose(only, 2, 0.01, "no lock_timeout succeeded in every trial"), 1);
}

static void a_set_needs_every_case(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_lock_policy_search search = {.attempts = 10};
    for (int c = 0; c < 2; c++) {
        rh_lock_policy_case *one = rh_arena_add(arena, &search.cases, &search.case_count);
        *one = (rh_lock_policy_case){.hold_s = 0.01};
        rh_lock_policy policies[] = {policy(0.05, 3, 3, 60), policy(1, 3, 2, 900)};
        if (c == 1)
            policies[0].tries = policies[0].successes = 0;
        for (int i = 0; i < 2; i++)
            *rh_arena_add(arena, &one->policies, &one->policy_count) = policies[i];
    }
    rh_lock_policy_conclude(&search, RH_FRAMEWORK_FLYWAY, arena);
    assert_true(search.measured);
    assert_int_equal(search.cases[0].recommended, 0);
    assert_int_equal(search.recommended, 1);
    assert_int_equal(search.overall[1].tries, 6);
    assert_true(search.overall[1].total_s_median == 4);
    assert_int_equal(search.setting_count, 3);
    assert_string_equal(search.settings[0].text, "SET lock_timeout = '1000ms';");
    assert_non_null(strstr(search.settings[1].text, "initSql"));
    assert_non_null(strstr(search.settings[2].text, "wait 2.0 s first"));
    rh_arena_free(arena);
}

/* A load on orders does not use a table "order". */
static void relations_are_compared_whole(void **state)
{
    (void)state;
    static const struct {
        const char *locked, *relation, *sql;
        bool hazardous;
    } cases[] = {
        {"public.orders", "public.orders", NULL, true},
        {"public.\"Orders\"", "public.\"Orders\"", NULL, true},
        {"public.\"order\"", "public.orders", "SELECT * FROM public.orders", false},
        {"archive.orders", "public.orders", "SELECT 1", false},
        {"public.items", "public.orders", "SELECT * FROM orders JOIN items USING (id)", true},
    };
    rh_arena *arena = rh_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_lock lock = {.relation = cases[i].locked, .mode = RH_LOCK_ACCESS_EXCLUSIVE};
        rh_statement_run run = {.pass = RH_PASS_KIND_QUIET, .locks = &lock, .lock_count = 1};
        rh_statement statement = {.ordinal = 1, .runs = &run, .run_count = 1};
        rh_migration migration = {.up = {.statements = &statement, .statement_count = 1}};
        rh_template reads = {.relation = cases[i].relation, .sql = cases[i].sql};
        const rh_mix mix = {.templates = &reads, .template_count = 1};
        rh_lock_unit *units;
        assert_int_equal(rh_lock_units(&migration, &mix, arena, &units), 1);
        assert_int_equal(units->heaviest != NULL, cases[i].hazardous);
    }
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relations_are_compared_whole),
        cmocka_unit_test(pauses_grow),
        cmocka_unit_test(trials_are_summed_up),
        cmocka_unit_test(the_one_with_least_effect_is_chosen),
        cmocka_unit_test(of_similar_ones_the_faster_with_a_timeout_is_chosen),
        cmocka_unit_test(a_set_needs_every_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
