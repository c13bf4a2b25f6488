/* The functions of pgbench's expressions. Random numbers have pgbench's distributions, not its sequence. */
#include "expression.h"
#include <math.h>
#include <string.h>
#include <strings.h>

typedef enum function {
    F_ABS,
    F_DEBUG,
    F_DOUBLE,
    F_EXP,
    F_GREATEST,
    F_HASH_FNV1A,
    F_HASH_MURMUR2,
    F_INT,
    F_LEAST,
    F_LN,
    F_MOD,
    F_PERMUTE,
    F_PI,
    F_POWER,
    F_RANDOM,
    F_EXPONENTIAL,
    F_GAUSSIAN,
    F_ZIPFIAN,
    F_SQRT,
} function;

static const struct {
    const char *name;
    function function;
    size_t minimum, maximum;
} FUNCTIONS[] = {
    {"abs", F_ABS, 1, 1},
    {"debug", F_DEBUG, 1, 1},
    {"double", F_DOUBLE, 1, 1},
    {"exp", F_EXP, 1, 1},
    {"greatest", F_GREATEST, 1, 16},
    {"hash", F_HASH_MURMUR2, 1, 2},
    {"hash_fnv1a", F_HASH_FNV1A, 1, 2},
    {"hash_murmur2", F_HASH_MURMUR2, 1, 2},
    {"int", F_INT, 1, 1},
    {"least", F_LEAST, 1, 16},
    {"ln", F_LN, 1, 1},
    {"mod", F_MOD, 2, 2},
    {"permute", F_PERMUTE, 2, 3},
    {"pi", F_PI, 0, 0},
    {"pow", F_POWER, 2, 2},
    {"power", F_POWER, 2, 2},
    {"random", F_RANDOM, 2, 2},
    {"random_exponential", F_EXPONENTIAL, 3, 3},
    {"random_gaussian", F_GAUSSIAN, 3, 3},
    {"random_zipfian", F_ZIPFIAN, 3, 3},
    {"sqrt", F_SQRT, 1, 1},
};

int rh_expression_function(const char *name, size_t *minimum, size_t *maximum)
{
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
        if (strcasecmp(FUNCTIONS[i].name, name) == 0) {
            *minimum = FUNCTIONS[i].minimum;
            *maximum = FUNCTIONS[i].maximum;
            return (int)FUNCTIONS[i].function;
        }
    return -1;
}

static bool failed(rh_pgbench_script_run *run, const char *why)
{
    run->failure = why;
    return false;
}

/* ---- random numbers in LOW … HIGH ---- */

/* Truncated: the part of the curve within PARAMETER standard deviations of the middle. */
static int64_t gaussian(rh_random *random, int64_t low, uint64_t span, double parameter)
{
    double z;
    do {
        double u = 1 - rh_random_uniform(random), v = rh_random_uniform(random);
        z = sqrt(-2 * log(u)) * sin(2 * acos(-1) * v);
    } while (z < -parameter || z >= parameter);
    return (int64_t)((uint64_t)low + (uint64_t)((double)span * ((z + parameter) / (2 * parameter))));
}

static int64_t exponential(rh_random *random, int64_t low, uint64_t span, double parameter)
{
    double cut = exp(-parameter), u = 1 - rh_random_uniform(random);
    double way = -log(cut + (1 - cut) * u) / parameter;
    return (int64_t)((uint64_t)low + (uint64_t)((double)span * fmin(way, 1 - 1e-12)));
}

/* Rejection, after Devroye, "Non-Uniform Random Variate Generation", p. 550-551, as pgbench has it. */
static int64_t zipfian(rh_random *random, int64_t low, uint64_t span, double s)
{
    double b = pow(2, s - 1), x, t;
    if (span <= 1)
        return low;
    for (;;) {
        double u = 1 - rh_random_uniform(random), v = rh_random_uniform(random);
        x = floor(pow(u, -1 / (s - 1)));
        t = pow(1 + 1 / x, s - 1);
        if (v * x * (t - 1) / (b - 1) <= t / b && x <= (double)span)
            break;
    }
    return (int64_t)((uint64_t)low + (uint64_t)x - 1);
}

static bool random_number(function f, const rh_value *arguments, rh_pgbench_script_run *run, rh_value *value)
{
    int64_t low, high, result;
    double parameter = 0;
    if (!rh_value_as_int(&arguments[0], run, &low) || !rh_value_as_int(&arguments[1], run, &high))
        return false;
    if (f != F_RANDOM && !rh_value_as_real(&arguments[2], run, &parameter))
        return false;
    if (low > high)
        return failed(run, "a random range is empty: its first bound is above the second");
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    if (span == 0 || span > (uint64_t)INT64_MAX)
        return failed(run, "a random range is too wide");
    if (f == F_RANDOM) {
        result = (int64_t)((uint64_t)low + rh_random_below(&run->random, span));
    } else if (f == F_GAUSSIAN) {
        if (!(parameter >= 2))
            return failed(run, "random_gaussian needs a parameter of at least 2");
        result = gaussian(&run->random, low, span, parameter);
    } else if (f == F_EXPONENTIAL) {
        if (!(parameter > 0))
            return failed(run, "random_exponential needs a parameter above 0");
        result = exponential(&run->random, low, span, parameter);
    } else {
        if (!(parameter >= 1.001 && parameter <= 1000))
            return failed(run, "random_zipfian needs a parameter between 1.001 and 1000");
        result = zipfian(&run->random, low, span, parameter);
    }
    *value = rh_make_int(result > high ? high : result);
    return true;
}

/* ---- hashes, as pgbench computes them ---- */

static int64_t fnv1a(int64_t number, uint64_t seed)
{
    uint64_t result = UINT64_C(0xcbf29ce484222325) ^ seed, rest = (uint64_t)number;
    for (int i = 0; i < 8; i++, rest >>= 8)
        result = (result ^ (rest & 0xff)) * UINT64_C(0x100000001b3);
    return (int64_t)result;
}

static int64_t murmur2(int64_t number, uint64_t seed)
{
    const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
    uint64_t result = seed ^ (8 * m), k = (uint64_t)number * m;
    k = (k ^ (k >> 47)) * m;
    result = (result ^ k) * m;
    result = (result ^ (result >> 47)) * m;
    return (int64_t)(result ^ (result >> 47));
}

/* A permutation of 0 … SIZE - 1: four rounds of a Feistel network on the next even power of two, walked until
 * it lands inside. */
static int64_t permute(int64_t number, int64_t size, uint64_t seed)
{
    int bits = 1;
    while (bits < 31 && (INT64_C(1) << (2 * bits)) < size)
        bits++;
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t x = (uint64_t)(number % size + (number % size < 0 ? size : 0));
    do {
        uint64_t left = x >> bits, right = x & mask;
        for (int round = 0; round < 4; round++) {
            uint64_t mixed = left ^ ((uint64_t)murmur2((int64_t)right, seed + (uint64_t)round) & mask);
            left = right;
            right = mixed;
        }
        x = left << bits | right;
    } while (x >= (uint64_t)size);
    return (int64_t)x;
}

static bool scramble(function f, const rh_value *arguments, size_t count, rh_pgbench_script_run *run,
                     rh_value *value)
{
    int64_t number, size = 0, seed = run->values[RH_SCRIPT_DEFAULT_SEED].integer;
    size_t seed_at = f == F_PERMUTE ? 2 : 1;
    if (!rh_value_as_int(&arguments[0], run, &number) ||
        (f == F_PERMUTE && !rh_value_as_int(&arguments[1], run, &size)) ||
        (count > seed_at && !rh_value_as_int(&arguments[seed_at], run, &seed)))
        return false;
    if (f == F_PERMUTE && (size < 1 || size > INT64_C(1) << 62))
        return failed(run, "permute needs a size above 0");
    *value = rh_make_int(f == F_PERMUTE      ? permute(number, size, (uint64_t)seed)
                         : f == F_HASH_FNV1A ? fnv1a(number, (uint64_t)seed)
                                             : murmur2(number, (uint64_t)seed));
    return true;
}

/* ---- arithmetic ---- */

static bool extreme(function f, const rh_value *arguments, size_t count, rh_pgbench_script_run *run,
                    rh_value *value)
{
    bool reals = false;
    for (size_t i = 0; i < count; i++)
        reals = reals || arguments[i].type == RH_VALUE_DOUBLE;
    double best = 0;
    *value = arguments[0];
    for (size_t i = 0; i < count; i++) {
        double real;
        if (!rh_value_as_real(&arguments[i], run, &real))
            return false;
        bool better = f == F_LEAST ? real < best : real > best;
        if (!reals && i > 0)
            better =
                f == F_LEAST ? arguments[i].integer < value->integer : arguments[i].integer > value->integer;
        if (i == 0 || better) {
            best = real;
            *value = reals ? rh_make_real(real) : arguments[i];
        }
    }
    return true;
}

static bool of_one(function f, const rh_value *a, rh_pgbench_script_run *run, rh_value *value)
{
    int64_t integer;
    double real;
    if (f == F_DEBUG) { /* its output is not used here */
        *value = *a;
        return true;
    }
    if (f == F_INT) {
        if (!rh_value_as_int(a, run, &integer))
            return false;
        *value = rh_make_int(integer);
        return true;
    }
    if (!rh_value_as_real(a, run, &real))
        return false;
    if (f == F_ABS && a->type == RH_VALUE_INT) {
        if (a->integer == INT64_MIN)
            return failed(run, "a number is too large for 64 bits");
        *value = rh_make_int(a->integer < 0 ? -a->integer : a->integer);
        return true;
    }
    *value = rh_make_real(f == F_ABS    ? fabs(real)
                          : f == F_EXP  ? exp(real)
                          : f == F_LN   ? log(real)
                          : f == F_SQRT ? sqrt(real)
                                        : real);
    return true;
}

static bool of_two(function f, const rh_value *arguments, rh_pgbench_script_run *run, rh_value *value)
{
    if (f == F_MOD) {
        int64_t a, b;
        if (!rh_value_as_int(&arguments[0], run, &a) || !rh_value_as_int(&arguments[1], run, &b))
            return false;
        if (b == 0)
            return failed(run, "division by zero");
        *value = rh_make_int(b == -1 ? 0 : a % b);
        return true;
    }
    double a, b;
    if (!rh_value_as_real(&arguments[0], run, &a) || !rh_value_as_real(&arguments[1], run, &b))
        return false;
    *value = rh_make_real(pow(a, b));
    return true;
}

bool rh_expression_call(int function_, const rh_value *arguments, size_t count, rh_pgbench_script_run *run,
                        rh_value *value)
{
    function f = (function)function_;
    *value = (rh_value){0};
    for (size_t i = 0; i < count; i++)
        if (arguments[i].type == RH_VALUE_NULL && f != F_DEBUG)
            return true; /* NULL in, NULL out */
    switch (f) {
    case F_RANDOM:
    case F_GAUSSIAN:
    case F_EXPONENTIAL:
    case F_ZIPFIAN:
        return random_number(f, arguments, run, value);
    case F_HASH_FNV1A:
    case F_HASH_MURMUR2:
    case F_PERMUTE:
        return scramble(f, arguments, count, run, value);
    case F_GREATEST:
    case F_LEAST:
        return extreme(f, arguments, count, run, value);
    case F_MOD:
    case F_POWER:
        return of_two(f, arguments, run, value);
    case F_PI:
        *value = rh_make_real(acos(-1));
        return true;
    case F_ABS:
    case F_DEBUG:
    case F_DOUBLE:
    case F_EXP:
    case F_INT:
    case F_LN:
    case F_SQRT:
        return of_one(f, &arguments[0], run, value);
    }
    return failed(run, "this function is unknown");
}
