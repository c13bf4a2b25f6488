/* Evaluates the trials of lock policies and words the recommendation. Pure arithmetic. */
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "lock_policy.h"
#include <math.h>
#include <stdlib.h>

static const rh_usec PAUSE_LEAST = RH_SECOND / 5, PAUSE_MOST = 10 * RH_SECOND;
/* Differences in the worst response time that are taken for none. */
static const double SAME_SHARE = 1.2, SAME_MS = 20;

rh_usec rh_lock_policy_pause(rh_usec timeout, int attempt)
{
    rh_usec pause = 2 * timeout > PAUSE_LEAST ? 2 * timeout : PAUSE_LEAST;
    for (int i = 1; i < attempt && pause < PAUSE_MOST; i++)
        pause *= 2;
    return pause < PAUSE_MOST ? pause : PAUSE_MOST;
}

rh_lock_policy rh_lock_policy_of_tries(rh_usec timeout, const rh_lock_try *tries, size_t count)
{
    rh_lock_policy p = {.lock_timeout_s = rh_seconds(timeout),
                        .attempts_mean = RH_NOT_MEASURED,
                        .total_s_max = RH_NOT_MEASURED,
                        .lock_wait_s_max = RH_NOT_MEASURED,
                        .response_max_ms = RH_NOT_MEASURED,
                        .response_p99_ms = RH_NOT_MEASURED};
    double *totals = rh_alloc((count + 1) * sizeof *totals), attempts = 0;
    for (size_t i = 0; i < count; i++) {
        const rh_lock_try *t = &tries[i];
        if (t->timeout != timeout)
            continue;
        totals[p.tries++] = t->total_s;
        p.total_s_max = fmax(p.total_s_max, t->total_s); /* fmax: the other one where one is NaN */
        p.lock_wait_s_max = fmax(p.lock_wait_s_max, t->lock_wait_s);
        p.response_max_ms = fmax(p.response_max_ms, t->response_max_ms);
        p.response_p99_ms = fmax(p.response_p99_ms, t->response_p99_ms);
        p.load_errors += t->load_errors;
        if (t->success) {
            p.successes++;
            attempts += t->attempts;
            p.attempts_max = t->attempts > p.attempts_max ? t->attempts : p.attempts_max;
        } else {
            p.failure = t->failure;
        }
    }
    if (p.successes > 0)
        p.attempts_mean = attempts / p.successes;
    p.total_s_median = rh_median(totals, (size_t)p.tries);
    free(totals);
    return p;
}

static bool got_through(const rh_lock_policy *p)
{
    return p->tries > 0 && p->successes == p->tries;
}

/* No arrival was affected. */
static double worst_of(const rh_lock_policy *p)
{
    return isnan(p->response_max_ms) ? 0 : p->response_max_ms;
}

static bool is_better(const rh_lock_policy *a, const rh_lock_policy *b)
{
    if ((a->lock_timeout_s > 0) != (b->lock_timeout_s > 0))
        return a->lock_timeout_s > 0;
    return a->total_s_median < b->total_s_median;
}

static const char *explain(const rh_lock_policy *best, size_t similar, double hold_s, rh_arena *arena)
{
    char timeout[32], worst[32], hold[32];
    double worst_s = worst_of(best) / 1e3;
    rh_duration_format(best->lock_timeout_s, timeout, sizeof timeout);
    rh_duration_format(worst_s, worst, sizeof worst);
    rh_duration_format(hold_s, hold, sizeof hold);
    const char *what = best->lock_timeout_s > 0 ? rh_arena_printf(arena, "a lock_timeout of %s", timeout)
                                                : "no lock_timeout";
    const char *share =
        hold_s > 0.1 && worst_s >= 0.8 * hold_s
            ? rh_arena_printf(
                  arena, "; the transaction itself takes %s under its lock, which no lock_timeout shortens",
                  hold)
            : "";
    return similar > 1
               ? rh_arena_printf(
                     arena,
                     "%zu succeeded in every trial with a similar effect on the load (worst response %s); of "
                     "these %s succeeded first%s",
                     similar, worst, what, share)
               : rh_arena_printf(
                     arena,
                     "%s succeeded in every trial with the least effect on the load: worst response %s%s",
                     what, worst, share);
}

int rh_lock_policy_choose(rh_lock_policy *policies, size_t count, double hold_s, rh_arena *arena,
                          const char **why)
{
    double least = INFINITY;
    int best = -1;
    size_t similar = 0;
    for (size_t i = 0; i < count; i++)
        if (got_through(&policies[i]))
            least = fmin(least, worst_of(&policies[i]));
    for (size_t i = 0; i < count; i++) {
        policies[i].recommended = false;
        double worst = worst_of(&policies[i]);
        if (!got_through(&policies[i]) || worst > fmax(least * SAME_SHARE, least + SAME_MS))
            continue;
        similar++;
        if (best < 0 || is_better(&policies[i], &policies[best]))
            best = (int)i;
    }
    if (best < 0) {
        *why = "none succeeded in every trial: allow more attempts, or a time with fewer long transactions";
        return -1;
    }
    policies[best].recommended = true;
    *why = explain(&policies[best], similar, hold_s, arena);
    return best;
}

/* ---- the whole set ---- */

static void add_setting(rh_lock_policy_search *search, rh_arena *arena, const char *where, const char *text)
{
    rh_lock_policy_setting *setting = rh_arena_add(arena, &search->settings, &search->setting_count);
    *setting = (rh_lock_policy_setting){where, text};
}

/* Where the tool that runs the migrations takes settings; NULL: in the migration itself. */
static void add_framework(rh_lock_policy_search *search, rh_framework framework, long long ms,
                          rh_arena *arena)
{
    switch (framework) {
    case RH_FRAMEWORK_GOLANG_MIGRATE:
    case RH_FRAMEWORK_DBMATE:
    case RH_FRAMEWORK_GOOSE:
        add_setting(search, arena, "the database URL (lib/pq and pgx take settings as parameters)",
                    rh_arena_printf(arena, "?lock_timeout=%lld", ms));
        break;
    case RH_FRAMEWORK_FLYWAY:
        add_setting(search, arena, "flyway.conf",
                    rh_arena_printf(arena, "flyway.initSql=SET lock_timeout = '%lldms'", ms));
        break;
    case RH_FRAMEWORK_PRISMA:
        add_setting(search, arena, "DATABASE_URL",
                    rh_arena_printf(arena, "?options=-c%%20lock_timeout%%3D%lldms", ms));
        break;
    default:
        add_setting(search, arena, "the environment of a program that uses libpq",
                    rh_arena_printf(arena, "PGOPTIONS='-c lock_timeout=%lldms'", ms));
    }
}

static void add_settings(rh_lock_policy_search *search, rh_framework framework, rh_arena *arena)
{
    const rh_lock_policy *best = &search->overall[search->recommended];
    long long ms = llround(best->lock_timeout_s * 1e3);
    if (ms == 0)
        return;
    char first[32];
    rh_duration_format(rh_seconds(rh_lock_policy_pause(ms * 1000, 1)), first, sizeof first);
    add_setting(search, arena, "the migration, before its first statement",
                rh_arena_printf(arena, "SET lock_timeout = '%lldms';", ms));
    add_framework(search, framework, ms, arena);
    add_setting(
        search, arena, "the caller of the migrations",
        rh_arena_printf(arena,
                        "on SQLSTATE 55P03 try again, up to %d times: wait %s first, then twice as long "
                        "each time, at most 10 s",
                        search->attempts, first));
}

/* The whole set takes the sum of the times, and its effect on the load is that of its worst transaction. */
static void add_to_overall(rh_lock_policy *all, const rh_lock_policy *p)
{
    all->tries += p->tries;
    all->successes += p->successes;
    all->attempts_max = p->attempts_max > all->attempts_max ? p->attempts_max : all->attempts_max;
    all->attempts_mean = fmax(all->attempts_mean, p->attempts_mean);
    all->total_s_median += p->total_s_median;
    all->total_s_max += p->total_s_max;
    all->lock_wait_s_max = fmax(all->lock_wait_s_max, p->lock_wait_s_max);
    all->response_max_ms = fmax(all->response_max_ms, p->response_max_ms);
    all->response_p99_ms = fmax(all->response_p99_ms, p->response_p99_ms);
    all->load_errors += p->load_errors;
    all->failure = all->failure ? all->failure : p->failure;
}

void rh_lock_policy_conclude(rh_lock_policy_search *search, rh_framework framework, rh_arena *arena)
{
    double hold_s = RH_NOT_MEASURED;
    search->recommended = -1;
    search->measured = false;
    for (size_t c = 0; c < search->case_count; c++) {
        rh_lock_policy_case *one = &search->cases[c];
        one->recommended =
            rh_lock_policy_choose(one->policies, one->policy_count, one->hold_s, arena, &one->why);
        hold_s = fmax(hold_s, one->hold_s);
        for (size_t i = 0; i < one->policy_count; i++) {
            search->measured |= one->policies[i].tries > 0;
            if (c == 0)
                *rh_arena_add(arena, &search->overall, &search->overall_count) = one->policies[i];
            else
                add_to_overall(&search->overall[i], &one->policies[i]);
        }
    }
    /* what was not tried on every transaction is no policy for all of them */
    for (size_t i = 0; i < search->overall_count; i++)
        for (size_t c = 0; c < search->case_count; c++)
            if (search->cases[c].policies[i].tries == 0)
                search->overall[i].successes = -1;
    search->recommended =
        rh_lock_policy_choose(search->overall, search->overall_count, hold_s, arena, &search->why);
    for (size_t i = 0; i < search->overall_count; i++)
        if (search->overall[i].successes < 0)
            search->overall[i].successes = 0;
    if (search->recommended >= 0)
        add_settings(search, framework, arena);
}
