/* The passes of a rehearsal. */
#include "stages.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/predict/predict.h"
#include "pgrehearse/staging/staging.h"
#include "production.h"
#include "rehearsal/forecast/predictions_log.h"
#include "rehearsal/forecast/sizes.h"
#include "rehearsal/passes/added_keys.h"
#include "rehearsal/passes/backfill.h"
#include "rehearsal/passes/compatibility.h"
#include "rehearsal/passes/lock_policy.h"
#include "rehearsal/passes/pass.h"
#include "rehearsal/passes/results.h"
#include "rehearsal/passes/runners.h"
#include "steps.h"

static bool scaled_passes(rh_rehearsal *r, rh_error *error)
{
    rh_run *run = r->run;
    rh_work_size *sizes = NULL;
    r->stage = "scaled passes";
    if (!(r->scenario->passes & RH_PASS_SCALED)) {
        rh_run_not_measured(
            run, RH_UNMEASURED_SCALED_PASSES,
            "scaled passes: omitted by --pass, so nothing was predicted before the quiet passes");
        return true;
    }
    const char *why_not = NULL;
    if (!rh_staging_pg_dump(r->staging, &why_not)) {
        rh_run_not_measured(run, RH_UNMEASURED_SCALED_PASSES,
                            "scaled passes: left out, so there is no prediction before the quiet passes: %s",
                            why_not);
        return true;
    }
    rh_added_keys_follow(run, r->staging);
    if (!rh_sizes_read(run, rh_staging_conninfo(r->staging), &sizes, error))
        return false;
    const rh_samples samples = rh_samples_choose(run, sizes);
    for (int i = 0; i < samples.count; i++) {
        const rh_pass_result result =
            rh_pass_scaled(run, r->staging, samples.fractions[i], samples.repeats, sizes, r->progress, error);
        if (!rh_file_pass(run, &result))
            return false;
    }
    rh_heldouts history = {0};
    rh_heldouts_of_history(&run->production.history, &history, run->arena);
    rh_backtest_predict(&run->plan, sizes, &history, RH_PREDICTION_LEVEL, run->arena,
                        &run->prediction.backtest);
    return rh_predictions_write(run, error);
}

/* Where blocks are shared with the snapshot, their first write is dearer: it is not to be timed. What fails
 * here, fails in the pass that is observed, too. */
static bool warm_up(rh_rehearsal *r, rh_error *error)
{
    r->stage = "warm-up";
    if (!(r->scenario->passes & (RH_PASS_QUIET | RH_PASS_LOADED)))
        return true;
    if (!r->scenario->staging.warm_up || !rh_staging_first_writes_differ(r->staging)) {
        const char *added = rh_staging_copy_on_write(r->staging);
        if (added)
            rh_run_not_measured(r->run, RH_UNMEASURED_HARDWARE, "copy-on-write in the timed passes: %s",
                                added);
        return true;
    }
    rh_error failed = {0};
    rh_progress_begin(r->progress, r->stage, "not timed: it writes the blocks that the snapshot shares");
    rh_pass_settle(r->run, r->staging, RH_PASS_KIND_QUIET, NULL, r->progress, NULL, NULL, &failed);
    const bool lost = failed.code == RH_ERROR_LOST;
    if (rh_error_is_set(&failed) && !lost && !rh_pass_is_of_migration(&failed)) {
        rh_error_move(error, &failed);
        return false;
    }
    rh_error_release(&failed);
    rh_staging_warmed_up(r->staging);
    rh_progress_end(r->progress, r->stage, "done");
    return !lost || rh_staging_accept_restart(r->staging, error);
}

static bool quiet_passes(rh_rehearsal *r, rh_error *error)
{
    r->stage = "quiet passes";
    if (!(r->scenario->passes & RH_PASS_QUIET)) {
        rh_run_not_measured(r->run, RH_UNMEASURED_PREDICTION,
                            "quiet passes: omitted by --pass; without them nothing is predicted");
        return true;
    }
    for (int repeat = 1; repeat <= r->scenario->repeat; repeat++) {
        const rh_quiet_result result = rh_pass_quiet(r->run, r->staging, repeat, r->progress, error);
        if (!rh_file_quiet(r->run, &result))
            return false;
    }
    rh_backtest_score(&r->run->plan, r->run->arena, &r->run->prediction.backtest);
    return true;
}

/* Other tenants of the machine may have come or gone during the passes. */
static bool probe_again(rh_rehearsal *r, rh_error *error)
{
    r->stage = "probe";
    return rh_production_probe_again(r->run, rh_staging_conninfo(r->staging), r->progress, error);
}

static bool loaded_pass(rh_rehearsal *r, rh_error *error)
{
    r->stage = "loaded pass";
    if (!(r->scenario->passes & RH_PASS_LOADED) || r->scenario->workload.source == RH_WORKLOAD_NONE) {
        rh_run_not_measured(
            r->run, RH_UNMEASURED_LOAD,
            "load: left out (--pass or workload.source none), so the impact on clients was not measured");
        return true;
    }
    const rh_loaded_result result = rh_pass_loaded(r->run, r->staging, r->progress, error);
    return rh_file_loaded(r->run, &result);
}

/* Whether the database that the last pass left is whole and has the migrations: one that was reset for a load
 * which could not be made, or that only samples were taken of, has not. */
static bool is_migrated(const rh_rehearsal *r)
{
    if (r->run->plan.pending_count == 0)
        return true;
    if (r->scenario->passes & RH_PASS_LOADED && r->scenario->workload.source != RH_WORKLOAD_NONE)
        return r->run->load.mix.template_count > 0;
    return r->scenario->passes & RH_PASS_QUIET;
}

static bool migrate(rh_rehearsal *r, rh_error *error)
{
    const rh_pass_result result =
        rh_pass_settle(r->run, r->staging, RH_PASS_KIND_VERIFY, NULL, r->progress, NULL, NULL, error);
    return rh_file_pass(r->run, &result);
}

static bool verify(rh_rehearsal *r, rh_error *error)
{
    r->stage = "verify";
    if (r->scenario->verify_count == 0)
        return true;
    rh_progress_begin(r->progress, r->stage, "%zu step%s", r->scenario->verify_count,
                      r->scenario->verify_count == 1 ? "" : "s");
    if (!is_migrated(r) && !migrate(r, error))
        return false;
    if (!rh_steps_verify(r->run, rh_staging_conninfo(r->staging), r->progress, error))
        return false;
    rh_progress_end(r->progress, r->stage, r->run->verify_outcome == RH_OUTCOME_OK ? "clean" : "FAILED");
    return true;
}

static bool compatibility_pass(rh_rehearsal *r, rh_error *error)
{
    r->stage = "compatibility";
    bool wanted = r->scenario->workload.next.source != RH_WORKLOAD_NONE;
    if (rh_compatibility_wanted(r->run)) {
        const rh_compatibility_result result = rh_pass_compatibility(r->run, r->staging, r->progress, error);
        return rh_file_compatibility(r->run, &result);
    }
    if (wanted)
        rh_run_not_measured(r->run, RH_UNMEASURED_COMPATIBILITY,
                            "compatibility: there was no loaded pass, so workload.next was not tried");
    return true;
}

static bool rollback_pass(rh_rehearsal *r, rh_error *error)
{
    r->stage = "rollback";
    if (!r->scenario->rollback) {
        rh_run_not_measured(r->run, RH_UNMEASURED_ROLLBACK,
                            "rollback: switched off in the scenario, so it was not tested");
        return true;
    }
    const rh_rollback_result result = rh_pass_rollback(r->run, r->staging, r->progress, error);
    return rh_file_rollback(r->run, &result);
}

static bool interruption_pass(rh_rehearsal *r, rh_error *error)
{
    r->stage = "interruption";
    if (!r->scenario->interrupt)
        return true;
    const rh_interruption_result result = rh_pass_interruption(r->run, r->staging, r->progress, error);
    return rh_file_interruption(r->run, &result);
}

static bool lock_policy(rh_rehearsal *r, rh_error *error)
{
    r->stage = "lock policy";
    if (!r->scenario->lock_policy.search)
        return true;
    if (!(r->scenario->passes & RH_PASS_LOADED)) {
        rh_run_not_measured(r->run, RH_UNMEASURED_LOCK_POLICY,
                            "lock policy: omitted by --pass, since it needs the load");
        return true;
    }
    const rh_lock_policy_result result = rh_pass_lock_policy(r->run, r->staging, r->progress, error);
    return rh_file_lock_policy(r->run, &result);
}

static bool backfill_pass(rh_rehearsal *r, rh_error *error)
{
    r->stage = "backfill";
    for (size_t i = 0; i < r->scenario->backfill_count; i++) {
        const rh_backfill *backfill = &r->scenario->backfills[i];
        if (!(r->scenario->passes & RH_PASS_BACKFILL)) {
            rh_run_not_measured(r->run, RH_UNMEASURED_BACKFILL, "backfill %s: omitted by --pass",
                                backfill->name);
            continue;
        }
        const rh_backfill_pass_result result =
            rh_pass_backfill(r->run, r->staging, backfill, r->progress, error);
        if (!rh_file_backfill(r->run, &result))
            return false;
    }
    return true;
}

static bool runners_pass(rh_rehearsal *r, rh_error *error)
{
    r->stage = "runners";
    if (r->scenario->migrations.concurrent_runners < 2)
        return true;
    const rh_runners_result result = rh_pass_runners(r->run, r->staging, r->progress, error);
    return rh_file_runners(r->run, &result);
}

/* Passes that query the database between two migrations are left out if a migration prepares a transaction:
 * the queries would wait for its locks. */
static bool omit_inspecting_passes(rh_rehearsal *r, rh_error *error)
{
    (void)error;
    rh_run_not_measured(r->run, RH_UNMEASURED_ROLLBACK,
                        "compatibility, rollback, interruption, concurrent runners, lock policy: a "
                        "migration prepares a transaction (PREPARE TRANSACTION), whose locks stay "
                        "when its session ends");
    return true;
}

static rh_stage *const MIGRATIONS[] = {scaled_passes,      /* on samples; predictions are written */
                                       warm_up,            /* untimed, where blocks are shared */
                                       quiet_passes,       /* at full size; predictions are scored */
                                       probe_again,        /* is the machine as fast as before? */
                                       loaded_pass,        /* lock waits and response times under load */
                                       verify,             /* the scenario's checks */
                                       compatibility_pass, /* each release on the other's schema */
                                       rollback_pass,      /* down and up again */
                                       interruption_pass,  /* connection lost or server crashed half-way */
                                       runners_pass,       /* several runners at once */
                                       lock_policy,        /* trials of lock_timeout */
                                       backfill_pass,      /* trials of settings for each backfill */
                                       NULL};
static rh_stage *const TWO_PHASE[] = {scaled_passes, warm_up, quiet_passes,           probe_again,
                                      loaded_pass,   verify,  omit_inspecting_passes, NULL};
static rh_stage *const NONE_PENDING[] = {verify, backfill_pass, NULL};

rh_stage *const *rh_stages_of(const rh_plan *plan)
{
    if (plan->pending_count == 0)
        return NONE_PENDING;
    return rh_plan_prepares(plan) ? TWO_PHASE : MIGRATIONS;
}
