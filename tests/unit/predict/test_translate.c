/* From staging to production, with numbers worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/predict/predict.h"
#include "pgrehearse/predict/translate.h"
#include <string.h>

static void near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-6 * fabs(expected)))
        fail_msg("%.12g is not %.12g", actual, expected);
}

/* A scan of a million rows: 1 s, of which 0.8 s CPU; 100 MB read and as much WAL. */
static rh_statement scanned(rh_arena *arena)
{
    rh_statement statement = {.ordinal = 1, .class_ = RH_CLASS_DATA_CHANGE};
    for (int repeat = 1; repeat <= 3; repeat++) {
        rh_statement_run *run = rh_arena_add(arena, &statement.runs, &statement.run_count);
        *run = (rh_statement_run){.pass = RH_PASS_KIND_QUIET,
                                  .repeat = repeat,
                                  .scale = 1,
                                  .size = {.rows = 1e6, .bytes = 1e8},
                                  .elapsed_s = 1,
                                  .cpu_user_s = 0.7,
                                  .cpu_system_s = 0.1,
                                  .read_bytes = 100000000,
                                  .wal_bytes = 100000000,
                                  .wal_images = 6104, /* half of the WAL */
                                  .temp_bytes = RH_UNKNOWN,
                                  .fsyncs = RH_UNKNOWN};
    }
    statement.prediction =
        (rh_prediction){.median_s = 1, .low_s = 1 / 1.1, .high_s = 1.1, .level = 0.9, .basis = "b"};
    return statement;
}

static rh_probe probe(double cpu, double sequential, double flush_s)
{
    rh_probe p = {0};
    p.value[RH_PROBE_CPU] = cpu;
    p.value[RH_PROBE_SEQUENTIAL] = sequential;
    p.value[RH_PROBE_WAL] = flush_s;
    return p;
}

static rh_prediction translated(rh_statement *statement, const rh_translation *t, const rh_probe *staging,
                                rh_arena *arena)
{
    rh_migration migration = {.id = "1", .up = {.statements = statement, .statement_count = 1}};
    rh_plan plan = {.migrations = &migration, .migration_count = 1};
    rh_heldouts none = {0};
    rh_predict_production(&plan, t, staging, &none, 0.9, arena);
    return statement->prediction;
}

static void a_duration_is_split_by_its_counters(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = scanned(arena);
    rh_probe staging = probe(1e6, 1e9, 1e-3);
    rh_duration_parts parts = rh_parts_of(&statement, 1, &staging);
    near(parts.cpu_s, 0.8);
    near(parts.read_s, 0.1);
    near(parts.wal_s, 0.1);
    assert_true(parts.write_s == 0);
    assert_true(parts.wait_s == 0);
    for (size_t i = 0; i < 3; i++)
        statement.runs[i].cpu_user_s = 2; /* workers */
    parts = rh_parts_of(&statement, 1, &staging);
    near(parts.cpu_s, 1);
    assert_true(parts.read_s == 0);
    assert_true(parts.wal_s == 0);
    rh_arena_free(arena);
}

static void each_part_has_its_own_ratio(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = scanned(arena);
    rh_probe staging = probe(2e6, 1e9, 1e-3), production = probe(1e6, 2e9, 4e-3);
    rh_translation t = {
        .production = &production, .staging = &staging, .memory_bytes = NAN, .image_share = 0};
    rh_prediction p = translated(&statement, &t, &staging, arena);
    near(p.parts.cpu_s, 1.6);
    near(p.parts.read_s, 0.05);
    near(p.parts.wal_s, 0.1 * 4 * (1 - 6104 * 8192 / 1e8)); /* no full pages there */
    near(p.median_s, p.parts.cpu_s + p.parts.read_s + p.parts.wal_s);
    near(p.high_s / p.median_s, 1.1);
    near(p.staging_s, 1);
    assert_true(p.translated);
    rh_arena_free(arena);
}

static void a_disturbed_probe_widens_the_interval(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = scanned(arena);
    rh_probe staging = probe(1e6, 1e9, 1e-3), production = probe(1e6, 1e9, 1e-3);
    production.spread[RH_PROBE_CPU] = 0.3;
    staging.spread[RH_PROBE_CPU] = 0.4;
    rh_translation t = {
        .production = &production, .staging = &staging, .memory_bytes = NAN, .image_share = 1};
    rh_prediction p = translated(&statement, &t, &staging, arena);
    near(p.median_s, 1);
    near(log(p.high_s / p.median_s), hypot(log(1.1), 0.8 * 0.5)); /* four fifths of it are CPU */
    assert_non_null(strstr(p.drivers, "disturbed"));
    rh_arena_free(arena);
}

/* An UPDATE of 20 MB with 80 MB of shared_buffers; there are 160 MB and as many buffers. */
static void beyond_buffers_that_no_run_outgrew_there_is_no_interval(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        rh_arena *arena = rh_arena_new();
        rh_statement statement = scanned(arena);
        statement.class_ = RH_CLASS_DATA_CHANGE;
        for (size_t r = 0; r < 3; r++)
            statement.runs[r].size =
                (rh_work_size){.rows = 1e5, .bytes = 20e6, .buffers_bytes = same ? 10e6 : 80e6};
        const rh_work_size there = {.rows = 8e5, .bytes = 160e6, .buffers_bytes = 80e6};
        rh_probe probes = probe(1e6, 1e9, 1e-3);
        rh_translation t = {.production = &probes,
                            .staging = &probes,
                            .sizes = &there,
                            .memory_bytes = NAN,
                            .image_share = 1};
        const rh_prediction p = translated(&statement, &t, &probes, arena);
        assert_true(p.median_s > 0);
        assert_true(isnan(p.high_s));
        assert_int_equal(strstr(p.drivers, "shared_buffers") != NULL, !same);
        if (!same)
            assert_non_null(strstr(p.narrows, "staging.settings.shared_buffers of 9.5 MB"));
        rh_arena_free(arena);
    }
}

/* Two processes' CPU in the time of one; there is as much CPU as for one, and as for three. */
static void workers_need_free_cpus(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    const double speedups[] = {1, 3}, expected[] = {2, 2 / 3.0};
    for (int i = 0; i < 2; i++) {
        rh_statement statement = scanned(arena);
        for (size_t r = 0; r < 3; r++)
            statement.runs[r].cpu_user_s = 1.9;
        rh_probe staging = probe(1e6, 1e9, 1e-3), production = probe(1e6, 1e9, 1e-3);
        staging.value[RH_PROBE_PARALLEL] = 2;
        rh_translation t = {
            .production = &production, .staging = &staging, .memory_bytes = NAN, .image_share = NAN};
        near(translated(&statement, &t, &staging, arena).median_s, 1); /* production's was not probed */
        statement.prediction = (rh_prediction){.median_s = 1, .low_s = 0.9, .high_s = 1.1, .basis = "b"};
        production.value[RH_PROBE_PARALLEL] = speedups[i];
        rh_prediction p = translated(&statement, &t, &staging, arena);
        near(p.median_s, expected[i]);
        assert_non_null(strstr(p.basis, "parallel workers"));
    }
    rh_arena_free(arena);
}

static void without_a_probe_it_is_reported(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = scanned(arena);
    rh_probe staging = probe(0, 0, 0), production = probe(0, 0, 0);
    rh_translation t = {
        .production = &production, .staging = &staging, .memory_bytes = NAN, .image_share = NAN};
    rh_prediction p = translated(&statement, &t, &staging, arena);
    near(p.median_s, 1);
    assert_false(p.translated);
    assert_non_null(strstr(p.basis, "a probe is missing"));
    assert_non_null(strstr(p.narrows, "all its probes"));
    rh_arena_free(arena);
}

static void a_larger_table_takes_longer_with_a_wider_interval(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statement = scanned(arena);
    statement.class_ = RH_CLASS_HEAP_SCAN;
    rh_probe staging = probe(1e6, 1e9, 1e-3);
    rh_work_size there = {.rows = 4e6, .bytes = 4e8};
    rh_translation t = {
        .production = &staging, .staging = &staging, .sizes = &there, .memory_bytes = 3e8, .image_share = 1};
    rh_prediction p = translated(&statement, &t, &staging, arena);
    near(p.median_s, 4 + 0.1); /* in proportion; and 100 MB do not fit into memory */
    assert_true(isnan(p.high_s));
    assert_non_null(strstr(p.basis, "not enough evidence"));
    rh_arena_free(arena);
}

/* A probe that was cut short makes production slower, never faster. */
static void an_inaccurate_probe_shortens_nothing(void **state)
{
    (void)state;
    rh_probe staging = probe(1e6, 1e9, 1e-3), production = probe(2e6, 0.5e9, 0.5e-3);
    rh_translation t = {.production = &production, .staging = &staging};
    near(rh_translation_ratio(&t, RH_PROBE_CPU), 0.5);
    near(rh_translation_ratio(&t, RH_PROBE_WAL), 0.5);
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
        production.cut_short[kind] = true;
    near(rh_translation_ratio(&t, RH_PROBE_CPU), 1);
    near(rh_translation_ratio(&t, RH_PROBE_WAL), 1);
    near(rh_translation_ratio(&t, RH_PROBE_SEQUENTIAL), 2);
    production.cut_short[RH_PROBE_CPU] = false;
    staging.cut_short[RH_PROBE_CPU] = true; /* as one that was too slow for its time would be */
    near(rh_translation_ratio(&t, RH_PROBE_CPU), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_is_split_by_its_counters),
        cmocka_unit_test(an_inaccurate_probe_shortens_nothing),
        cmocka_unit_test(each_part_has_its_own_ratio),
        cmocka_unit_test(a_disturbed_probe_widens_the_interval),
        cmocka_unit_test(beyond_buffers_that_no_run_outgrew_there_is_no_interval),
        cmocka_unit_test(workers_need_free_cpus),
        cmocka_unit_test(without_a_probe_it_is_reported),
        cmocka_unit_test(a_larger_table_takes_longer_with_a_wider_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
