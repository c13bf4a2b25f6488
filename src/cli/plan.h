/* The output of `pgrehearse plan`. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/backfill.h"

void rh_plan_text(const rh_scenario *scenario, const rh_plan *plan, const rh_backup_facts *backup,
                  rh_text *text);
/* The caller frees. */
rh_json *rh_plan_json(const rh_scenario *scenario, const rh_plan *plan, const rh_backup_facts *backup);

/* --safer: SQL with everything else in comments; or the same as JSON, which the caller frees. ARENA: scratch.
 * TO_TERMINAL: SQL with control characters is left out, with a note; elsewhere it is exactly what is to
 * run. */
void rh_plan_safer_text(const rh_plan *plan, bool to_terminal, rh_arena *arena, rh_text *text);
rh_json *rh_plan_safer_json(const rh_scenario *scenario, const rh_plan *plan, rh_arena *arena);

/* The backfills that SCENARIO declares. */
void rh_plan_backfills_text(const rh_scenario *scenario, rh_text *text);
void rh_plan_backfills_json(const rh_scenario *scenario, rh_json *parent);
/* --backfill NAME: SQL as --safer prints it, everything else in comments. */
bool rh_plan_backfill_sql(const rh_scenario *scenario, const rh_plan *plan, const char *name,
                          bool to_terminal, rh_arena *arena, rh_text *text, rh_error *error);
/* The caller frees. */
rh_json *rh_plan_backfill_json(const rh_scenario *scenario, const char *name, const rh_text *script);
