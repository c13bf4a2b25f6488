/* Makes the plan of a scenario without a server, for the command plan. */
#include "pgrehearse/rehearsal/rehearsal.h"
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/physical/physical.h"
#include "pgrehearse/profile/profile.h"
#include "rehearsal/passes/backfill.h"
#include "rehearsal/passes/disturb.h"
#include "pgrehearse/scenario/scenario.h"
#include "pgrehearse/staging/staging.h"

bool rh_rehearsal_load(const char *path, const char *const *sets, size_t set_count, rh_arena *arena,
                       rh_scenario *scenario, rh_error *error)
{
    return rh_scenario_load(path, sets, set_count, arena, scenario, error);
}

/* Production's own settings, then those that the scenario gives. */
static bool read_settings(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan, rh_error *error)
{
    rh_setting *settings = NULL;
    size_t count = 0;
    if (scenario->production.profile) {
        rh_profile profile = {0};
        if (!rh_profile_read(scenario->production.profile, arena, &profile, error))
            return false;
        for (size_t i = 0; i < profile.setting_count; i++)
            *rh_arena_add(arena, &settings, &count) =
                (rh_setting){profile.settings[i].name, profile.settings[i].value};
    }
    for (size_t i = 0; i < scenario->staging.setting_count; i++)
        *rh_arena_add(arena, &settings, &count) = scenario->staging.settings[i];
    plan->settings = settings;
    plan->setting_count = count;
    return true;
}

bool rh_rehearsal_read_schema(const rh_scenario *scenario, const rh_backup_facts *backup, rh_staging *staging,
                              rh_arena *arena, rh_plan *plan, rh_error *error)
{
    const char **texts = NULL;
    const bool ok = rh_backup_is_copy(backup)
                        ? rh_staging_read_definitions(staging, arena, &texts, &plan->schema_count, error)
                        : rh_backup_list_small_tables(backup, arena, &plan->small_tables, error) &&
                              rh_backup_read_schema(backup, arena, &texts, &plan->schema_count, error);
    plan->schema = texts;
    plan->server_major = backup->server_major;
    plan->database_owner = backup->database.owner;
    return ok && read_settings(scenario, arena, plan, error);
}

/* The catalog of a physical copy is read by a server only: nothing is known of its tables here. COPY NULL: a
 * program would have to restore it first. */
static bool plan_copy(const rh_scenario *scenario, const rh_physical_facts *copy, rh_arena *arena,
                      rh_plan *plan, rh_error *error)
{
    const rh_location *where = &scenario->backup.where;
    rh_rows history = {0};
    if (plan->folder && scenario->migrations.pending == RH_PENDING_AUTO) {
        rh_error_set(error, RH_ERROR_UNSUPPORTED,
                     "which migrations are pending cannot be read from %s without a server",
                     scenario->backup.clone ? "a clone" : "a physical copy");
        rh_error_hint(error, "name them in migrations.pending (all, or a list), or run the rehearsal");
        return rh_error_at(error, where->file, where->line, where->column);
    }
    return (!copy || rh_physical_check(copy, scenario->backup.atomic_snapshot, error)) &&
           read_settings(scenario, arena, plan, error) &&
           rh_plan_make(scenario, &history, arena, plan, error);
}

bool rh_rehearsal_plan(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan, rh_backup_facts *backup,
                       rh_error *error)
{
    rh_rows history = {0};
    const char *bindir = NULL;
    if (!rh_plan_detect(scenario, arena, plan, error))
        return false;
    if (scenario->backup.command || scenario->backup.clone)
        return plan_copy(scenario, NULL, arena, plan, error);
    if (!rh_backup_examine(scenario, arena, backup, NULL, error))
        return false;
    rh_listed_tables tables = {0};
    if (backup->physical)
        return plan_copy(scenario, backup->physical, arena, plan, error);
    if (plan->folder && (!rh_backup_list_tables(backup, arena, &tables, error) ||
                         !rh_history_locate(scenario, &tables, arena, plan, error)))
        return false;
    if (plan->history_located && scenario->migrations.pending == RH_PENDING_AUTO) {
        if (backup->shape != RH_SHAPE_PLAIN && !backup->csv &&
            !rh_staging_find_binaries(scenario->staging.bindir, arena, &bindir, error))
            return false;
        if (!rh_backup_read_table(backup, bindir, plan->history_located, arena, &history, error))
            return false;
    }
    return rh_rehearsal_read_schema(scenario, backup, NULL, arena, plan, error) &&
           rh_plan_make(scenario, &history, arena, plan, error) &&
           rh_disturb_check_migrations(scenario, plan, arena, error) &&
           rh_backfill_check_migrations(scenario, plan, error);
}
