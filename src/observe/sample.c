/* Takes one sample: queries the server, converts its times to the local monotonic clock, and passes the rows
 * to the wait graph. */
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/observe/counters.h"
#include "sampler_state.h"
#include "embedded/observe.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns of sql/waiters.sql. */
enum { KIND, PID, AT, NUMBER, LOCKTYPE, RELATION, IDENTITY, MODE, BLOCKERS, QUERY, STATE, PHASE };

/* A sample while it is put together; ARENA lives as long. */
typedef struct reading {
    rh_sampler *sampler;
    const rh_sampler_label *label;
    rh_arena *arena;
    rh_usec at;
    rh_wait_sample *waiters;
    size_t waiter_count;
    rh_wait_session *sessions;
    size_t session_count;
    bool new_names;
} reading;

/* The server's wall clock against ours, when it is another machine's: of five questions the quickest answer.
 */
static bool measure_clock(rh_sampler *sampler, rh_error *error)
{
    if (sampler->options.local) {
        sampler->clock_offset = rh_clock_wall() - rh_clock_monotonic();
        return true;
    }
    rh_usec best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        int64_t server;
        rh_usec requested = rh_clock_monotonic();
        if (!rh_pg_query_int(sampler->pg, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
                             &server, error))
            return false;
        rh_usec answered = rh_clock_monotonic();
        if (answered - requested < best) {
            best = answered - requested;
            sampler->clock_offset = server - (requested + answered) / 2;
        }
    }
    return true;
}

static void open_waiter_watch(rh_sampler *sampler)
{
    rh_pg_result *name = rh_pg_query(sampler->pg, "SELECT current_database()", 0, NULL, NULL);
    if (name)
        sampler->waiter_watch = rh_waiter_watch_open(sampler->options.conninfo, rh_pg_value(name, 0, 0));
    rh_pg_result_free(name);
}

bool rh_sampler_open(rh_sampler *sampler, rh_error *error)
{
    sampler->pg = rh_pg_connect(sampler->options.conninfo, ": sampler", error);
    if (!sampler->pg)
        return false;
    int version = rh_pg_server_version(sampler->pg);
    if (version < 140000)
        sampler->options.without_waitstart = true;
    /* The samples take no lock; the lookup of a name might wait for one, and then gives up. */
    rh_text sql = {0};
    rh_text_append(&sql, "SET statement_timeout = 0; SET lock_timeout = '100ms'; SET jit = off; "
                         "SET default_transaction_isolation = 'read committed'; ");
    if (version >= 140000)
        rh_text_append(&sql, "SET idle_session_timeout = 0; ");
    rh_text_append(&sql, "PREPARE pgrehearse_sample AS ");
    rh_text_append(&sql, sampler->options.without_waitstart ? rh_sql_waiters_before_14 : rh_sql_waiters);
    open_waiter_watch(sampler);
    bool ok = rh_pg_execute(sampler->pg, rh_text_string(&sql), error) &&
              rh_pg_query_int(sampler->pg,
                              "SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())",
                              &sampler->first_new_xid, error) &&
              measure_clock(sampler, error);
    rh_text_release(&sql);
    sampler->looks_at_phases = ok && rh_phases_prepare(sampler->pg);
    return ok || rh_error_context(error, "starting the lock sampler");
}

/* The moment of the sample that was requested and answered at these monotonic times, when the server's clock
 * was SERVER: only if that lies between the two, no clock was set since the last sample. */
static rh_usec follow_clock(rh_sampler *sampler, rh_usec requested, rh_usec answered, int64_t server)
{
    static const rh_usec DRIFT = RH_SECOND / 20;
    const rh_usec own = rh_clock_wall() - rh_clock_monotonic();
    if (sampler->options.local && llabs(own - sampler->clock_offset) < DRIFT)
        sampler->clock_offset = own; /* a clock that is slewed is followed */
    rh_usec at = server - sampler->clock_offset;
    if (at >= requested - DRIFT && at <= answered + DRIFT)
        return at < requested ? requested : at > answered ? answered : at;
    sampler->clock_stepped = true;
    at = (requested + answered) / 2;
    sampler->clock_offset = server - at;
    return at;
}

static rh_usec to_monotonic(const rh_sampler *sampler, int64_t server_us)
{
    return server_us > 0 ? server_us - sampler->clock_offset : 0;
}

/* Without the data's values; the server's own descriptions of its workers are no SQL. */
static const char *shown_query(rh_sampler *sampler, const char *raw)
{
    if (!raw || !*raw)
        return NULL;
    for (size_t i = 0; i < sampler->text_count; i++)
        if (strcmp(sampler->texts[i].raw, raw) == 0)
            return sampler->texts[i].shown;
    rh_redacted *text = rh_arena_add(sampler->arena, &sampler->texts, &sampler->text_count);
    text->raw = rh_arena_strdup(sampler->arena, raw);
    bool is_sql = strncmp(raw, "autovacuum: ", 12) != 0 && strncmp(raw, "<insufficient", 13) != 0;
    text->shown = is_sql ? rh_sql_redact(raw, sampler->arena) : text->raw;
    return text->shown;
}

/* "{1,2}" */
static const int *parse_pids(rh_arena *arena, const char *array, size_t *count)
{
    int *pids = NULL;
    for (const char *p = array ? array : "}"; *p && *p != '}';) {
        char *end;
        long pid = strtol(p + 1, &end, 10);
        if (end == p + 1)
            break;
        int *slot = rh_arena_add(arena, &pids, count);
        *slot = (int)pid;
        p = end;
    }
    return pids;
}

static void watch(rh_sampler *sampler, int pid)
{
    rh_text_printf(&sampler->watched, "%s%d", sampler->watched.length ? "," : "", pid);
}

static const char *name_relation(reading *r, const rh_pg_result *result, size_t row)
{
    int64_t oid = rh_pg_int(result, row, RELATION, 0);
    if (oid == 0)
        return NULL;
    pthread_mutex_lock(&r->sampler->mutex);
    r->new_names |= rh_sampler_add_relation(r->sampler, oid);
    pthread_mutex_unlock(&r->sampler->mutex);
    return rh_sampler_name(r->sampler, oid, r->arena);
}

/* Several workers of one session wait for the same lock: that is one wait. */
static bool is_known(const reading *r, int pid, const char *identity)
{
    for (size_t i = 0; i < r->waiter_count; i++)
        if (r->waiters[i].waiter_pid == pid && strcmp(r->waiters[i].identity, identity) == 0)
            return true;
    return false;
}

static void read_waiter(reading *r, const rh_pg_result *result, size_t row)
{
    rh_sampler *sampler = r->sampler;
    if (is_known(r, (int)rh_pg_int(result, row, PID, 0), rh_pg_value(result, row, IDENTITY)))
        return;
    rh_wait_sample *waiter = rh_arena_add(r->arena, &r->waiters, &r->waiter_count);
    waiter->at = r->at;
    waiter->waitstart = rh_pg_int(result, row, AT, 0);
    waiter->wait_started = to_monotonic(sampler, waiter->waitstart);
    if (sampler
            ->clock_stepped) /* it may be of the clock before: a wait begins when a sample first shows it */
        waiter->wait_started = 0;
    waiter->waiter_pid = (int)rh_pg_int(result, row, PID, 0);
    waiter->blocker_pids = parse_pids(r->arena, rh_pg_value(result, row, BLOCKERS), &waiter->blocker_count);
    waiter->locktype = rh_pg_value(result, row, LOCKTYPE);
    waiter->identity = rh_pg_value(result, row, IDENTITY);
    waiter->relation = name_relation(r, result, row);
    waiter->mode = rh_lock_mode_named(rh_pg_value(result, row, MODE));
    waiter->query = shown_query(sampler, rh_pg_value(result, row, QUERY));
    waiter->concurrently = rh_pg_value(result, row, PHASE);
    waiter->migration = r->label->migration;
    waiter->statement = r->label->statement;
    watch(sampler, waiter->waiter_pid);
    for (size_t i = 0; i < waiter->blocker_count; i++)
        watch(sampler, waiter->blocker_pids[i]);
}

static void read_session(reading *r, const rh_pg_result *result, size_t row)
{
    rh_wait_session *session = rh_arena_add(r->arena, &r->sessions, &r->session_count);
    const char *query = shown_query(r->sampler, rh_pg_value(result, row, QUERY));
    const char *state = rh_pg_value(result, row, STATE);
    session->pid = (int)rh_pg_int(result, row, PID, 0);
    session->name = query;
    if (query && state && strncmp(state, "idle in transaction", 19) == 0)
        session->name = rh_arena_printf(r->arena, "%s (%s)", query, state);
    const char *application = rh_pg_value(result, row, MODE);
    session->is_load = application && (strcmp(application, "pgrehearse: load") == 0 ||
                                       strncmp(application, "pgrehearse: disturber", 21) == 0);
    session->aborted = state && strcmp(state, "idle in transaction (aborted)") == 0;
    session->statement_ended = to_monotonic(r->sampler, rh_pg_int(result, row, AT, 0));
    session->transaction_ended = to_monotonic(r->sampler, rh_pg_int(result, row, NUMBER, 0));
}

static bool is_of(const rh_seen_lock *seen, const rh_sampler_label *label)
{
    return seen->migration == label->migration && seen->statement == label->statement;
}

static void end_hold(rh_seen_lock *seen, rh_usec at)
{
    if (seen->until)
        return;
    seen->until = at;
    if (at - seen->since > seen->longest)
        seen->longest = at - seen->since;
}

static void book_lock(reading *r, const rh_pg_result *result, size_t row)
{
    rh_sampler *sampler = r->sampler;
    int64_t oid = rh_pg_int(result, row, RELATION, 0);
    const rh_lock_mode mode = rh_lock_mode_named(rh_pg_value(result, row, MODE));
    const int64_t transaction = rh_pg_int(result, row, NUMBER, 0);
    const rh_usec since = sampler->booked_at > r->label->since ? sampler->booked_at : r->label->since;
    r->new_names |= rh_sampler_add_relation(sampler, oid);
    for (size_t i = sampler->seen_count; i-- > 0;) {
        rh_seen_lock *seen = &sampler->seen[i];
        if (!is_of(seen, r->label) || seen->oid != oid || seen->mode != mode)
            continue;
        seen->last = r->at;
        if (!seen->until && seen->transaction == transaction)
            return;
        end_hold(seen, r->at);
        seen->transaction = transaction;
        seen->since = since;
        seen->until = 0;
        return;
    }
    rh_seen_lock *seen = rh_arena_add(sampler->shared, &sampler->seen, &sampler->seen_count);
    *seen = (rh_seen_lock){.migration = r->label->migration,
                           .statement = r->label->statement,
                           .oid = oid,
                           .mode = mode,
                           .first = r->at,
                           .last = r->at,
                           .transaction = transaction,
                           .since = since};
}

static void book_worker(reading *r, const rh_pg_result *result, size_t row)
{
    rh_sampler *sampler = r->sampler;
    int pid = (int)rh_pg_int(result, row, PID, 0);
    double cpu_s = sampler->options.local ? rh_proc_cpu(pid) : NAN;
    if (isnan(cpu_s))
        return; /* it has ended */
    rh_seen_worker *worker = NULL;
    for (size_t i = sampler->worker_count; i-- > 0 && !worker;)
        if (sampler->workers[i].migration == r->label->migration &&
            sampler->workers[i].statement == r->label->statement && sampler->workers[i].pid == pid)
            worker = &sampler->workers[i];
    if (!worker)
        worker = rh_arena_add(sampler->shared, &sampler->workers, &sampler->worker_count);
    *worker = (rh_seen_worker){r->label->migration, r->label->statement, pid, cpu_s};
    sampler->live_workers++;
}

void rh_sampler_read_workers(rh_sampler *sampler, const rh_sampler_label *label)
{
    size_t living = 0;
    pthread_mutex_lock(&sampler->mutex);
    for (size_t i = 0; i < sampler->worker_count; i++) {
        rh_seen_worker *worker = &sampler->workers[i];
        double cpu_s = worker->migration == label->migration && worker->statement == label->statement
                           ? rh_proc_cpu(worker->pid)
                           : NAN;
        if (isnan(cpu_s) || cpu_s < worker->cpu_s)
            continue; /* it has ended, and its pid may be another's */
        worker->cpu_s = cpu_s;
        living++;
    }
    sampler->live_workers = living;
    pthread_mutex_unlock(&sampler->mutex);
}

/* What the migration holds and whom it employs, if its statement still runs: else they may be the next one's.
 */
static void book_migration(reading *r, const rh_pg_result *result)
{
    rh_sampler *sampler = r->sampler;
    pthread_mutex_lock(&sampler->mutex);
    bool fresh = sampler->label.generation == r->label->generation;
    sampler->live_workers = 0;
    for (size_t row = 0; fresh && r->label->migration && row < rh_pg_rows(result); row++) {
        const char *kind = rh_pg_value(result, row, KIND);
        if (strcmp(kind, "held") == 0)
            book_lock(r, result, row);
        else if (strcmp(kind, "worker") == 0)
            book_worker(r, result, row);
    }
    for (size_t i = 0; fresh && i < sampler->seen_count; i++)
        if (is_of(&sampler->seen[i], r->label) && sampler->seen[i].last != r->at)
            end_hold(&sampler->seen[i], r->at);
    if (fresh)
        sampler->booked_at = r->at;
    pthread_mutex_unlock(&sampler->mutex);
}

/* Sends what has changed since the last sample and the query, in one round trip. */
static rh_pg_result *query(rh_sampler *sampler, const rh_sampler_label *label, rh_error *error)
{
    rh_text settings = {0}, sql = {0};
    rh_text_append(&settings, "SET pgrehearse.migration = '");
    if (label->migration && label->pid > 0)
        rh_text_printf(&settings, "%d", label->pid);
    rh_text_append(&settings, "'; SET pgrehearse.watched = '");
    if (sampler->watched.length > 0)
        rh_text_printf(&settings, "{%s}", sampler->watched.data);
    rh_text_append(&settings, "'; ");
    if (strcmp(rh_text_string(&settings), rh_text_string(&sampler->settings)) != 0)
        rh_text_append(&sql, settings.data);
    rh_text_append(&sql, "EXECUTE pgrehearse_sample");
    rh_pg_result *result = rh_pg_query(sampler->pg, sql.data, 0, NULL, error);
    rh_text_release(&sampler->settings);
    sampler->settings = settings;
    rh_text_release(&sql);
    return result;
}

/* The longest time without a sample while a statement ran, its end included: a shorter wait may go unseen. */
void rh_sampler_note_gap(rh_sampler *sampler, const rh_sampler_label *label, rh_usec at)
{
    bool running = label->migration != NULL;
    rh_usec from = running && label->since > sampler->last_at ? label->since : sampler->last_at;
    if ((running || sampler->was_running) && at - from > sampler->longest_gap)
        sampler->longest_gap = at - from;
    sampler->was_running = running;
    sampler->last_at = at;
}

static void read_rows(reading *r, const rh_pg_result *result)
{
    rh_text_clear(&r->sampler->watched);
    for (size_t row = 0; row < rh_pg_rows(result); row++) {
        const char *kind = rh_pg_value(result, row, KIND);
        if (strcmp(kind, "waiter") == 0)
            read_waiter(r, result, row);
        else if (strcmp(kind, "session") == 0)
            read_session(r, result, row);
    }
}

bool rh_sampler_take(rh_sampler *sampler, const rh_sampler_label *label, rh_error *error)
{
    const rh_usec requested = rh_clock_monotonic();
    rh_pg_result *result = query(sampler, label, error);
    if (!result)
        return false;
    const rh_usec answered = rh_clock_monotonic();
    if (label->pid != sampler->graph_pid) {
        rh_wait_graph_migration(sampler->graph, label->pid);
        sampler->graph_pid = label->pid;
    }
    reading r = {.sampler = sampler, .label = label, .arena = rh_arena_new()};
    r.at = follow_clock(sampler, requested, answered, rh_pg_int(result, 0, AT, 0));
    read_rows(&r, result);
    book_migration(&r, result);
    rh_wait_graph_add_with(sampler->graph, r.at, r.waiters, r.waiter_count, r.sessions, r.session_count);
    sampler->samples++;
    if (!sampler->waiter_watch || !rh_waiter_watch_is_busy(sampler->waiter_watch))
        rh_sampler_note_gap(sampler, label, r.at);
    rh_sampler_resolve_names(sampler, r.new_names);
    rh_pg_result_free(result);
    rh_arena_free(r.arena);
    return true;
}
