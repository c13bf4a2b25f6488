/* Reads a scenario from YAML and checks it. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/scenario.h"

/* Reads and checks PATH. SETS are "KEY=VALUE" from --set (dotted keys, "workload.rate=50"; the value is
 * YAML), applied before the checks; an error in one is RH_ERROR_USAGE. Unknown keys (with the nearest known
 * one), wrong types, wrong units, missing files, and keys that are not supported yet: RH_ERROR_SCENARIO with
 * file, line, column.
 * ${NAME} is expanded from the environment in every value; an unset one is an error. Everything lives in
 * ARENA. */
bool rh_scenario_load(const char *path, const char *const *sets, size_t set_count, rh_arena *arena,
                      rh_scenario *scenario, rh_error *error);

/* The commented scenario that `pgrehearse init` writes. Static. */
const char *rh_scenario_template(void);
