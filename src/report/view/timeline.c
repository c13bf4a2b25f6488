#include "timeline.h"
#include "pgrehearse/model/lock.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENTS_MAX = 24, LANES_MAX = 12 };

/* The statement's run under load, or NULL. */
static const rh_json *loaded_run(const rh_json *statement)
{
    const rh_json *runs = rh_json_get(statement, "runs");
    for (size_t i = 0; i < rh_json_count(runs); i++)
        if (rh_view_is(rh_json_at(runs, i), "pass", "loaded") &&
            !isnan(rh_view_real(rh_json_at(runs, i), "at_s")))
            return rh_json_at(runs, i);
    return NULL;
}

static void widen(rh_timeline *t, double from_s, double to_s)
{
    t->from_s = from_s < t->from_s ? from_s : t->from_s;
    t->to_s = to_s > t->to_s ? to_s : t->to_s;
}

static void find_span(const rh_view *view, rh_timeline *t)
{
    const rh_json *seconds = rh_json_path(view->report, "load.seconds");
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        double second = (double)rh_json_int(rh_json_get(rh_json_at(seconds, i), "second"));
        widen(t, second, second + 1);
    }
    for (size_t m = 0; m < view->migration_count; m++) {
        const rh_json *statements = rh_json_get(view->migrations[m].record, "statements");
        for (size_t i = 0; i < rh_json_count(statements); i++) {
            const rh_json *run = loaded_run(rh_json_at(statements, i));
            if (run)
                widen(t, rh_view_real(run, "at_s"),
                      rh_view_real(run, "at_s") + rh_view_real(run, "elapsed_s"));
        }
    }
}

static rh_blocking blocking_of(const rh_json *lock)
{
    return rh_json_bool(rh_json_get(lock, "blocks_reads"))    ? RH_BLOCKS_READS
           : rh_json_bool(rh_json_get(lock, "blocks_writes")) ? RH_BLOCKS_WRITES
                                                              : RH_BLOCKS_NOTHING;
}

static void add_lock(const rh_view *view, rh_timeline *t, const rh_json *lock, double at_s)
{
    const char *relation = rh_view_string(lock, "relation");
    const rh_lock_mode mode = rh_lock_mode_named(rh_view_string(lock, "mode"));
    double wait_s = rh_view_real(lock, "wait_s"); /* the record counts held_s from the statement's start */
    double from_s = at_s + wait_s, held_s = rh_view_real(lock, "held_s") - wait_s;
    if (rh_json_bool(rh_json_get(lock, "inferred")) || mode < RH_LOCK_SHARE_UPDATE_EXCLUSIVE ||
        isnan(from_s) || !(held_s >= t->visible_s))
        return;
    size_t i = 0;
    while (i < t->lane_count && (t->lanes[i].mode != mode || !relation || !t->lanes[i].relation ||
                                 strcmp(t->lanes[i].relation, relation) != 0))
        i++;
    if (i == t->lane_count) {
        rh_timeline_lane *lane = rh_arena_add(view->arena, &t->lanes, &t->lane_count);
        *lane = (rh_timeline_lane){.relation = relation, .mode = mode, .blocking = blocking_of(lock)};
    }
    rh_timeline_lane *lane = &t->lanes[i];
    rh_timeline_span *last = lane->span_count ? &lane->spans[lane->span_count - 1] : NULL;
    lane->total_s += held_s;
    if (last && from_s <= last->to_s) { /* an earlier statement of the transaction took it already */
        last->to_s = from_s + held_s > last->to_s ? from_s + held_s : last->to_s;
        return;
    }
    rh_timeline_span *span = rh_arena_add(view->arena, &lane->spans, &lane->span_count);
    *span = (rh_timeline_span){from_s, from_s + held_s};
}

static void add_statement(const rh_view *view, rh_timeline *t, const rh_view_migration *m,
                          const rh_json *statement, const rh_json *run)
{
    double at_s = rh_view_real(run, "at_s"), elapsed_s = rh_view_real(run, "elapsed_s");
    const rh_json *locks = rh_json_get(statement, "locks");
    rh_blocking blocking = RH_BLOCKS_NOTHING;
    for (size_t i = 0; i < rh_json_count(locks); i++) {
        const rh_json *lock = rh_json_at(locks, i);
        if (!rh_view_is(lock, "pass", "loaded"))
            continue;
        blocking = blocking_of(lock) > blocking ? blocking_of(lock) : blocking;
        add_lock(view, t, lock, at_s);
    }
    if (!(elapsed_s >= t->visible_s)) {
        t->hidden_statements++;
        return;
    }
    const char *tag = rh_view_string(statement, "command_tag");
    size_t letters = tag ? strspn(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") : 0;
    while (letters && tag[letters - 1] == ' ')
        letters--;
    rh_timeline_statement *s = rh_arena_add(view->arena, &t->statements, &t->statement_count);
    *s = (rh_timeline_statement){
        .label = rh_view_printf(view, "%s.%lld %.*s", rh_view_line(view, m->id, 16),
                                (long long)rh_json_int(rh_json_get(statement, "ordinal")), (int)letters,
                                tag ? tag : ""),
        .from_s = at_s,
        .to_s = at_s + elapsed_s,
        .blocking = blocking,
    };
}

static int longest_statement(const void *left, const void *right)
{
    const rh_timeline_statement *a = left, *b = right;
    double x = a->to_s - a->from_s, y = b->to_s - b->from_s;
    return (x < y) - (x > y);
}

static int earliest_statement(const void *left, const void *right)
{
    const rh_timeline_statement *a = left, *b = right;
    return (a->from_s > b->from_s) - (a->from_s < b->from_s);
}

static int strongest_lane(const void *left, const void *right)
{
    const rh_timeline_lane *a = left, *b = right;
    if (a->mode != b->mode)
        return a->mode < b->mode ? 1 : -1;
    return (a->total_s < b->total_s) - (a->total_s > b->total_s);
}

bool rh_timeline_gather(const rh_view *view, rh_timeline *t)
{
    *t = (rh_timeline){.from_s = 0, .to_s = 0};
    find_span(view, t);
    if (!(t->to_s > t->from_s))
        return false;
    t->visible_s = (t->to_s - t->from_s) / 600;
    for (size_t m = 0; m < view->migration_count; m++) {
        const rh_json *statements = rh_json_get(view->migrations[m].record, "statements");
        bool marked = false;
        for (size_t i = 0; i < rh_json_count(statements); i++) {
            const rh_json *run = loaded_run(rh_json_at(statements, i));
            if (!run)
                continue;
            if (!marked)
                *rh_arena_add(view->arena, &t->marks, &t->mark_count) =
                    (rh_timeline_mark){rh_view_real(run, "at_s"), view->migrations[m].id};
            marked = true;
            add_statement(view, t, &view->migrations[m], rh_json_at(statements, i), run);
        }
    }
    if (t->statement_count > STATEMENTS_MAX) {
        qsort(t->statements, t->statement_count, sizeof *t->statements, longest_statement);
        t->hidden_statements += t->statement_count - STATEMENTS_MAX;
        t->statement_count = STATEMENTS_MAX;
    }
    if (t->statement_count > 0)
        qsort(t->statements, t->statement_count, sizeof *t->statements, earliest_statement);
    if (t->lane_count > 0)
        qsort(t->lanes, t->lane_count, sizeof *t->lanes, strongest_lane);
    t->lane_count = t->lane_count < LANES_MAX ? t->lane_count : LANES_MAX;
    return true;
}
