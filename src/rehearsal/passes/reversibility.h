/* The verdict on a down migration. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"

/* Sets reversibility and why (one clause, in ARENA) from what the rollback pass found:
 *   broken        the down migration or the reapply failed
 *   irreversible  the down migration is missing, or objects are missing or changed after it
 *   lossy         the schema is restored, but not all values or rows, or a sequence was set back
 *   full          otherwise; additional objects, columns in another order, and tables whose rows were not
 *                 compared are in why */
void rh_reversibility_judge(rh_rollback *rollback, rh_arena *arena);
