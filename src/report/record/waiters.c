/* Waiters and blockers: sums over all waits of the loaded pass. report.json lists only the longest waits
 * one by one. */
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include "record.h"
#include <stdlib.h>
#include <string.h>

enum { WAITERS_MAX = 100, BLOCKERS_MAX = 50, NAMED_MAX = 5 };

/* One wait, with the names by which waits are grouped. */
typedef struct entry {
    const rh_wait *wait;
    const char *waiter;
    const char *root;                /* who stood at the end of the chain */
    const char *relation, *locktype; /* that the root held */
    bool root_is_migration;
    bool through_migration; /* the migration stood between: itself waiting, it made others queue */
} entry;

static const char *or_else(const char *text, const char *otherwise)
{
    return text && text[0] ? text : otherwise;
}

static entry entry_of(const rh_wait *w)
{
    const char *waiter = w->waiter_is_migration ? w->waiter : or_else(w->template_name, w->waiter);
    entry e = {.wait = w,
               .waiter = or_else(waiter, "an unknown session"),
               .root = or_else(w->blocker, "an unknown session"),
               .relation = w->relation,
               .locktype = w->locktype};
    if (w->chain_count == 0) {
        e.root_is_migration = w->blocked_by_migration && rh_starts_with(e.root, "migration ");
        return e;
    }
    const rh_wait_link *root = &w->chain[w->chain_count - 1];
    e.root = or_else(root->name, "an unknown session");
    e.root_is_migration = root->is_migration;
    if (w->chain_count > 1) { /* what the last but one waits for is what the root holds */
        e.relation = w->chain[w->chain_count - 2].relation;
        e.locktype = w->chain[w->chain_count - 2].locktype;
    }
    for (size_t i = 0; i + 1 < w->chain_count; i++)
        e.through_migration = e.through_migration || w->chain[i].is_migration;
    return e;
}

/* The migration's own waits go by the name that it has as a blocker, not by its text. */
static const char *name_of_waiter(const rh_run *run, const entry *e)
{
    const rh_wait *w = e->wait;
    if (!w->waiter_is_migration || !w->migration)
        return e->waiter;
    return w->statement > 0
               ? rh_arena_printf(run->arena, "migration %s, statement %d", w->migration, w->statement)
               : rh_arena_printf(run->arena, "migration %s, its framework's bookkeeping", w->migration);
}

/* COUNT entries that go by one name. */
typedef struct group {
    const entry *entries;
    size_t count;
    double wait_s, longest_wait_s;
} group;

static group group_of(const entry *entries, size_t count)
{
    group g = {.entries = entries, .count = count};
    for (size_t i = 0; i < count; i++) {
        double wait_s = entries[i].wait->wait_s;
        g.wait_s += wait_s;
        g.longest_wait_s = wait_s > g.longest_wait_s ? wait_s : g.longest_wait_s;
    }
    return g;
}

static int compare_names(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_waiters(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    return compare_names(a->waiter, b->waiter);
}

/* A row is one session's lock on one relation. */
static int compare_blockers(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    int order = compare_names(a->root, b->root);
    return order ? order : compare_names(a->relation, b->relation);
}

static int most_waited(const void *left, const void *right)
{
    const group *a = left, *b = right;
    if (a->wait_s != b->wait_s)
        return a->wait_s < b->wait_s ? 1 : -1;
    int order = compare_blockers(a->entries, b->entries);
    return order ? order : compare_waiters(a->entries, b->entries);
}

static int longest_waited(const void *left, const void *right)
{
    const group *a = left, *b = right;
    if (a->longest_wait_s != b->longest_wait_s)
        return a->longest_wait_s < b->longest_wait_s ? 1 : -1;
    return compare_waiters(a->entries, b->entries);
}

/* Sorts ENTRIES by COMPARE and gathers what is equal; *GROUPS by ORDER, heap. Returns how many. */
static size_t gather(entry *entries, size_t count, int (*compare)(const void *, const void *),
                     int (*order)(const void *, const void *), group **groups)
{
    size_t found = 0;
    qsort(entries, count, sizeof *entries, compare);
    *groups = rh_alloc((count + 1) * sizeof **groups);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && compare(&entries[i], &entries[next]) == 0;)
            next++;
        (*groups)[found++] = group_of(entries + i, next - i);
    }
    qsort(*groups, found, sizeof **groups, order);
    return found;
}

static void add_sums(rh_json *row, const group *g)
{
    rh_json_add_int(row, "waits", (int64_t)g->count);
    rh_record_figure(row, "wait_s", g->wait_s);
    rh_record_figure(row, "longest_wait_s", g->longest_wait_s);
}

static void add_victims(rh_json *object, entry *entries, size_t count)
{
    group *groups;
    size_t found = gather(entries, count, compare_waiters, longest_waited, &groups);
    rh_json_add_int(object, "blocked_session_count", (int64_t)found);
    rh_json *array = rh_json_add_array(object, "blocked_sessions");
    for (size_t i = 0; i < found && i < WAITERS_MAX; i++) {
        const rh_wait *w = groups[i].entries->wait, *longest = w;
        for (size_t k = 1; k < groups[i].count; k++)
            if (groups[i].entries[k].wait->wait_s > longest->wait_s)
                longest = groups[i].entries[k].wait;
        rh_json *row = rh_json_add_object(array, NULL);
        rh_json_add_string(row, "session", groups[i].entries->waiter);
        rh_json_add_string(row, "template", w->template_name);
        rh_json_add_bool(row, "is_migration", w->waiter_is_migration);
        add_sums(row, &groups[i]);
        rh_json_add_string(row, "longest_wait_root_blocker", entry_of(longest).root);
        rh_json_add_string(row, "longest_wait_relation", longest->relation);
        rh_json_add_string(row, "longest_wait_mode", rh_lock_mode_name(longest->mode));
    }
    free(groups);
}

/* The modes that were asked for and not granted, each once, the most frequent victims, and how many there are
 * of them. */
static void add_kept_out(rh_json *row, const group *g)
{
    rh_json *modes = rh_json_add_array(row, "blocked_modes");
    for (size_t i = 0; i < g->count; i++) {
        size_t k = 0;
        while (k < i && g->entries[k].wait->mode != g->entries[i].wait->mode)
            k++;
        if (k == i && g->entries[i].wait->mode && rh_json_count(modes) < NAMED_MAX)
            rh_json_add_string(modes, NULL, rh_lock_mode_name(g->entries[i].wait->mode));
    }
    entry *entries = rh_alloc((g->count + 1) * sizeof *entries);
    memcpy(entries, g->entries, g->count * sizeof *entries);
    group *waiters;
    size_t found = gather(entries, g->count, compare_waiters, most_waited, &waiters);
    rh_json_add_int(row, "blocked_session_count", (int64_t)found);
    rh_json *array = rh_json_add_array(row, "blocked_sessions");
    for (size_t i = 0; i < found && i < NAMED_MAX; i++) {
        rh_json *waiter = rh_json_add_object(array, NULL);
        rh_json_add_string(waiter, "session", waiters[i].entries->waiter);
        add_sums(waiter, &waiters[i]);
    }
    free(waiters);
    free(entries);
}

/* The strongest mode in which MIGRATION held RELATION under load, up to its statement ORDINAL. */
static rh_lock_mode held_mode(const rh_run *run, const char *migration, int ordinal, const char *relation)
{
    rh_lock_mode mode = RH_LOCK_NONE;
    for (size_t m = 0; relation && m < run->plan.migration_count; m++) {
        const rh_migration *candidate = &run->plan.migrations[m];
        if (!candidate->pending && candidate->applied_in_backup)
            continue;
        if (compare_names(candidate->id, migration) != 0)
            continue;
        for (size_t s = 0; s < candidate->up.statement_count; s++) {
            const rh_statement *statement = &candidate->up.statements[s];
            for (size_t r = 0; statement->ordinal <= ordinal && r < statement->run_count; r++)
                for (size_t k = 0; k < statement->runs[r].lock_count; k++) {
                    const rh_lock *lock = &statement->runs[r].locks[k];
                    if (statement->runs[r].pass == RH_PASS_KIND_LOADED &&
                        compare_names(lock->relation, relation) == 0 && lock->mode > mode)
                        mode = lock->mode;
                }
        }
    }
    return mode;
}

static void add_blocker(rh_json *array, const rh_run *run, const group *g)
{
    const entry *first = g->entries;
    int64_t through = 0;
    bool load = false;
    for (size_t k = 0; k < g->count; k++) {
        through += first[k].through_migration;
        load = load || !first[k].wait->waiter_is_migration;
    }
    bool own = first->root_is_migration;
    const rh_wait *w = first->wait;
    rh_json *row = rh_json_add_object(array, NULL);
    rh_json_add_string(row, "session", first->root);
    rh_json_add_string(row, "migration", own ? w->migration : NULL);
    rh_json_add_count(row, "statement", own && w->statement > 0 ? w->statement : RH_UNKNOWN);
    rh_json_add_string(row, "relation", first->relation);
    rh_json_add_string(row, "locktype", first->locktype);
    rh_json_add_string(row, "mode",
                       own ? rh_lock_mode_name(held_mode(run, w->migration, w->statement, first->relation))
                           : NULL);
    add_sums(row, g);
    rh_json_add_int(row, "queued_behind_migration", through);
    rh_json_add_bool(row, "blocked_load", load);
    add_kept_out(row, g);
}

static void add_blockers(rh_json *object, const rh_run *run, entry *entries, size_t count)
{
    group *groups;
    size_t found = gather(entries, count, compare_blockers, most_waited, &groups);
    rh_json_add_int(object, "blocker_count", (int64_t)found);
    rh_json *array = rh_json_add_array(object, "blockers");
    for (size_t i = 0; i < found && i < BLOCKERS_MAX; i++)
        add_blocker(array, run, &groups[i]);
    free(groups);
}

void rh_record_waiters(rh_json *object, const rh_run *run)
{
    const rh_contention *contention = &run->contention;
    size_t count = contention->wait_count;
    entry *entries = rh_alloc((count + 1) * sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        entries[i] = entry_of(&contention->waits[i]);
        entries[i].waiter = name_of_waiter(run, &entries[i]);
    }
    add_victims(object, entries, count);
    add_blockers(object, run, entries, count);
    free(entries);
}
