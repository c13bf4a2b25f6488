/* Repeatable pseudo-random numbers (xoshiro256**, Blackman and Vigna 2018; seeded by splitmix64). Not for
 * secrets. */
#pragma once
#include <stdint.h>

typedef struct rh_random {
    uint64_t state[4];
} rh_random;

void rh_random_seed(rh_random *random, uint64_t seed);
uint64_t rh_random_next(rh_random *random);
/* Uniform in [0, 1). */
double rh_random_uniform(rh_random *random);
/* Uniform in [0, bound); bound > 0; without modulo bias. */
uint64_t rh_random_below(rh_random *random, uint64_t bound);
/* Exponential with the given mean: the gaps of a Poisson process. */
double rh_random_exponential(rh_random *random, double mean);
