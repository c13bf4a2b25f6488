/* Computes, from the locks that migrations took, the intervals in which other sessions could not read or
 * write. */
#include "pgrehearse/observe/observe.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Intervals this close are one for waiting sessions: the next lock is requested before the first waiter gets
 * its own.
 */
static const double TOUCHING_S = 0.001;

static int compare_intervals(const void *a, const void *b)
{
    const rh_blocked_interval *x = a, *y = b;
    int relation = strcmp(x->relation, y->relation);
    if (relation)
        return relation;
    if (x->from_s != y->from_s)
        return x->from_s < y->from_s ? -1 : 1;
    return (x->to_s > y->to_s) - (x->to_s < y->to_s);
}

static int compare_by_time(const void *a, const void *b)
{
    const rh_blocked_interval *x = a, *y = b;
    if (x->from_s != y->from_s)
        return x->from_s < y->from_s ? -1 : 1;
    return strcmp(x->relation, y->relation);
}

static void add_run(const rh_migration *migration, const rh_statement *statement, const rh_statement_run *run,
                    rh_usec began, rh_arena *arena, rh_contention *contention)
{
    for (size_t i = 0; i < run->lock_count; i++) {
        const rh_lock *lock = &run->locks[i];
        if (lock->inferred || (!lock->blocks_reads && !lock->blocks_writes) || !(lock->held_s > 0))
            continue;
        double from_s = rh_seconds(run->started - began);
        rh_blocked_interval *interval = rh_arena_add(arena, &contention->blocked, &contention->blocked_count);
        *interval = (rh_blocked_interval){.relation = rh_lock_table(lock),
                                          .mode = lock->mode,
                                          .migration = migration->id,
                                          .statement = statement->ordinal,
                                          .from_s = from_s,
                                          .to_s = from_s + lock->held_s,
                                          .reads = lock->blocks_reads,
                                          .writes = lock->blocks_writes};
    }
}

/* The same lock, in the data of a later statement of its transaction, or taken again at once, is one
 * interval, of the statement that began it. INTERVALS are sorted by relation and time; returns how many
 * remain. */
static size_t merge_same_mode(rh_blocked_interval *intervals, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        rh_blocked_interval *into = NULL;
        for (size_t k = kept; k-- > 0 && !into;) {
            if (strcmp(intervals[k].relation, intervals[i].relation) != 0)
                break;
            if (intervals[k].mode == intervals[i].mode)
                into = &intervals[k];
        }
        if (into && intervals[i].from_s <= into->to_s + TOUCHING_S)
            into->to_s = fmax(into->to_s, intervals[i].to_s);
        else
            intervals[kept++] = intervals[i];
    }
    return kept;
}

/* The longest time for which one relation's reads (else writes) were blocked, over all modes. */
static double longest_stretch(const rh_blocked_interval *intervals, size_t count, bool reads)
{
    double longest = 0;
    const char *relation = NULL;
    double from_s = 0, to_s = 0;
    for (size_t i = 0; i < count; i++) {
        const rh_blocked_interval *interval = &intervals[i];
        if (reads ? !interval->reads : !interval->writes)
            continue;
        if (!relation || strcmp(relation, interval->relation) != 0 || interval->from_s > to_s + TOUCHING_S) {
            relation = interval->relation;
            from_s = interval->from_s;
            to_s = interval->to_s;
        }
        to_s = fmax(to_s, interval->to_s);
        longest = fmax(longest, to_s - from_s);
    }
    return longest;
}

static double at_least_longest_wait(double stretch_s, const rh_contention *contention, bool reads)
{
    const rh_wait *wait = rh_contention_longest_wait(contention, NULL, reads);
    return wait ? fmax(stretch_s, wait->wait_s) : stretch_s;
}

void rh_blocked_intervals(const rh_plan *plan, rh_pass_kind pass, rh_usec began, rh_arena *arena,
                          rh_contention *contention)
{
    contention->blocked = NULL;
    contention->blocked_count = 0;
    contention->migrations_from_s = RH_NOT_MEASURED;
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_migration *migration = &plan->migrations[m];
        for (size_t s = 0; s < migration->up.statement_count; s++) {
            const rh_statement *statement = &migration->up.statements[s];
            for (size_t r = 0; r < statement->run_count; r++)
                if (statement->runs[r].pass == pass && statement->runs[r].started >= began) {
                    add_run(migration, statement, &statement->runs[r], began, arena, contention);
                    contention->migrations_from_s =
                        fmin(contention->migrations_from_s, rh_seconds(statement->runs[r].started - began));
                }
        }
    }
    rh_blocked_interval *intervals = contention->blocked;
    size_t count = contention->blocked_count;
    if (count > 0)
        qsort(intervals, count, sizeof *intervals, compare_intervals);
    contention->reads_blocked_s =
        at_least_longest_wait(longest_stretch(intervals, count, true), contention, true);
    contention->writes_blocked_s =
        at_least_longest_wait(longest_stretch(intervals, count, false), contention, false);
    contention->blocked_count = merge_same_mode(intervals, count);
    if (count > 0)
        qsort(intervals, contention->blocked_count, sizeof *intervals, compare_by_time);
}
