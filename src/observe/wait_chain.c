/* Follows the blockers of a waiter to the root blocker. */
#include "wait_graph_state.h"
#include <stdlib.h>
#include <string.h>

/* Chooses among several blockers: one that does not wait itself determines the duration, and of those (or
 * of queued ones, when there is no such) the migration is what the account is about. */
static int choose_blocker(const rh_wait_graph *graph, const rh_moment *now, const rh_wait_sample *sample)
{
    int best = sample->blocker_pids[0], best_rank = -1;
    for (size_t i = 0; i < sample->blocker_count; i++) {
        int pid = sample->blocker_pids[i];
        int rank = 2 * !rh_moment_sample(now, pid) + rh_graph_is_migration(graph, pid);
        if (rank > best_rank) {
            best_rank = rank;
            best = pid;
        }
    }
    return best;
}

static bool is_on(const int *pids, size_t count, int pid)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* Follows the chosen blockers until one does not wait or the chain is a cycle; PIDS has room for one more
 * than there are waiters. Returns how many there are, at least 1. */
static size_t follow(const rh_wait_graph *graph, const rh_moment *now, const rh_wait_sample *sample,
                     int *pids)
{
    int start = sample->waiter_pid;
    size_t count = 0;
    while (sample && sample->blocker_count > 0 && count <= now->count) {
        int next = choose_blocker(graph, now, sample);
        if (next == start || is_on(pids, count, next))
            break;
        pids[count++] = next;
        sample = rh_moment_sample(now, next);
    }
    if (count == 0)
        pids[count++] = start; /* it blocks itself: a parallel worker behind its leader */
    return count;
}

static const char *name_of(rh_wait_graph *graph, const rh_moment *now, const rh_wait_sample *sample, int pid)
{
    if (rh_graph_is_migration(graph, pid)) {
        if (!sample->migration)
            return "migration, between its statements";
        char *name =
            rh_arena_printf(graph->arena, "migration %s, statement %d", sample->migration, sample->statement);
        return rh_graph_intern(graph, name);
    }
    const rh_wait_session *session = rh_moment_session(now, pid);
    if (session && session->name)
        return rh_graph_intern(graph, session->name);
    const rh_wait_sample *waiting = rh_moment_sample(now, pid);
    if (waiting && waiting->query)
        return rh_graph_intern(graph, waiting->query);
    return pid == 0 ? "a prepared transaction" : "an unknown session";
}

static bool same_chain(const rh_wait_segment *segment, const int *pids, size_t count)
{
    if (segment->chain_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (segment->chain[i].pid != pids[i])
            return false;
    return true;
}

size_t rh_graph_segment(rh_wait_graph *graph, const rh_moment *now, rh_graph_wait *wait,
                        const rh_wait_sample *sample)
{
    int *pids = rh_alloc((now->count + 2) * sizeof *pids);
    size_t count = follow(graph, now, sample, pids), i = 0;
    while (i < wait->segment_count && !same_chain(&wait->segments[i], pids, count))
        i++;
    if (i == wait->segment_count) {
        rh_wait_segment *fresh = rh_arena_add(graph->arena, &wait->segments, &wait->segment_count);
        rh_wait_link *chain = rh_arena_alloc(graph->arena, count * sizeof *chain);
        for (size_t k = 0; k < count; k++) {
            const rh_wait_sample *waits = rh_moment_sample(now, pids[k]);
            chain[k].pid = pids[k];
            chain[k].name = name_of(graph, now, sample, pids[k]);
            chain[k].is_migration = rh_graph_is_migration(graph, pids[k]);
            const rh_wait_session *session = rh_moment_session(now, pids[k]);
            chain[k].is_load = session && session->is_load;
            if (waits) {
                chain[k].locktype = rh_graph_intern(graph, waits->locktype);
                chain[k].relation = rh_graph_intern(graph, waits->relation);
                chain[k].mode = waits->mode;
            }
        }
        fresh->chain = chain;
        fresh->chain_count = count;
    }
    free(pids);
    return i;
}

/* REACHED marks samples already visited. */
static bool reaches(const rh_wait_graph *graph, const rh_moment *now, const rh_wait_sample *sample,
                    bool *reached)
{
    reached[sample - now->samples] = true;
    for (size_t i = 0; i < sample->blocker_count; i++) {
        int pid = sample->blocker_pids[i];
        if (rh_graph_is_migration(graph, pid))
            return true;
        const rh_wait_sample *next = rh_moment_sample(now, pid);
        if (next && !reached[next - now->samples] && reaches(graph, now, next, reached))
            return true;
    }
    return false;
}

bool rh_graph_behind_migration(const rh_wait_graph *graph, const rh_moment *now, const rh_wait_sample *sample)
{
    bool *reached = rh_alloc(now->count * sizeof *reached);
    bool behind = reaches(graph, now, sample, reached);
    free(reached);
    return behind;
}
