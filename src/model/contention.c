#include "pgrehearse/model/contention.h"
#include <string.h>

/* True if the blocker may be due to the migrations, not to the load alone: a session that a migration opened,
 * a transaction that it prepared, or a session that is not known. */
static bool came_with_migrations(const rh_wait *wait, double from_s)
{
    if (wait->waiter_is_migration || !(wait->migration || wait->at_s + wait->wait_s > from_s))
        return false;
    return wait->blocked_by_migration || wait->chain_count == 0 ||
           !wait->chain[wait->chain_count - 1].is_load;
}

static bool is_read(const rh_wait *wait)
{
    return wait->mode && wait->relation && wait->mode == RH_LOCK_ACCESS_SHARE;
}

static bool is_same_queue(const rh_wait *a, const rh_wait *b)
{
    return a->root_pid == b->root_pid && a->at_s < b->at_s + b->wait_s && b->at_s < a->at_s + a->wait_s &&
           a->relation && b->relation && strcmp(a->relation, b->relation) == 0;
}

/* A reader waits only for ACCESS EXCLUSIVE, which blocks readers and writers alike. So another wait in the
 * same queue is also one for readers. */
static bool keeps_readers_out(const rh_contention *contention, const rh_wait *wait)
{
    for (size_t i = 0; i < contention->wait_count; i++)
        if (is_read(&contention->waits[i]) && is_same_queue(&contention->waits[i], wait))
            return true;
    return false;
}

const rh_wait *rh_contention_longest_wait(const rh_contention *contention, const char *migration, bool reads)
{
    const rh_wait *longest = NULL;
    for (size_t i = 0; i < contention->wait_count; i++) {
        const rh_wait *wait = &contention->waits[i];
        if (migration && !(wait->migration && strcmp(wait->migration, migration) == 0))
            continue;
        if ((!longest || wait->wait_s > longest->wait_s) &&
            came_with_migrations(wait, contention->migrations_from_s) &&
            (!reads || is_read(wait) || keeps_readers_out(contention, wait)))
            longest = wait;
    }
    return longest;
}
