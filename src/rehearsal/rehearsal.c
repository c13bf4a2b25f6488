/* The pipeline of a run: its stages in the order of docs/design.md, section 5. */
#include "pgrehearse/rehearsal/rehearsal.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/base/interrupt.h"
#include "rehearsal/passes/after_failure.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/predict/predict.h"
#include "fetch.h"
#include "rehearsal/passes/backfill.h"
#include "rehearsal/passes/compatibility.h"
#include "rehearsal/passes/disturb.h"
#include "rehearsal/passes/added_keys.h"
#include "rehearsal/forecast/evidence.h"
#include "copy.h"
#include "gates.h"
#include "rehearsal/passes/load_size.h"
#include "origin.h"
#include "rehearsal/passes/lock_policy.h"
#include "masking.h"
#include "newer_syntax.h"
#include "rehearsal/forecast/history.h"
#include "rehearsal/forecast/lock_forecast.h"
#include "rehearsal/forecast/predictions_log.h"
#include "rehearsal/passes/pass.h"
#include "production.h"
#include "roles.h"
#include "rehearsal/passes/results.h"
#include "run_directory.h"
#include "rehearsal/passes/runners.h"
#include "rehearsal/forecast/sizes.h"
#include "steps.h"
#include "rehearsal/forecast/translate.h"
#include "unmeasured.h"
#include "pgrehearse/report/report.h"
#include "pgrehearse/staging/staging.h"
#include <stdlib.h>
#include <string.h>

#define PREDICTION_LEVEL 0.9

typedef struct rehearsal {
    const rh_scenario *scenario;
    rh_run *run;
    rh_staging *staging;
    rh_fetched fetched; /* what backup.command restored */
    const rh_progress *progress;
    const char *stage; /* the one under way: what failed, when something does */
} rehearsal;

/* What a physical copy is known by before it is restored. */
static void end_copy(rehearsal *r)
{
    char size[32];
    rh_run *run = r->run;
    const rh_physical_facts *copy = run->backup.physical;
    if (!copy->manifest_algorithm)
        rh_run_not_measured(run, RH_UNMEASURED_BACKUP_CHECKSUM,
                            "damage to the backup: it has no backup_manifest with checksums of its files "
                            "(pg_basebackup writes one)");
    rh_progress_end(r->progress, r->stage, "%s, a physical copy of PostgreSQL %d",
                    rh_size_format(run->backup.bytes, size, sizeof size), copy->major);
}

static bool inspect_backup(rehearsal *r, rh_error *error)
{
    char size[32];
    r->stage = "backup";
    if (r->scenario->backup.command)
        return rh_copy_check_keys(r->scenario, error);
    rh_progress_begin(r->progress, r->stage, "%s", r->scenario->backup.path);
    if (!rh_backup_examine(r->scenario, r->run->arena, &r->run->backup, r->progress, error))
        return false;
    if (!rh_copy_check(r->run, error))
        return false;
    if (r->run->backup.physical) {
        end_copy(r);
        return true;
    }
    if (!rh_backup_check_skip(&r->run->backup, r->scenario->backup.skip, r->scenario->backup.skip_count,
                              error))
        return false;
    if (!r->run->backup.checksum.whole)
        rh_run_not_measured(
            r->run, RH_UNMEASURED_BACKUP_CHECKSUM,
            "damage to the backup: checked by %s (give its SHA-256 in FILE.sha256 or backup.sha256)",
            r->run->backup.checksum.vouched);
    rh_progress_end(r->progress, r->stage, "%s, sha256 %.12s…",
                    rh_size_format(r->run->backup.bytes, size, sizeof size), r->run->backup.sha256);
    return true;
}

/* What prepare: adds is not there yet, and a pg_dumpall lists the tables of other databases, too. */
static bool check_history(const rehearsal *r, rh_plan *plan, rh_error *error)
{
    rh_listed_tables tables = {0};
    if (!plan->folder || r->scenario->prepare_count > 0 || r->run->backup.dumpall_database ||
        r->run->backup.physical || r->scenario->backup.command)
        return true;
    return rh_backup_list_tables(&r->run->backup, r->run->arena, &tables, error) &&
           rh_history_locate(r->scenario, &tables, r->run->arena, plan, error);
}

/* Every fault of the migrations themselves is reported before anything is started. */
static bool check_migrations(rehearsal *r, rh_error *error)
{
    rh_plan plan = {0};
    r->stage = "plan";
    return rh_plan_detect(r->scenario, r->run->arena, &plan, error) && check_history(r, &plan, error) &&
           rh_plan_make(r->scenario, NULL, r->run->arena, &plan, error) &&
           rh_disturb_check_migrations(r->scenario, &plan, r->run->arena, error) &&
           rh_backfill_check_migrations(r->scenario, &plan, error) &&
           (!(r->scenario->passes & RH_PASS_BACKFILL) || rh_backfill_check_programs(r->scenario, error)) &&
           (r->scenario->backup.command || rh_roles_check(r->run, NULL, error));
}

/* Which may take hours: what else could keep the rehearsal from running has been checked. */
static bool fetch_backup(rehearsal *r, rh_error *error)
{
    r->stage = "backup";
    if (!r->scenario->backup.command)
        return true;
    if (!rh_fetch_backup(r->run, &r->fetched, r->progress, error) || !rh_copy_check(r->run, error))
        return false;
    end_copy(r);
    return true;
}

/* Also the last chance to see that staging is production: nothing has been created there yet. */
static bool read_profile(rehearsal *r, rh_error *error)
{
    r->stage = "production's profile";
    return rh_production_read(r->run, r->progress, error);
}

static bool start_staging(rehearsal *r, rh_error *error)
{
    rh_run *run = r->run;
    r->stage = "staging";
    rh_progress_begin(r->progress, r->stage, "%s",
                      r->scenario->staging.kind == RH_STAGING_EMBEDDED ? "a private cluster"
                                                                       : "the given server");
    if (r->scenario->staging.kind == RH_STAGING_EMBEDDED)
        rh_staging_clear_leftovers(r->scenario->staging.directory, r->progress);
    size_t setting_count;
    const rh_setting *settings = rh_production_own_settings(run, &setting_count);
    rh_staging_request request = {.scenario = r->scenario,
                                  .minimum_major = rh_backup_needed_major(&run->backup),
                                  .exact_major = run->backup.physical ? run->backup.physical->major : 0,
                                  .wanted_major = run->backup.server_major,
                                  .origin = &run->backup.database,
                                  .log_directory = rh_arena_printf(run->arena, "%s/log", run->directory),
                                  .production = settings,
                                  .production_count = setting_count,
                                  .load_connections = rh_load_connections(run),
                                  .progress = r->progress};
    r->staging = rh_staging_start(&request, error);
    if (!r->staging || !rh_staging_describe(r->staging, run->arena, &run->staging, error))
        return false;
    if (r->scenario->staging.kind == RH_STAGING_SERVER && !rh_roles_check(run, r->staging, error))
        return false;
    rh_progress_end(r->progress, r->stage, "PostgreSQL %s", run->staging.server_version);
    if (!run->backup.physical)
        rh_origin_compare(run);
    return true;
}

static bool restore(rehearsal *r, rh_error *error)
{
    rh_run *run = r->run;
    r->stage = "restore";
    if (run->backup.physical)
        return rh_copy_restore(run, r->staging, r->progress, error) &&
               rh_place_remove(&r->fetched.place, error);
    rh_restore_target target = {.conninfo = rh_staging_conninfo(r->staging),
                                .pg_restore = rh_staging_pg_restore(r->staging, NULL),
                                .jobs = r->scenario->backup.jobs,
                                .create_roles = r->scenario->staging.kind == RH_STAGING_EMBEDDED,
                                .uid = rh_staging_uid(r->staging),
                                .gid = rh_staging_gid(r->staging),
                                .partial = r->scenario->backup.partial,
                                .skip = r->scenario->backup.skip,
                                .skip_count = r->scenario->backup.skip_count};
    if (!rh_steps_before(run, target.conninfo, r->progress, error))
        return false;
    if (rh_backup_restore(&run->backup, &target, run->arena, r->progress, error)) {
        for (size_t i = 0; i < run->backup.missing_count; i++)
            rh_run_not_measured(run, RH_UNMEASURED_BACKUP_INCOMPLETE, "backup: missing: %s (%s)",
                                run->backup.missing[i].what, run->backup.missing[i].why);
        if (run->backup.selection_unknown && !r->scenario->backup.partial)
            rh_run_not_measured(
                run, RH_UNMEASURED_BACKUP_INCOMPLETE,
                "backup: completeness: %s (if it is known to be partial, set backup.partial: true)",
                run->backup.selection_unknown);
        bool ok = rh_staging_apply_ownership(r->staging, error) && rh_staging_neutralise(r->staging, error);
        rh_origin_settings(run);
        return ok;
    }
    rh_pass_server_error(r->staging, error);
    if (run->staging.locale_missing)
        rh_error_context(error, "staging lacks the locale %s of the backup's database",
                         run->staging.locale_missing);
    return false;
}

static bool prepare(rehearsal *r, rh_error *error)
{
    rh_run *run = r->run;
    char rows[32], bytes[32];
    r->stage = "prepare";
    rh_progress_begin(r->progress, r->stage, "%zu step%s%s", r->scenario->prepare_count,
                      r->scenario->prepare_count == 1 ? "" : "s",
                      run->backup.physical ? "" : ", then ANALYZE");
    const char *conninfo = rh_staging_conninfo(r->staging);
    rh_masking_before(run, conninfo);
    if (!rh_steps_prepare(run, conninfo, r->progress, error))
        return false;
    rh_masking_after(run, conninfo);
    if (!rh_backup_count(conninfo, &run->backup, error) ||
        !rh_disturb_check_tables(r->scenario, conninfo, error))
        return false;
    rh_progress_end(r->progress, r->stage, "%lld table%s, %s row%s, %s", (long long)run->backup.tables,
                    run->backup.tables == 1 ? "" : "s",
                    run->backup.rows < 0 ? "uncounted" : rh_count_format(run->backup.rows, rows, sizeof rows),
                    run->backup.rows == 1 ? "" : "s",
                    rh_size_format(run->backup.database_bytes, bytes, sizeof bytes));
    return true;
}

static bool read_history(rehearsal *r, rh_rows *history, rh_error *error)
{
    rh_plan *plan = &r->run->plan;
    rh_arena *arena = r->run->arena;
    rh_listed_tables tables = {0};
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(r->staging), ": plan", error);
    bool ok = pg && rh_history_list_tables(pg, arena, &tables, error) &&
              rh_history_locate(r->scenario, &tables, arena, plan, error) &&
              (!plan->history_located || rh_history_read(pg, plan->history_located, arena, history, error));
    rh_pg_close(pg);
    return ok;
}

/* Which migrations are pending is known once the history table is there. */
static bool make_plan(rehearsal *r, rh_error *error)
{
    rh_run *run = r->run;
    rh_rows history = {0};
    r->stage = "plan";
    rh_progress_begin(r->progress, r->stage, "pending migrations and their statements");
    if (!rh_plan_detect(r->scenario, run->arena, &run->plan, error))
        return false;
    if ((run->plan.folder && !read_history(r, &history, error)) ||
        !rh_rehearsal_read_schema(r->scenario, &run->backup, r->staging, run->arena, &run->plan, error) ||
        !rh_plan_make(r->scenario, &history, run->arena, &run->plan, error))
        return false;
    r->scenario = run->scenario =
        rh_backfills_offered(r->scenario, &run->plan, run->arena, &run->not_measured);
    run->plan.database_owner = run->backup.database.owner;
    rh_newer_syntax_judge(run, r->staging);
    if (run->plan.pending_count == 0)
        rh_run_not_measured(run, RH_UNMEASURED_MIGRATIONS,
                            "migrations: none is pending, so nothing was replayed");
    rh_sizes_name_relations(run);
    if (!rh_roles_choose(run, r->staging, error))
        return false;
    rh_progress_end(r->progress, r->stage, "%zu pending of %zu (%s)", run->plan.pending_count,
                    run->plan.migration_count,
                    run->plan.framework_name ? run->plan.framework_name : "no migrations given");
    return true;
}

static bool take_snapshot(rehearsal *r, rh_error *error)
{
    r->stage = "snapshot";
    return rh_staging_snapshot(r->staging, r->progress, error);
}

static bool probe_staging(rehearsal *r, rh_error *error)
{
    r->stage = "probe";
    return rh_production_compare(r->run, rh_staging_conninfo(r->staging), r->progress, error);
}

static bool scaled_passes(rehearsal *r, rh_error *error)
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
    rh_backtest_predict(&run->plan, sizes, &history, PREDICTION_LEVEL, run->arena, &run->prediction.backtest);
    return rh_predictions_write(run, error);
}

static bool quiet_passes(rehearsal *r, rh_error *error)
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
static bool probe_again(rehearsal *r, rh_error *error)
{
    r->stage = "probe";
    return rh_production_probe_again(r->run, rh_staging_conninfo(r->staging), r->progress, error);
}

static bool loaded_pass(rehearsal *r, rh_error *error)
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
static bool is_migrated(const rehearsal *r)
{
    if (r->run->plan.pending_count == 0)
        return true;
    if (r->scenario->passes & RH_PASS_LOADED && r->scenario->workload.source != RH_WORKLOAD_NONE)
        return r->run->load.mix.template_count > 0;
    return r->scenario->passes & RH_PASS_QUIET;
}

static bool migrate(rehearsal *r, rh_error *error)
{
    const rh_pass_result result =
        rh_pass_settle(r->run, r->staging, RH_PASS_KIND_VERIFY, NULL, r->progress, NULL, NULL, error);
    return rh_file_pass(r->run, &result);
}

static bool verify(rehearsal *r, rh_error *error)
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

static bool compatibility_pass(rehearsal *r, rh_error *error)
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

static bool rollback_pass(rehearsal *r, rh_error *error)
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

static bool interruption_pass(rehearsal *r, rh_error *error)
{
    r->stage = "interruption";
    if (!r->scenario->interrupt)
        return true;
    const rh_interruption_result result = rh_pass_interruption(r->run, r->staging, r->progress, error);
    return rh_file_interruption(r->run, &result);
}

static bool lock_policy(rehearsal *r, rh_error *error)
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

static bool backfill_pass(rehearsal *r, rh_error *error)
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

static bool runners_pass(rehearsal *r, rh_error *error)
{
    r->stage = "runners";
    if (r->scenario->migrations.concurrent_runners < 2)
        return true;
    const rh_runners_result result = rh_pass_runners(r->run, r->staging, r->progress, error);
    return rh_file_runners(r->run, &result);
}

/* Passes that query the database between two migrations are left out if a migration prepares a transaction:
 * the queries would wait for its locks. */
static bool omit_inspecting_passes(rehearsal *r, rh_error *error)
{
    (void)error;
    rh_run_not_measured(r->run, RH_UNMEASURED_ROLLBACK,
                        "compatibility, rollback, interruption, concurrent runners, lock policy: a "
                        "migration prepares a transaction (PREPARE TRANSACTION), whose locks stay "
                        "when its session ends");
    return true;
}

typedef bool stage(rehearsal *r, rh_error *error);

static stage *const BEFORE[] = {inspect_backup,   /* its format and checksum */
                                check_migrations, /* refuse what must not run, before anything starts */
                                read_profile,     /* production's facts; staging must not be production */
                                fetch_backup,     /* by the user's program, if one restores it */
                                start_staging,    /* with settings for a fast restore, confined */
                                restore,          /* the backup */
                                prepare,          /* the scenario's steps; then ANALYZE and row counts */
                                make_plan,        /* the pending migrations and their statements */
                                take_snapshot,    /* with production's settings from here on */
                                probe_staging,    /* the same probe as on production */
                                NULL};
static stage *const MIGRATIONS[] = {scaled_passes,      /* on samples; predictions are written */
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
static stage *const TWO_PHASE[] = {scaled_passes, quiet_passes,           probe_again, loaded_pass,
                                   verify,        omit_inspecting_passes, NULL};
static stage *const NONE_PENDING[] = {verify, backfill_pass, NULL};

/* Runs the stages in order. If a server process was killed meanwhile, also between sessions, the result is
 * not known, and a failure is not the migration's. */
static bool run_stages(rehearsal *r, stage *const *stages, rh_error *error)
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

static stage *const *stages_of(const rh_plan *plan)
{
    if (plan->pending_count == 0)
        return NONE_PENDING;
    return rh_plan_prepares(plan) ? TWO_PHASE : MIGRATIONS;
}

static bool pipeline(rehearsal *r, rh_error *error)
{
    bool ok = run_stages(r, BEFORE, error) && run_stages(r, stages_of(&r->run->plan), error);
    if (!ok && r->staging && rh_pass_is_of_migration(error))
        rh_after_failure(r->run, r->staging, r->progress); /* its state, and rollback of the others */
    return ok;
}

static void record_failure(rehearsal *r, const rh_error *error)
{
    r->run->failure = rh_failure_of_error(error, r->run->arena);
    r->run->failed_stage = r->stage;
}

/* Predicts for production, checks the gates and decides the verdict, from what was measured. */
static void conclude(rehearsal *r, const rh_error *error)
{
    rh_run *run = r->run;
    if (rh_error_is_set(error))
        record_failure(r, error);
    if (run->prediction.disk_peak_bytes < 0)
        rh_run_not_measured(run, RH_UNMEASURED_DISK_SPACE,
                            "disk: the peak during the migrations was not measured");
    rh_production_settings(run);
    rh_predict_statements(&run->plan, PREDICTION_LEVEL, run->arena);
    rh_translate_predictions(run, PREDICTION_LEVEL);
    rh_history_apply(&run->plan, &run->production.history, PREDICTION_LEVEL, run->arena);
    rh_predict_total(&run->plan, &run->contention, PREDICTION_LEVEL, run->arena, &run->prediction);
    rh_translate_cold(run);
    rh_lock_forecast_production(run, PREDICTION_LEVEL);
    const rh_predict_load load = {
        .locks = &run->production.locks, .disturbed = run->disturbance_count > 0, .level = PREDICTION_LEVEL};
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
    run->backup.path =
        scenario->backup.path ? scenario->backup.path : rh_base_name(scenario->backup.command[0]);
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
static void write_results(rehearsal *r, rh_error *failed)
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
    rehearsal r = {.scenario = scenario, .run = run, .progress = &log.progress, .fetched.place.lock = -1};
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
