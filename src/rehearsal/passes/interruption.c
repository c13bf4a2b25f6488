/* The interruption pass: interrupts every pending migration half-way, reads the state of the database, and
 * runs the migration again as its framework would. */
#include "interruption_state.h"
#include "pgrehearse/predict/predict.h"
#include "pass.h"

/* The first fault comes in the middle of the statement; one that ended before is tried again, earlier. */
static const double SHARES[] = {0.5, 0.25, 0};
enum { TRIES = sizeof SHARES / sizeof *SHARES };

/* ---- which statement ---- */

static const rh_statement *longest_statement(const rh_migration *migration, double *median_s)
{
    const rh_statement *longest = NULL;
    *median_s = 0;
    for (size_t i = 0; i < migration->up.statement_count; i++) {
        const rh_statement *statement = &migration->up.statements[i];
        double median = statement->class_ == RH_CLASS_TRANSACTION ? 0 : rh_predict_quiet_s(statement);
        if (median > *median_s) {
            longest = statement;
            *median_s = median;
        }
    }
    return longest;
}

/* ---- the fault ---- */

/* One try; *MET: the statement was running at the interruption. */
static bool interrupt_once(rh_interrupted *i, double share, bool *met, rh_error *error)
{
    rh_interruption *found = i->found;
    rh_fault_injection fault = {.staging = i->staging,
                                .how = found->how,
                                .target = i->target,
                                .delay = (rh_usec)(share * i->target_s * (double)RH_SECOND)};
    rh_error killed = {0};
    if (!rh_interruption_prepare(i, error) ||
        !rh_fault_injection_start(&fault, i->migration->command ? NULL : i->pg, error))
        return false;
    bool whole = rh_interruption_replay(i, i->migration, &fault, &killed);
    bool ok = killed.code != RH_ERROR_INTERRUPTED;
    if (!ok)
        rh_error_move(error, &killed);
    rh_error_release(&killed);
    rh_interruption_close(i); /* before a crashed server starts again */
    ok = rh_fault_injection_finish(&fault, ok ? error : NULL) && ok && rh_interruption_open(i, error);
    found->statement = i->target->ordinal;
    found->hit = !whole && fault.fired_at;
    found->in_statement =
        fault.fired_at && !fault.completed; /* a program may go on by itself, and end well */
    found->after_s = fault.fired_at ? rh_seconds(fault.fired_at - fault.began) : RH_NOT_MEASURED;
    *met = found->in_statement;
    return ok;
}

static bool interrupt(rh_interrupted *i, rh_error *error)
{
    bool met = false;
    for (int try = 0; try < TRIES && !met; try++)
        if (!interrupt_once(i, SHARES[try], &met, error))
            return false;
    return true;
}

static bool interrupt_one(rh_interrupted *i, rh_interruption_how how, rh_interruption_result *result,
                          rh_error *error)
{
    rh_interruption found = {.how = how};
    rh_rows history;
    i->found = &found;
    bool ok = interrupt(i, error) && rh_interruption_inspect(i, &history, error) &&
              (!found.hit || rh_interruption_try_again(i, &history, error));
    rh_interruption_close(i);
    rh_interruption_forget(i);
    if (ok)
        *rh_arena_add(i->run->arena, &result->found, &result->found_count) =
            (rh_found_interruption){i->migration, found};
    i->found = NULL;
    return ok;
}

/* ---- the pass ---- */

/* The pending migration with the longest statement of all. */
static size_t longest_migration(const rh_plan *plan)
{
    size_t longest = 0;
    double most = -1;
    for (size_t m = 0; m < plan->migration_count; m++) {
        double median_s = 0;
        if (plan->migrations[m].pending && longest_statement(&plan->migrations[m], &median_s) &&
            median_s > most) {
            most = median_s;
            longest = m;
        }
    }
    return longest;
}

rh_interruption_result rh_pass_interruption(const rh_run *run, rh_staging *staging,
                                            const rh_progress *progress, rh_error *error)
{
    rh_interruption_result result = {.pass = {.kind = RH_PASS_KIND_ROLLBACK}};
    size_t longest = longest_migration(&run->plan), done = 0;
    bool ok = true;
    rh_progress_begin(progress, "interruption", "each migration is interrupted half-way");
    for (size_t m = 0; ok && m < run->plan.migration_count; m++) {
        rh_interrupted i = {.run = run,
                            .staging = staging,
                            .progress = progress,
                            .index = m,
                            .migration = &run->plan.migrations[m],
                            .notes = &result.pass.notes};
        if (!i.migration->pending)
            continue;
        rh_progress_update(progress, "interruption", i.migration->name, (int64_t)done++,
                           (int64_t)run->plan.pending_count, RH_UNIT_ITEMS);
        i.target = longest_statement(i.migration, &i.target_s);
        if (!i.target) {
            rh_notes_printf(
                &result.pass.notes, run->arena, RH_UNMEASURED_INTERRUPTION,
                "interruption of migration %s: no quiet pass measured the duration of its statements, or it "
                "has none",
                i.migration->id);
            continue;
        }
        ok = interrupt_one(&i, RH_INTERRUPTION_CONNECTION, &result, error);
        if (ok && m == longest && run->scenario->staging.kind == RH_STAGING_EMBEDDED)
            ok = interrupt_one(&i, RH_INTERRUPTION_SERVER, &result, error);
    }
    if (ok)
        rh_progress_end(progress, "interruption", "%zu interrupted and run again", result.found_count);
    result.pass.ok = ok;
    return result;
}
