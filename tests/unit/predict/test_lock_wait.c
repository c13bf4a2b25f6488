/* The formulas for lock waits against simulated transactions, and against numbers worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/base/random.h"
#include "predict/lock_wait.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static void near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-9 + 1e-9 * fabs(expected)))
        fail_msg("%.12g is not %.12g", actual, expected);
}

/* ---- simulation: transactions on a time line, and requests that come at moments picked at random ---- */

typedef double (*length_function)(rh_random *random);

/* Mean 0.5 s. */
static double exponential(rh_random *random)
{
    return rh_random_exponential(random, 0.5);
}

/* All alike. */
static double constant(rh_random *random)
{
    (void)random;
    return 0.5;
}

/* Many short, few long: 95 % of 20 ms, 5 % of 4 s ± 2 s. */
static double two_kinds(rh_random *random)
{
    return rh_random_uniform(random) < 0.95 ? 0.02 : 2 + 4 * rh_random_uniform(random);
}

/* Pareto from 50 ms, α = 2.5: heavy-tailed. */
static double heavy(rh_random *random)
{
    return 0.05 / pow(1 - rh_random_uniform(random), 1 / 2.5);
}

enum { TRANSACTIONS = 60000, REQUESTS = 20000 };
typedef struct history {
    double *start, *length;
    double end;
} history;

static history simulate(double rate, length_function length, rh_random *random, rh_arena *arena)
{
    history h = {rh_arena_alloc(arena, TRANSACTIONS * sizeof(double)),
                 rh_arena_alloc(arena, TRANSACTIONS * sizeof(double)), 0};
    for (size_t i = 0; i < TRANSACTIONS; i++) {
        h.start[i] = h.end += rh_random_exponential(random, 1 / rate);
        h.length[i] = length(random);
    }
    return h;
}

/* The index of the first transaction that starts at AT or later. */
static size_t first_from(const history *h, double at)
{
    size_t low = 0, high = TRANSACTIONS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (h->start[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const double REACH = 400; /* s: nobody lasts longer */

/* How long a request that comes at AT waits for those who are open then. */
static double wait_at(const history *h, double at)
{
    double wait = 0;
    for (size_t i = first_from(h, at); i-- > 0 && at - h->start[i] < REACH;)
        wait = fmax(wait, h->start[i] + h->length[i] - at);
    return wait;
}

/* A probability that was counted in REQUESTS trials. */
static void counted(double formula, size_t hits, const char *what, double t)
{
    double seen = (double)hits / REQUESTS, sigma = sqrt(formula * (1 - formula) / REQUESTS);
    /* 4 σ for the requests; as much again for the history, whose moments are not independent. */
    if (fabs(seen - formula) > 8 * sigma + 0.002)
        fail_msg("%s: P(wait ≤ %g) is %.4f, simulated %.4f", what, t, formula, seen);
}

static void check_waits(const char *what, double rate, length_function length)
{
    static const double times[] = {0, 0.01, 0.1, 0.3, 1, 3};
    rh_arena *arena = rh_arena_new();
    rh_random random;
    rh_random_seed(&random, 20261122);
    history h = simulate(rate, length, &random, arena);
    rh_lock_traffic traffic = rh_lock_traffic_from_lengths(rate, h.length, TRANSACTIONS, arena);
    size_t within[sizeof times / sizeof *times] = {0}, below_median = 0;
    double sum = 0, squares = 0, limited = 0, median = rh_lock_wait_quantile(&traffic, 0.9);
    for (size_t r = 0; r < REQUESTS; r++) {
        double wait = wait_at(&h, h.end * (0.05 + 0.9 * rh_random_uniform(&random)));
        for (size_t i = 0; i < sizeof times / sizeof *times; i++)
            within[i] += wait <= times[i];
        below_median += wait <= median;
        sum += wait;
        squares += wait * wait;
        limited += fmin(wait, 0.3);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        counted(rh_lock_granted_within(&traffic, times[i]), within[i], what, times[i]);
    if (median > 0)
        counted(0.9, below_median, what, median);
    double mean = sum / REQUESTS, sigma = sqrt((squares / REQUESTS - mean * mean) / REQUESTS);
    if (fabs(rh_lock_wait_mean(&traffic, INFINITY) - mean) > 8 * sigma)
        fail_msg("%s: the mean wait is %g, simulated %g ± %g", what, rh_lock_wait_mean(&traffic, INFINITY),
                 mean, sigma);
    if (fabs(rh_lock_wait_mean(&traffic, 0.3) - limited / REQUESTS) > 8 * 0.3 / sqrt(REQUESTS))
        fail_msg("%s: the mean wait up to 0.3 s is %g, simulated %g", what, rh_lock_wait_mean(&traffic, 0.3),
                 limited / REQUESTS);
    rh_arena_free(arena);
}

static void waits_are_as_simulated(void **state)
{
    (void)state;
    check_waits("exponential", 3, exponential);
    check_waits("constant", 2, constant);
    check_waits("two kinds", 4, two_kinds);
    check_waits("heavy", 20, heavy);
    check_waits("rare", 0.05, exponential);
}

static void exponential_lengths_have_a_closed_form(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    double *lengths = rh_arena_alloc(arena, 20000 * sizeof *lengths);
    for (size_t i = 0; i < 20000; i++) /* quantiles of the exponential distribution with mean 0.5 */
        lengths[i] = -0.5 * log(1 - ((double)i + 0.5) / 20000);
    rh_lock_traffic traffic = rh_lock_traffic_from_lengths(3, lengths, 20000, arena);
    for (double t = 0; t < 2; t += 0.25) /* N(t) = λ · mean · exp(−t / mean) */
        assert_true(fabs(rh_lock_open_longer(&traffic, t) - 1.5 * exp(-t / 0.5)) < 1e-3);
    rh_arena_free(arena);
}

/* Looks at the open transactions' ages, seldom and in coarse buckets, give the waits that their true lengths
 * give. */
static void ages_do_as_well_as_lengths(void **state)
{
    (void)state;
    enum { BUCKETS = 44, LOOKS = 6000 };
    rh_arena *arena = rh_arena_new();
    rh_random random;
    rh_random_seed(&random, 7);
    history h = simulate(4, two_kinds, &random, arena);
    rh_lock_ages ages[BUCKETS] = {{0}};
    for (size_t i = 0; i < BUCKETS; i++)
        ages[i].up_to_s = 0.001 * pow(2, (double)i / 2);
    for (size_t look = 0; look < LOOKS; look++) {
        double at = h.end * (0.02 + 0.96 * (double)look / LOOKS); /* every two seconds or so */
        for (size_t i = first_from(&h, at); i-- > 0 && at - h.start[i] < REACH;) {
            double age = at - h.start[i];
            size_t bucket = 0;
            while (age <= h.length[i] && bucket + 1 < BUCKETS && ages[bucket].up_to_s < age)
                bucket++;
            ages[bucket].transactions += age <= h.length[i];
        }
    }
    rh_lock_traffic seen = rh_lock_traffic_from_ages(ages, BUCKETS, LOOKS, arena);
    rh_lock_traffic known = rh_lock_traffic_from_lengths(4, h.length, TRANSACTIONS, arena);
    for (double t = 0; t <= 6; t += 0.5) {
        double a = rh_lock_granted_within(&seen, t), b = rh_lock_granted_within(&known, t);
        if (fabs(a - b) > 0.03)
            fail_msg("P(wait ≤ %g) is %.4f from ages, %.4f from lengths", t, a, b);
    }
    rh_arena_free(arena);
}

static void retries_are_as_simulated(void **state)
{
    (void)state;
    enum { RUNS = 1500 };
    const double timeout = 0.25;
    rh_arena *arena = rh_arena_new();
    rh_random random;
    rh_random_seed(&random, 99);
    history h = simulate(3, exponential, &random, arena);
    rh_lock_traffic traffic = rh_lock_traffic_from_lengths(3, h.length, TRANSACTIONS, arena);
    double tries = 0, waited = 0, last = 0;
    for (size_t run = 0; run < RUNS; run++) {
        for (bool got = false; !got;) {
            double wait = wait_at(&h, h.end * (0.05 + 0.9 * rh_random_uniform(&random)));
            got = wait <= timeout;
            tries++;
            waited += got ? wait : timeout;
            last += got ? wait : 0;
        }
    }
    rh_lock_retries retries = rh_lock_retry(&traffic, timeout);
    double sigma = sqrt((1 - retries.success) / (retries.success * retries.success) / RUNS);
    if (fabs(retries.attempts - tries / RUNS) > 6 * sigma)
        fail_msg("%g attempts, simulated %g ± %g", retries.attempts, tries / RUNS, sigma);
    assert_true(fabs(retries.wait_total_s - waited / RUNS) < 6 * sigma * timeout);
    assert_true(fabs(retries.wait_success_s - last / RUNS) < 6 * timeout / sqrt(RUNS));
    rh_arena_free(arena);
}

static void no_conflicts_no_wait(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_lock_traffic nobody = rh_lock_traffic_from_lengths(0, NULL, 0, arena);
    near(rh_lock_granted_within(&nobody, 0), 1);
    near(rh_lock_wait_quantile(&nobody, 0.99), 0);
    near(rh_lock_wait_mean(&nobody, INFINITY), 0);
    rh_lock_retries retries = rh_lock_retry(&nobody, 0.1);
    near(retries.attempts, 1);
    near(retries.wait_total_s, 0);
    nobody = rh_lock_traffic_from_ages(NULL, 0, 100, arena);
    near(rh_lock_granted_within(&nobody, 0), 1);
    rh_arena_free(arena);
}

/* Always one transaction of 10 s open, seen at 0 … 10 s: N(t) = 2 (1 − t/10) with two of them. */
static void by_hand(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    const double lengths[] = {10, 10};
    rh_lock_traffic traffic = rh_lock_traffic_from_lengths(0.2, lengths, 2, arena);
    near(rh_lock_open_longer(&traffic, -1), 2);
    near(rh_lock_open_longer(&traffic, 0), 2);
    near(rh_lock_open_longer(&traffic, 5), 1);
    near(rh_lock_open_longer(&traffic, 10), 0);
    near(rh_lock_granted_within(&traffic, 5), exp(-1));
    near(rh_lock_wait_quantile(&traffic, exp(-1)), 5);
    near(rh_lock_wait_quantile(&traffic, exp(-2) / 2), 0);
    near(rh_lock_wait_quantile(&traffic, 1), 10);
    near(rh_lock_wait_mean(&traffic, INFINITY), 10 - 5 * (1 - exp(-2)));
    rh_lock_retries retries = rh_lock_retry(&traffic, 0); /* no limit */
    near(retries.attempts, 1);
    near(retries.wait_success_s, rh_lock_wait_mean(&traffic, INFINITY));
    rh_lock_ages ages[] = {{5, 10}, {10, 10}};
    rh_lock_traffic same = rh_lock_traffic_from_ages(ages, 2, 10, arena);
    for (double t = 0; t <= 11; t += 0.5)
        near(rh_lock_open_longer(&same, t), rh_lock_open_longer(&traffic, t));
    rh_arena_free(arena);
}

static void traffic_of_a_profile(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_profile_ages ages[] = {{NULL, NULL, RH_LOCK_NONE, 10, 1000},
                              {"public", "orders", RH_LOCK_ROW_EXCLUSIVE, 10, 5},
                              {"public", "orders", RH_LOCK_ACCESS_SHARE, 10, 5},
                              {"public", "orders", RH_LOCK_ACCESS_SHARE, 5, 10},
                              {"public", "items", RH_LOCK_ACCESS_SHARE, 5, 700},
                              {"other", "orders", RH_LOCK_ACCESS_SHARE, 5, 700}};
    rh_profile profile = {.ages = ages, .age_count = 6, .samples = 10};
    bool known;
    rh_lock_traffic all =
        rh_lock_traffic_of(&profile, "public", "orders", RH_LOCK_ACCESS_EXCLUSIVE, &known, arena);
    assert_true(known);
    near(rh_lock_open_longer(&all, 0), 2);
    near(rh_lock_open_longer(&all, 5), 1);
    near(rh_lock_open_longer(&all, 10), 0);
    rh_lock_traffic writers = rh_lock_traffic_of(&profile, "public", "orders", RH_LOCK_SHARE, &known, arena);
    near(rh_lock_open_longer(&writers, 0), 0.5);
    rh_lock_traffic nobody = rh_lock_traffic_of(&profile, "public", "quiet", RH_LOCK_SHARE, &known, arena);
    assert_true(known);
    near(rh_lock_granted_within(&nobody, 0), 1);
    profile.samples = 0;
    rh_lock_traffic_of(&profile, "public", "quiet", RH_LOCK_SHARE, &known, arena);
    assert_false(known);
    rh_arena_free(arena);
}

static void equal_and_zero_lengths(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    const double lengths[] = {0, 0, 1, 1};
    rh_lock_traffic traffic = rh_lock_traffic_from_lengths(4, lengths, 4, arena);
    near(rh_lock_open_longer(&traffic, 0), 2);
    near(rh_lock_open_longer(&traffic, 0.5), 1);
    near(rh_lock_wait_quantile(&traffic, exp(-1)), 0.5);
    assert_true(isfinite(rh_lock_wait_mean(&traffic, INFINITY)));
    rh_arena_free(arena);
}

static void the_queue_by_hand(void **state)
{
    (void)state;
    rh_lock_queue queue = rh_lock_queue_behind(50, 1, 3, 300, 150);
    near(queue.blocked_s, 4);
    near(queue.waiting, 200);
    near(queue.unserved_requests, 0);
    assert_true(isnan(queue.pool_exhausted_s));
    near(queue.drain_s, 2);
    queue = rh_lock_queue_behind(50, 1, 3, 100, 50);
    near(queue.waiting, 100);
    near(queue.unserved_requests, 100);
    near(queue.pool_exhausted_s, 2);
    assert_true(isinf(queue.drain_s));
    queue = rh_lock_queue_behind(0, 1, 3, 100, 0);
    near(queue.waiting, 0);
    near(queue.drain_s, 0);
}

/* Poisson arrivals behind a lock, then a server that works them off one after the other. */
static void the_queue_is_as_simulated(void **state)
{
    (void)state;
    enum { RUNS = 400 };
    const double rate = 80, wait = 0.7, hold = 1.8, pool = 150, service = 200;
    rh_random random;
    rh_random_seed(&random, 5);
    double waiting = 0, exhausted = 0, drain = 0;
    for (size_t run = 0; run < RUNS; run++) {
        double at = 0, free_at = wait + hold, ran_out = NAN;
        double queued = 0;
        for (;;) {
            at += rh_random_exponential(&random, 1 / rate);
            if (at > free_at)
                break; /* found the server idle: the backlog is gone */
            if (at <= wait + hold)
                queued++;
            if (queued > pool && isnan(ran_out))
                ran_out = at;
            free_at += rh_random_exponential(&random, 1 / service);
        }
        waiting += fmin(queued, pool);
        exhausted += ran_out;
        drain += free_at - wait - hold;
    }
    rh_lock_queue queue = rh_lock_queue_behind(rate, wait, hold, pool, service);
    assert_true(fabs(queue.waiting - waiting / RUNS) < 0.02 * queue.waiting);
    assert_true(fabs(queue.pool_exhausted_s - exhausted / RUNS) < 0.02 * queue.pool_exhausted_s);
    assert_true(fabs(queue.drain_s - drain / RUNS) < 0.03 * queue.drain_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_are_as_simulated),
        cmocka_unit_test(exponential_lengths_have_a_closed_form),
        cmocka_unit_test(ages_do_as_well_as_lengths),
        cmocka_unit_test(retries_are_as_simulated),
        cmocka_unit_test(no_conflicts_no_wait),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(traffic_of_a_profile),
        cmocka_unit_test(equal_and_zero_lengths),
        cmocka_unit_test(the_queue_by_hand),
        cmocka_unit_test(the_queue_is_as_simulated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
