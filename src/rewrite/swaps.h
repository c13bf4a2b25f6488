/* Internal to rewrite/: statements that commit by themselves and belong into one transaction. */
#pragma once
#include "pgrehearse/model/migration.h"

/* Gives one number in NUMBERS (of rh_plan_transactions) to the statements of SCRIPT from one that takes a
 * name away up to the one that gives it back, where each commits by itself and all change only catalogs. In
 * ARENA, for each statement: the name that others would miss in between; NULL: it stays by itself. */
const char **rh_safer_swaps(const rh_script *script, int *numbers, rh_arena *arena);
