#include "work.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>

/* A session's own time is at most so much off the one at which its answer is seen here: what a COMMIT takes
 * to be written comes in between. */
static const rh_usec PUBLISHING_INTERVAL = RH_SECOND, DOUBT = RH_SECOND / 4;
static const rh_usec GONE_PATIENCE = 2 * RH_SECOND;

struct rh_program_work {
    rh_pg *side;
    rh_arena *arena;
    rh_committed before; /* the first sample */
    rh_arena *last_arena;
    rh_committed last;
    rh_sample_interval *intervals;
    size_t interval_count;
    rh_usec cost;
    bool blind; /* a sample failed */
};

/* ---- publishing ---- */

void rh_publishing_begin(rh_publishing *p, rh_usec connected)
{
    *p = (rh_publishing){.earliest = connected, .latest = connected};
}

void rh_publishing_transaction(rh_publishing *p, rh_usec from, rh_usec to)
{
    const rh_usec surely = p->latest + PUBLISHING_INTERVAL + DOUBT / 10;
    if (from > surely || to > p->latest + PUBLISHING_INTERVAL + DOUBT) {
        *p =
            (rh_publishing){.earliest = from > surely ? from : p->latest + PUBLISHING_INTERVAL, .latest = to};
        return;
    }
    p->pending = true;
    if (to > p->earliest + PUBLISHING_INTERVAL - DOUBT / 10)
        p->latest = to;
}

/* ---- readings ---- */

/* Sizes are read at the first sample only, and of new files: what grew in between is known by those. */
static void keep_sizes(const rh_committed *last, rh_committed *now)
{
    size_t k = 0;
    for (size_t i = 0; i < now->count; i++) {
        while (k < last->count && last->relations[k].oid < now->relations[i].oid)
            k++;
        if (k < last->count && last->relations[k].oid == now->relations[i].oid &&
            last->relations[k].filenode == now->relations[i].filenode)
            now->relations[i].pages = last->relations[k].pages;
    }
}

rh_program_work *rh_program_work_new(rh_pg *side, rh_arena *arena)
{
    rh_program_work *work = rh_arena_alloc(arena, sizeof *work);
    *work = (rh_program_work){.side = side, .arena = arena, .last_arena = rh_arena_new()};
    rh_usec from = rh_clock_monotonic();
    work->blind = !rh_pg_execute(side, "SET lock_timeout = '100ms'", NULL) ||
                  !rh_committed_read(side, true, arena, &work->before);
    work->last = work->before;
    rh_relation_change none = {.work = {.created = true}}; /* what will be asked is planned beforehand */
    rh_committed_read_sizes(side, &none, 1);
    work->cost = rh_clock_monotonic() - from;
    return work;
}

size_t rh_program_work_interval(const rh_program_work *work)
{
    return work->interval_count;
}

rh_usec rh_program_work_cost(const rh_program_work *work)
{
    return work->cost;
}

void rh_program_work_sample(rh_program_work *work, bool published)
{
    rh_arena *arena = rh_arena_new();
    rh_committed now;
    rh_usec from = rh_clock_monotonic();
    if (work->blind || !rh_committed_read(work->side, false, arena, &now)) {
        work->blind = true;
        rh_arena_free(arena);
        return;
    }
    rh_sample_interval *interval = rh_arena_add(work->arena, &work->intervals, &work->interval_count);
    interval->published = published;
    keep_sizes(&work->last, &now);
    rh_committed_compare(&work->last, &now, work->arena, &interval->changes, &interval->count);
    rh_committed_read_sizes(work->side, interval->changes, interval->count);
    rh_arena_free(work->last_arena);
    work->last_arena = arena;
    work->last = now;
    work->cost = rh_clock_monotonic() - from;
}

static bool wait_until_gone(rh_pg *side, const int *pids, size_t count)
{
    rh_text sql = {0};
    int64_t left = count > 0;
    rh_text_append(&sql, "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE pid IN (0");
    for (size_t i = 0; i < count; i++)
        rh_text_printf(&sql, ", %d", pids[i]);
    rh_text_append_char(&sql, ')');
    for (rh_usec deadline = rh_clock_monotonic() + GONE_PATIENCE; left > 0;) {
        if (!rh_pg_query_int(side, rh_text_string(&sql), &left, NULL) || rh_clock_monotonic() > deadline)
            break;
        if (left > 0)
            rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 500);
    }
    rh_text_release(&sql);
    return left == 0;
}

/* The schemas that unqualified names are looked up in; NULL-ended. */
static const char *const *read_search_path(rh_program_work *work)
{
    static const char sql[] =
        "SELECT pg_catalog.quote_ident(s) FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) s";
    rh_pg_result *result = rh_pg_query(work->side, sql, 0, NULL, NULL);
    size_t count = result ? rh_pg_rows(result) : 0;
    const char **path = rh_arena_alloc(work->arena, (count + 1) * sizeof *path);
    for (size_t i = 0; i < count; i++)
        path[i] = rh_arena_strdup(work->arena, rh_pg_value(result, i, 0));
    rh_pg_result_free(result);
    return path;
}

bool rh_program_work_finish(rh_program_work *work, const int *pids, size_t count, rh_sent_statements *sent)
{
    rh_program_work_sample(work, !work->blind && wait_until_gone(work->side, pids, count));
    rh_arena_free(work->last_arena);
    work->last_arena = NULL;
    if (work->blind)
        return false;
    sent->intervals = work->intervals;
    sent->interval_count = work->interval_count;
    sent->before = work->before;
    sent->search_path = read_search_path(work);
    sent->counted = rh_pg_server_version(work->side) >= 150000;
    return true;
}
