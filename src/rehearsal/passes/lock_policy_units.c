/* Chooses the transactions of a migration that lock policies are tried on. */
#include "lock_policy_units.h"
#include "pgrehearse/base/relation.h"
#include <string.h>
#include <strings.h>

/* A template that does not say which relation it is about may use any. */
static bool is_used(const rh_mix *mix, const char *relation, rh_arena *arena)
{
    const rh_relation locked = rh_relation_of(relation, arena);
    for (size_t i = 0; i < mix->template_count; i++) {
        const rh_template *t = &mix->templates[i];
        if (!t->relation || rh_relation_matches(rh_relation_of(t->relation, arena), locked) ||
            (t->sql && rh_sql_mentions(t->sql, relation)))
            return true;
    }
    return false;
}

static bool blocks(rh_lock_mode mode)
{
    return rh_lock_mode_blocks_reads(mode) || rh_lock_mode_blocks_writes(mode);
}

/* Its strongest such lock as a pass at full size saw it, else as its text says. */
static rh_lock_mode hazardous_lock(const rh_statement *statement, const rh_mix *mix, const char **relation,
                                   rh_arena *arena)
{
    rh_lock_mode mode = RH_LOCK_NONE;
    bool seen = false;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        if (run->pass != RH_PASS_KIND_QUIET && run->pass != RH_PASS_KIND_LOADED)
            continue;
        seen |= run->lock_count > 0;
        for (size_t k = 0; k < run->lock_count; k++)
            if (blocks(run->locks[k].mode) && is_used(mix, run->locks[k].relation, arena) &&
                run->locks[k].mode > mode) {
                mode = run->locks[k].mode;
                *relation = run->locks[k].relation;
            }
    }
    if (!mode && !seen && blocks(statement->expected_lock) && statement->expected_relation &&
        is_used(mix, statement->expected_relation, arena)) {
        mode = statement->expected_lock;
        *relation = statement->expected_relation;
    }
    return mode;
}

/* CREATE INDEX and REINDEX CONCURRENTLY can be tried again; others that need to be alone cannot be undone. */
static bool is_repeatable(const rh_statement *statement)
{
    return statement->class_ == RH_CLASS_INDEX_CONCURRENT &&
           strncasecmp(statement->redacted_sql, "DROP", 4) != 0;
}

static void judge(rh_lock_unit *unit, const rh_mix *mix, rh_arena *arena)
{
    const rh_script *script = &unit->migration->up;
    rh_lock_mode strongest = RH_LOCK_NONE;
    for (size_t i = unit->first; i <= unit->last; i++) {
        const rh_statement *statement = &script->statements[i];
        const char *relation = NULL;
        const rh_lock_mode mode = hazardous_lock(statement, mix, &relation, arena);
        if (statement->needs_no_transaction) {
            unit->concurrent = unit->first == unit->last && is_repeatable(statement);
            unit->heaviest = unit->concurrent ? statement : NULL;
            unit->relation = statement->expected_relation;
            unit->mode = statement->expected_lock;
            return;
        }
        if (mode > strongest) {
            strongest = mode;
            unit->heaviest = statement;
            unit->relation = relation;
            unit->mode = mode;
        }
    }
}

size_t rh_lock_units(const rh_migration *migration, const rh_mix *mix, rh_arena *arena, rh_lock_unit **units)
{
    const rh_script *script = &migration->up;
    size_t count = 0;
    int *numbers = rh_arena_alloc(arena, (script->statement_count + 1) * sizeof *numbers);
    rh_plan_transactions(script, numbers);
    *units = NULL;
    for (size_t i = 0; i < script->statement_count; i++) {
        if (i == 0 || numbers[i] != numbers[i - 1] || script->statements[i].needs_no_transaction ||
            script->statements[i - 1].needs_no_transaction) {
            rh_lock_unit *unit = rh_arena_add(arena, units, &count);
            *unit = (rh_lock_unit){.migration = migration, .first = i};
        }
        (*units)[count - 1].last = i;
    }
    for (size_t u = 0; u < count; u++)
        judge(&(*units)[u], mix, arena);
    return count;
}
