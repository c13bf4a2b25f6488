/* Chooses the start of the next transaction, its template, and its parameter values. Pure arithmetic. */
#pragma once
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/random.h"
#include "pgrehearse/model/load.h"

/* How skewed the keys of reads are: row of rank k (from 1) is taken with probability ∝ 1 / k^RH_ZIPF_THETA.
 * At 0.8, a tenth of 2,000 sampled rows gets about 56 % of the reads. */
#define RH_ZIPF_THETA 0.8

/* A table of cumulative probabilities; draws by binary search. */
typedef struct rh_chooser {
    double *cumulative; /* the last is 1 */
    size_t count;
} rh_chooser;

/* COUNT non-negative WEIGHTS, not all 0; they need not sum to 1. */
void rh_chooser_init_weights(rh_chooser *chooser, const double *weights, size_t count);
/* COUNT ranks from 0, Zipf with exponent THETA (0: uniform). COUNT 0 is allowed and always draws 0. */
void rh_chooser_init_zipf(rh_chooser *chooser, size_t count, double theta);
void rh_chooser_release(rh_chooser *chooser);
size_t rh_chooser_draw(const rh_chooser *chooser, rh_random *random);

/* One arrival of the open loop. */
typedef struct rh_arrival {
    rh_usec intended; /* since the load began */
    uint32_t template_index, value_row;
} rh_arrival;

/* A Poisson process over a mix: the whole sequence is decided by the seed, whatever the server does. */
typedef struct rh_arrivals {
    rh_random random;
    double mean_gap_us, next_us;
    rh_chooser templates;
    rh_chooser *rows; /* by template: Zipf for reads, uniform for writes (a hot row would make writes wait for
                         each other) */
} rh_arrivals;

/* RATE per second > 0; MIX has at least one template. */
void rh_arrivals_init(rh_arrivals *arrivals, const rh_mix *mix, double rate, uint64_t seed);
void rh_arrivals_release(rh_arrivals *arrivals);
rh_arrival rh_arrivals_next(rh_arrivals *arrivals);
