#include "runner_watch.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "rehearsal/program/locks.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const rh_usec PATIENCE = 5 * RH_SECOND;
enum { SESSIONS_MAX = 32 };

/* What the others must know of one. */
typedef struct place {
    bool changed, waits, ended;
    int pids[SESSIONS_MAX];
    size_t pid_count;
} place;

struct rh_runner_gate {
    pthread_mutex_t lock;
    place *places;
    size_t count;
};

typedef struct change {
    const char *sql;
    bool ok;
} change;

struct rh_runner_watch {
    rh_runner_gate *gate;
    size_t runner;
    rh_arena *arena;
    int statements;
    bool asked_for_advisory; /* some statement names an advisory lock */
    change *changes;
    size_t change_count;
    rh_usec held_since;  /* 0: not yet */
    const char *failure; /* the server's last, without values of the data; NULL */
};

/* ---- the gate ---- */

rh_runner_gate *rh_runner_gate_new(size_t count)
{
    rh_runner_gate *gate = rh_alloc(sizeof *gate);
    pthread_mutex_init(&gate->lock, NULL);
    gate->places = rh_alloc(count * sizeof *gate->places);
    gate->count = count;
    return gate;
}

void rh_runner_gate_free(rh_runner_gate *gate)
{
    if (!gate)
        return;
    pthread_mutex_destroy(&gate->lock);
    free(gate->places);
    free(gate);
}

void rh_runner_gate_ended(rh_runner_gate *gate, size_t runner)
{
    pthread_mutex_lock(&gate->lock);
    gate->places[runner].ended = true;
    pthread_mutex_unlock(&gate->lock);
}

/* The runner's sessions as an array's text. */
static void list_pids(rh_runner_gate *gate, size_t runner, rh_text *text)
{
    pthread_mutex_lock(&gate->lock);
    const place *at = &gate->places[runner];
    rh_text_append_char(text, '{');
    for (size_t i = 0; i < at->pid_count; i++)
        rh_text_printf(text, "%s%d", i ? "," : "", at->pids[i]);
    rh_text_append_char(text, '}');
    pthread_mutex_unlock(&gate->lock);
}

bool rh_runner_gate_poll(rh_runner_gate *gate, size_t runner, rh_pg *pg, rh_runner *found, rh_arena *arena,
                         rh_error *error)
{
    static const char sql[] =
        "SELECT CASE l.locktype WHEN 'advisory' THEN 'an advisory lock' "
        "WHEN 'relation' THEN coalesce(l.relation::pg_catalog.regclass::pg_catalog.text, 'a relation') "
        "ELSE 'a row or another transaction''s end' END, "
        "pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.query_start), "
        "l.locktype = 'advisory' FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) "
        "WHERE NOT l.granted AND l.pid = ANY ($1::pg_catalog.int4[]) LIMIT 1";
    rh_text pids = {0};
    list_pids(gate, runner, &pids);
    rh_pg_result *result = rh_pg_query(pg, sql, 1, (const char *const[]){rh_text_string(&pids)}, error);
    rh_text_release(&pids);
    if (!result)
        return false;
    bool waits = rh_pg_rows(result) > 0;
    double length = waits ? rh_pg_double(result, 0, 1, 0) : 0;
    if (waits && length >= found->lock_wait_s) {
        found->lock_wait_s = length;
        found->waited_for_advisory = rh_pg_bool(result, 0, 2);
        if (!found->waited_for || strcmp(found->waited_for, rh_pg_value(result, 0, 0)) != 0)
            found->waited_for = rh_arena_strdup(arena, rh_pg_value(result, 0, 0));
    }
    rh_pg_result_free(result);
    pthread_mutex_lock(&gate->lock);
    gate->places[runner].waits = waits;
    pthread_mutex_unlock(&gate->lock);
    return true;
}

/* ---- the proxy's events; in its thread ---- */

rh_runner_watch *rh_runner_watch_new(rh_runner_gate *gate, size_t runner, rh_arena *arena)
{
    rh_runner_watch *watch = rh_arena_alloc(arena, sizeof *watch);
    *watch = (rh_runner_watch){.gate = gate, .runner = runner, .arena = arena};
    return watch;
}

/* Neither a query nor transaction control nor a lock: something of the database is other than before. What
 * says IF NOT EXISTS is what every runner does. */
static bool is_change(const char *sql)
{
    static const char *const words[] = {"create",  "alter",   "drop",     "insert",   "update",
                                        "delete",  "merge",   "truncate", "comment",  "grant",
                                        "revoke",  "copy",    "do",       "call",     "refresh",
                                        "reindex", "cluster", "import",   "security", "reassign"};
    const char *word = sql + strspn(sql, " \t\r\n(;");
    while (strncmp(word, "--", 2) == 0) {
        word += strcspn(word, "\n");
        word += strspn(word, " \t\r\n(;");
    }
    if (strcasestr(sql, "if not exists"))
        return false;
    if (rh_program_begins_with(word, words, sizeof words / sizeof *words))
        return true;
    return strncasecmp(word, "begin", 5) == 0 && strchr(word, ';') && is_change(strchr(word, ';') + 1);
}

static void on_begun(void *user, rh_proxy_statement *statement)
{
    rh_runner_watch *w = user;
    w->statements++;
    w->asked_for_advisory = w->asked_for_advisory || strcasestr(statement->sql, "advisory");
    pthread_mutex_lock(&w->gate->lock);
    place *at = &w->gate->places[w->runner];
    bool known = statement->pid == 0;
    for (size_t i = 0; i < at->pid_count; i++)
        known = known || at->pids[i] == statement->pid;
    if (!known && at->pid_count < SESSIONS_MAX)
        at->pids[at->pid_count++] = statement->pid;
    pthread_mutex_unlock(&w->gate->lock);
    if (!is_change(statement->sql))
        return;
    change *c = rh_arena_add(w->arena, &w->changes, &w->change_count);
    c->sql = rh_arena_strdup(w->arena, statement->sql);
    statement->mark = (void *)w->change_count; /* its number, since the array moves */
}

static void on_ended(void *user, const rh_proxy_statement *statement)
{
    rh_runner_watch *w = user;
    if (statement->sqlstate) {
        char *redacted = rh_pg_redact_message(statement->sqlstate, statement->error_function,
                                              statement->message, statement->sql);
        if (strcmp(statement->sqlstate, "42601") == 0)
            rh_sql_redact_message(redacted);
        w->failure = rh_arena_strdup(w->arena, redacted);
        free(redacted);
    }
    if (!statement->mark)
        return;
    w->changes[(size_t)statement->mark - 1].ok = !statement->sqlstate;
    pthread_mutex_lock(&w->gate->lock);
    w->gate->places[w->runner].changed = true;
    pthread_mutex_unlock(&w->gate->lock);
}

/* After the first change: until every other runner has made it, waits, or has ended. */
static bool on_hold(void *user, const rh_proxy_held *held)
{
    rh_runner_watch *w = user;
    bool arrived = true;
    if (held->reason == RH_HOLD_IDLE)
        return true;
    pthread_mutex_lock(&w->gate->lock);
    bool changed = w->gate->places[w->runner].changed;
    for (size_t i = 0; i < w->gate->count; i++) {
        const place *at = &w->gate->places[i];
        arrived = arrived && (i == w->runner || at->changed || at->waits || at->ended);
    }
    pthread_mutex_unlock(&w->gate->lock);
    if (!changed || arrived)
        return true;
    rh_usec now = rh_clock_monotonic();
    if (!w->held_since)
        w->held_since = now;
    return now - w->held_since > PATIENCE;
}

rh_proxy_events rh_runner_watch_events(rh_runner_watch *watch)
{
    return (rh_proxy_events){.session = {.user = watch, .begun = on_begun, .ended = on_ended},
                             .hold = on_hold};
}

/* ---- afterwards ---- */

void rh_runner_watch_count(const rh_runner_watch *watch, rh_runner *found, rh_arena *arena)
{
    if (watch->failure && found->status != 0)
        found->last_line = rh_arena_strdup(arena, watch->failure);
    found->statements = watch->statements;
    for (size_t i = 0; i < watch->change_count; i++)
        found->changes += watch->changes[i].ok;
}

static bool has_done(const rh_runner_watch *watch, const char *sql)
{
    for (size_t i = 0; i < watch->change_count; i++)
        if (watch->changes[i].ok && strcmp(watch->changes[i].sql, sql) == 0)
            return true;
    return false;
}

/* Of the first runner's changes and so on, those that a later one made too. */
static void count_repeated(const rh_runner_watch *const *watches, size_t count, rh_arena *arena,
                           rh_runners *found)
{
    for (size_t i = 0; i + 1 < count; i++)
        for (size_t c = 0; c < watches[i]->change_count; c++) {
            bool again = false;
            for (size_t k = i + 1; watches[i]->changes[c].ok && k < count; k++)
                again = again || has_done(watches[k], watches[i]->changes[c].sql);
            if (again && found->repeated++ == 0)
                found->repeated_sql = rh_sql_redact(watches[i]->changes[c].sql, arena);
        }
}

static rh_runners_outcome outcome_of(const rh_runner_watch *const *watches, const rh_runners *found)
{
    bool failed = false, waited = false, waited_otherwise = false, advisory = false;
    size_t began = 0;
    for (size_t i = 0; i < found->count; i++) {
        const rh_runner *r = &found->runners[i];
        failed = failed || r->status != 0;
        waited = waited || (r->waited_for && r->waited_for_advisory);
        waited_otherwise = waited_otherwise || (r->waited_for && !r->waited_for_advisory);
        advisory = advisory ||
                   (r->status != 0 && r->changes == 0 && !r->waited_for && watches[i]->asked_for_advisory);
        began += r->changes > 0;
    }
    if (found->repeated > 0)
        return RH_RUNNERS_BOTH_RAN;
    if (failed)
        return advisory && began < found->count ? RH_RUNNERS_REFUSED : RH_RUNNERS_COLLIDED;
    return waited ? RH_RUNNERS_WAITED : waited_otherwise ? RH_RUNNERS_SERIALISED : RH_RUNNERS_NOT_MET;
}

/* The one whose figures the sentence is about. */
static const rh_runner *program_hooks(const rh_runners *found, rh_runners_outcome outcome)
{
    const rh_runner *chosen = &found->runners[0];
    for (size_t i = 1; i < found->count; i++) {
        const rh_runner *r = &found->runners[i];
        if (outcome == RH_RUNNERS_COLLIDED || outcome == RH_RUNNERS_REFUSED)
            chosen = r->status != 0 ? r : chosen;
        else if (r->lock_wait_s > chosen->lock_wait_s)
            chosen = r;
    }
    return chosen;
}

void rh_runner_watch_judge(const rh_runner_watch *const *watches, size_t count, rh_arena *arena,
                           rh_runners *found)
{
    char wait[32];
    count_repeated(watches, count, arena, found);
    found->outcome = outcome_of(watches, found);
    const rh_runner *r = program_hooks(found, found->outcome);
    rh_duration_format(r->lock_wait_s, wait, sizeof wait);
    switch (found->outcome) {
    case RH_RUNNERS_WAITED:
        found->why = rh_arena_printf(
            arena, "its advisory lock blocked the other, which waited %s and then had nothing to do", wait);
        break;
    case RH_RUNNERS_REFUSED:
        found->why = rh_arena_printf(arena, "its advisory lock blocked the other, which gave up%s%s",
                                     r->last_line ? ": " : "", r->last_line ? r->last_line : "");
        break;
    case RH_RUNNERS_SERIALISED:
        found->why = rh_arena_printf(
            arena, "no advisory lock, but the other waited %s for %s and changed nothing twice", wait,
            r->waited_for);
        break;
    case RH_RUNNERS_BOTH_RAN:
        found->why = rh_arena_printf(arena, "both ran: %zu change%s made by more than one", found->repeated,
                                     found->repeated == 1 ? " was" : "s were");
        break;
    case RH_RUNNERS_COLLIDED:
        found->why = rh_arena_printf(arena, "no lock serialised them: one ended with status %d%s%s",
                                     r->status, r->last_line ? ": " : "", r->last_line ? r->last_line : "");
        break;
    default:
        found->why = "they did not overlap, so nothing is proven";
    }
}
