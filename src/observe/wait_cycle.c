/* Deadlocks: sessions that wait for one another in a cycle, until the server aborts one of them. */
#include "wait_graph_state.h"
#include <stdlib.h>
#include <string.h>

/* A search for a cycle. */
typedef struct search {
    const rh_moment *now;
    int start;
    int *path; /* the waiters on the way, START first */
    size_t length;
    bool *visited; /* samples that are in no cycle */
} search;

static bool leads_back(search *s, const rh_wait_sample *sample)
{
    s->visited[sample - s->now->samples] = true;
    s->path[s->length++] = sample->waiter_pid;
    for (size_t i = 0; i < sample->blocker_count; i++) {
        const rh_wait_sample *next = rh_moment_sample(s->now, sample->blocker_pids[i]);
        if (sample->blocker_pids[i] == s->start && s->length > 1)
            return true;
        if (next && !s->visited[next - s->now->samples] && leads_back(s, next))
            return true;
    }
    s->length--;
    return false;
}

static rh_cycle *find_cycle(rh_wait_graph *graph, const int *path, size_t length)
{
    for (size_t i = graph->cycle_count; i-- > 0;) {
        rh_cycle *cycle = &graph->cycles[i];
        size_t k = 0;
        if (cycle->resolved || cycle->side_count != length)
            continue;
        while (k < length && cycle->sides[k].pid == path[k])
            k++;
        if (k == length)
            return cycle;
    }
    return NULL;
}

static void add_cycle(rh_wait_graph *graph, const rh_moment *now, const int *path, size_t length)
{
    rh_cycle *cycle = rh_arena_add(graph->arena, &graph->cycles, &graph->cycle_count);
    cycle->last_seen = now->at;
    for (size_t i = 0; i < length; i++) {
        const rh_wait_sample *sample = rh_moment_sample(now, path[i]);
        rh_deadlock_side *side = rh_arena_add(graph->arena, &cycle->sides, &cycle->side_count);
        *side = (rh_deadlock_side){.pid = path[i],
                                   .blocked_by_pid = path[(i + 1) % length],
                                   .statement = rh_graph_intern(graph, sample->query),
                                   .locktype = rh_graph_intern(graph, sample->locktype),
                                   .relation = rh_graph_intern(graph, sample->relation),
                                   .mode = sample->mode,
                                   .is_migration = rh_graph_is_migration(graph, path[i])};
        if (side->is_migration && sample->migration)
            side->name = rh_arena_printf(graph->arena, "migration %s, statement %d", sample->migration,
                                         sample->statement);
        cycle->migration = rh_graph_intern(graph, sample->migration);
        cycle->statement = sample->statement;
    }
}

/* Each circle is looked for from its smallest pid only, so that it is found once. */
static void search_from(rh_wait_graph *graph, const rh_moment *now, const rh_wait_sample *sample)
{
    search s = {.now = now,
                .start = sample->waiter_pid,
                .path = rh_alloc((now->count + 1) * sizeof *s.path),
                .visited = rh_alloc((now->count + 1) * sizeof *s.visited)};
    if (leads_back(&s, sample)) {
        size_t smallest = 0;
        for (size_t i = 1; i < s.length; i++)
            if (s.path[i] < s.path[smallest])
                smallest = i;
        rh_cycle *known = smallest == 0 ? find_cycle(graph, s.path, s.length) : NULL;
        if (known)
            known->last_seen = now->at;
        else if (smallest == 0)
            add_cycle(graph, now, s.path, s.length);
    }
    free(s.path);
    free(s.visited);
}

/* The server aborts one: its session then waits for the end of its transaction, has begun another, or is
 * gone. When that is true of several the samples do not tell which. */
static void resolve(const rh_moment *now, rh_cycle *cycle)
{
    rh_deadlock_side *victim = NULL;
    size_t candidates = 0;
    for (size_t i = 0; i < cycle->side_count; i++) {
        const rh_wait_session *session = rh_moment_session(now, cycle->sides[i].pid);
        bool aborted = session && session->aborted;
        if (!aborted && session && session->transaction_ended <= cycle->last_seen)
            continue;
        if (aborted || candidates == 0)
            victim = &cycle->sides[i];
        candidates = aborted ? 1 : candidates + 1;
        if (aborted)
            break;
    }
    if (candidates == 1)
        victim->is_victim = true;
    cycle->resolved = cycle->last_seen + (now->at - cycle->last_seen) / 2;
}

void rh_graph_cycles(rh_wait_graph *graph, const rh_moment *now)
{
    for (size_t i = 0; now->count > 1 && i < now->count; i++)
        if (now->samples[i].blocker_count > 0)
            search_from(graph, now, &now->samples[i]);
    for (size_t i = 0; i < graph->cycle_count; i++)
        if (!graph->cycles[i].resolved && graph->cycles[i].last_seen < now->at)
            resolve(now, &graph->cycles[i]);
}

void rh_graph_write_deadlocks(const rh_wait_graph *graph, rh_arena *arena, rh_contention *contention)
{
    for (size_t i = 0; i < graph->cycle_count; i++) {
        const rh_cycle *cycle = &graph->cycles[i];
        rh_deadlock *out = rh_arena_add(arena, &contention->deadlocks, &contention->deadlock_count);
        *out = (rh_deadlock){
            .at_s = rh_seconds((cycle->resolved ? cycle->resolved : cycle->last_seen) - graph->began),
            .migration = rh_arena_strdup(arena, cycle->migration),
            .statement = cycle->statement};
        for (size_t k = 0; k < cycle->side_count; k++) {
            rh_deadlock_side *side = rh_arena_add(arena, &out->sides, &out->side_count);
            *side = cycle->sides[k];
            const char **texts[] = {&side->name, &side->statement, &side->locktype, &side->relation};
            for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
                *texts[t] = rh_arena_strdup(arena, *texts[t]);
        }
    }
}
