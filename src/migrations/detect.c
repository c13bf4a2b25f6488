/* Which framework, which files. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/migrations/migrations.h"
#include "detect.h"
#include <string.h>

bool rh_error_at_migrations(const rh_scenario *scenario, rh_error *error)
{
    const rh_location *where = &scenario->migrations.where;
    return rh_error_at(error, where->file ? where->file : scenario->path, where->line, where->column);
}

/* ---- files ---- */

static void take_file(const rh_framework_rules *rules, const char *folder, const char *name, rh_arena *arena,
                      rh_migration_files *list, bool is_down)
{
    rh_migration_file file = {0};
    if (!rules->recognise(name, arena, &file))
        return;
    char *path = rh_arena_printf(arena, "%s/%s", folder, name);
    if (rh_directory_exists(path))
        return;
    file.path = path;
    file.file = rh_arena_strdup(arena, name);
    if (is_down)
        file.direction = RH_DOWN;
    *(rh_migration_file *)rh_arena_add(arena, &list->files, &list->count, sizeof file) = file;
}

static bool list_folder(const rh_framework_rules *rules, const char *folder, bool is_down, rh_arena *arena,
                        rh_migration_files *list, rh_error *error)
{
    char **names;
    size_t count;
    if (!rh_directory_list(folder, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        take_file(rules, folder, names[i], arena, list, is_down);
    return true;
}

bool rh_migration_files_list(const rh_framework_rules *rules, const char *path, rh_arena *arena,
                             rh_migration_files *list, rh_error *error)
{
    if (!rh_directory_exists(path)) {
        const char *slash = strrchr(path, '/');
        const char *folder = slash ? rh_arena_strndup(arena, path, (size_t)(slash - path)) : ".";
        if (!rh_file_exists(path))
            return rh_error_set(error, RH_ERROR_SCENARIO, "%s: there is no such file or folder", path);
        take_file(rules, folder, slash ? slash + 1 : path, arena, list, false);
        return true;
    }
    if (!list_folder(rules, path, false, arena, list, error))
        return false;
    if (!rules->down_folder)
        return true;
    const char *down = rh_arena_printf(arena, "%s/%s", path, rules->down_folder);
    return !rh_directory_exists(down) || list_folder(rules, down, true, arena, list, error);
}

/* ---- detection ---- */

static const char *count_why(const rh_framework_rules *rules, const rh_migration_files *list, rh_arena *arena)
{
    if (list->count == 0)
        return NULL;
    return rh_arena_printf(arena, "%zu file%s named as %s names %s, such as %s", list->count,
                           list->count == 1 ? "" : "s",
                           rules->framework == RH_FRAMEWORK_SQL ? "plain SQL" : rules->name,
                           list->count == 1 ? "it" : "them", list->files[0].file);
}

/* 1_a.sql with 1_a.down.sql is plain SQL, though the latter's name is also one of golang-migrate's. */
static bool has_way_up(const rh_migration_files *list)
{
    bool found = false;
    for (size_t i = 0; i < list->count; i++)
        found |= list->files[i].direction == RH_UP;
    return found;
}

bool rh_plan_detect(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan, rh_error *error)
{
    *plan = (rh_plan){.framework = RH_FRAMEWORK_SQL};
    const char *path = scenario->migrations.path;
    const rh_framework asked = scenario->migrations.framework;
    /* The more particular layout first: its files end in .sql too. */
    static const rh_framework order[] = {RH_FRAMEWORK_GOLANG_MIGRATE, RH_FRAMEWORK_SQL};
    const char *why = path ? NULL : "the scenario names no migrations";
    for (size_t i = 0; path && !why && i < sizeof order / sizeof *order; i++) {
        if (asked != RH_FRAMEWORK_AUTO && asked != order[i])
            continue;
        rh_migration_files list = {0};
        plan->framework = order[i];
        if (!rh_migration_files_list(rh_framework_rules_of(order[i]), path, arena, &list, error))
            return rh_error_at_migrations(scenario, error);
        if (asked != RH_FRAMEWORK_AUTO || has_way_up(&list))
            why = count_why(rh_framework_rules_of(order[i]), &list, arena);
    }
    const rh_framework_rules *rules = rh_framework_rules_of(plan->framework);
    plan->framework_name = rules->name;
    plan->history_table = path ? rules->history_table : NULL;
    plan->framework_why =
        asked == RH_FRAMEWORK_AUTO || !why ? why : rh_arena_printf(arena, "the scenario says so; %s", why);
    if (why)
        return true;
    rh_error_set(error, RH_ERROR_SCENARIO, "%s holds no migrations", path);
    rh_error_hint(error,
                  asked == RH_FRAMEWORK_GOLANG_MIGRATE
                      ? "golang-migrate's files are named 000001_name.up.sql and 000001_name.down.sql."
                      : "Migrations are files named NAME.sql, or 000001_name.up.sql for golang-migrate.");
    return rh_error_at_migrations(scenario, error);
}
