/* Internal to rewrite/: finds the statements of a transaction that must be committed together. */
#pragma once
#include "pgrehearse/model/migration.h"

/* For each statement of SCRIPT why no COMMIT may come between it and the next one of its transaction, as
 * NUMBERS (of rh_plan_transactions) has them; NULL: one may. SESSION_KEPT: all that is printed for SCRIPT
 * runs in one session. In ARENA. */
const char **rh_safer_commit_points(const rh_script *script, const int *numbers, bool session_kept,
                                    rh_arena *arena);
