/* What /proc says, and what a difference makes of it. */
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/observe/counters.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

static void test_stat(void **state)
{
    (void)state;
    int64_t user = 0, system = 0;
    assert_true(rh_proc_parse_stat(
        "4242 (postgres) S 1 4242 4242 0 -1 4194304 500 0 3 0 77 12 8 9 20 0 1 0 1 2 3", &user, &system));
    assert_int_equal(user, 77);
    assert_int_equal(system, 12);
    assert_true(rh_proc_parse_stat("4242 (a) b (c) 1 2) R 1 4242 4242 0 -1 4194304 500 0 3 0 5 6 8 9 20",
                                   &user, &system));
    assert_int_equal(user, 5);
    assert_int_equal(system, 6);
    assert_false(rh_proc_parse_stat("", &user, &system));
    assert_false(rh_proc_parse_stat("4242 (postgres) S 1 4242", &user, &system));
    assert_false(rh_proc_parse_stat("4242 (postgres", &user, &system));
}

static void test_schedstat(void **state)
{
    (void)state;
    int64_t spent, waited;
    assert_true(rh_proc_parse_schedstat("123456789 42 7\n", &spent, &waited));
    assert_int_equal(spent, 123456789);
    assert_int_equal(waited, 42);
    assert_true(rh_proc_parse_schedstat("0 0 0\n", &spent, &waited));
    assert_false(rh_proc_parse_schedstat("", &spent, &waited));
    assert_false(rh_proc_parse_schedstat("nothing", &spent, &waited));
    assert_false(rh_proc_parse_schedstat("-5 0 0", &spent, &waited));
    assert_false(rh_proc_parse_schedstat("5", &spent, &waited));
}

static void test_io(void **state)
{
    (void)state;
    const char text[] = "rchar: 10\nwchar: 20\nsyscr: 1\nsyscw: 2\nread_bytes: 4096\nwrite_bytes: 8192\n"
                        "cancelled_write_bytes: 1\n";
    assert_int_equal(rh_proc_parse_io(text, "read_bytes"), 4096);
    assert_int_equal(rh_proc_parse_io(text, "write_bytes"), 8192); /* not that of the cancelled ones */
    assert_int_equal(rh_proc_parse_io(text, "rchar"), 10);
    assert_int_equal(rh_proc_parse_io(text, "read"), RH_UNKNOWN);
    assert_int_equal(rh_proc_parse_io("", "read_bytes"), RH_UNKNOWN);
    assert_int_equal(rh_proc_parse_io("read_bytes:\n", "read_bytes"), RH_UNKNOWN);
}

static void test_own_cpu(void **state)
{
    (void)state;
    double before = rh_proc_cpu(getpid());
    volatile double sum = 0;
    for (int i = 0; i < 20 * 1000 * 1000; i++)
        sum = sum + i;
    assert_true(rh_proc_cpu(getpid()) > before);
    assert_true(isnan(rh_proc_cpu(-1)));
}

static void test_difference(void **state)
{
    (void)state;
    rh_counters before = {.cpu_user_s = 1.00,
                          .cpu_system_s = 0.50,
                          .cpu_s = 1.507,
                          .cpu_wait_s = 0.25,
                          .wal_bytes = 100,
                          .temp_bytes = RH_UNKNOWN,
                          .read_bytes = 4096,
                          .shared_hit_blocks = 7};
    rh_counters after = {.cpu_user_s = 1.03,
                         .cpu_system_s = 0.51,
                         .cpu_s = 1.555,
                         .cpu_wait_s = 0.75,
                         .wal_bytes = 5100,
                         .temp_bytes = 9,
                         .read_bytes = RH_UNKNOWN,
                         .shared_hit_blocks = 10};
    rh_statement_run run = {0};
    rh_counters_difference(&before, &after, &run);
    assert_float_equal(run.cpu_user_s, 0.036, 1e-9); /* three of four ticks of the scheduler's 48 ms */
    assert_float_equal(run.cpu_system_s, 0.012, 1e-9);
    assert_float_equal(run.cpu_wait_s, 0.5, 1e-9);
    assert_int_equal(run.wal_bytes, 5000);
    assert_int_equal(run.temp_bytes, RH_UNKNOWN);
    assert_int_equal(run.read_bytes, RH_UNKNOWN);
    assert_int_equal(run.shared_hit_blocks, 3);
}

static void test_difference_below_a_tick(void **state)
{
    (void)state;
    rh_counters before = {.cpu_user_s = 1, .cpu_system_s = 1, .cpu_s = 2.001};
    rh_counters after = {.cpu_user_s = 1, .cpu_system_s = 1, .cpu_s = 2.004};
    rh_statement_run run = {0};
    rh_counters_difference(&before, &after, &run);
    assert_float_equal(run.cpu_user_s, 0.003, 1e-9);
    assert_float_equal(run.cpu_system_s, 0, 1e-9);
}

static void test_difference_of_the_unknown(void **state)
{
    (void)state;
    rh_counters before = {.cpu_user_s = NAN, .cpu_system_s = NAN, .cpu_s = NAN, .cpu_wait_s = NAN};
    rh_counters after = {.cpu_user_s = 2, .cpu_system_s = 1, .cpu_s = 3, .wal_bytes = RH_UNKNOWN};
    rh_statement_run run = {0};
    rh_counters_difference(&before, &after, &run);
    assert_true(isnan(run.cpu_user_s));
    assert_true(isnan(run.cpu_system_s));
    assert_true(isnan(run.cpu_wait_s));
    assert_int_equal(run.wal_bytes, RH_UNKNOWN);
    rh_counters_difference(&after, &(rh_counters){.cpu_user_s = 1, .cpu_system_s = 1, .cpu_s = 2}, &run);
    assert_true(isnan(run.cpu_user_s)); /* another backend: a smaller figure is no difference */
}

/* As PostgreSQL 15 sends it, tabs and all. */
#define STATISTICS(total, blocks)                                                                            \
    "! system usage stats:\n!\t0.000112 s user, 0.000000 s system, 0.000163 s elapsed\n!\t[" total           \
    " total]\n!\t21220 kB max resident size\n!\t0/0 [" blocks "] filesystem blocks in/out\n"                 \
    "!\t0/5 [0/1702] page faults/reclaims, 0 [0] swaps\n!\t0 [0] signals rcvd, 0/0 [0/0] messages "          \
    "rcvd/sent\n"

static void test_usage(void **state)
{
    (void)state;
    rh_usage usage;
    assert_true(rh_usage_parse(STATISTICS("1.204411 s user, 0.045120 s system", "16/8"), &usage));
    assert_float_equal(usage.user_s, 1.204411, 1e-9);
    assert_float_equal(usage.system_s, 0.045120, 1e-9);
    assert_int_equal(usage.read_bytes, 8192);
    assert_int_equal(usage.write_bytes, 4096);
    /* of two, the last */
    assert_true(rh_usage_parse(STATISTICS("1.0 s user, 0.5 s system", "1/1")
                                   STATISTICS("2.0 s user, 0.25 s system", "3/1"),
                               &usage));
    assert_float_equal(usage.user_s, 2, 1e-9);
    assert_int_equal(usage.read_bytes, 1536);
    /* a system without block counts */
    assert_true(rh_usage_parse("!\t[0.004000 s user, 0.001000 s system total]\n", &usage));
    assert_int_equal(usage.read_bytes, RH_UNKNOWN);
    assert_false(rh_usage_parse("", &usage));
    assert_false(rh_usage_parse("duration: 3 ms s system total]", &usage));
    assert_false(rh_usage_parse("[oops s user, 1 s system total]", &usage));
    assert_false(rh_usage_parse("[-1.0 s user, 1.0 s system total]", &usage));
}

/* What it costs to ask is no part of the statement. */
static void test_difference_without_cost_of_reading(void **state)
{
    (void)state;
    rh_counters before = {.cpu_user_s = 1, .cpu_system_s = 0, .cpu_s = 1, .reading_cpu_s = 0.001};
    rh_counters after = {.cpu_user_s = 1.005, .cpu_system_s = 0, .cpu_s = 1.005};
    rh_statement_run run = {0};
    rh_counters_difference(&before, &after, &run);
    assert_float_equal(run.cpu_user_s + run.cpu_system_s, 0.004, 1e-9);
    after.cpu_user_s = after.cpu_s = 1.0004;
    rh_counters_difference(&before, &after, &run);
    assert_float_equal(run.cpu_user_s + run.cpu_system_s, 0, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat),
        cmocka_unit_test(test_schedstat),
        cmocka_unit_test(test_io),
        cmocka_unit_test(test_own_cpu),
        cmocka_unit_test(test_difference),
        cmocka_unit_test(test_difference_below_a_tick),
        cmocka_unit_test(test_difference_of_the_unknown),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_difference_without_cost_of_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
