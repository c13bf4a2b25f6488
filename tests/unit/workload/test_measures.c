/* Attribution to windows and seconds, by the intended start, whatever the order in which arrivals end. */
#include "workload/generator/measures.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const rh_usec MS = 1000;

typedef struct bench {
    rh_template templates[2];
    rh_mix mix;
    rh_measures *measures;
    rh_arena *arena;
    rh_load load;
} bench;

static void bench_start(bench *b)
{
    *b = (bench){.templates = {{.name = "a"}, {.name = "b"}}};
    b->mix = (rh_mix){.templates = b->templates, .template_count = 2};
    b->measures = rh_measures_new(&b->mix);
    b->arena = rh_arena_new();
}

static void bench_finish(bench *b, rh_usec end)
{
    rh_measures_finish(b->measures, end, b->arena, &b->load);
}

static void bench_stop(bench *b)
{
    rh_measures_free(b->measures);
    rh_arena_free(b->arena);
}

/* An arrival that ends at once. */
static void play(bench *b, rh_usec at, uint32_t template_index, rh_request_outcome fate, rh_usec response,
                 rh_usec service)
{
    rh_measures_end(b->measures, rh_measures_begin(b->measures, at, template_index), fate, response, service);
}

static void test_windows_by_intended_start(void **state)
{
    (void)state;
    bench b;
    bench_start(&b);
    rh_measures_window(b.measures, 10 * MS, RH_WINDOW_BEFORE, NULL); /* in force already */
    play(&b, 100 * MS, 0, RH_REQUEST_DONE, 5 * MS, 4 * MS);
    rh_measure_slot early = rh_measures_begin(b.measures, 900 * MS, 0);
    rh_measures_window(b.measures, 1000 * MS, RH_WINDOW_DURING, "m1");
    rh_measure_slot late =
        rh_measures_begin(b.measures, 950 * MS, 1); /* noticed after the change, intended before */
    play(&b, 1000 * MS, 1, RH_REQUEST_DONE, 10 * MS, 10 * MS);
    rh_measures_window(b.measures, 2000 * MS, RH_WINDOW_DURING, "m2");
    play(&b, 2500 * MS, 1, RH_REQUEST_ERROR, 20 * MS, 20 * MS);
    rh_measures_window(b.measures, 3000 * MS, RH_WINDOW_AFTER, NULL);
    play(&b, 3500 * MS, 0, RH_REQUEST_DROPPED, 30 * MS, -1);
    rh_measures_end(b.measures, late, RH_REQUEST_DONE, 3000 * MS, 1 * MS);
    rh_measures_end(b.measures, early, RH_REQUEST_DONE, 2000 * MS, 1 * MS);
    bench_finish(&b, 4000 * MS);

    assert_int_equal(b.load.window_count, 5); /* before, m1, m2, during as a whole, after */
    const rh_load_window *w = b.load.windows;
    assert_int_equal(w[0].kind, RH_WINDOW_BEFORE);
    assert_int_equal(w[0].transactions, 3);
    assert_true(fabs(w[0].response_ms.max - 3000) < 1);
    assert_true(w[0].service_ms.max < 4.1);
    assert_int_equal(w[0].template_count, 2);
    assert_int_equal(w[0].templates[0].transactions, 2);
    assert_string_equal(w[1].migration, "m1");
    assert_int_equal(w[1].transactions, 1);
    assert_int_equal(w[1].template_count, 1);
    assert_string_equal(w[1].templates[0].name, "b");
    assert_string_equal(w[2].migration, "m2");
    assert_int_equal(w[2].errors, 1);
    assert_int_equal(w[3].kind, RH_WINDOW_DURING);
    assert_null(w[3].migration);
    assert_int_equal(w[3].transactions + w[3].errors, 2);
    assert_true(fabs(w[3].start_s - 1) < 1e-9);
    assert_true(fabs(w[3].end_s - 3) < 1e-9);
    assert_true(fabs(w[3].response_ms.max - 20) < 0.1);
    assert_int_equal(w[4].dropped, 1);
    assert_true(isnan(w[4].service_ms.p50)); /* nothing was sent: not measured, not 0 */
    bench_stop(&b);
}

static void test_seconds_fold_when_they_are_complete(void **state)
{
    (void)state;
    bench b;
    bench_start(&b);
    rh_measure_slot stuck = rh_measures_begin(b.measures, 500 * MS, 0);
    for (int i = 1; i <= 100; i++)
        play(&b, 1000 * MS + i * MS, 0, RH_REQUEST_DONE, i * MS, i * MS / 2);
    play(&b, 4000 * MS, 0, RH_REQUEST_DONE, 1 * MS, 1 * MS); /* seconds 2 and 3 are empty */
    rh_measures_end(b.measures, stuck, RH_REQUEST_DONE, 4000 * MS, 4000 * MS);
    bench_finish(&b, 5000 * MS);
    assert_int_equal(b.load.second_count, 5);
    assert_true(fabs(b.load.seconds[0].response_max_ms - 4000) < 1e-9);
    assert_int_equal(b.load.seconds[1].arrivals, 100);
    assert_true(fabs(b.load.seconds[1].response_p50_ms - 50) < 1e-9);
    assert_true(fabs(b.load.seconds[1].response_p99_ms - 99) < 1e-9);
    assert_true(fabs(b.load.seconds[1].response_max_ms - 100) < 1e-9);
    assert_true(fabs(b.load.seconds[1].service_p99_ms - 49.5) < 1e-9);
    assert_int_equal(b.load.seconds[2].arrivals, 0);
    assert_true(isnan(b.load.seconds[2].response_p50_ms));
    bench_stop(&b);
}

static void test_errors_are_distinguished_and_bounded(void **state)
{
    (void)state;
    bench b;
    bench_start(&b);
    rh_measures_error(b.measures, "a", "40P01", "deadlock detected", false);
    rh_measures_error(b.measures, "a", "40P01", "deadlock detected", false);
    rh_measures_error(b.measures, "b", "40P01", "deadlock detected", true);
    for (int i = 0; i < 1000; i++) {
        char message[32];
        snprintf(message, sizeof message, "message %d", i);
        rh_measures_error(b.measures, "a", "XX000", message, false);
    }
    bench_finish(&b, 1000 * MS);
    assert_int_equal(b.load.errors[0].count, 2);
    assert_int_equal(b.load.errors[1].count, 1);
    assert_int_equal(b.load.errors[0].before, 0);
    assert_int_equal(b.load.errors[1].before, 1);
    assert_int_equal(b.load.error_count, 201);
    int64_t all = 0;
    for (size_t i = 0; i < b.load.error_count; i++)
        all += b.load.errors[i].count;
    assert_int_equal(all, 1003);
    bench_stop(&b);
}

static void test_a_window_that_loses_arrivals_is_saturated(void **state)
{
    (void)state;
    const rh_request_outcome fates[] = {RH_REQUEST_DONE, RH_REQUEST_DROPPED,
                                        RH_REQUEST_ERROR}; /* an error is an answer */
    for (int f = 0; f < 3; f++) {
        bench b;
        bench_start(&b);
        for (int i = 0; i < 100; i++)
            play(&b, i * MS, 0, i % 10 == 0 ? fates[f] : RH_REQUEST_DONE, MS, MS);
        bench_finish(&b, 1000 * MS);
        assert_int_equal(b.load.saturated, fates[f] == RH_REQUEST_DROPPED);
        bench_stop(&b);
    }
}

/* Whose longest arrival began when, in each window and over all migrations; and what was begun again. */
static void test_longest_stall_and_retries(void **state)
{
    (void)state;
    bench b;
    bench_start(&b);
    rh_measures_window(b.measures, 1000 * MS, RH_WINDOW_DURING, "m1");
    play(&b, 1100 * MS, 0, RH_REQUEST_DONE, 5 * MS, 4 * MS);
    rh_measure_slot slot = rh_measures_begin(b.measures, 1200 * MS, 0);
    rh_measures_retry(b.measures, slot);
    rh_measures_retry(b.measures, slot);
    rh_measures_end(b.measures, slot, RH_REQUEST_ERROR, 700 * MS, 700 * MS);
    play(&b, 1300 * MS, 1, RH_REQUEST_DROPPED, 0, -1);
    rh_measures_window(b.measures, 3000 * MS, RH_WINDOW_DURING, "m2");
    play(&b, 3100 * MS, 0, RH_REQUEST_DONE, 90 * MS, 4 * MS);
    bench_finish(&b, 4000 * MS);
    assert_int_equal(4, b.load.window_count); /* before, m1, m2, during */
    const rh_load_window *first = &b.load.windows[1], *second = &b.load.windows[2],
                         *whole = &b.load.windows[3];
    assert_float_equal(1.2F, (float)first->templates[0].longest_stall_at_s, 1e-4F);
    assert_float_equal(1.3F, (float)first->templates[1].longest_stall_at_s, 1e-4F);
    assert_int_equal(1, first->templates[1].dropped);
    assert_int_equal(2, first->templates[0].retries);
    assert_int_equal(2, first->retries);
    assert_float_equal(3.1F, (float)second->templates[0].longest_stall_at_s, 1e-4F);
    assert_int_equal(0, second->retries);
    assert_float_equal(1.2F, (float)whole->templates[0].longest_stall_at_s, 1e-4F);
    assert_float_equal(700.0F, (float)whole->templates[0].response_ms.max, 1e-4F);
    assert_int_equal(2, whole->retries);
    bench_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_by_intended_start),
        cmocka_unit_test(test_longest_stall_and_retries),
        cmocka_unit_test(test_seconds_fold_when_they_are_complete),
        cmocka_unit_test(test_errors_are_distinguished_and_bounded),
        cmocka_unit_test(test_a_window_that_loses_arrivals_is_saturated),
    };
    return cmocka_run_group_tests_name("measures", tests, NULL, NULL);
}
