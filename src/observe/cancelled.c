/* Matches the errors of cancelled statements (timeouts, deadlocks) with the lock waits that they ended. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/observe/observe.h"
#include "wait_graph.h"
#include <math.h>
#include <string.h>

/* Between the end of a wait, as samples tell it, and the moment at which its client learns of the error. */
static const double SAME_END_S = 0.1;

double rh_contention_gap_s(const rh_contention *contention)
{
    return isnan(contention->shortest_sure_wait_ms) ? 0 : contention->shortest_sure_wait_ms / 1e3;
}

/* NULL: neither a timeout nor a deadlock. */
static const char *reason_of(const char *sqlstate, const char *message)
{
    if (strcmp(sqlstate, "40P01") == 0)
        return "deadlock";
    if (strcmp(sqlstate, "55P03") == 0)
        return strstr(message, "lock timeout") ? "lock_timeout" : "nowait";
    if (strcmp(sqlstate, "57014") == 0 && strstr(message, "statement timeout"))
        return "statement_timeout";
    return NULL;
}

static const rh_wait *wait_that_ended(const rh_contention *contention, int pid, double at_s)
{
    const rh_wait *nearest = NULL;
    double least = SAME_END_S + rh_contention_gap_s(contention);
    for (size_t i = 0; i < contention->wait_count; i++) {
        const rh_wait *w = &contention->waits[i];
        double apart = fabs(w->at_s + w->wait_s - at_s);
        if (w->waiter_pid == pid && apart < least) {
            least = apart;
            nearest = w;
        }
    }
    return nearest;
}

static rh_deadlock *deadlock_of(rh_contention *contention, int pid, double at_s)
{
    double most_s = 1 + rh_contention_gap_s(contention);
    for (size_t i = 0; i < contention->deadlock_count; i++) {
        rh_deadlock *deadlock = &contention->deadlocks[i];
        for (size_t k = 0; fabs(deadlock->at_s - at_s) < most_s && k < deadlock->side_count; k++)
            if (deadlock->sides[k].pid == pid)
                return deadlock;
    }
    return NULL;
}

/* Who got the error is the victim; a deadlock between two samples is known by its victim alone. */
static void name_victim(const rh_cancellation *event, const rh_wait *wait, rh_arena *arena,
                        rh_contention *contention)
{
    rh_deadlock *deadlock = deadlock_of(contention, event->pid, event->at_s);
    if (!deadlock) {
        deadlock = rh_arena_add(arena, &contention->deadlocks, &contention->deadlock_count);
        deadlock->at_s = event->at_s;
        rh_deadlock_side *side = rh_arena_add(arena, &deadlock->sides, &deadlock->side_count);
        side->pid = event->pid;
        if (wait) {
            side->statement = wait->waiter;
            side->locktype = wait->locktype;
            side->relation = wait->relation;
            side->mode = wait->mode;
        }
    }
    if (!deadlock->migration) {
        deadlock->migration = event->migration;
        deadlock->statement = event->statement;
    }
    for (size_t k = 0; k < deadlock->side_count; k++) {
        rh_deadlock_side *side = &deadlock->sides[k];
        side->is_victim = side->pid == event->pid;
        if (!side->is_victim)
            continue;
        side->is_migration = event->is_migration;
        side->name = event->who;
    }
}

bool rh_cancelled_add(const rh_cancellation *event, rh_arena *arena, rh_contention *contention)
{
    const char *reason = reason_of(event->sqlstate, event->message ? event->message : "");
    if (!reason)
        return false;
    const rh_wait *wait = wait_that_ended(contention, event->pid, event->at_s);
    if (strcmp(event->sqlstate, "40P01") == 0)
        name_victim(event, wait, arena, contention);
    rh_cancelled *out = rh_arena_add(arena, &contention->cancelled, &contention->cancelled_count);
    *out = (rh_cancelled){.at_s = event->at_s,
                          .wait_s = wait ? wait->wait_s : RH_NOT_MEASURED,
                          .who = event->who,
                          .sqlstate = event->sqlstate,
                          .reason = reason,
                          .relation = wait ? wait->relation : NULL,
                          .mode = wait ? wait->mode : RH_LOCK_NONE,
                          .blocker = wait ? wait->blocker : NULL,
                          .migration = event->migration,
                          .statement = event->statement,
                          .is_migration = event->is_migration};
    return true;
}
