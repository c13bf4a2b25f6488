/* The verdict of a run, from what failed, what was not measured and what is missing. */
#include "verdict.h"
#include "pgrehearse/rehearsal/rehearsal.h"

static void set_verdict(rh_run *run, rh_verdict verdict, int exit_code, const char *reason)
{
    run->verdict = verdict;
    run->exit_code = exit_code;
    run->reason = reason;
}

/* The first claim of a backfill that failed; NULL. */
static const char *failed_claim(const rh_run *run)
{
    for (size_t i = 0; i < run->backfill_count; i++)
        for (size_t c = 0; c < run->backfills[i].claim_count; c++)
            if (run->backfills[i].claims[c].outcome == RH_PROOF_FAILED)
                return rh_arena_printf(
                    run->arena, "the proof of backfill %s: %s: %s", run->backfills[i].backfill->name,
                    rh_proof_claim_name(run->backfills[i].claims[c].claim), run->backfills[i].claims[c].why);
    return NULL;
}

/* Why nothing at all is known of a backfill whose proof was tried: it did not run to a good end, or changed
 * no row. */
static const char *unproven(const rh_run *run)
{
    for (size_t i = 0; i < run->backfill_count; i++) {
        const rh_backfill_result *b = &run->backfills[i];
        size_t unknown = 0;
        while (unknown < b->claim_count && b->claims[unknown].outcome == RH_PROOF_UNKNOWN)
            unknown++;
        if (unknown > 0 && unknown == b->claim_count)
            return rh_arena_printf(run->arena, "nothing of backfill %s could be proven: %s",
                                   b->backfill->name, b->claims[0].why);
    }
    return NULL;
}

/* Sets the verdict and returns true if a migration, a rollback, a verify step or a proof failed. */
static bool something_failed(rh_run *run)
{
    const rh_plan *plan = &run->plan;
    const char *reason = NULL;
    for (size_t m = 0; !reason && m < plan->migration_count; m++)
        if (plan->migrations[m].outcome == RH_OUTCOME_FAILED)
            reason = rh_arena_printf(run->arena, "migration %s failed in the %s", plan->migrations[m].id,
                                     plan->migrations[m].failed_pass ? plan->migrations[m].failed_pass
                                                                     : "rehearsal");
    for (size_t m = 0; !reason && m < plan->migration_count; m++)
        if (plan->migrations[m].rollback.outcome == RH_OUTCOME_FAILED)
            reason =
                rh_arena_printf(run->arena, "the rollback of migration %s failed", plan->migrations[m].id);
    if (!reason)
        reason = failed_claim(run);
    if (reason) {
        set_verdict(run, RH_VERDICT_FAIL, RH_EXIT_MIGRATION, reason);
        return true;
    }
    if (run->set_rollback.outcome == RH_OUTCOME_FAILED) {
        set_verdict(run, RH_VERDICT_FAIL, RH_EXIT_MIGRATION,
                    "each migration goes down and up again, but the whole set does not");
        return true;
    }
    if (run->verify_outcome == RH_OUTCOME_FAILED)
        set_verdict(run, RH_VERDICT_FAIL, RH_EXIT_MIGRATION, "a verify step failed");
    return run->verify_outcome == RH_OUTCOME_FAILED;
}

static const rh_gate *gate_with(const rh_run *run, rh_gate_outcome outcome)
{
    for (size_t i = 0; i < run->gate_count; i++)
        if (run->gates[i].outcome == outcome)
            return &run->gates[i];
    return NULL;
}

/* "the backup is incomplete: it lacks TABLE DATA public.log (and 2 more): …" */
static const char *missing_reason(const rh_run *run)
{
    const rh_backup_facts *backup = &run->backup;
    const char *more = backup->missing_count > 1
                           ? rh_arena_printf(run->arena, " (and %zu more)", backup->missing_count - 1)
                           : "";
    return rh_arena_printf(run->arena, "the backup is incomplete: it lacks %s%s: %s", backup->missing[0].what,
                           more, backup->missing[0].why);
}

void rh_verdict_decide(rh_run *run, const rh_error *error)
{
    const rh_gate *failed = gate_with(run, RH_GATE_FAILED), *unknown = gate_with(run, RH_GATE_NOT_MEASURED);
    const char *not_proven = unproven(run);
    if (rh_error_is_set(error) && error->code != RH_ERROR_MIGRATION && error->code != RH_ERROR_TIMEOUT) {
        int exit_code = rh_exit_code(error);
        set_verdict(run, exit_code == RH_EXIT_REFUSED ? RH_VERDICT_REFUSED : RH_VERDICT_ERROR, exit_code,
                    rh_arena_strdup(run->arena, error->message));
    } else if (failed && run->backup.missing_count > 0) {
        set_verdict(run, RH_VERDICT_FAIL, RH_EXIT_GATE,
                    rh_arena_printf(run->arena, "gate %s failed: %s", failed->name, failed->worst));
    } else if (run->backup.missing_count > 0) {
        /* Without parts of the database, a migration may fail, or take less time than on production. */
        set_verdict(run, RH_VERDICT_INCONCLUSIVE, RH_EXIT_INCONCLUSIVE, missing_reason(run));
    } else if (something_failed(run)) {
        return;
    } else if (rh_error_is_set(error)) {
        set_verdict(run, RH_VERDICT_FAIL, RH_EXIT_MIGRATION, rh_arena_strdup(run->arena, error->message));
    } else if (failed) {
        set_verdict(run, RH_VERDICT_FAIL, RH_EXIT_GATE,
                    rh_arena_printf(run->arena, "gate %s failed: %s", failed->name, failed->worst));
    } else if (run->inconclusive) {
        set_verdict(run, RH_VERDICT_INCONCLUSIVE, RH_EXIT_INCONCLUSIVE, run->inconclusive);
    } else if (not_proven) {
        set_verdict(run, RH_VERDICT_INCONCLUSIVE, RH_EXIT_INCONCLUSIVE, not_proven);
    } else if (run->load.saturated) {
        set_verdict(
            run, RH_VERDICT_INCONCLUSIVE, RH_EXIT_INCONCLUSIVE,
            rh_arena_printf(run->arena,
                            "the server could not hold the load's rate even without a migration (%s): lower "
                            "workload.rate",
                            run->load.saturated_reason ? run->load.saturated_reason : "saturated"));
    } else if (unknown) {
        set_verdict(
            run, RH_VERDICT_INCONCLUSIVE, RH_EXIT_INCONCLUSIVE,
            rh_arena_printf(run->arena, "gate %s could not be measured: %s", unknown->name, unknown->worst));
    } else {
        set_verdict(run, RH_VERDICT_PASS, RH_EXIT_OK,
                    run->gate_count ? "every gate held" : "everything ran; the scenario sets no gates");
    }
}
