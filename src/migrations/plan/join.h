/* Internal to migrations/: frameworks that run all pending migrations in one transaction. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"

/* Makes one migration of the pending ones that follow one another, as they share a transaction: its up
 * migration is theirs in order, its down migration theirs in reverse order, or none if one of them has none.
 */
void rh_plan_join(rh_plan *plan, rh_arena *arena);
