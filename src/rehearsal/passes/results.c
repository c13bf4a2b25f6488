#include "results.h"
#include "pgrehearse/model/attempt.h"
#include "pgrehearse/observe/observe.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/hazards.h"
#include "backfill.h"
#include "contention.h"
#include "disturb.h"
#include "rehearsal/program/match.h"
#include <string.h>

/* ---- what every pass gives ---- */

/* The run's own, which may be changed. */
static rh_migration *own(rh_run *run, const rh_migration *migration)
{
    return &run->plan.migrations[migration - run->plan.migrations];
}

/* The statement's class follows from what its run did. */
static void classify(rh_run *run, rh_migration *migration, const rh_attempt *attempt)
{
    rh_script *script = attempt->direction == RH_UP ? &migration->up : &migration->down;
    for (size_t i = 0; i < attempt->statement_count; i++) {
        rh_statement *statement = &script->statements[attempt->statements[i].index];
        rh_classify_measured(statement, attempt->statements[i].run, run->arena);
        rh_hazards_add_hidden_rows(statement, attempt->statements[i].run, run->arena);
    }
}

/* ATTEMPT with the places that its statements have by now: an attempt of the same pass that was filed before
 * it may have added the same statements of a program. */
static rh_attempt place_statements(const rh_attempt *attempt, const rh_script *script, rh_arena *arena)
{
    rh_attempt placed = *attempt;
    if (attempt->added_count == 0 || script->statement_count == attempt->known_count)
        return placed;
    rh_program_match *match = rh_program_match_new(script, arena);
    rh_statement *added = rh_arena_alloc(arena, attempt->statement_count * sizeof *added);
    placed.statements = rh_arena_alloc(arena, attempt->statement_count * sizeof *placed.statements);
    placed.added = added;
    placed.added_count = 0;
    for (size_t i = 0; i < attempt->statement_count; i++) {
        const size_t index = attempt->statements[i].index;
        const rh_statement *statement = index < attempt->known_count
                                            ? &script->statements[index]
                                            : &attempt->added[index - attempt->known_count];
        size_t found = rh_program_match_find(match, statement->sql);
        placed.statements[i] = attempt->statements[i];
        placed.statements[i].index = found != SIZE_MAX ? found : script->statement_count + placed.added_count;
        if (found != SIZE_MAX)
            continue;
        added[placed.added_count] = *statement;
        added[placed.added_count].ordinal = (int)(script->statement_count + placed.added_count) + 1;
        placed.added_count++;
    }
    return placed;
}

static void file_attempt(rh_run *run, const rh_pass_result *result, const rh_attempt *attempted)
{
    rh_migration *migration = own(run, attempted->migration);
    const rh_script *script = attempted->direction == RH_UP ? &migration->up : &migration->down;
    const rh_attempt placed = place_statements(attempted, script, run->arena), *attempt = &placed;
    rh_migration_add_runs(migration, attempt, run->arena);
    classify(run, migration, attempt);
    if (attempt->direction == RH_DOWN)
        return; /* the rollback's record has its outcome */
    if (migration->command && result->kind == RH_PASS_KIND_QUIET && attempt->outcome == RH_OUTCOME_OK)
        *rh_arena_add(run->arena, &migration->own_s, &migration->own_count) = rh_attempt_own_s(attempt);
    if (attempt->outcome == RH_OUTCOME_OK && result->kind == RH_PASS_KIND_SCALED)
        return; /* at full size it has not run */
    rh_migration_conclude(migration, attempt);
    if (attempt->outcome == RH_OUTCOME_FAILED) {
        migration->failed_in = result->kind;
        migration->failed_pass = result->name;
    }
}

/* An index that a CONCURRENTLY left: what the text warned of has come. */
static void file_left_index(rh_run *run, const rh_left_index *left)
{
    static const char RULE[] = "invalid-index";
    rh_migration *migration = own(run, left->migration);
    rh_script *script = left->statement >= migration->down.statements &&
                                left->statement < migration->down.statements + migration->down.statement_count
                            ? &migration->down
                            : &migration->up;
    rh_statement *statement = &script->statements[left->statement - script->statements];
    rh_hazard *hazard = NULL;
    for (size_t h = 0; h < statement->hazard_count && !hazard; h++)
        if (strcmp(statement->hazards[h].rule, RULE) == 0)
            hazard = &statement->hazards[h];
    if (!hazard)
        hazard = rh_arena_add(run->arena, &statement->hazards, &statement->hazard_count);
    *hazard = (rh_hazard){
        .rule = RULE,
        .message =
            rh_arena_printf(run->arena,
                            "It failed and left %s behind: every write keeps it up to date, no query uses "
                            "it, and the next try finds the name taken.",
                            left->name),
        .evidence = "after the failure pg_index.indisvalid was false",
        .safer = rh_arena_printf(run->arena, "DROP INDEX CONCURRENTLY %s; before the next try.", left->name),
        .state = RH_HAZARD_MEASURED,
    };
}

bool rh_file_pass(rh_run *run, const rh_pass_result *result)
{
    const rh_observer_result *observed = &result->observed;
    for (size_t i = 0; i < observed->left_count; i++) /* while statements are where they were */
        file_left_index(run, &observed->left[i]);
    for (size_t i = 0; i < result->attempt_count; i++)
        file_attempt(run, result, &result->attempts[i]);
    for (size_t i = 0; i < result->record_count; i++)
        *rh_arena_add(run->arena, &run->passes, &run->pass_count) = result->records[i];
    for (size_t i = 0; i < observed->resource_count; i++)
        *rh_arena_add(run->arena, &run->resources, &run->resource_count) = observed->resources[i];
    rh_notes_add(&run->not_measured, run->arena, &result->notes);
    return result->ok;
}

/* ---- what one pass gives ---- */

bool rh_file_quiet(rh_run *run, const rh_quiet_result *result)
{
    rh_file_pass(run, &result->pass);
    if (result->disk_growth > run->prediction.disk_peak_bytes)
        run->prediction.disk_peak_bytes = result->disk_growth;
    if (result->repeat == 1) {
        run->constraints_after = result->constraints;
        run->constraint_count_after = result->constraint_count;
        run->constraints_known = result->constraints_known;
        run->contention = result->contention;
        if (run->contention.measured)
            rh_blocked_intervals(&run->plan, RH_PASS_KIND_QUIET, result->began, run->arena, &run->contention);
    }
    return result->pass.ok;
}

bool rh_file_loaded(rh_run *run, const rh_loaded_result *result)
{
    rh_file_pass(run, &result->pass);
    if (result->prepared)
        run->load = result->load;
    for (size_t i = 0; i < result->disturbance_count; i++)
        *rh_arena_add(run->arena, &run->disturbances, &run->disturbance_count) = result->disturbances[i];
    if (!result->began_load)
        return result->pass.ok;
    rh_contention *contention = &run->contention; /* what was seen without load says nothing of it */
    *contention = result->contention;
    if (contention->measured) {
        rh_contention_add_cancelled(run, RH_PASS_KIND_LOADED, result->began, contention);
        rh_contention_name_templates(run, contention);
        rh_disturb_account(run, contention);
        rh_blocked_intervals(&run->plan, RH_PASS_KIND_LOADED, result->began, run->arena, contention);
    }
    return result->pass.ok;
}

bool rh_file_compatibility(rh_run *run, const rh_compatibility_result *result)
{
    run->compatibility = result->compatibility;
    return rh_file_pass(run, &result->pass);
}

bool rh_file_rollback(rh_run *run, const rh_rollback_result *result)
{
    for (size_t m = 0; m < result->migration_count; m++)
        run->plan.migrations[m].rollback = result->rollbacks[m];
    run->set_rollback = result->set;
    return rh_file_pass(run, &result->pass);
}

bool rh_file_interruption(rh_run *run, const rh_interruption_result *result)
{
    for (size_t i = 0; i < result->found_count; i++) {
        rh_migration *migration = own(run, result->found[i].migration);
        *rh_arena_add(run->arena, &migration->interruptions, &migration->interruption_count) =
            result->found[i].interruption;
    }
    return rh_file_pass(run, &result->pass);
}

bool rh_file_runners(rh_run *run, const rh_runners_result *result)
{
    run->runners = result->runners;
    return rh_file_pass(run, &result->pass);
}

bool rh_file_lock_policy(rh_run *run, const rh_lock_policy_result *result)
{
    run->lock_policy = result->search;
    return rh_file_pass(run, &result->pass);
}

bool rh_file_backfill(rh_run *run, const rh_backfill_pass_result *result)
{
    *rh_arena_add(run->arena, &run->backfills, &run->backfill_count) = result->backfill;
    return rh_file_pass(run, &result->pass);
}
