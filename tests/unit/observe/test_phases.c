/* Looks at phases, summed up. */
#include "observe/phases.h"
#include "pgrehearse/model/facts.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static rh_phase_sample look(double at_s, const char *phase, double cpu_s, int64_t wal_bytes)
{
    return (rh_phase_sample){.at = (rh_usec)(at_s * 1e6),
                             .command = phase ? "CREATE INDEX" : NULL,
                             .phase = phase,
                             .cpu_s = cpu_s,
                             .read_bytes = RH_UNKNOWN,
                             .write_bytes = 0,
                             .wal_bytes = wal_bytes};
}

static void test_sums(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_phases phases = {0};
    rh_phase_sample base = look(10, NULL, 1, RH_UNKNOWN),
                    samples[] = {look(11, "scanning", 1.5, 100), look(12, "scanning", 2.5, 110),
                                 look(14, "sorting", 4.5, 130), look(15, "sorting", 5, 130)};
    for (size_t i = 0; i < 4; i++)
        rh_phases_add(&phases, &base, &samples[i], arena);
    rh_phase_sample end = look(16, NULL, 5.25, 200);
    rh_phases_end(&phases, &end, arena);
    assert_int_equal(phases.count, 2);
    assert_string_equal(phases.list[0].phase, "scanning");
    assert_float_equal(phases.list[0].elapsed_s, 3, 1e-9); /* 2 s, and half of the 2 s in which it changed */
    assert_float_equal(phases.list[0].cpu_s, 2.5, 1e-9);
    assert_int_equal(phases.list[0].wal_bytes, 20); /* from the first look on */
    assert_int_equal(phases.list[0].read_bytes, RH_UNKNOWN);
    assert_int_equal(phases.list[0].write_bytes, 0);
    assert_float_equal(phases.list[1].elapsed_s, 3, 1e-9);
    assert_float_equal(phases.list[1].cpu_s, 1.75, 1e-9);
    assert_int_equal(phases.list[1].wal_bytes, 80);
    rh_arena_free(arena);
}

/* One that does something else before and after it reports progress, and whose CPU nobody can see. */
static void test_gaps(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_phases phases = {0};
    rh_phase_sample base = look(0, NULL, NAN, RH_UNKNOWN),
                    samples[] = {look(1, NULL, NAN, 0), look(2, "scanning", NAN, 0), look(3, NULL, NAN, 0)};
    for (size_t i = 0; i < 3; i++)
        rh_phases_add(&phases, &base, &samples[i], arena);
    rh_phase_sample end = look(9, NULL, NAN, 0);
    rh_phases_end(&phases, &end, arena);
    assert_int_equal(phases.count, 1);
    assert_float_equal(phases.list[0].elapsed_s, 1, 1e-9);
    assert_true(isnan(phases.list[0].cpu_s));
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_gaps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
