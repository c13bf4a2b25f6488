/* The stages before the first pass: the backup, the plan, the staging server. */
#include "stages.h"
#include "copy.h"
#include "masking.h"
#include "newer_syntax.h"
#include "origin.h"
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/rehearsal/rehearsal.h"
#include "pgrehearse/staging/staging.h"
#include "production.h"
#include "rehearsal/forecast/sizes.h"
#include "rehearsal/passes/backfill.h"
#include "rehearsal/passes/disturb.h"
#include "rehearsal/passes/load_size.h"
#include "rehearsal/passes/pass.h"
#include "roles.h"
#include "steps.h"

/* What a physical copy is known by before it is restored. */
static void end_copy(rh_rehearsal *r)
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

/* Nothing of it is known before its server is asked. */
static bool take_clone(rh_run *run)
{
    run->backup.shape = RH_SHAPE_CLONE;
    run->backup.roles_known = true;
    run->backup.checksum.vouched = "nothing: it is a database";
    rh_run_not_measured(
        run, RH_UNMEASURED_BACKUP_INCOMPLETE,
        "clone: whether it has all of production's database, and of what time it is, is not known");
    return true;
}

static bool inspect_backup(rh_rehearsal *r, rh_error *error)
{
    char size[32];
    r->stage = "backup";
    if (r->scenario->backup.clone)
        return take_clone(r->run);
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
static bool check_history(const rh_rehearsal *r, rh_plan *plan, rh_error *error)
{
    rh_listed_tables tables = {0};
    if (!plan->folder || r->scenario->prepare_count > 0 || r->run->backup.dumpall_database ||
        rh_backup_is_copy(&r->run->backup) || r->scenario->backup.command)
        return true;
    return rh_backup_list_tables(&r->run->backup, r->run->arena, &tables, error) &&
           rh_history_locate(r->scenario, &tables, r->run->arena, plan, error);
}

/* Every fault of the migrations themselves is reported before anything is started. */
static bool check_migrations(rh_rehearsal *r, rh_error *error)
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
static bool fetch_backup(rh_rehearsal *r, rh_error *error)
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
static bool read_profile(rh_rehearsal *r, rh_error *error)
{
    r->stage = "production's profile";
    return rh_production_read(r->run, r->progress, error);
}

static bool start_staging(rh_rehearsal *r, rh_error *error)
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
                                  .arena = run->arena,
                                  .log_directory = rh_arena_printf(run->arena, "%s/log", run->directory),
                                  .production = settings,
                                  .production_count = setting_count,
                                  .load_connections = rh_load_connections(run),
                                  .progress = r->progress};
    rh_usec began = rh_clock_monotonic();
    r->staging = rh_staging_start(&request, error);
    rh_usec ended = rh_clock_monotonic();
    if (!r->staging || !rh_staging_describe(r->staging, run->arena, &run->staging, error))
        return false;
    if (r->scenario->backup.clone) { /* its copy is what was made */
        run->backup.restore_s = rh_seconds(ended - began);
        run->backup.server_major = run->staging.server_version_num / 10000;
    }
    if (r->scenario->staging.kind == RH_STAGING_SERVER && !rh_roles_check(run, r->staging, error))
        return false;
    rh_progress_end(r->progress, r->stage, "PostgreSQL %s", run->staging.server_version);
    if (!rh_backup_is_copy(&run->backup))
        rh_origin_compare(run);
    return true;
}

static bool restore(rh_rehearsal *r, rh_error *error)
{
    rh_run *run = r->run;
    r->stage = "restore";
    if (run->backup.physical)
        return rh_copy_restore(run, r->staging, r->progress, error) &&
               rh_place_remove(&r->fetched.place, error);
    if (r->scenario->backup.clone)
        return rh_staging_neutralise(r->staging, error);
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

static bool prepare(rh_rehearsal *r, rh_error *error)
{
    rh_run *run = r->run;
    char rows[32], bytes[32];
    r->stage = "prepare";
    rh_progress_begin(r->progress, r->stage, "%zu step%s%s", r->scenario->prepare_count,
                      r->scenario->prepare_count == 1 ? "" : "s",
                      rh_backup_is_copy(&run->backup) ? "" : ", then ANALYZE");
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

static bool read_history(rh_rehearsal *r, rh_rows *history, rh_error *error)
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
static bool make_plan(rh_rehearsal *r, rh_error *error)
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

static bool take_snapshot(rh_rehearsal *r, rh_error *error)
{
    r->stage = "snapshot";
    return rh_staging_snapshot(r->staging, r->progress, error);
}

static bool probe_staging(rh_rehearsal *r, rh_error *error)
{
    r->stage = "probe";
    return rh_production_compare(r->run, rh_staging_conninfo(r->staging), r->progress, error);
}

rh_stage *const RH_STAGES_BEFORE[] = {inspect_backup,   /* its format and checksum */
                                      check_migrations, /* refuse what must not run, before anything starts */
                                      read_profile,  /* production's facts; staging must not be production */
                                      fetch_backup,  /* by the user's program, if one restores it */
                                      start_staging, /* with settings for a fast restore, confined */
                                      restore,       /* the backup */
                                      prepare,       /* the scenario's steps; then ANALYZE and row counts */
                                      make_plan,     /* the pending migrations and their statements */
                                      take_snapshot, /* with production's settings from here on */
                                      probe_staging, /* the same probe as on production */
                                      NULL};
