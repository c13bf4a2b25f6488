/* The verdict on a down migration. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"

/* Sets reversibility and why (one clause, in ARENA) from what the rollback pass found:
 *   broken        down, or up again, failed
 *   irreversible  there is no way down, or something of the schema is missing or changed after it
 *   lossy         the schema is back, but values or rows are not, or a sequence went backwards
 *   full          else. What it left behind besides, columns that changed their place, and tables whose rows
 * were not compared are in why. */
void rh_reversibility_judge(rh_rollback *rollback, rh_arena *arena);
