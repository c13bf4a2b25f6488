#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/arena.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SUB_BITS = 7, SUB_COUNT = 1 << SUB_BITS, OCTAVES = 26, BUCKETS = (OCTAVES + 1) * SUB_COUNT };

struct rh_histogram {
    int64_t count, max;
    double sum;
    uint32_t buckets[BUCKETS];
};

/* Values below 2^(SUB_BITS+1) are exact; above, an octave has 2^SUB_BITS buckets. */
static int bucket_of(rh_usec value)
{
    if (value < 0)
        value = 0;
    if (value < (int64_t)2 * SUB_COUNT)
        return (int)value;
    int shift = 63 - __builtin_clzll((unsigned long long)value) - SUB_BITS;
    int bucket = shift * SUB_COUNT + (int)(value >> shift);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static rh_usec highest_in(int bucket)
{
    if (bucket < 2 * SUB_COUNT)
        return bucket;
    int shift = bucket / SUB_COUNT - 1;
    rh_usec base = (rh_usec)(bucket - shift * SUB_COUNT) << shift;
    return base + ((rh_usec)1 << shift) - 1;
}

rh_histogram *rh_histogram_new(void)
{
    rh_histogram *histogram = rh_alloc(sizeof *histogram);
    histogram->max = -1;
    return histogram;
}

void rh_histogram_free(rh_histogram *histogram)
{
    free(histogram);
}

void rh_histogram_record(rh_histogram *histogram, rh_usec value)
{
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += (double)value;
    if (value > histogram->max)
        histogram->max = value;
}

void rh_histogram_merge(rh_histogram *into, const rh_histogram *from)
{
    for (int i = 0; i < BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->max > into->max)
        into->max = from->max;
}

void rh_histogram_reset(rh_histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->max = -1;
}

int64_t rh_histogram_count(const rh_histogram *histogram)
{
    return histogram->count;
}

rh_usec rh_histogram_quantile(const rh_histogram *histogram, double quantile)
{
    if (histogram->count == 0)
        return -1;
    int64_t rank = (int64_t)ceil(quantile * (double)histogram->count);
    if (rank < 1)
        rank = 1;
    int64_t seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank) {
            rh_usec value = highest_in(i);
            return i == BUCKETS - 1 || value > histogram->max ? histogram->max : value;
        }
    }
    return histogram->max;
}

rh_usec rh_histogram_max(const rh_histogram *histogram)
{
    return histogram->max;
}

double rh_histogram_mean(const rh_histogram *histogram)
{
    return histogram->count ? histogram->sum / (double)histogram->count : NAN;
}
