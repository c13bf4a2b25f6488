/* Turns samples into waits: a sample begins, continues and ends them. */
#include "wait_graph_state.h"
#include <stdlib.h>
#include <string.h>

/* The same waitstart is converted from the server's clock in each sample; two results may differ by this
 * much. */
static const rh_usec SAME_START = RH_SECOND / 2000;

typedef rh_graph_wait wait;
typedef rh_moment moment;

rh_wait_graph *rh_wait_graph_new(rh_usec began)
{
    rh_wait_graph *graph = rh_alloc(sizeof *graph);
    graph->arena = rh_arena_new();
    graph->began = began;
    return graph;
}

void rh_wait_graph_free(rh_wait_graph *graph)
{
    if (!graph)
        return;
    rh_arena_free(graph->arena);
    free(graph->open);
    free(graph);
}

void rh_wait_graph_migration(rh_wait_graph *graph, int pid)
{
    int *slot = rh_arena_add(graph->arena, &graph->migration_pids, &graph->migration_pid_count);
    *slot = pid;
}

bool rh_graph_is_migration(const rh_wait_graph *graph, int pid)
{
    for (size_t i = 0; i < graph->migration_pid_count; i++)
        if (graph->migration_pids[i] == pid)
            return true;
    return false;
}

const char *rh_graph_intern(rh_wait_graph *graph, const char *string)
{
    if (!string)
        return NULL;
    for (size_t i = 0; i < graph->string_count; i++)
        if (strcmp(graph->strings[i], string) == 0)
            return graph->strings[i];
    const char **slot = rh_arena_add(graph->arena, &graph->strings, &graph->string_count);
    return *slot = rh_arena_strdup(graph->arena, string);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

const rh_wait_sample *rh_moment_sample(const moment *now, int pid)
{
    for (size_t i = 0; i < now->count; i++)
        if (now->samples[i].waiter_pid == pid)
            return &now->samples[i];
    return NULL;
}

const rh_wait_session *rh_moment_session(const moment *now, int pid)
{
    for (size_t i = 0; i < now->session_count; i++)
        if (now->sessions[i].pid == pid)
            return &now->sessions[i];
    return NULL;
}

/* Books the time since the wait was last seen (or began) on the chain that it is in now. */
static void book(rh_wait_graph *graph, const moment *now, wait *w, const rh_wait_sample *sample)
{
    rh_usec since = w->segment_count > 0 ? w->last_seen : w->started;
    if (sample->blocker_count == 0)
        return; /* released between the reading of the queue and of the blockers */
    w->current_spell = rh_graph_segment(graph, now, w, sample);
    w->segments[w->current_spell].spent += now->at > since ? now->at - since : 0;
}

static bool continues(const wait *w, const rh_wait_sample *sample)
{
    if (w->pid != sample->waiter_pid || w->mode != sample->mode || !same_text(w->locktype, sample->locktype))
        return false;
    if (sample->identity ? !same_text(w->identity, sample->identity)
                         : !same_text(w->relation, sample->relation))
        return false;
    /* The server may publish waitstart a moment after the wait itself. */
    if (w->waitstart && sample->waitstart)
        return w->waitstart == sample->waitstart;
    rh_usec apart = sample->wait_started - w->started;
    return !w->exact_start || sample->wait_started == 0 || (apart <= SAME_START && apart >= -SAME_START);
}

static void see(rh_wait_graph *graph, const moment *now, size_t index, const rh_wait_sample *sample)
{
    wait *w = &graph->waits[index];
    if (!w->exact_start && sample->wait_started > 0) {
        w->exact_start = true;
        w->started = sample->wait_started;
    }
    if (!w->waitstart)
        w->waitstart = sample->waitstart;
    book(graph, now, w, sample);
    w->last_seen = now->at;
    if (!w->concurrently)
        w->concurrently = rh_graph_intern(graph, sample->concurrently);
    bool behind = rh_graph_behind_migration(graph, now, sample);
    /* The statement that is in the way says more than what ran when the wait began. */
    if (sample->migration && (!w->migration || (behind && !w->behind_migration))) {
        w->migration = rh_graph_intern(graph, sample->migration);
        w->statement = sample->statement;
    }
    w->behind_migration |= behind;
}

static size_t open_wait(rh_wait_graph *graph, const moment *now, const rh_wait_sample *sample)
{
    wait *w = rh_arena_add(graph->arena, &graph->waits, &graph->wait_count);
    w->pid = sample->waiter_pid;
    w->started = now->at;
    w->locktype = rh_graph_intern(graph, sample->locktype);
    w->identity = rh_graph_intern(graph, sample->identity);
    w->relation = rh_graph_intern(graph, sample->relation);
    w->mode = sample->mode;
    w->query = rh_graph_intern(graph, sample->query);
    w->is_migration = rh_graph_is_migration(graph, sample->waiter_pid);
    return graph->wait_count - 1;
}

static void lower(rh_usec *bound, rh_usec evidence, rh_usec last_seen)
{
    if (evidence > last_seen && evidence < *bound)
        *bound = evidence;
}

/* The sample NOW does not show W any more. */
static void close_wait(const moment *now, wait *w)
{
    rh_usec bound = now->at;
    const rh_wait_session *waiter = rh_moment_session(now, w->pid);
    if (waiter)
        lower(&bound, waiter->statement_ended, w->last_seen);
    const rh_wait_sample *next = rh_moment_sample(now, w->pid);
    if (next)
        lower(&bound, next->wait_started, w->last_seen);
    const rh_wait_session *blocker =
        w->segment_count > 0 ? rh_moment_session(now, w->segments[w->current_spell].chain[0].pid) : NULL;
    if (blocker)
        lower(&bound, blocker->transaction_ended, w->last_seen);
    w->ended = bound < now->at ? bound : w->last_seen + (now->at - w->last_seen) / 2;
}

void rh_wait_graph_add_with(rh_wait_graph *graph, rh_usec at, const rh_wait_sample *samples, size_t count,
                            const rh_wait_session *sessions, size_t session_count)
{
    moment now = {at, samples, count, sessions, session_count};
    size_t before = graph->open_count, kept = 0;
    bool *known = rh_alloc(count * sizeof *known);
    for (size_t i = 0; i < before; i++) {
        size_t index = graph->open[i], s = 0;
        while (s < count && (known[s] || !continues(&graph->waits[index], &samples[s])))
            s++;
        if (s == count) {
            close_wait(&now, &graph->waits[index]);
            continue;
        }
        known[s] = true;
        see(graph, &now, index, &samples[s]);
        graph->open[kept++] = index;
    }
    if (kept + count > graph->open_capacity) {
        graph->open_capacity = 2 * (kept + count);
        graph->open = rh_realloc(graph->open, graph->open_capacity * sizeof *graph->open);
    }
    for (size_t s = 0; s < count; s++) {
        if (known[s])
            continue;
        size_t index = open_wait(graph, &now, &samples[s]);
        see(graph, &now, index, &samples[s]);
        graph->open[kept++] = index;
    }
    graph->open_count = kept;
    free(known);
    rh_graph_cycles(graph, &now);
}

void rh_wait_graph_add(rh_wait_graph *graph, rh_usec at, const rh_wait_sample *samples, size_t count)
{
    rh_wait_graph_add_with(graph, at, samples, count, NULL, 0);
}

size_t rh_wait_graph_waiting(const rh_wait_graph *graph)
{
    return graph->open_count;
}

static void rename_one(rh_wait_graph *graph, const char **relation,
                       const char *(*rename)(void *user, const char *relation), void *user)
{
    if (*relation)
        *relation = rh_graph_intern(graph, rename(user, *relation));
}

void rh_wait_graph_rename(rh_wait_graph *graph, const char *(*rename)(void *user, const char *relation),
                          void *user)
{
    for (size_t i = 0; i < graph->wait_count; i++) {
        rename_one(graph, &graph->waits[i].relation, rename, user);
        for (size_t k = 0; k < graph->waits[i].segment_count; k++)
            for (size_t l = 0; l < graph->waits[i].segments[k].chain_count; l++)
                rename_one(graph, &graph->waits[i].segments[k].chain[l].relation, rename, user);
    }
    for (size_t i = 0; i < graph->cycle_count; i++)
        for (size_t k = 0; k < graph->cycles[i].side_count; k++)
            rename_one(graph, &graph->cycles[i].sides[k].relation, rename, user);
}
