/* Turns waits into the result: rows, the queue's depth over time, deadlocks. */
#include "wait_graph_state.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef rh_graph_wait wait;

static double seconds_since(const rh_wait_graph *graph, rh_usec at)
{
    return rh_seconds(at - graph->began);
}

static int blocker_of(const rh_wait_segment *segment)
{
    return segment->chain[0].pid;
}

static int root_of(const rh_wait_segment *segment)
{
    return segment->chain[segment->chain_count - 1].pid;
}

/* Behind the same blocker; ROOT: and with the same root. */
static rh_usec waited_for_blocker(const wait *w, const rh_wait_segment *like, bool root)
{
    rh_usec sum = 0;
    for (size_t i = 0; i < w->segment_count; i++)
        if (blocker_of(&w->segments[i]) == blocker_of(like) &&
            (!root || root_of(&w->segments[i]) == root_of(like)))
            sum += w->segments[i].spent;
    return sum;
}

/* Of the blocker that was in the way longest, with the root that it was behind longest, and of those chains
 * the one that stood longest. */
static const rh_wait_segment *longest_spell(const wait *w)
{
    const rh_wait_segment *longest = NULL;
    for (size_t i = 0; i < w->segment_count; i++) {
        const rh_wait_segment *segment = &w->segments[i];
        if (!longest) {
            longest = segment;
            continue;
        }
        rh_usec more = waited_for_blocker(w, segment, false) - waited_for_blocker(w, longest, false);
        if (more == 0 && blocker_of(segment) == blocker_of(longest))
            more = waited_for_blocker(w, segment, true) - waited_for_blocker(w, longest, true);
        if (more == 0)
            more = segment->spent - longest->spent;
        if (more > 0)
            longest = segment;
    }
    return longest;
}

static void write_chain(const rh_wait_segment *segment, rh_arena *arena, rh_wait *out)
{
    rh_wait_link *chain = rh_arena_alloc(arena, segment->chain_count * sizeof *chain);
    for (size_t i = 0; i < segment->chain_count; i++) {
        const rh_wait_link *link = &segment->chain[i];
        chain[i] = (rh_wait_link){.pid = link->pid,
                                  .name = rh_arena_strdup(arena, link->name),
                                  .locktype = rh_arena_strdup(arena, link->locktype),
                                  .relation = rh_arena_strdup(arena, link->relation),
                                  .mode = link->mode,
                                  .is_migration = link->is_migration,
                                  .is_load = link->is_load};
    }
    out->chain = chain;
    out->chain_count = segment->chain_count;
    out->blocker_pid = blocker_of(segment);
    out->root_pid = root_of(segment);
    out->blocker = chain[0].name;
}

static void write_wait(const rh_wait_graph *graph, const wait *w, rh_arena *arena, rh_wait *out)
{
    const rh_wait_segment *longest = longest_spell(w);
    out->at_s = seconds_since(graph, w->started);
    out->wait_s = w->ended > w->started ? rh_seconds(w->ended - w->started) : 0;
    out->locktype = rh_arena_strdup(arena, w->locktype);
    out->relation = rh_arena_strdup(arena, w->relation);
    out->mode = w->mode;
    out->concurrently = rh_arena_strdup(arena, w->concurrently);
    out->waiter_pid = w->pid;
    out->waiter = rh_arena_strdup(arena, w->query);
    out->blocker = "an unknown session";
    if (longest)
        write_chain(longest, arena, out);
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

static void count_queue(rh_arena *arena, rh_contention *contention)
{
    size_t count = 2 * contention->wait_count;
    edge *edges = rh_alloc((count + 1) * sizeof *edges);
    for (size_t i = 0; i < contention->wait_count; i++) {
        const rh_wait *w = &contention->waits[i];
        rh_usec started = llround(w->at_s * 1e6), ended = llround((w->at_s + w->wait_s) * 1e6);
        edges[2 * i] = (edge){started, 1};
        edges[2 * i + 1] = (edge){ended > started ? ended : started + 1, -1};
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
        rh_queue_point *point = rh_arena_add(arena, &contention->queue, &contention->queue_count);
        *point = (rh_queue_point){rh_seconds(edges[i].at), depth};
    }
    free(edges);
}

void rh_waits_count(rh_arena *arena, rh_contention *contention)
{
    contention->queue = NULL;
    contention->queue_count = 0;
    contention->deepest_queue = 0;
    contention->longest_wait_s = 0;
    for (size_t i = 0; i < contention->wait_count; i++)
        contention->longest_wait_s = fmax(contention->longest_wait_s, contention->waits[i].wait_s);
    if (contention->wait_count > 0)
        qsort(contention->waits, contention->wait_count, sizeof *contention->waits, compare_waits);
    count_queue(arena, contention);
}

void rh_wait_graph_finish(rh_wait_graph *graph, rh_usec at, rh_arena *arena, rh_contention *contention)
{
    for (size_t i = 0; i < graph->open_count; i++) {
        wait *w = &graph->waits[graph->open[i]];
        w->ended = at > w->last_seen ? at : w->last_seen;
    }
    graph->open_count = 0;
    for (size_t i = 0; i < graph->wait_count; i++) {
        rh_wait *out = rh_arena_add(arena, &contention->waits, &contention->wait_count);
        write_wait(graph, &graph->waits[i], arena, out);
    }
    rh_waits_count(arena, contention);
    rh_graph_write_deadlocks(graph, arena, contention);
}
