/* Several rounds of the hardware probes. */
#include "profile/rounds.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static rh_probe round_of(double cpu, double flush_s, double speedup)
{
    return (rh_probe){
        .value = {[RH_PROBE_CPU] = cpu, [RH_PROBE_WAL] = flush_s, [RH_PROBE_PARALLEL] = speedup}};
}

static void the_best_round_counts(void **state)
{
    const rh_probe rounds[] = {round_of(90, 0.002, 1.8), round_of(100, 0.001, 1.9), round_of(60, 0.004, 2.4)};
    (void)state;
    const rh_probe probe = rh_probe_of_rounds(rounds, 3);
    assert_float_equal(probe.value[RH_PROBE_CPU], 100, 0);
    assert_float_equal(probe.value[RH_PROBE_WAL], 0.001, 0);
}

static void a_speedup_is_the_median(void **state)
{
    const rh_probe rounds[] = {round_of(1, 1, 1.8), round_of(1, 1, 1.9), round_of(1, 1, 2.4)};
    (void)state;
    assert_float_equal(rh_probe_of_rounds(rounds, 3).value[RH_PROBE_PARALLEL], 1.9, 0);
}

static void the_median_shows_how_much_was_disturbed(void **state)
{
    const rh_probe quiet[] = {round_of(100, 1, 1), round_of(99, 1, 1), round_of(50, 1, 1)};
    const rh_probe busy[] = {round_of(100, 1, 1), round_of(60, 1, 1), round_of(50, 1, 1)};
    (void)state;
    assert_float_equal(rh_probe_of_rounds(quiet, 3).spread[RH_PROBE_CPU], log(100 / 99.), 1e-9);
    assert_float_equal(rh_probe_of_rounds(busy, 3).spread[RH_PROBE_CPU], log(100 / 60.), 1e-9);
}

static void one_round_tells_nothing_of_it(void **state)
{
    const rh_probe rounds[] = {round_of(100, 1, 1), {.value = {[RH_PROBE_CPU] = NAN}}};
    (void)state;
    assert_float_equal(rh_probe_of_rounds(rounds, 2).spread[RH_PROBE_CPU], 0, 0);
    assert_float_equal(rh_probe_of_rounds(rounds, 2).value[RH_PROBE_CPU], 100, 0);
    assert_true(isnan(rh_probe_of_rounds(rounds, 2).value[RH_PROBE_RANDOM]));
}

static void a_rough_round_makes_a_rough_figure(void **state)
{
    rh_probe rounds[] = {round_of(100, 1, 1), round_of(90, 1, 1)};
    (void)state;
    rounds[1].cut_short[RH_PROBE_CPU] = true;
    assert_true(rh_probe_of_rounds(rounds, 2).cut_short[RH_PROBE_CPU]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_round_counts),
        cmocka_unit_test(a_speedup_is_the_median),
        cmocka_unit_test(the_median_shows_how_much_was_disturbed),
        cmocka_unit_test(one_round_tells_nothing_of_it),
        cmocka_unit_test(a_rough_round_makes_a_rough_figure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
