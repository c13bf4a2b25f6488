#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"
#include "pgrehearse/model/lock.h"
#include "pgrehearse/model/facts.h"
#include <string.h>

rh_failure *rh_failure_of_error(const rh_error *error, rh_arena *arena)
{
    rh_failure *failure = rh_arena_alloc(arena, sizeof *failure);
    failure->message = rh_arena_strdup(arena, error->message);
    failure->sqlstate = error->sqlstate[0] ? rh_arena_strdup(arena, error->sqlstate) : NULL;
    failure->hint = rh_arena_strdup(arena, error->hint);
    failure->file = rh_arena_strdup(arena, error->file);
    failure->line = error->line;
    failure->column = error->column;
    return failure;
}

/* ---- locks that no sample saw ---- */

static rh_pass_kind last_timed_pass(const rh_statement *statement)
{
    for (size_t r = 0; r < statement->run_count; r++)
        if (statement->runs[r].pass == RH_PASS_KIND_LOADED)
            return RH_PASS_KIND_LOADED;
    return RH_PASS_KIND_QUIET;
}

static void find_unseen(const rh_migration *migration, const rh_statement *statement, bool reads,
                        rh_unseen_lock *longest)
{
    const rh_pass_kind pass = last_timed_pass(statement);
    for (size_t r = 0; r < statement->run_count; r++) {
        const rh_statement_run *run = &statement->runs[r];
        for (size_t k = 0; run->pass == pass && k < run->lock_count; k++) {
            const rh_lock *lock = &run->locks[k];
            if (lock->inferred && (reads ? lock->blocks_reads : lock->blocks_writes) && lock->held_s > 0 &&
                (!longest->lock || lock->held_s > longest->lock->held_s))
                *longest = (rh_unseen_lock){migration, statement, lock};
        }
    }
}

rh_unseen_lock rh_plan_unseen_lock(const rh_plan *plan, const char *migration, bool reads)
{
    rh_unseen_lock longest = {0};
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++)
            if (!migration || strcmp(plan->migrations[m].id, migration) == 0)
                find_unseen(&plan->migrations[m], &plan->migrations[m].up.statements[i], reads, &longest);
    return longest;
}

double rh_plan_blocked_s(const rh_plan *plan, const char *migration, bool reads, double seen_s)
{
    const rh_unseen_lock unseen = rh_plan_unseen_lock(plan, migration, reads);
    return unseen.lock && unseen.lock->held_s > seen_s ? RH_NOT_MEASURED : seen_s;
}
