#include "lock_wait.h"
#include "pgrehearse/model/lock.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static rh_lock_traffic with_knots(size_t count, rh_arena *arena)
{
    return (rh_lock_traffic){.age_s = rh_arena_alloc(arena, count * sizeof(double)),
                             .open = rh_arena_alloc(arena, count * sizeof(double)),
                             .count = count};
}

rh_lock_traffic rh_lock_traffic_from_lengths(double rate_per_s, const double *lengths_s, size_t count,
                                             rh_arena *arena)
{
    if (count == 0 || !(rate_per_s > 0))
        return (rh_lock_traffic){0};
    /* Knot 0 is age 0, knot i the i-th shortest length. From the longest down, N grows by what the integral
     * of the empirical survival (count − i of them are longer than knot i) adds. */
    rh_lock_traffic traffic = with_knots(count + 1, arena);
    for (size_t i = 0; i < count; i++)
        traffic.age_s[i + 1] = fmax(0, lengths_s[i]);
    qsort(traffic.age_s + 1, count, sizeof(double), ascending);
    for (size_t i = count; i-- > 0;)
        traffic.open[i] = traffic.open[i + 1] + rate_per_s * (double)(count - i) / (double)count *
                                                    (traffic.age_s[i + 1] - traffic.age_s[i]);
    return traffic;
}

rh_lock_traffic rh_lock_traffic_from_ages(const rh_lock_ages *buckets, size_t count, int64_t samples,
                                          rh_arena *arena)
{
    if (count == 0 || samples <= 0)
        return (rh_lock_traffic){0};
    rh_lock_traffic traffic = with_knots(count + 1, arena);
    for (size_t i = count; i-- > 0;) {
        traffic.age_s[i + 1] = buckets[i].up_to_s;
        traffic.open[i] = traffic.open[i + 1] + buckets[i].transactions / (double)samples;
    }
    return traffic;
}

static int by_age(const void *a, const void *b)
{
    double x = ((const rh_lock_ages *)a)->up_to_s, y = ((const rh_lock_ages *)b)->up_to_s;
    return (x > y) - (x < y);
}

/* Without NAME: the ages of all transactions. */
static bool concerns(const rh_profile_ages *seen, const char *schema, const char *name, rh_lock_mode mode)
{
    if (!name || !seen->name)
        return !name && !seen->name;
    return seen->schema && strcmp(seen->name, name) == 0 && strcmp(seen->schema, schema) == 0 &&
           rh_lock_modes_conflict(seen->mode, mode);
}

rh_lock_traffic rh_lock_traffic_of(const rh_profile *profile, const char *schema, const char *name,
                                   rh_lock_mode mode, bool *known, rh_arena *arena)
{
    rh_lock_ages *buckets = NULL;
    size_t count = 0, distinct = 0;
    *known = profile->samples > 0;
    for (size_t i = 0; i < profile->age_count; i++) {
        const rh_profile_ages *seen = &profile->ages[i];
        if (!concerns(seen, schema, name, mode))
            continue;
        rh_lock_ages *bucket = rh_arena_add(arena, &buckets, &count);
        *bucket = (rh_lock_ages){seen->up_to_s, seen->transactions};
    }
    if (count == 0)
        return (rh_lock_traffic){0};
    qsort(buckets, count, sizeof *buckets, by_age);
    for (size_t i = 0; i < count; i++) { /* modes of one age, added up */
        if (distinct > 0 && buckets[distinct - 1].up_to_s >= buckets[i].up_to_s)
            buckets[distinct - 1].transactions += buckets[i].transactions;
        else
            buckets[distinct++] = buckets[i];
    }
    return rh_lock_traffic_from_ages(buckets, distinct, profile->samples, arena);
}

double rh_lock_open_longer(const rh_lock_traffic *traffic, double t_s)
{
    for (size_t i = 1; i < traffic->count; i++) {
        double from = traffic->age_s[i - 1], to = traffic->age_s[i];
        if (t_s < to)
            return traffic->open[i] +
                   (traffic->open[i - 1] - traffic->open[i]) * (to - fmax(t_s, 0)) / (to - from);
    }
    return 0;
}

double rh_lock_granted_within(const rh_lock_traffic *traffic, double t_s)
{
    return exp(-rh_lock_open_longer(traffic, t_s));
}

double rh_lock_wait_quantile(const rh_lock_traffic *traffic, double probability)
{
    if (!(probability > 0))
        return 0;
    double open = -log(fmin(probability, 1)); /* N at the answer */
    if (traffic->count == 0 || traffic->open[0] <= open)
        return 0;
    size_t i = 1;
    while (i + 1 < traffic->count && traffic->open[i] > open)
        i++;
    double from = traffic->open[i - 1], to = traffic->open[i];
    return traffic->age_s[i - 1] + (traffic->age_s[i] - traffic->age_s[i - 1]) * (from - open) / (from - to);
}

/* ∫ exp(−N) over an interval of WIDTH on which N falls in a straight line from FROM to TO. */
static double integral_of_granted(double width, double from, double to)
{
    double fall = from - to;
    if (fall < 1e-9)
        return width * exp(-(from + to) / 2);
    return width * exp(-to) * -expm1(-fall) / fall;
}

double rh_lock_wait_mean(const rh_lock_traffic *traffic, double limit_s)
{
    /* E[min(wait, limit)] = ∫₀^limit P(wait > t) dt, and no wait exceeds the last knot. */
    double mean = 0;
    for (size_t i = 1; i < traffic->count && traffic->age_s[i - 1] < limit_s; i++) {
        double end = fmin(traffic->age_s[i], limit_s), width = end - traffic->age_s[i - 1];
        if (width > 0)
            mean += width - integral_of_granted(width, traffic->open[i - 1],
                                                end < traffic->age_s[i] ? rh_lock_open_longer(traffic, end)
                                                                        : traffic->open[i]);
    }
    return mean;
}

rh_lock_retries rh_lock_retry(const rh_lock_traffic *traffic, double lock_timeout_s)
{
    double limit = lock_timeout_s > 0 ? lock_timeout_s : INFINITY;
    rh_lock_retries retries = {.success = rh_lock_granted_within(traffic, limit),
                               .wait_per_try_s = rh_lock_wait_mean(traffic, limit)};
    if (retries.success <= 0) {
        retries.attempts = retries.wait_total_s = INFINITY;
        retries.wait_success_s = NAN;
        return retries;
    }
    double failure = isinf(limit) ? 0 : (1 - retries.success) * limit;
    retries.attempts = 1 / retries.success;
    retries.wait_success_s = (retries.wait_per_try_s - failure) / retries.success;
    retries.wait_total_s = retries.attempts * retries.wait_per_try_s;
    return retries;
}

rh_lock_queue rh_lock_queue_behind(double rate_per_s, double wait_s, double hold_s, double pool,
                                   double service_per_s)
{
    double blocked = wait_s + hold_s, backlog = rate_per_s * blocked, spare = service_per_s - rate_per_s;
    bool exhausted = backlog > pool;
    rh_lock_queue queue = {.blocked_s = blocked,
                           .waiting = exhausted ? pool : backlog,
                           .unserved_requests = exhausted ? backlog - pool : 0,
                           .pool_exhausted_s = exhausted ? pool / rate_per_s : NAN};
    if (backlog > 0)
        queue.drain_s = isnan(spare) ? NAN : spare > 0 ? backlog / spare : INFINITY;
    return queue;
}
