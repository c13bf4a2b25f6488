/* Internal to rewrite/: finds the statements of a transaction that must be committed together. */
#pragma once
#include "pgrehearse/model/migration.h"

/* For each statement of SCRIPT, why no COMMIT may follow it within its transaction (by NUMBERS of
 * rh_plan_transactions); NULL: one may. SESSION_KEPT: the rewritten script runs in one session. In ARENA. */
const char **rh_safer_commit_points(const rh_script *script, const int *numbers, bool session_kept,
                                    rh_arena *arena);
