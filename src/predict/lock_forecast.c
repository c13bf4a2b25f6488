#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "lock_wait.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Reserved for superusers unless the profile says otherwise (PostgreSQL's default). */
static const double RESERVED_CONNECTIONS = 3;
static const double CHANCES_AT_S[] = {0, 0.01, 0.1, 1, 10, 60};

typedef struct maker {
    const rh_lock_forecast_input *in;
    rh_arena *arena;
    rh_lock_forecasts *out;
    int *until; /* of each row: the last statement of its transaction */
    size_t until_count;
    bool unmeasured; /* a statement that no quiet pass ran */
} maker;

int64_t rh_lock_samples_needed(double level)
{
    return (int64_t)ceil(log(1 - level) / log(level));
}

static const rh_profile_relation *find_relation(const maker *m, const char *relation)
{
    const rh_relation wanted = rh_relation_of(relation, m->arena);
    const rh_profile_relation *found = NULL;
    for (size_t i = 0; i < m->in->profile->relation_count; i++) {
        const rh_profile_relation *r = &m->in->profile->relations[i];
        if (!rh_relation_matches((rh_relation){r->schema, r->name}, wanted))
            continue;
        if (found)
            return NULL; /* without a schema it could be either */
        found = r;
    }
    return found;
}

static bool is_unlisted(const maker *m, const char *relation)
{
    const rh_relation wanted = rh_relation_of(relation, m->arena);
    for (size_t i = 0; i < m->in->unlisted_count; i++)
        if (rh_relation_matches(rh_relation_of(m->in->unlisted[i], m->arena), wanted))
            return true;
    return false;
}

/* ---- holding ---- */

static const rh_statement_run *last_quiet_run(const rh_statement *statement)
{
    for (size_t i = statement->run_count; i-- > 0;)
        if (statement->runs[i].pass == RH_PASS_KIND_QUIET)
            return &statement->runs[i];
    return NULL;
}

/* From the statement at INDEX to the end of its transaction, of which LOCK was held; its last statement. */
static int predict_hold(const rh_script *script, size_t index, const rh_lock *lock, rh_lock_forecast *f)
{
    const rh_statement_run *first = last_quiet_run(&script->statements[index]);
    rh_usec end = first->started + (rh_usec)(lock->held_s * 1e6);
    double took = 0, predicted = 0, above = 0;
    bool unsure = false;
    int last = 0;
    for (size_t i = index; i < script->statement_count; i++) {
        const rh_statement_run *run = last_quiet_run(&script->statements[i]);
        const rh_prediction *p = &script->statements[i].prediction;
        if (!run || (i > index && run->started >= end))
            break;
        double high = isnan(p->high_s) && p->median_s < RH_PREDICT_FLOOR_S ? p->median_s + RH_PREDICT_FLOOR_S
                                                                           : p->high_s;
        last = script->statements[i].ordinal;
        took += run->elapsed_s;
        predicted += p->median_s;
        above += (high - p->median_s) * (high - p->median_s);
        unsure = unsure || isnan(high);
    }
    /* What lies between the statements is as long as on staging. */
    f->hold_s = fmax(0, lock->held_s - took) + predicted;
    f->hold_high_s = unsure ? RH_NOT_MEASURED : f->hold_s + sqrt(above);
    return last;
}

/* Some sample at a run of the statement at full size saw the lock. */
static bool was_seen(const rh_statement *statement, const rh_lock *lock)
{
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        for (size_t k = 0; run->pass != RH_PASS_KIND_SCALED && k < run->lock_count; k++)
            if (!run->locks[k].inferred && run->locks[k].mode >= lock->mode &&
                strcmp(run->locks[k].relation, lock->relation) == 0)
                return true;
    }
    return false;
}

/* ---- waiting ---- */

static void add_chances(const maker *m, const rh_lock_traffic *traffic, rh_lock_forecast *f)
{
    size_t most = sizeof CHANCES_AT_S / sizeof *CHANCES_AT_S;
    rh_lock_chance *chances = rh_arena_alloc(m->arena, (most + 1) * sizeof *chances);
    bool limited = f->lock_timeout_s > 0;
    for (size_t i = 0; i < most && (!limited || CHANCES_AT_S[i] < f->lock_timeout_s); i++)
        chances[f->chance_count++] =
            (rh_lock_chance){CHANCES_AT_S[i], rh_lock_granted_within(traffic, CHANCES_AT_S[i])};
    if (limited)
        chances[f->chance_count++] =
            (rh_lock_chance){f->lock_timeout_s, rh_lock_granted_within(traffic, f->lock_timeout_s)};
    f->chances = chances;
}

/* CREATE INDEX CONCURRENTLY: for its own lock, twice for the writers of the table, once for every transaction
 * of the database that was there. The high ends add up, which is more than they reach together. */
static void wait_for_all(const maker *m, const rh_profile_relation *relation, rh_lock_forecast *f)
{
    static const rh_lock_mode modes[] = {RH_LOCK_SHARE_UPDATE_EXCLUSIVE, RH_LOCK_SHARE, RH_LOCK_SHARE,
                                         RH_LOCK_NONE};
    double limit = f->lock_timeout_s > 0 ? f->lock_timeout_s : INFINITY, per_try = 0;
    bool known;
    f->granted = 1;
    f->wait_s = f->wait_high_s = 0;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        rh_lock_traffic traffic =
            rh_lock_traffic_of(m->in->profile, modes[i] ? relation->schema : NULL,
                               modes[i] ? relation->name : NULL, modes[i], &known, m->arena);
        f->granted *= rh_lock_granted_within(&traffic, limit);
        per_try += rh_lock_wait_mean(&traffic, limit);
        f->wait_high_s += fmin(limit, rh_lock_wait_quantile(&traffic, m->in->level));
    }
    f->attempts = f->granted > 0 ? 1 / f->granted : INFINITY;
    f->wait_s = per_try;
    f->wait_total_s = f->attempts * per_try;
}

static void wait_for_lock(const maker *m, const rh_profile_relation *relation, rh_lock_forecast *f)
{
    bool known;
    rh_lock_traffic traffic =
        rh_lock_traffic_of(m->in->profile, relation->schema, relation->name, f->mode, &known, m->arena);
    rh_lock_retries retries = rh_lock_retry(&traffic, f->lock_timeout_s);
    double limit = f->lock_timeout_s > 0 ? f->lock_timeout_s : INFINITY;
    add_chances(m, &traffic, f);
    f->granted = retries.success;
    f->attempts = retries.attempts;
    f->wait_s = retries.wait_success_s;
    f->wait_total_s = retries.wait_total_s;
    f->wait_high_s = fmin(limit, rh_lock_wait_quantile(&traffic, m->in->level));
}

/* ---- queueing ---- */

static void set_rates(const maker *m, const rh_profile_relation *relation, rh_lock_forecast *f)
{
    double writes = relation->inserts_per_s + relation->updates_per_s + relation->deletes_per_s;
    double reads = fmax(0, relation->scans_per_s - relation->updates_per_s - relation->deletes_per_s);
    if (isnan(relation->scans_per_s) || isnan(writes)) /* fmax would make 0 of it */
        reads = RH_NOT_MEASURED;
    if (relation->is_partitioned) /* its partitions are what is counted */
        reads = writes = RH_NOT_MEASURED;
    f->reads_per_s = f->blocks_reads ? reads : 0;
    f->writes_per_s = f->blocks_writes ? writes : 0;
    double commits = m->in->profile->commits_per_s, both = f->reads_per_s + f->writes_per_s;
    if (both > commits && commits > 0) { /* one transaction waits only once */
        f->reads_per_s *= commits / both;
        f->writes_per_s *= commits / both;
    }
}

static void predict_queue(const maker *m, rh_lock_forecast *f)
{
    double rate = f->reads_per_s + f->writes_per_s;
    if (isnan(rate) || isnan(f->blocked_s))
        return;
    double pool = isnan(m->out->connections) ? INFINITY : m->out->connections;
    rh_lock_queue queue =
        rh_lock_queue_behind(rate, f->blocked_s - f->hold_s, f->hold_s, pool, m->out->service_per_s);
    f->waiting = queue.waiting;
    f->unserved_requests = isinf(pool) ? RH_NOT_MEASURED : queue.unserved_requests;
    f->pool_exhausted_s = queue.pool_exhausted_s;
    f->drain_s = queue.drain_s;
}

/* ---- rows ---- */

static const char *basis_of(const maker *m, const rh_lock_forecast *f)
{
    char watched[32];
    rh_text text = {0};
    rh_text_printf(
        &text, "%lld samples over %s of production's open transactions (rarer transactions are not included)",
        (long long)m->out->samples, rh_duration_format(m->out->watched_s, watched, sizeof watched));
    if (f->concurrent)
        rh_text_append(&text, "; an upper bound, because idle transactions need not hold a conflicting lock");
    if (!isnan(f->waiting) && (f->blocks_reads || f->blocks_writes))
        rh_text_append(
            &text,
            "; queues are upper bounds, because the rates are scans and rows of production's statistics");
    const char *basis = rh_arena_strdup(m->arena, rh_text_string(&text));
    rh_text_release(&text);
    return basis;
}

/* Why waits cannot be predicted; NULL: they can. */
static const char *why_not(const maker *m, const rh_profile_relation *relation, const rh_lock_forecast *f)
{
    int64_t needed = rh_lock_samples_needed(m->in->level);
    if (!relation)
        return rh_arena_printf(m->arena, "production's profile does not have %s", f->relation);
    if (m->in->profile->samples == 0)
        return "production's transactions could not be sampled: grant pg_monitor to the profile's role";
    if (m->in->profile->samples < needed)
        return rh_arena_printf(m->arena,
                               "production's transactions were sampled %lld time%s, %.0f %% needs %lld: "
                               "pgrehearse profile --watch 10min",
                               (long long)m->in->profile->samples, m->in->profile->samples == 1 ? "" : "s",
                               m->in->level * 100, (long long)needed);
    if (isnan(f->lock_timeout_s))
        return "the lock_timeout that is in force for it cannot be read";
    return NULL;
}

static void add_row(maker *m, const rh_migration *migration, size_t index, const rh_lock *lock,
                    const rh_lock_timeout *timeout)
{
    const rh_statement *statement = &migration->up.statements[index];
    const rh_profile_relation *relation = find_relation(m, lock->relation);
    if (!relation && !is_unlisted(m, lock->relation))
        return; /* created by the migrations: no other session uses it */
    rh_lock_forecast *f = rh_arena_add(m->arena, &m->out->rows, &m->out->row_count);
    double unknown = RH_NOT_MEASURED;
    *f = (rh_lock_forecast){.migration = migration->id,
                            .statement = statement->ordinal,
                            .relation = lock->relation,
                            .mode = lock->mode,
                            .blocks_reads = lock->blocks_reads,
                            .blocks_writes = lock->blocks_writes,
                            .inferred = !was_seen(statement, lock),
                            .concurrent = statement->class_ == RH_CLASS_INDEX_CONCURRENT &&
                                          !lock->blocks_reads && !lock->blocks_writes,
                            .lock_timeout_s = timeout->seconds,
                            .lock_timeout_source = timeout->from,
                            .granted = unknown,
                            .attempts = unknown,
                            .wait_s = unknown,
                            .wait_high_s = unknown,
                            .wait_total_s = unknown,
                            .reads_per_s = unknown,
                            .writes_per_s = unknown,
                            .waiting = unknown,
                            .unserved_requests = unknown,
                            .pool_exhausted_s = unknown,
                            .drain_s = unknown};
    int *until = rh_arena_add(m->arena, &m->until, &m->until_count);
    *until = predict_hold(&migration->up, index, lock, f);
    f->unknown = why_not(m, relation, f);
    if (relation)
        set_rates(m, relation, f);
    if (!f->unknown && f->concurrent)
        wait_for_all(m, relation, f);
    else if (!f->unknown)
        wait_for_lock(m, relation, f);
}

/* While a lock is held, the transaction may wait for its others: of the same statement, too, for which of
 * them comes first is not known. */
static void finish_row(maker *m, size_t row)
{
    rh_lock_forecast *f = &m->out->rows[row];
    double wait_s = f->wait_s, wait_high_s = f->wait_high_s;
    for (size_t i = 0; i < m->out->row_count; i++) {
        const rh_lock_forecast *other = &m->out->rows[i];
        if (i == row || strcmp(other->migration, f->migration) != 0 || other->statement < f->statement ||
            other->statement > m->until[row])
            continue;
        wait_s += other->wait_s;
        wait_high_s += other->wait_high_s;
        if (other->unknown && !f->unknown)
            f->unknown = other->unknown;
    }
    f->blocked_s = wait_s + f->hold_s;
    f->blocked_high_s = wait_high_s + f->hold_high_s;
    if (!f->unknown && isnan(f->hold_s))
        f->unknown = "how long it is held was not measured";
    else if (!f->unknown && isnan(f->hold_high_s))
        f->unknown = "there is not enough evidence for the upper end of its duration: raise repeat";
    predict_queue(m, f);
    f->basis = isnan(f->wait_s) ? NULL : basis_of(m, f);
}

static bool counts(const rh_lock *lock)
{
    return lock->mode >= RH_LOCK_SHARE_UPDATE_EXCLUSIVE;
}

static void add_migration(maker *m, const rh_migration *migration, const rh_lock_timeout *timeouts)
{
    for (size_t i = 0; i < migration->up.statement_count; i++) {
        const rh_statement_run *run = last_quiet_run(&migration->up.statements[i]);
        m->unmeasured = m->unmeasured || (!run && migration->up.statements[i].class_ != RH_CLASS_TRANSACTION);
        for (size_t k = 0; run && k < run->lock_count; k++)
            if (counts(&run->locks[k]) && run->locks[k].held_s >= 0)
                add_row(m, migration, i, &run->locks[k], &timeouts[i]);
    }
}

/* ---- production as a whole ---- */

static double setting(const rh_profile *profile, const char *name, double otherwise)
{
    for (size_t i = 0; i < profile->setting_count; i++)
        if (strcmp(profile->settings[i].name, name) == 0)
            return strtod(profile->settings[i].value, NULL);
    return otherwise;
}

static void find_connections(maker *m)
{
    double most = setting(m->in->profile, "max_connections", RH_NOT_MEASURED);
    m->out->connections = m->in->connections;
    m->out->connections_basis = isnan(m->in->connections) ? NULL : "the scenario";
    if (!isnan(m->in->connections) || !(most > 0))
        return;
    m->out->connections =
        fmax(0, most - setting(m->in->profile, "superuser_reserved_connections", RESERVED_CONNECTIONS) -
                    setting(m->in->profile, "reserved_connections", 0));
    m->out->connections_basis = "max_connections";
}

static void find_service(maker *m)
{
    const rh_profile *profile = m->in->profile;
    double seconds = 0, calls = 0;
    for (size_t i = 0; i < profile->statement_count; i++) {
        const rh_profile_statement *s = &profile->statements[i];
        if (s->calls > 0 && s->total_s >= 0) {
            seconds += s->total_s;
            calls += (double)s->calls;
        }
    }
    m->out->service_per_s = profile->cpu_count > 0 && seconds > 0
                                ? (double)profile->cpu_count * calls / seconds
                                : RH_NOT_MEASURED;
}

/* The larger, but not measured when either is not. */
static double larger(double a, double b)
{
    return isnan(a) || isnan(b) ? RH_NOT_MEASURED : fmax(a, b);
}

typedef struct stretch {
    const rh_lock_forecast *worst; /* the row of the longest that is known */
    double expected_s, high_s, at_most_s;
} stretch;

/* Of the rows that were observed. One that is inferred leaves the figures open where it could be longer. */
static stretch longest(const maker *m, bool reads)
{
    const double none = m->unmeasured ? RH_NOT_MEASURED : 0;
    stretch s = {NULL, none, none, none};
    const rh_lock_forecast *inferred = NULL;
    for (size_t i = 0; i < m->out->row_count; i++) {
        const rh_lock_forecast *f = &m->out->rows[i];
        if (!(reads ? f->blocks_reads : f->blocks_writes))
            continue;
        s.at_most_s = larger(s.at_most_s, f->blocked_high_s);
        if (f->inferred) {
            if (!inferred || !(f->blocked_high_s <= inferred->blocked_high_s))
                inferred = f;
            continue;
        }
        if (f->unknown && !m->out->unknown)
            m->out->unknown = f->unknown;
        if (!s.worst || isnan(s.worst->blocked_s) || f->blocked_s > s.worst->blocked_s)
            s.worst = f;
        s.expected_s = larger(s.expected_s, f->blocked_s);
        s.high_s = larger(s.high_s, f->blocked_high_s);
    }
    if (!inferred || isnan(s.high_s) || inferred->blocked_high_s <= s.high_s)
        return s;
    s.expected_s = s.high_s = RH_NOT_MEASURED;
    if (!m->out->unknown)
        m->out->unknown = rh_arena_printf(
            m->arena,
            "whether migration %s, statement %d locks %s follows from its text only: it was not observed",
            inferred->migration, inferred->statement, inferred->relation);
    return s;
}

void rh_lock_forecast_make(const rh_lock_forecast_input *input, rh_arena *arena, rh_lock_forecasts *forecasts)
{
    maker m = {.in = input, .arena = arena, .out = forecasts};
    *forecasts = (rh_lock_forecasts){.made = true,
                                     .level = input->level,
                                     .samples = input->profile->samples,
                                     .watched_s = input->profile->watched_s};
    find_connections(&m);
    find_service(&m);
    const rh_lock_timeout *timeouts = input->timeouts;
    for (size_t i = 0; i < input->plan->migration_count; i++) {
        const rh_migration *migration = &input->plan->migrations[i];
        if (migration->pending)
            add_migration(&m, migration, timeouts);
        timeouts += migration->up.statement_count;
    }
    for (size_t i = 0; i < forecasts->row_count; i++)
        finish_row(&m, i);
    if (m.unmeasured)
        forecasts->unknown = "no quiet pass ran every statement";
    const stretch reads = longest(&m, true), writes = longest(&m, false);
    forecasts->reads_worst = reads.worst;
    forecasts->reads_blocked_s = reads.expected_s;
    forecasts->reads_blocked_high_s = reads.high_s;
    forecasts->reads_at_most_s = reads.at_most_s;
    forecasts->writes_worst = writes.worst;
    forecasts->writes_blocked_s = writes.expected_s;
    forecasts->writes_blocked_high_s = writes.high_s;
    forecasts->writes_at_most_s = writes.at_most_s;
}
