#include "reading.h"
#include "locks.h"
#include <string.h>

void rh_program_list_add(rh_program_list *list, rh_program_event *item, rh_arena *arena)
{
    *rh_arena_add(arena, &list->items, &list->count) = item;
}

/* One that only opens, closes, sets or locks comes last. */
static rh_program_event *longest_of(const rh_program_list *items)
{
    rh_program_event *longest = NULL;
    rh_usec now = rh_clock_monotonic(), most = -1;
    for (size_t i = 0; i < items->count; i++) {
        const rh_statement_run *run = &items->items[i]->run;
        rh_usec took =
            items->items[i]->ended ? (rh_usec)(run->elapsed_s * (double)RH_SECOND) : now - run->started;
        if (rh_is_control_or_lock_statement(items->items[i]->sql))
            took = 0;
        if (took > most) {
            most = took;
            longest = items->items[i];
        }
    }
    return longest;
}

void rh_program_read_counters(rh_program_link *link, rh_pg *side, bool local)
{
    rh_counters now;
    rh_counters_read(side, link->pid, local, &now);
    rh_program_event *longest = longest_of(&link->unread);
    if (longest && link->has_counters)
        rh_counters_difference(&link->counters, &now, &longest->run);
    link->counters = now;
    link->has_counters = true;
    link->unread = (rh_program_list){0};
}

static rh_program_event *acquirer_of(const rh_program_link *link, const rh_lock *lock)
{
    rh_program_event *acquirer = NULL;
    for (size_t i = 0; i < link->transaction.count && !acquirer; i++) {
        rh_program_event *item = link->transaction.items[i];
        if (rh_sql_mentions(item->sql, lock->relation) && rh_program_may_lock(item->sql, lock->mode))
            acquirer = item;
    }
    return acquirer ? acquirer : longest_of(&link->transaction);
}

static const rh_lock *find_lock(const rh_lock *locks, size_t count, const char *relation)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(locks[i].relation, relation) == 0)
            return &locks[i];
    return NULL;
}

void rh_program_read_locks(rh_program_link *link, rh_pg *side, rh_arena *arena)
{
    rh_lock *now = NULL;
    size_t count = 0;
    if (!rh_locks_of_pid(side, link->pid, arena, &now, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++) {
        const rh_lock *earlier = find_lock(link->held, link->held_count, now[i].relation);
        rh_program_event *acquirer = acquirer_of(link, &now[i]);
        if (!acquirer || (earlier && earlier->mode >= now[i].mode))
            continue;
        *rh_arena_add(arena, &acquirer->run.locks, &acquirer->run.lock_count) = now[i];
    }
    for (size_t i = 0; i < link->transaction.count; i++)
        link->transaction.items[i]->run.locks_complete = true;
    link->held = now;
    link->held_count = count;
}
