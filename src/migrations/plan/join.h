/* Internal to migrations/: frameworks that run all pending migrations in one transaction. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"

/* Makes one migration of the pending ones that follow one another, as they share a transaction: its way up is
 * theirs in order, its way down theirs from the last back, none where one of them has none. */
void rh_plan_join(rh_plan *plan, rh_arena *arena);
