#include "pgrehearse/base/scan.h"
#include "pgrehearse/model/attempt.h"
#include "pgrehearse/model/backfill.h"
#include "pgrehearse/rehearsal/rehearsal.h"
#include "pgrehearse/rewrite/rewrite.h"
#include <string.h>

static const char RULE[] = "whole-table-update";

typedef struct offers {
    const rh_backfill *common; /* what the scenario says of all of them */
    rh_arena *arena;
    rh_notes *notes;
    rh_scenario *scenario; /* a copy, whose backfills grow */
} offers;

/* :name in the statement itself would be taken for a variable of the batch. */
static bool has_other_variables(const char *sql)
{
    rh_token name;
    for (const char *at = sql; rh_scan_variable(&at, NULL, &name);)
        if (!rh_token_is(&name, "from") && !rh_token_is(&name, "to"))
            return true;
    return false;
}

static void offer(offers *o, const rh_migration *migration, const rh_safer_step *step)
{
    rh_scenario *s = o->scenario;
    rh_backfill *b = rh_arena_add(o->arena, &s->backfills, &s->backfill_count);
    const char **key = rh_arena_alloc(o->arena, sizeof *key);
    *key = step->batch_key;
    *b = *o->common;
    b->offered = false;
    b->name = rh_arena_printf(o->arena, "%s#%d", migration->id, step->statement);
    b->replaces = migration->id;
    b->replaces_statement = step->statement;
    b->table = step->batch_table;
    b->sql = step->batch;
    b->own = RH_OWN_RANGE;
    b->key = key;
    b->key_count = 1;
    b->table_where = b->key_where = b->sql_where = b->where;
}

static void decline(offers *o, const rh_migration *migration, int statement, const char *why)
{
    rh_notes_printf(o->notes, o->arena, RH_UNMEASURED_BACKFILL,
                    "statement %d of migration %s as a backfill: %s", statement, migration->id,
                    why ? why : "it is not the sum of its batches");
}

static void add_migration(offers *o, const rh_migration *migration, const rh_safer *safer)
{
    for (size_t f = 0; f < safer->file_count; f++)
        for (size_t i = 0; i < safer->files[f].step_count; i++) {
            const rh_safer_step *step = &safer->files[f].steps[i];
            if (step->batch && has_other_variables(step->batch))
                decline(o, migration, step->statement, "its text has :name, which psql would replace");
            else if (step->batch)
                offer(o, migration, step);
        }
    for (size_t i = 0; i < safer->left_count; i++)
        if (safer->left[i].rule && strcmp(safer->left[i].rule, RULE) == 0)
            decline(o, migration, safer->left[i].statement, safer->left[i].why);
}

const rh_scenario *rh_backfills_offered(const rh_scenario *scenario, const rh_plan *plan, rh_arena *arena,
                                        rh_notes *notes)
{
    size_t autos = 0;
    for (size_t i = 0; i < scenario->backfill_count; i++)
        autos += scenario->backfills[i].offered;
    if (autos == 0)
        return scenario;
    rh_scenario *copy = rh_arena_alloc(arena, sizeof *copy);
    *copy = *scenario;
    copy->backfills = NULL;
    copy->backfill_count = 0;
    const rh_safer *safer = rh_safer_make(plan, arena);
    for (size_t i = 0; i < scenario->backfill_count; i++) {
        offers o = {.common = &scenario->backfills[i], .arena = arena, .notes = notes, .scenario = copy};
        if (!o.common->offered)
            *rh_arena_add(arena, &copy->backfills, &copy->backfill_count) = *o.common;
        for (size_t m = 0; o.common->offered && m < plan->migration_count; m++)
            if (plan->migrations[m].pending && !plan->migrations[m].command)
                add_migration(&o, &plan->migrations[m], &safer[m]);
    }
    return copy;
}
