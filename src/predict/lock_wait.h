/* How long a statement waits for its lock on production, and what queues up behind it. Pure arithmetic.
 *
 * The model. Transactions that hold a conflicting lock begin as a Poisson process of rate λ and last
 * independent lengths with survival S(x): an M/G/∞ system. A request gets its lock when every conflicting
 * transaction that was open when it came has ended, because PostgreSQL makes later conflicting requests queue
 * behind it. How many of those open ones still have more than t to go is Poisson with mean
 *     N(t) = λ ∫ₜ^∞ S(x) dx
 * (Takács, Introduction to the Theory of Queues, 1962, chapter 3), so P(wait ≤ t) = exp(−N(t)). By the same
 * integral N(t) is the mean number of conflicting transactions that have been open for longer than t at a
 * moment picked at random: sampling the ages of open transactions gives N directly, however coarse the
 * sampling, while sampled lengths would favour long ones.
 *
 * What the model leaves out: transactions that begin in bursts, and those that take the lock again while the
 * request waits (which deadlock_timeout ends). N says nothing beyond the longest age or length seen.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/profile.h"
#include <stdint.h>

/* N as straight lines between knots: age_s rises from 0, open falls to 0 at the last knot and stays there. */
typedef struct rh_lock_traffic {
    double *age_s; /* seconds */
    double *open;  /* mean number of conflicting transactions open for longer than age_s */
    size_t count;  /* 0: no other session holds a conflicting lock */
} rh_lock_traffic;

/* TRANSACTIONS sightings, over all samples, with an age in (previous bucket's up_to_s, up_to_s]. */
typedef struct rh_lock_ages {
    double up_to_s;
    double transactions;
} rh_lock_ages;

/* From LENGTHS_S (seconds, COUNT of them, any order) of transactions that arrive at RATE_PER_S: N is exact,
 * as (rate / count) · Σ max(0, length − t) is made of straight lines. */
rh_lock_traffic rh_lock_traffic_from_lengths(double rate_per_s, const double *lengths_s, size_t count,
                                             rh_arena *arena);
/* From the ages of the open transactions in SAMPLES samples; BUCKETS (COUNT) rise by up_to_s, and within one
 * the ages count as evenly spread. */
rh_lock_traffic rh_lock_traffic_from_ages(const rh_lock_ages *buckets, size_t count, int64_t samples,
                                          rh_arena *arena);

/* From what a profile saw of the open transactions that hold a lock on SCHEMA.NAME which a request for MODE
 * ("AccessExclusiveLock") has to wait for; without NAME, of all open transactions. With no sample at them
 * *KNOWN is false. */
rh_lock_traffic rh_lock_traffic_of(const rh_profile *profile, const char *schema, const char *name,
                                   rh_lock_mode mode, bool *known, rh_arena *arena);

/* N(t_s). */
double rh_lock_open_longer(const rh_lock_traffic *traffic, double t_s);
/* P(wait ≤ t_s): the probability that the lock comes within t_s. */
double rh_lock_granted_within(const rh_lock_traffic *traffic, double t_s);
/* The wait that PROBABILITY (0 … 1) of the requests do not exceed, in s. */
double rh_lock_wait_quantile(const rh_lock_traffic *traffic, double probability);
/* The mean of min(wait, limit_s), in s; a limit of INFINITY gives the mean wait. */
double rh_lock_wait_mean(const rh_lock_traffic *traffic, double limit_s);

/* A statement under lock_timeout that is tried until it gets its lock, with pauses long enough that the tries
 * are independent: their number is geometric. */
typedef struct rh_lock_retries {
    double success;        /* P(one try gets the lock) */
    double attempts;       /* expected: 1 / success; INFINITY when it never gets it */
    double wait_per_try_s; /* expected wait of one try, successful or not: what others are blocked by it */
    double wait_success_s; /* expected wait of the try that succeeds; NAN when none does */
    double wait_total_s;   /* expected over all tries, pauses not counted; INFINITY when it never gets it */
} rh_lock_retries;
/* LOCK_TIMEOUT_S ≤ 0 means none, as in PostgreSQL. */
rh_lock_retries rh_lock_retry(const rh_lock_traffic *traffic, double lock_timeout_s);

/* Requests that the lock blocks arrive at RATE_PER_S while the statement waits for it (WAIT_S: they queue
 * behind the waiting request) and holds it (HOLD_S). Each takes a connection of a pool of POOL; those that
 * find none wait for one. Afterwards the server completes SERVICE_PER_S a second, new arrivals included. A
 * fluid approximation: means, not fluctuations (Newell, Applications of Queueing Theory, 1982, chapter 2). */
typedef struct rh_lock_queue {
    double blocked_s;         /* wait + hold */
    double waiting;           /* connections queued at the end: min(pool, rate · (wait + hold)) */
    double unserved_requests; /* requests that find no connection by then: the rest */
    double pool_exhausted_s;  /* after the request: pool / rate; NAN when the pool lasts */
    double drain_s; /* until the backlog is worked off; INFINITY when service ≤ rate, NAN without one */
} rh_lock_queue;
rh_lock_queue rh_lock_queue_behind(double rate_per_s, double wait_s, double hold_s, double pool,
                                   double service_per_s);
