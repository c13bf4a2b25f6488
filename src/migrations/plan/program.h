/* Internal to migrations/: a program of the user's instead of files. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/scenario.h"

/* Fills the framework of PLAN. */
void rh_program_detect(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan);
/* One migration, whose statements are not known before it has run. */
void rh_program_plan(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan);
/* STEP as the migration with index AT; pointers to the plan's migrations are then old. */
void rh_program_insert(const rh_migration_step *step, size_t at, rh_arena *arena, rh_plan *plan);
