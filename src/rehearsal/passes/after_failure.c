#include "after_failure.h"
#include "interruption_state.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pass.h"

/* The plan's migrations before one of them. */
typedef struct earlier {
    rh_plan *plan;
    size_t migration_count, pending_count; /* of the whole plan */
} earlier;

static earlier keep_earlier(rh_plan *plan, size_t failed)
{
    earlier kept = {plan, plan->migration_count, plan->pending_count};
    plan->migration_count = failed;
    plan->pending_count = 0;
    for (size_t m = 0; m < failed; m++)
        plan->pending_count += plan->migrations[m].pending;
    return kept;
}

static void put_back(const earlier *kept)
{
    kept->plan->migration_count = kept->migration_count;
    kept->plan->pending_count = kept->pending_count;
}

/* What goes wrong here leaves the migration's failure as the run's: it is told, and that is all. */
static void tell(rh_run *run, const char *what, rh_error *failed)
{
    if (failed->message)
        rh_run_not_measured(run, "%s, after the failure: %s", what, failed->message);
    rh_error_release(failed);
}

/* ---- what it left ---- */

/* Its ordinal by the place of the failure; 0: none, as at a COMMIT of the tool's. */
static int failed_statement(const rh_migration *migration)
{
    int ordinal = 0;
    for (size_t i = 0; migration->failure && i < migration->up.statement_count; i++)
        if (migration->up.statements[i].line <= migration->failure->line)
            ordinal = migration->up.statements[i].ordinal;
    return ordinal;
}

static bool look_at_failed(rh_run *run, rh_staging *staging, size_t failed, const rh_progress *progress,
                           rh_error *error)
{
    rh_migration *migration = &run->plan.migrations[failed];
    rh_interruption found = {.how = RH_INTERRUPTION_FAILURE,
                             .statement = failed_statement(migration),
                             .in_statement = true,
                             .after_s = RH_NOT_MEASURED};
    rh_interrupted i = {.run = run,
                        .staging = staging,
                        .progress = progress,
                        .index = failed,
                        .migration = migration,
                        .found = &found};
    rh_error first = {0};
    rh_rows history = {0};
    rh_progress_begin(progress, "after the failure", "what %s left", migration->id);
    bool ok = rh_interruption_prepare(&i, error);
    if (ok) {
        found.hit = !rh_interruption_replay(&i, migration, NULL, &first);
        rh_interruption_close(&i); /* the tool ends, too */
        ok = rh_interruption_open(&i, error) && rh_interruption_look(&i, &history, error) &&
             (!found.hit || rh_interruption_try_again(&i, &history, error));
    }
    rh_interruption_close(&i);
    rh_interruption_forget(&i);
    rh_error_release(&first);
    if (!ok)
        return false;
    *(rh_interruption *)rh_arena_add(run->arena, &migration->interruptions, &migration->interruption_count,
                                     sizeof found) = found;
    rh_progress_end(progress, "after the failure", "%zu differences of the schema", found.difference_count);
    return true;
}

/* ---- the whole ---- */

static void loaded_pass(rh_run *run, rh_staging *staging, const rh_progress *progress)
{
    rh_error failed = {0};
    if (!(run->scenario->passes & RH_PASS_LOADED) || run->scenario->workload.source == RH_WORKLOAD_NONE)
        return;
    if (!rh_pass_loaded(run, staging, progress, &failed))
        tell(run, "load", &failed);
}

static void rollback_pass(rh_run *run, rh_staging *staging, const rh_progress *progress)
{
    rh_error failed = {0};
    if (run->scenario->rollback && !rh_pass_rollback(run, staging, progress, &failed))
        tell(run, "rollback", &failed);
}

void rh_after_failure(rh_run *run, rh_staging *staging, const rh_progress *progress)
{
    rh_plan *plan = &run->plan;
    rh_error failed = {0};
    size_t m = 0;
    while (m < plan->migration_count && plan->migrations[m].outcome != RH_OUTCOME_FAILED)
        m++;
    const rh_migration *migration = m < plan->migration_count ? &plan->migrations[m] : NULL;
    if (!migration || !migration->failed_pass)
        return;
    if (rh_starts_with(migration->failed_pass, "loaded")) { /* alone it runs */
        rollback_pass(run, staging, progress);
        return;
    }
    if (!rh_starts_with(migration->failed_pass, "quiet"))
        return;
    earlier kept = keep_earlier(plan, m);
    if (plan->pending_count > 0) {
        rh_run_not_measured(run, "load and rollback from %s on: it failed; those before it went on alone",
                            migration->id);
        loaded_pass(run, staging, progress);
        if (!rh_interrupt_requested())
            rollback_pass(run, staging, progress);
    }
    put_back(&kept);
    if (!rh_interrupt_requested() && !look_at_failed(run, staging, m, progress, &failed))
        tell(run, "what the failed migration left", &failed);
}
