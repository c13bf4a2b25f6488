/* The pipeline of a run: its stages in the order of docs/design.md, section 5. */
#include "pgrehearse/rehearsal/rehearsal.h"
#include "stages.h"
#include "gates.h"
#include "verdict.h"
#include "masking.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/predict/predict.h"
#include "pgrehearse/report/report.h"
#include "pgrehearse/staging/staging.h"
#include "production.h"
#include "rehearsal/forecast/evidence.h"
#include "rehearsal/forecast/history.h"
#include "rehearsal/forecast/lock_forecast.h"
#include "rehearsal/forecast/translate.h"
#include "rehearsal/passes/after_failure.h"
#include "rehearsal/passes/lock_policy.h"
#include "rehearsal/passes/pass.h"
#include "run_directory.h"
#include "unmeasured.h"

/* Runs the stages in order. If a server process was killed meanwhile, also between sessions, the result is
 * not known, and a failure is not the migration's. */
static bool run_stages(rh_rehearsal *r, rh_stage *const *stages, rh_error *error)
{
    for (; *stages; stages++) {
        bool ok = (*stages)(r, error);
        if (r->staging && (ok || rh_pass_is_of_migration(error)) &&
            !rh_pass_check_server(r->staging, ok, error))
            return rh_error_context(error, "%s", r->stage);
        if (!ok)
            return false;
    }
    return true;
}

static bool pipeline(rh_rehearsal *r, rh_error *error)
{
    bool ok = run_stages(r, RH_STAGES_BEFORE, error) && run_stages(r, rh_stages_of(&r->run->plan), error);
    if (!ok && r->staging && rh_pass_is_of_migration(error))
        rh_after_failure(r->run, r->staging, r->progress); /* its state, and rollback of the others */
    return ok;
}

static void record_failure(rh_rehearsal *r, const rh_error *error)
{
    r->run->failure = rh_failure_of_error(error, r->run->arena);
    r->run->failed_stage = r->stage;
}

/* Predicts for production, checks the gates and decides the verdict, from what was measured. */
static void conclude(rh_rehearsal *r, const rh_error *error)
{
    rh_run *run = r->run;
    if (rh_error_is_set(error))
        record_failure(r, error);
    if (run->prediction.disk_peak_bytes < 0)
        rh_run_not_measured(run, RH_UNMEASURED_DISK_SPACE,
                            "disk: the peak during the migrations was not measured");
    rh_production_settings(run);
    rh_predict_statements(&run->plan, RH_PREDICTION_LEVEL, run->arena);
    rh_translate_predictions(run, RH_PREDICTION_LEVEL);
    rh_history_apply(&run->plan, &run->production.history, RH_PREDICTION_LEVEL, run->arena);
    rh_predict_total(&run->plan, &run->contention, RH_PREDICTION_LEVEL, run->arena, &run->prediction);
    rh_translate_cold(run);
    rh_lock_forecast_production(run, RH_PREDICTION_LEVEL);
    const rh_predict_load load = {.locks = &run->production.locks,
                                  .disturbed = run->disturbance_count > 0,
                                  .level = RH_PREDICTION_LEVEL};
    rh_predict_loaded(&run->plan, &load, run->arena, &run->prediction);
    rh_evidence_fill(run);
    rh_masking_report(run);
    rh_unmeasured_add(run);
    rh_gates_check(run);
    rh_verdict_decide(run, error);
    run->elapsed_s = rh_seconds(rh_clock_monotonic() - run->started);
}

static void begin(rh_run *run, const rh_scenario *scenario, rh_arena *arena)
{
    run->arena = arena;
    run->scenario = scenario;
    run->tool_version = RH_VERSION;
    run->started_wall = rh_clock_wall();
    run->started = rh_clock_monotonic();
    run->backup.path = scenario->backup.path    ? scenario->backup.path
                       : scenario->backup.clone ? scenario->backup.clone
                                                : rh_base_name(scenario->backup.command[0]);
    run->backup.restore_s = run->staging.snapshot_s = run->staging.reset_s = RH_NOT_MEASURED;
    run->backup.bytes = run->backup.database_bytes = run->backup.tables = run->backup.rows = RH_UNKNOWN;
    run->prediction.disk_peak_bytes = RH_UNKNOWN;
    run->prediction.backtest.median_abs_error = run->prediction.backtest.bias = RH_NOT_MEASURED;
    run->prediction.backtest.coverage = run->prediction.backtest.level = RH_NOT_MEASURED;
    run->prediction.backtest.worst_abs_error = run->prediction.backtest.width = RH_NOT_MEASURED;
}

/* Writes the run directory's pages. A page that cannot be written fails the run, and the pages are written
 * again with that verdict, so that none contradicts the exit code: rh_report_write removes what it cannot
 * replace. */
static void write_results(rh_rehearsal *r, rh_error *failed)
{
    rh_error unwritten = {0};
    if (rh_report_write(r->run, &unwritten) && rh_run_directory_complete(r->run, &unwritten))
        return;
    if (!rh_error_is_set(failed)) {
        rh_error again = {0};
        rh_error_move(failed, &unwritten);
        r->stage = "report";
        record_failure(r, failed);
        rh_verdict_decide(r->run, failed);
        rh_report_write(r->run, &again);
        rh_error_release(&again);
    }
    rh_error_release(&unwritten);
}

int rh_rehearse(const rh_scenario *scenario, const rh_rehearsal_options *options, rh_arena *arena,
                rh_run *run, rh_error *error)
{
    rh_run_log log = {0};
    rh_error failed = {0};
    begin(run, scenario, arena);
    if (!rh_run_directory_make(run, options->output, error) ||
        !rh_run_log_open(&log, run, options->progress, error))
        return run->exit_code = rh_exit_code(error);
    rh_history_runs(run, !options->output);
    rh_rehearsal r = {.scenario = scenario, .run = run, .progress = &log.progress, .fetched.place.lock = -1};
    if (!pipeline(&r, &failed) && rh_interrupt_requested())
        failed.code = RH_ERROR_INTERRUPTED;

    rh_interrupt_hold(); /* from here on everything is clean-up */
    if (r.staging)
        rh_staging_describe(r.staging, arena, &run->staging, NULL);
    rh_staging_free(r.staging, options->keep_staging);
    rh_place_remove(&r.fetched.place, NULL);
    conclude(&r, &failed);
    write_results(&r, &failed);
    rh_run_log_close(&log);
    rh_error_move(error, &failed);
    rh_interrupt_release();
    return run->exit_code;
}
