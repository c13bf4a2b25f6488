/* Internal to migrations/plan/: which migrations are pending. */
#pragma once
#include "migrations/frameworks/frameworks.h"
#include "pgrehearse/migrations/plan.h"

/* Marks what the history table of the backup has. With pending: all or a list, a table that cannot be read
 * does not matter. */
bool rh_plan_mark_applied(const rh_scenario *scenario, const rh_framework_rules *rules,
                          const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error);
/* By migrations.pending. */
bool rh_plan_choose_pending(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error);
/* Inserts the programs of migrations.steps; one that follows a migration that the backup has is not pending.
 */
bool rh_plan_insert_steps(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error);
/* --only: some of the pending ones. */
bool rh_plan_keep_only(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error);
