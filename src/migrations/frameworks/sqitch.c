/* Sqitch (App::Sqitch 1.3.1), `sqitch deploy` and `sqitch revert` for PostgreSQL.
 *
 *     the changes of sqitch.plan in the plan's order; a plan with an unknown or later requirement, a name
 *     twice since the last tag or a tag twice is refused                                Plan.pm (_parse)
 *     deploy/NAME.sql and revert/NAME.sql; NAME@TAG.sql for a change that was reworked later
 *                                                                  Plan/Change.pm (_path_segments)
 *     verify/NAME.sql runs after the deploy script where deploy.verify says so          Command/deploy.pm
 *     what follows the change that was deployed last is pending; one that the plan does not have, and a
 *     requirement that is not deployed, are errors                Engine.pm (_sync_plan,
 * check_deploy_dependencies)
 *
 * Each script is run by psql in a session of its own, ON_ERROR_STOP set, every statement by itself but for
 * the script's own BEGIN … COMMIT (Engine/pg.pm, _psql); the registry's rows follow in a transaction that
 * locks sqitch.changes (begin_work, log_deploy_change). Sqitch opens that transaction before the script;
 * only another Sqitch waits for it, so here it is opened after. When a change fails, its default mode
 * also reverts what the same run deployed; a rehearsal stops and shows the failure.
 */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "psql_script.h"
#include "sqitch.h"
#include <string.h>
#include <strings.h>

/* Its files are those that the plan names (list_files). */
static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    (void)file_name, (void)arena, (void)file;
    return false;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return (a->version > b->version) - (a->version < b->version);
}

static void add_file(const rh_sqitch_project *project, size_t index, rh_direction direction, rh_arena *arena,
                     rh_migration_files *list)
{
    const rh_sqitch_change *change = &project->changes[index];
    const char *path =
        rh_sqitch_script(project, direction == RH_UP ? "deploy" : "revert", change->label, arena);
    const bool found = rh_file_exists(path);
    if (!found && direction == RH_DOWN)
        return;
    *rh_arena_add(arena, &list->files, &list->count) = (rh_migration_file){
        .path = path,
        .file = rh_arena_printf(arena, "%s.sql", change->label),
        .id = change->label,
        .name = change->name,
        .version = index + 1,
        .direction = direction,
        .refused = found ? NULL : "the plan has this change, but its deploy script is missing",
        .own = change};
}

static bool list_files(const char *path, rh_arena *arena, rh_migration_files *list, rh_error *error)
{
    rh_sqitch_project *project;
    if (rh_ends_with(path, "/sqitch.plan"))
        path = rh_arena_strndup(arena, path, strlen(path) - strlen("/sqitch.plan"));
    if (!rh_sqitch_load(path, arena, &project, error))
        return false;
    for (size_t i = 0; project && i < project->change_count; i++) {
        add_file(project, i, RH_UP, arena, list);
        add_file(project, i, RH_DOWN, arena, list);
    }
    return true;
}

static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    const rh_sqitch_change *change = list->files[0].own;
    *why = rh_arena_printf(arena, "%s is the plan of project %s",
                           strrchr(change->project->plan_file, '/') + 1, change->project->name);
    (void)folder;
    return RH_FIT_MARKS;
}

/* ---- scripts ---- */

static void set_variable(void *user, const char *name, const char *value)
{
    rh_psql_set(user, name, value);
}

static bool read_script(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                        rh_error *error)
{
    const rh_sqitch_change *change = reading->own;
    const char *config = change ? change->project->config : "";
    rh_psql psql = {.tool = "Sqitch",
                    .path = path,
                    .folder = change ? change->project->folder : "/nowhere",
                    .arena = arena,
                    .error = error};
    rh_psql_set(&psql, "registry", "sqitch");
    rh_sqitch_settings(config, "core.variables", arena, set_variable, &psql);
    rh_sqitch_settings(config, direction == RH_UP ? "deploy.variables" : "revert.variables", arena,
                       set_variable, &psql);
    rh_sqitch_settings(config, "engine.pg.variables", arena, set_variable, &psql);
    bool ok = rh_psql_read(&psql, reading->text);
    const char *verify = rh_sqitch_setting(config, "deploy.verify", arena);
    if (ok && change && direction == RH_UP && verify && strcasecmp(verify, "true") == 0) {
        const char *script = rh_sqitch_script(change->project, "verify", change->label, arena);
        ok = !rh_file_exists(script) || rh_psql_append(&psql, script);
    }
    if (ok)
        rh_psql_give(&psql, reading);
    rh_text_release(&psql.text);
    return ok;
}

const rh_framework_rules rh_framework_sqitch = {
    .framework = RH_FRAMEWORK_SQITCH,
    .name = "sqitch",
    .files = "deploy/name.sql and revert/name.sql, in the order of sqitch.plan",
    .transaction = RH_TRANSACTION_EACH,
    .recognise = recognise,
    .list = list_files,
    .compare = compare,
    .fit = fit,
    .session_a_file = true,
    .read = read_script,
    .history_table = "sqitch.changes",
    .history_columns = {"change_id", "script_hash"},
    .history_registry = "sqitch",
    .mark_applied = rh_sqitch_mark_applied,
    .prepare = rh_sqitch_prepare,
    .begin = rh_sqitch_begin,
    .end = rh_sqitch_end,
    .failed = rh_sqitch_failed,
};
