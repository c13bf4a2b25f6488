#include "pgrehearse/observe/wait_graph.h"
#include <stdlib.h>
#include <string.h>

/* The same waitstart, converted from the server's clock anew in each sample, may differ by this much. */
static const rh_usec SAME_START = RH_SECOND / 2000;

/* Time spent behind one blocker, itself behind one root. */
typedef struct spell {
    int blocker_pid, root_pid;
    const char *blocker;
    rh_usec spent;
} spell;

typedef struct wait {
    int pid;
    bool exact_start, is_migration, behind_migration;
    rh_usec started, last_seen, ended;
    const char *locktype, *identity, *relation, *mode, *query;
    const char *migration;
    int statement;
    spell *spells;
    size_t spell_count, current_spell;
} wait;

struct rh_wait_graph {
    rh_arena *arena;
    rh_usec began;
    wait *waits;
    size_t wait_count;
    size_t *open; /* indexes of waits that the last sample saw */
    size_t open_count, open_capacity;
    int *migration_pids;
    size_t migration_pid_count;
    const char **strings; /* every distinct text once, however often samples bring it */
    size_t string_count;
};

/* The sample at hand. */
typedef struct moment {
    rh_usec at;
    const rh_wait_sample *samples;
    size_t count;
    const rh_wait_session *sessions;
    size_t session_count;
} moment;

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
    int *slot = rh_arena_add(graph->arena, &graph->migration_pids, &graph->migration_pid_count, sizeof *slot);
    *slot = pid;
}

static bool is_migration(const rh_wait_graph *graph, int pid)
{
    for (size_t i = 0; i < graph->migration_pid_count; i++)
        if (graph->migration_pids[i] == pid)
            return true;
    return false;
}

static const char *intern(rh_wait_graph *graph, const char *string)
{
    if (!string)
        return NULL;
    for (size_t i = 0; i < graph->string_count; i++)
        if (strcmp(graph->strings[i], string) == 0)
            return graph->strings[i];
    const char **slot = rh_arena_add(graph->arena, &graph->strings, &graph->string_count, sizeof *slot);
    return *slot = rh_arena_strdup(graph->arena, string);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const rh_wait_sample *sample_of(const moment *now, int pid)
{
    for (size_t i = 0; i < now->count; i++)
        if (now->samples[i].waiter_pid == pid)
            return &now->samples[i];
    return NULL;
}

static const rh_wait_session *session_of(const moment *now, int pid)
{
    for (size_t i = 0; i < now->session_count; i++)
        if (now->sessions[i].pid == pid)
            return &now->sessions[i];
    return NULL;
}

/* Which of several stands in the way: one that waits for nobody decides how long it takes, and of those (or
 * of queued ones, when there is no such) the migration is what the account is about. */
static int choose_blocker(const rh_wait_graph *graph, const moment *now, const rh_wait_sample *sample)
{
    int best = sample->blocker_pids[0], best_rank = -1;
    for (size_t i = 0; i < sample->blocker_count; i++) {
        int pid = sample->blocker_pids[i];
        int rank = 2 * !sample_of(now, pid) + is_migration(graph, pid);
        if (rank > best_rank) {
            best_rank = rank;
            best = pid;
        }
    }
    return best;
}

/* Follows chosen blockers; a chain longer than the number of waiters has closed. */
static int find_root(const rh_wait_graph *graph, const moment *now, const rh_wait_sample *sample)
{
    int start = sample->waiter_pid, root = start;
    for (size_t steps = 0; sample && sample->blocker_count > 0 && steps < now->count; steps++) {
        int next = choose_blocker(graph, now, sample);
        if (next == start)
            break;
        root = next;
        sample = sample_of(now, next);
    }
    return root;
}

/* Whether any path from this waiter leads to the migration. REACHED marks samples already visited. */
static bool reaches_migration(const rh_wait_graph *graph, const moment *now, const rh_wait_sample *sample,
                              bool *reached)
{
    reached[sample - now->samples] = true;
    for (size_t i = 0; i < sample->blocker_count; i++) {
        int pid = sample->blocker_pids[i];
        if (is_migration(graph, pid))
            return true;
        const rh_wait_sample *next = sample_of(now, pid);
        if (next && !reached[next - now->samples] && reaches_migration(graph, now, next, reached))
            return true;
    }
    return false;
}

static const char *name_blocker(rh_wait_graph *graph, const moment *now, const rh_wait_sample *sample,
                                int pid)
{
    if (is_migration(graph, pid)) {
        if (!sample->migration)
            return "migration, between its statements";
        char *name =
            rh_arena_printf(graph->arena, "migration %s, statement %d", sample->migration, sample->statement);
        return intern(graph, name);
    }
    const rh_wait_session *session = session_of(now, pid);
    if (session && session->name)
        return intern(graph, session->name);
    const rh_wait_sample *waiting = sample_of(now, pid);
    if (waiting && waiting->query)
        return intern(graph, waiting->query);
    return pid == 0 ? "a prepared transaction" : "an unknown session";
}

/* Books the time since the wait was last seen (or began) on whoever is in the way now. */
static void book(rh_wait_graph *graph, const moment *now, wait *w, const rh_wait_sample *sample)
{
    rh_usec since = w->spell_count > 0 ? w->last_seen : w->started;
    if (sample->blocker_count == 0)
        return; /* released between the reading of the queue and of the blockers */
    int blocker = choose_blocker(graph, now, sample), root = find_root(graph, now, sample);
    size_t i = 0;
    while (i < w->spell_count && (w->spells[i].blocker_pid != blocker || w->spells[i].root_pid != root))
        i++;
    if (i == w->spell_count) {
        spell *fresh = rh_arena_add(graph->arena, &w->spells, &w->spell_count, sizeof *fresh);
        fresh->blocker_pid = blocker;
        fresh->root_pid = root;
        fresh->blocker = name_blocker(graph, now, sample, blocker);
    }
    w->current_spell = i;
    w->spells[i].spent += now->at > since ? now->at - since : 0;
}

static bool continues(const wait *w, const rh_wait_sample *sample)
{
    if (w->pid != sample->waiter_pid || !same_text(w->mode, sample->mode) ||
        !same_text(w->locktype, sample->locktype))
        return false;
    if (sample->identity ? !same_text(w->identity, sample->identity)
                         : !same_text(w->relation, sample->relation))
        return false;
    /* The server may publish waitstart a moment after the wait itself. */
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
    book(graph, now, w, sample);
    w->last_seen = now->at;
    bool *reached = rh_alloc(now->count * sizeof *reached);
    bool behind = reaches_migration(graph, now, sample, reached);
    free(reached);
    /* The statement that is in the way says more than what ran when the wait began. */
    if (sample->migration && (!w->migration || (behind && !w->behind_migration))) {
        w->migration = intern(graph, sample->migration);
        w->statement = sample->statement;
    }
    w->behind_migration |= behind;
}

static size_t open_wait(rh_wait_graph *graph, const moment *now, const rh_wait_sample *sample)
{
    wait *w = rh_arena_add(graph->arena, &graph->waits, &graph->wait_count, sizeof *w);
    w->pid = sample->waiter_pid;
    w->started = now->at;
    w->locktype = intern(graph, sample->locktype);
    w->identity = intern(graph, sample->identity);
    w->relation = intern(graph, sample->relation);
    w->mode = intern(graph, sample->mode);
    w->query = intern(graph, sample->query);
    w->is_migration = is_migration(graph, sample->waiter_pid);
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
    const rh_wait_session *waiter = session_of(now, w->pid);
    if (waiter)
        lower(&bound, waiter->statement_ended, w->last_seen);
    const rh_wait_sample *next = sample_of(now, w->pid);
    if (next)
        lower(&bound, next->wait_started, w->last_seen);
    const rh_wait_session *blocker =
        w->spell_count > 0 ? session_of(now, w->spells[w->current_spell].blocker_pid) : NULL;
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
}

void rh_wait_graph_add(rh_wait_graph *graph, rh_usec at, const rh_wait_sample *samples, size_t count)
{
    rh_wait_graph_add_with(graph, at, samples, count, NULL, 0);
}

size_t rh_wait_graph_waiting(const rh_wait_graph *graph)
{
    return graph->open_count;
}

void rh_wait_graph_rename(rh_wait_graph *graph, const char *(*rename)(void *user, const char *relation),
                          void *user)
{
    for (size_t i = 0; i < graph->wait_count; i++)
        if (graph->waits[i].relation)
            graph->waits[i].relation = intern(graph, rename(user, graph->waits[i].relation));
}

static double seconds_since(const rh_wait_graph *graph, rh_usec at)
{
    return rh_seconds(at - graph->began);
}

/* Behind the same blocker, whatever its root. */
static rh_usec spent_behind(const wait *w, int blocker_pid)
{
    rh_usec sum = 0;
    for (size_t i = 0; i < w->spell_count; i++)
        if (w->spells[i].blocker_pid == blocker_pid)
            sum += w->spells[i].spent;
    return sum;
}

/* Of the blocker that was in the way longest, with the root that it was behind longest. */
static const spell *longest_spell(const wait *w)
{
    const spell *longest = NULL;
    rh_usec most = 0;
    for (size_t i = 0; i < w->spell_count; i++) {
        rh_usec sum = spent_behind(w, w->spells[i].blocker_pid);
        if (!longest || sum > most || (sum == most && w->spells[i].spent > longest->spent)) {
            longest = &w->spells[i];
            most = sum;
        }
    }
    return longest;
}

static void write_wait(const rh_wait_graph *graph, const wait *w, rh_arena *arena, rh_wait *out)
{
    const spell *longest = longest_spell(w);
    out->at_s = seconds_since(graph, w->started);
    out->wait_s = w->ended > w->started ? rh_seconds(w->ended - w->started) : 0;
    out->locktype = rh_arena_strdup(arena, w->locktype);
    out->relation = rh_arena_strdup(arena, w->relation);
    out->mode = rh_arena_strdup(arena, w->mode);
    out->waiter_pid = w->pid;
    out->blocker_pid = longest ? longest->blocker_pid : 0;
    out->root_pid = longest ? longest->root_pid : 0;
    out->waiter = rh_arena_strdup(arena, w->query);
    out->blocker = rh_arena_strdup(arena, longest ? longest->blocker : "an unknown session");
    out->migration = rh_arena_strdup(arena, w->migration);
    out->statement = w->statement;
    out->waiter_is_migration = w->is_migration;
    out->blocked_by_migration = w->behind_migration;
    out->exact_start = w->exact_start;
}

/* One step of the queue's depth. */
typedef struct edge {
    rh_usec at;
    int change;
} edge;

static int compare_edges(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->change - y->change; /* who leaves makes room before the next one comes */
}

static int compare_waits(const void *a, const void *b)
{
    const rh_wait *x = a, *y = b;
    if (x->at_s != y->at_s)
        return x->at_s < y->at_s ? -1 : 1;
    return x->waiter_pid - y->waiter_pid;
}

static void write_queue(const rh_wait_graph *graph, rh_arena *arena, rh_contention *contention)
{
    size_t count = 2 * graph->wait_count;
    edge *edges = rh_alloc(count * sizeof *edges);
    for (size_t i = 0; i < graph->wait_count; i++) {
        const wait *w = &graph->waits[i];
        edges[2 * i] = (edge){w->started, 1};
        edges[2 * i + 1] = (edge){w->ended > w->started ? w->ended : w->started + 1, -1};
    }
    qsort(edges, count, sizeof *edges, compare_edges);
    int depth = 0, written = 0;
    for (size_t i = 0; i < count; i++) {
        depth += edges[i].change;
        if (depth > contention->deepest_queue)
            contention->deepest_queue = depth;
        if ((i + 1 < count && edges[i + 1].at == edges[i].at) || depth == written)
            continue;
        written = depth;
        rh_queue_point *point =
            rh_arena_add(arena, &contention->queue, &contention->queue_count, sizeof *point);
        *point = (rh_queue_point){seconds_since(graph, edges[i].at), depth};
    }
    free(edges);
}

void rh_wait_graph_finish(rh_wait_graph *graph, rh_usec at, rh_arena *arena, rh_contention *contention)
{
    for (size_t i = 0; i < graph->open_count; i++) {
        wait *w = &graph->waits[graph->open[i]];
        w->ended = at > w->last_seen ? at : w->last_seen;
    }
    graph->open_count = 0;
    for (size_t i = 0; i < graph->wait_count; i++) {
        rh_wait *out = rh_arena_add(arena, &contention->waits, &contention->wait_count, sizeof *out);
        write_wait(graph, &graph->waits[i], arena, out);
        if (out->wait_s > contention->longest_wait_s)
            contention->longest_wait_s = out->wait_s;
    }
    if (contention->wait_count > 0)
        qsort(contention->waits, contention->wait_count, sizeof *contention->waits, compare_waits);
    write_queue(graph, arena, contention);
}
