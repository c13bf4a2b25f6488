#include "relations.h"
#include "pgrehearse/model/facts.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Another lock in the list says more about the same relation, or says it first. */
static bool is_weaker(const rh_held *held, size_t count, size_t i)
{
    for (size_t k = 0; k < count; k++)
        if (k != i && held[k].oid == held[i].oid &&
            (held[k].mode > held[i].mode || (held[k].mode == held[i].mode && k < i)))
            return true;
    return false;
}

static bool is_part_of_locked_table(const rh_held *held, size_t count, size_t i)
{
    if (held[i].owner == 0)
        return false;
    if (held[i].is_private)
        return true;
    for (size_t k = 0; k < count; k++)
        if (held[k].oid == held[i].owner && held[k].mode >= held[i].mode)
            return true;
    return false;
}

static int compare_locks(const void *a, const void *b)
{
    const rh_lock *x = a, *y = b;
    if (x->mode != y->mode)
        return x->mode < y->mode ? 1 : -1;
    return strcmp(x->relation, y->relation);
}

void rh_held_fold(const rh_held *held, size_t count, rh_arena *arena, rh_lock **locks, size_t *lock_count)
{
    *locks = NULL;
    *lock_count = 0;
    for (size_t i = 0; i < count; i++) {
        const bool predicate = held[i].mode == RH_LOCK_NONE; /* SIReadLock: no session waits for it */
        if (predicate || is_weaker(held, count, i) || is_part_of_locked_table(held, count, i))
            continue;
        rh_lock *lock = rh_arena_add(arena, locks, lock_count);
        lock->relation = held[i].name ? rh_arena_strdup(arena, held[i].name)
                                      : rh_arena_printf(arena, "OID %" PRId64, held[i].oid);
        lock->table = rh_arena_strdup(arena, held[i].owner_name);
        lock->mode = held[i].mode;
        lock->held_s = held[i].held_s;
        lock->blocks_reads = !held[i].is_private && rh_lock_mode_blocks_reads(lock->mode);
        lock->blocks_writes = !held[i].is_private && rh_lock_mode_blocks_writes(lock->mode);
    }
    if (*lock_count > 0)
        qsort(*locks, *lock_count, sizeof **locks, compare_locks);
}
