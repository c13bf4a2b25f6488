/* The relation that a lock is on; shared by locks.c (exact) and the sampler. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/lock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rh_held {
    int64_t oid, owner;     /* owner: the table of an index or TOAST relation; else 0 */
    const char *name;       /* NULL unknown */
    const char *owner_name; /* NULL: it has no owner */
    rh_lock_mode mode;
    bool is_private; /* no other session can use it: temporary, or created by the transaction that locks it */
    double held_s;
} rh_held;

/* One lock a relation, its strongest mode, strongest first and by name among equals; an index or TOAST table
 * only if its table is not locked as strongly and if it is not private. What has no name is called by its
 * OID. In ARENA. */
void rh_held_fold(const rh_held *held, size_t count, rh_arena *arena, rh_lock **locks, size_t *lock_count);
