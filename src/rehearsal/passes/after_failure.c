#include "after_failure.h"
#include "interruption_state.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/migrations/replay.h"
#include "pass.h"
#include "results.h"

/* An error of these passes is noted: the run's failure stays the migration's. */
static void note_error(rh_run *run, rh_unmeasured code, const char *what, rh_error *failed)
{
    if (failed->message)
        rh_run_not_measured(run, code, "%s, after the failure: %s", what, failed->message);
    rh_error_release(failed);
}

/* ---- the state after the failure ---- */

/* Its ordinal by the place of the failure; 0: none, as at a COMMIT of the tool's. */
static int failed_statement(const rh_migration *migration)
{
    int ordinal = 0;
    for (size_t i = 0; migration->failure && i < migration->up.statement_count; i++)
        if (migration->up.statements[i].line <= migration->failure->line)
            ordinal = migration->up.statements[i].ordinal;
    return ordinal;
}

static rh_interruption_result inspect_failed(const rh_run *run, rh_staging *staging, size_t failed,
                                             const rh_progress *progress, rh_error *error)
{
    const rh_migration *migration = &run->plan.migrations[failed];
    rh_interruption_result result = {.pass = {.kind = RH_PASS_KIND_ROLLBACK}};
    rh_interruption found = {.how = RH_INTERRUPTION_FAILURE,
                             .statement = failed_statement(migration),
                             .in_statement = true,
                             .after_s = RH_NOT_MEASURED};
    rh_interrupted i = {.run = run,
                        .staging = staging,
                        .progress = progress,
                        .index = failed,
                        .migration = migration,
                        .found = &found,
                        .notes = &result.pass.notes};
    rh_error first = {0};
    rh_rows history = {0};
    rh_progress_begin(progress, "after the failure", "what %s left", migration->id);
    bool ok = rh_interruption_prepare(&i, error);
    if (ok) {
        found.hit = !rh_interruption_replay(&i, migration, NULL, &first);
        rh_interruption_close(&i); /* the tool ends, too */
        ok = rh_interruption_open(&i, error) && rh_interruption_inspect(&i, &history, error) &&
             (!found.hit || rh_interruption_try_again(&i, &history, error));
    }
    rh_interruption_close(&i);
    rh_interruption_forget(&i);
    rh_error_release(&first);
    result.pass.ok = ok;
    if (!ok)
        return result;
    *rh_arena_add(run->arena, &result.found, &result.found_count) = (rh_found_interruption){migration, found};
    rh_progress_end(progress, "after the failure", "%zu differences of the schema", found.difference_count);
    return result;
}

/* ---- the whole ---- */

/* The run with the first COUNT migrations of its plan only, for passes to read. */
static rh_run run_of_first(const rh_run *run, size_t count)
{
    rh_run first = *run;
    first.plan.migration_count = count;
    first.plan.pending_count = 0;
    for (size_t m = 0; m < count; m++)
        first.plan.pending_count += run->plan.migrations[m].pending;
    return first;
}

static void loaded_pass(rh_run *run, size_t count, rh_staging *staging, const rh_progress *progress)
{
    rh_error failed = {0};
    if (!(run->scenario->passes & RH_PASS_LOADED) || run->scenario->workload.source == RH_WORKLOAD_NONE)
        return;
    const rh_run first = run_of_first(run, count);
    const rh_loaded_result result = rh_pass_loaded(&first, staging, progress, &failed);
    if (!rh_file_loaded(run, &result))
        note_error(run, RH_UNMEASURED_LOAD, "load", &failed);
}

static void rollback_pass(rh_run *run, size_t count, rh_staging *staging, const rh_progress *progress)
{
    rh_error failed = {0};
    if (!run->scenario->rollback)
        return;
    const rh_run first = run_of_first(run, count);
    const rh_rollback_result result = rh_pass_rollback(&first, staging, progress, &failed);
    if (!rh_file_rollback(run, &result))
        note_error(run, RH_UNMEASURED_ROLLBACK, "rollback", &failed);
}

static void run_without(rh_run *run, size_t failed, rh_staging *staging, const rh_progress *progress)
{
    rh_error problem = {0};
    if (run_of_first(run, failed).plan.pending_count > 0) {
        rh_run_not_measured(run, RH_UNMEASURED_LOAD,
                            "load and rollback of %s and the migrations after it: it failed",
                            run->plan.migrations[failed].id);
        loaded_pass(run, failed, staging, progress);
        if (!rh_interrupt_requested())
            rollback_pass(run, failed, staging, progress);
    }
    if (rh_interrupt_requested())
        return;
    const rh_interruption_result result = inspect_failed(run, staging, failed, progress, &problem);
    if (!rh_file_interruption(run, &result))
        note_error(run, RH_UNMEASURED_INTERRUPTION, "state after the failed migration", &problem);
}

void rh_after_failure(rh_run *run, rh_staging *staging, const rh_progress *progress)
{
    const rh_plan *plan = &run->plan;
    size_t m = 0;
    while (m < plan->migration_count && plan->migrations[m].outcome != RH_OUTCOME_FAILED)
        m++;
    if (m == plan->migration_count)
        return;
    if (rh_plan_prepares(plan)) {
        rh_run_not_measured(
            run, RH_UNMEASURED_INTERRUPTION,
            "state after the failed migration, and load and rollback of the migrations before it: a migration prepares a transaction");
        return;
    }
    if (plan->migrations[m].failed_in == RH_PASS_KIND_LOADED) /* alone it runs */
        rollback_pass(run, plan->migration_count, staging, progress);
    else if (plan->migrations[m].failed_in == RH_PASS_KIND_QUIET)
        run_without(run, m, staging, progress);
}
