#include "pgrehearse/base/random.h"
#include <math.h>

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

void rh_random_seed(rh_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        random->state[i] = z ^ (z >> 31);
    }
}

uint64_t rh_random_next(rh_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double rh_random_uniform(rh_random *random)
{
    return (double)(rh_random_next(random) >> 11) * 0x1.0p-53;
}

uint64_t rh_random_below(rh_random *random, uint64_t bound)
{
    uint64_t threshold = -bound % bound;
    for (;;) {
        uint64_t value = rh_random_next(random);
        if (value >= threshold)
            return value % bound;
    }
}

double rh_random_exponential(rh_random *random, double mean)
{
    return -mean * log1p(-rh_random_uniform(random));
}
