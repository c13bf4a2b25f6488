/* The base library: what every other folder leans on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/random.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void the_first_error_stays(void **state)
{
    (void)state;
    rh_error error = {0};
    assert_false(rh_error_set(&error, RH_ERROR_SQL, "first %d", 1));
    rh_error_set(&error, RH_ERROR_IO, "second");
    rh_error_hint(&error, "do %s", "this");
    rh_error_at(&error, "a.sql", 3, 7);
    rh_error_context(&error, "migration %s", "12");
    assert_int_equal(error.code, RH_ERROR_SQL);
    assert_string_equal(error.message, "migration 12: first 1");
    assert_string_equal(error.hint, "do this");
    assert_int_equal(error.line, 3);
    rh_error_release(&error);
    assert_false(rh_error_is_set(&error));
    rh_error_hint(&error, "no error, no hint");
    assert_null(error.hint);
    rh_error_errno(&error, ENOSPC, "writing");
    assert_int_equal(error.code, RH_ERROR_NO_SPACE);
    rh_error_release(&error);
    assert_false(rh_error_set(NULL, RH_ERROR_IO, "nobody listens"));
}

static void arena_arrays_grow_and_keep(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    size_t *items = NULL, count = 0;
    for (size_t i = 0; i < 10000; i++) {
        size_t *item = rh_arena_add(arena, &items, &count);
        assert_int_equal(*item, 0);
        *item = i;
    }
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(items[i], i);
    char *large = rh_arena_alloc(arena, 1 << 20);
    assert_int_equal(large[(1 << 20) - 1], 0);
    assert_string_equal(rh_arena_printf(arena, "%s-%d", "x", 5), "x-5");
    assert_null(rh_arena_strdup(arena, NULL));
    rh_arena_free(arena);
}

static void numbers_are_whole_or_nothing(void **state)
{
    (void)state;
    assert_int_equal(rh_leading_int("15.18 (Debian)"), 15);
    assert_int_equal(rh_leading_int(" 9"), 9);
    assert_int_equal(rh_leading_int("-1"), -1);
    assert_int_equal(rh_leading_int(""), 0);
    assert_int_equal(rh_leading_int("devel"), 0);
    assert_int_equal(rh_leading_int("4294967311"), 0); /* atoi makes 15 of it */
    assert_int_equal(rh_leading_int("99999999999999999999"), 0);
}

static void text_helpers(void **state)
{
    (void)state;
    rh_text text = {0};
    assert_string_equal(rh_text_string(&text), "");
    for (int i = 0; i < 1000; i++)
        rh_text_printf(&text, "%d,", i);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    rh_text_release(&text);
    assert_int_equal(rh_edit_distance("pendng", "pending"), 1);
    assert_int_equal(rh_edit_distance("", "abc"), 3);
    const char *const keys[] = {"pending", "path", "framework"};
    assert_string_equal(rh_nearest("pendng", keys, 3), "pending");
    assert_null(rh_nearest("zzz", keys, 3));
    assert_true(rh_natural_compare("2_x", "10_x") < 0);
    assert_true(rh_natural_compare("a02", "a2") != 0);
    assert_int_equal(rh_natural_compare("a2", "a2"), 0);
    static const char *const list[] = {"a", "bc", NULL};
    assert_true(rh_is_one_of("bc", list));
    assert_true(!rh_is_one_of("b", list));
    assert_true(!rh_is_one_of("a", list + 2));
    assert_true(rh_starts_with("abc", "ab"));
    assert_true(rh_ends_with("abc", "bc"));
    assert_true(!rh_ends_with("c", "bc"));
}

static void units_need_a_suffix(void **state)
{
    (void)state;
    rh_usec duration = -1;
    int64_t bytes = -1;
    assert_true(rh_duration_parse("250ms", &duration));
    assert_true(duration == 250000);
    assert_true(rh_duration_parse("1.5s", &duration));
    assert_true(duration == 1500000);
    assert_true(rh_duration_parse("15min", &duration));
    assert_true(duration == 900 * RH_SECOND);
    assert_true(rh_duration_parse("0", &duration));
    assert_true(duration == 0);
    assert_false(rh_duration_parse("15", &duration));
    assert_false(rh_duration_parse("15m", &duration));
    assert_false(rh_duration_parse("-1s", &duration));
    assert_false(rh_duration_parse("", &duration));
    assert_false(rh_duration_parse("1.2.3s", &duration));
    assert_true(rh_size_parse("1GB", &bytes));
    assert_true(bytes == INT64_C(1) << 30);
    assert_true(rh_size_parse("64kB", &bytes));
    assert_true(bytes == 65536);
    assert_false(rh_size_parse("1gb", &bytes));
    char buffer[32];
    assert_string_equal(rh_duration_format(NAN, buffer, sizeof buffer), "not measured");
    assert_string_equal(rh_duration_format(0.0123, buffer, sizeof buffer), "12 ms");
    assert_string_equal(rh_duration_format(0.9999, buffer, sizeof buffer), "1.0 s");
    assert_string_equal(rh_duration_format(65, buffer, sizeof buffer), "1 min 5 s");
    assert_string_equal(rh_duration_format(3599.9, buffer, sizeof buffer), "1 h 0 min");
    assert_string_equal(rh_size_format(1536, buffer, sizeof buffer), "1.5 kB");
    assert_string_equal(rh_size_format(-1, buffer, sizeof buffer), "not measured");
    assert_string_equal(rh_count_format(1234567, buffer, sizeof buffer), "1,234,567");
    assert_string_equal(rh_count_format(7, buffer, sizeof buffer), "7");
}

static void histogram_is_close_everywhere(void **state)
{
    (void)state;
    rh_histogram *histogram = rh_histogram_new(), *other = rh_histogram_new();
    assert_int_equal(rh_histogram_quantile(histogram, 0.5), -1);
    assert_int_equal(rh_histogram_max(histogram), -1);
    assert_true(isnan(rh_histogram_mean(histogram)));
    for (rh_usec value = 1; value < RH_SECOND * 3600; value = value * 3 / 2 + 1) {
        rh_histogram_reset(histogram);
        rh_histogram_record(histogram, value);
        rh_histogram_record(histogram, value * 2);
        double got = (double)rh_histogram_quantile(histogram, 0.5);
        assert_true(got >= (double)value);
        assert_true(got <= (double)value * 1.008 + 1);
    }
    rh_histogram_reset(histogram);
    for (int i = 1; i <= 1000; i++)
        rh_histogram_record(i % 2 ? histogram : other, i);
    rh_histogram_merge(histogram, other);
    assert_int_equal(rh_histogram_count(histogram), 1000);
    assert_int_equal(rh_histogram_max(histogram), 1000);
    assert_true(fabs(rh_histogram_mean(histogram) - 500.5) < 1e-9);
    assert_true(llabs(rh_histogram_quantile(histogram, 0.99) - 990) <= 8);
    assert_int_equal(rh_histogram_quantile(histogram, 1), 1000);
    rh_histogram_record(histogram, INT64_C(1) << 50); /* beyond the last bucket */
    assert_int_equal(rh_histogram_quantile(histogram, 1), INT64_C(1) << 50);
    rh_histogram_free(histogram);
    rh_histogram_free(other);
}

static void random_repeats_and_is_uniform(void **state)
{
    (void)state;
    rh_random a, b;
    rh_random_seed(&a, 7);
    rh_random_seed(&b, 7);
    for (int i = 0; i < 1000; i++)
        assert_true(rh_random_next(&a) == rh_random_next(&b));
    double sum = 0, exponential = 0;
    int buckets[10] = {0};
    for (int i = 0; i < 100000; i++) {
        sum += rh_random_uniform(&a);
        exponential += rh_random_exponential(&a, 3);
        buckets[rh_random_below(&a, 10)]++;
    }
    assert_true(fabs(sum / 100000 - 0.5) < 0.005);
    assert_true(fabs(exponential / 100000 - 3) < 0.05);
    for (int i = 0; i < 10; i++)
        assert_true(abs(buckets[i] - 10000) < 500);
}

static void a_signal_requests_an_interrupt(void **state)
{
    (void)state;
    rh_interrupt_install();
    assert_false(rh_interrupt_requested());
    raise(SIGTERM);
    assert_true(rh_interrupt_requested());
    rh_interrupt_hold();
    assert_false(rh_interrupt_requested());
    assert_int_equal(rh_interrupt_fd(), -1);
    rh_interrupt_release();
    rh_clock_sleep_until(rh_clock_monotonic() + 100 * RH_SECOND); /* returns at once, or the test times out */
    rh_interrupt_reset();
    assert_false(rh_interrupt_requested());
    assert_true(rh_interrupt_fd() >= 0);
}

static void stamps_are_utc(void **state)
{
    (void)state;
    char buffer[32];
    assert_string_equal(rh_clock_format_utc(INT64_C(1700000000123456), buffer, sizeof buffer),
                        "2023-11-14T22:13:20.123Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(arena_arrays_grow_and_keep),
        cmocka_unit_test(text_helpers),
        cmocka_unit_test(numbers_are_whole_or_nothing),
        cmocka_unit_test(units_need_a_suffix),
        cmocka_unit_test(histogram_is_close_everywhere),
        cmocka_unit_test(random_repeats_and_is_uniform),
        cmocka_unit_test(a_signal_requests_an_interrupt),
        cmocka_unit_test(stamps_are_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
