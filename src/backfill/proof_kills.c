/* Kills of a run at random and at chosen moments, and what comes of it when it is started again. */
#include "pgrehearse/base/random.h"
#include "proof.h"
#include <inttypes.h>
#include <string.h>

typedef enum moment {
    MOMENT_ANY,
    MOMENT_BEFORE_COMMIT,
    MOMENT_COMMITTED, /* the server has committed, and its answer does not come */
    MOMENT_PAUSE,
    MOMENT_SERVER,
    MOMENT_SERVER_ASYNC, /* the server, while commits do not wait for the disk */
    MOMENT_COUNT
} moment;

static const char *const MOMENTS[] = {
    "at a random moment", "before COMMIT",       "after COMMIT, before its answer",
    "in the pause",       "crash of the server", "crash of the server with synchronous_commit off"};

typedef struct kills {
    rh_proof *p;
    rh_random random;
    int tried[MOMENT_COUNT], hit[MOMENT_COUNT];
    int failed[MOMENT_COUNT];
    int64_t rework; /* most rows that were written twice */
    rh_usec batch;  /* of the undisturbed run, its pause included */
} kills;

/* The lock that hold() of the journal takes. */
static const char HOLD[] = "SELECT pg_advisory_lock(20261201)",
                  RELEASE[] = "SELECT pg_advisory_unlock(20261201)";

static bool sleep_a_while(kills *k)
{
    rh_clock_sleep_until(rh_clock_monotonic() +
                         (rh_usec)(2 * rh_random_uniform(&k->random) * (double)k->batch));
    return true;
}

/* Brings RUN into the moment; *HIT false: it ended before. release() undoes what holds it there. */
static bool reach(kills *k, moment m, void *run, bool *hit, rh_error *error)
{
    rh_proof *p = k->p;
    switch (m) {
    case MOMENT_BEFORE_COMMIT:
        return rh_pg_execute(p->side, HOLD, error) &&
               rh_proof_await_session(p, run, "a.wait_event_type = 'Lock' AND a.wait_event = 'advisory'", hit,
                                      error);
    case MOMENT_PAUSE:
        return rh_proof_await_session(p, run, "a.state = 'idle' OR a.wait_event = 'PgSleep'", hit, error);
    default:
        return sleep_a_while(k);
    }
}

static bool release(kills *k, moment m, rh_error *error)
{
    return m != MOMENT_BEFORE_COMMIT || rh_pg_execute(k->p->side, RELEASE, error);
}

/* The server receives a COMMIT, and its answer is withheld from the client. */
static bool kill_at_commit(kills *k, void *run, bool *hit, rh_error *error)
{
    rh_proof *p = k->p;
    rh_runner_end end = {0};
    const rh_usec deadline = rh_clock_monotonic() + 10 * RH_SECOND;
    p->runner->kill_at_commit(run);
    bool ended = false;
    while (!(ended = p->runner->has_ended(run, &end)) && rh_clock_monotonic() < deadline)
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 500);
    *hit = ended && !end.ok;
    p->runner->free(run);
    return rh_proof_await_gone(p, error);
}

static bool crash(kills *k, void *run, rh_error *error)
{
    rh_proof *p = k->p;
    p->place->crash(p->place->data);
    p->runner->kill(run);
    p->runner->free(run);
    rh_pg_close(p->side);
    p->side = NULL;
    if (!p->place->restart(p->place->data, error))
        return false;
    p->side = rh_pg_connect(p->sessions.own, ": proof", error);
    return p->side && rh_proof_await_gone(p, error);
}

/* Kills RUN, which has committed some rows, at moment M. */
static bool kill_at(kills *k, moment m, void *run, bool *hit, rh_error *error)
{
    rh_proof *p = k->p;
    *hit = true;
    if (m >= MOMENT_SERVER)
        return sleep_a_while(k) && crash(k, run, error);
    if (m == MOMENT_COMMITTED)
        return kill_at_commit(k, run, hit, error);
    bool ok = reach(k, m, run, hit, error);
    p->runner->kill(run);
    /* What is held is let go in any case, or the server's process would never end. */
    ok = release(k, m, ok ? error : NULL) && ok;
    p->runner->free(run);
    return ok && rh_proof_await_gone(p, error);
}

/* What the resumed run came to, against the undisturbed one. */
static bool judge(kills *k, moment m, const rh_proof_end *end, rh_error *error)
{
    rh_proof *p = k->p;
    rh_backfill_claim *claim = rh_proof_claim_of(p, RH_PROOF_RESUMES);
    const rh_proof_counts *r = &p->reference.counts;
    rh_proof_counts counts;
    rh_backfill_claim found = {0};
    int64_t different = 0, left = 0;
    if (!rh_proof_count(p, &counts, error) || !rh_proof_compare(p, &found, &different, error) ||
        !rh_proof_left(p, &left, error))
        return false;
    const int64_t rework = counts.writes - counts.rows - (r->writes - r->rows);
    k->rework = rework > k->rework ? rework : k->rework;
    const bool was_failed = claim->outcome == RH_PROOF_FAILED;
    if (end->ending != RH_PROOF_ENDED || !end->ok)
        rh_proof_fail(p, RH_PROOF_RESUMES, "backfill-no-resume", RH_UNKNOWN,
                      "Started again after a kill (%s), it fails: %s", MOMENTS[m],
                      rh_proof_ending_text(p, end));
    else if (left > p->reference.left)
        rh_proof_fail(p, RH_PROOF_RESUMES, "backfill-no-resume", left,
                      "Started again after a kill (%s), it ends with %" PRId64 " rows still to do",
                      MOMENTS[m], left);
    else if (different != 0)
        rh_proof_fail(p, RH_PROOF_RESUMES, "backfill-no-resume", different,
                      "Started again after a kill (%s), it ends with other rows than without the kill",
                      MOMENTS[m]);
    else if (rework > r->largest * p->setting.workers)
        rh_proof_fail(p, RH_PROOF_RESUMES, "backfill-no-resume", rework,
                      "Started again after a kill (%s), it wrote %" PRId64
                      " rows twice: more than a batch, which has at most %" PRId64,
                      MOMENTS[m], rework, r->largest);
    else
        return true;
    k->failed[m]++;
    if (!was_failed) {
        claim->columns = found.columns;
        claim->column_count = found.column_count;
    }
    return true;
}

static bool one(kills *k, moment m, rh_error *error)
{
    rh_proof *p = k->p;
    bool reached = false, hit = false;
    rh_proof_end end;
    const int64_t writes = p->reference.counts.writes;
    const int64_t at = (int64_t)((0.05 + 0.8 * rh_random_uniform(&k->random)) * (double)writes);
    if (!rh_proof_fresh(p, error))
        return false;
    if (m == MOMENT_SERVER_ASYNC &&
        !rh_pg_execute(p->side,
                       "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',"
                       " current_database()); END $$",
                       error))
        return false;
    void *run = rh_proof_start(p, false, 0, error);
    if (!run || !rh_proof_await(p, run, at > 0 ? at : 1, &reached, error))
        return false;
    k->tried[m]++;
    if (!reached) {
        p->runner->free(run);
        return rh_proof_await_gone(p, error);
    }
    if (!kill_at(k, m, run, &hit, error))
        return false;
    k->hit[m] += hit;
    return rh_proof_run(p, true, &end, error) && judge(k, m, &end, error);
}

/* Of six kills: two at a random moment, one each at the held ones; of ten a crash, too. */
static moment moment_of(const kills *k, int number)
{
    static const moment order[] = {
        MOMENT_BEFORE_COMMIT, MOMENT_COMMITTED,     MOMENT_PAUSE,     MOMENT_ANY,   MOMENT_SERVER,
        MOMENT_ANY,           MOMENT_BEFORE_COMMIT, MOMENT_COMMITTED, MOMENT_PAUSE, MOMENT_SERVER_ASYNC};
    const moment m = order[(size_t)number % (sizeof order / sizeof *order)];
    const bool ours = k->p->place->crash != NULL,
               in_vain = k->tried[m] > k->hit[m] || (m == MOMENT_COMMITTED && !k->p->runner->kill_at_commit);
    return (m >= MOMENT_SERVER && !ours) || in_vain ? MOMENT_ANY : m;
}

static const char *moments_text(const kills *k)
{
    const char *text = NULL;
    for (int m = 0; m < MOMENT_COUNT; m++)
        if (k->hit[m] > 0)
            text = rh_arena_printf(k->p->arena, "%s%s%d %s", text ? text : "", text ? "; " : "", k->hit[m],
                                   MOMENTS[m]);
    return text ? text : "none";
}

bool rh_proof_kills(rh_proof *p, rh_error *error)
{
    kills k = {.p = p};
    const int count = p->backfill->proof.kills;
    rh_backfill_claim *claim = rh_proof_claim_of(p, RH_PROOF_RESUMES);
    int hit = 0, failed = 0;
    rh_random_seed(&k.random, p->place->seed);
    const int64_t batches = p->reference.counts.transactions;
    k.batch = (rh_usec)(p->reference.elapsed_s * (double)RH_SECOND / (double)(batches > 0 ? batches : 1));
    for (int i = 0; i < count; i++)
        if (!one(&k, moment_of(&k, i), error))
            return false;
    for (int m = 0; m < MOMENT_COUNT; m++)
        hit += k.hit[m], failed += k.failed[m];
    claim->runs = hit;
    if (count == 0)
        return true;
    if (claim->outcome == RH_PROOF_FAILED)
        claim->why = rh_arena_printf(p->arena, "%s (%d of %d kills)", claim->why, failed, hit);
    else if (hit < count / 2 || hit == 0)
        rh_proof_unknown(p, RH_PROOF_RESUMES, "only %d of %d kills hit a run before its end", hit, count);
    else
        rh_proof_hold(p, RH_PROOF_RESUMES,
                      "%d kills (%s): each resumed run ended as without the kill; at most %" PRId64
                      " rows were written twice, a batch has %" PRId64,
                      hit, moments_text(&k), k.rework, p->reference.counts.largest);
    return true;
}
