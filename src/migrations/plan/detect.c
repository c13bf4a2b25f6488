/* Detects the framework and its files. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/migrations/plan.h"
#include "detect.h"
#include "folder_hint.h"
#include "tool_marks.h"
#include "program.h"
#include <string.h>

bool rh_error_at_migrations(const rh_scenario *scenario, rh_error *error)
{
    const rh_location *where = &scenario->migrations.where;
    return rh_error_at(error, where->file ? where->file : scenario->path, where->line, where->column);
}

/* ---- files ---- */

static void take_file(const rh_framework_rules *rules, const char *root, const char *name, rh_arena *arena,
                      rh_migration_files *list, bool is_down)
{
    rh_migration_file file = {0};
    if (!rules->recognise(name, arena, &file))
        return;
    char *path = rh_arena_printf(arena, "%s/%s", root, name);
    if (rh_directory_exists(path))
        return;
    file.path = path;
    file.file = rh_arena_strdup(arena, name);
    if (is_down)
        file.direction = RH_DOWN;
    *rh_arena_add(arena, &list->files, &list->count) = file;
}

/* What lies in ROOT/FOLDER ("" for ROOT itself), and DEPTH folders further down; names relative to ROOT. */
static bool list_folder(const rh_framework_rules *rules, const char *root, const char *folder, int depth,
                        rh_arena *arena, rh_migration_files *list, rh_error *error)
{
    char **names;
    size_t count;
    const char *path = *folder ? rh_arena_printf(arena, "%s/%s", root, folder) : root;
    if (!rh_directory_list(path, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *name = *folder ? rh_arena_printf(arena, "%s/%s", folder, names[i]) : names[i];
        const bool inside = depth > 0 && names[i][0] != '.' &&
                            rh_directory_exists(rh_arena_printf(arena, "%s/%s", root, name));
        if (!inside)
            take_file(rules, root, name, arena, list, false);
        else if (!list_folder(rules, root, name, depth - 1, arena, list, error))
            return false;
    }
    return true;
}

/* Deeper than anyone sorts migrations, and an end to links that run in circles. */
enum { DEEPEST = 16 };

static bool list_down_folder(const rh_framework_rules *rules, const char *path, rh_arena *arena,
                             rh_migration_files *list, rh_error *error)
{
    const char *down = rules->down_folder ? rh_arena_printf(arena, "%s/%s", path, rules->down_folder) : NULL;
    char **names;
    size_t count;
    if (!down || !rh_directory_exists(down))
        return true;
    if (!rh_directory_list(down, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        take_file(rules, down, names[i], arena, list, true);
    return true;
}

bool rh_migration_files_list(const rh_framework_rules *rules, const char *path, rh_arena *arena,
                             rh_migration_files *list, rh_error *error)
{
    if (rules->list)
        return rules->list(path, arena, list, error);
    static const int depths[] = {[RH_LAYOUT_FLAT] = 0, [RH_LAYOUT_FOLDERS] = 1, [RH_LAYOUT_TREE] = DEEPEST};
    if (!rh_directory_exists(path)) {
        const char *slash = strrchr(path, '/');
        const char *folder = slash ? rh_arena_strndup(arena, path, (size_t)(slash - path)) : ".";
        if (!rh_file_exists(path))
            return rh_error_set(error, RH_ERROR_SCENARIO, "%s: there is no such file or folder", path);
        take_file(rules, folder, slash ? slash + 1 : path, arena, list, false);
        return true;
    }
    return list_folder(rules, path, "", depths[rules->layout], arena, list, error) &&
           list_down_folder(rules, path, arena, list, error);
}

/* ---- detection ---- */

typedef struct candidate {
    const rh_framework_rules *rules;
    rh_migration_files list;
    rh_fit fit;
    const char *why;
} candidate;

static const char *count_why(const rh_framework_rules *rules, const rh_migration_files *list, rh_arena *arena)
{
    return rh_arena_printf(arena, "%zu file%s named as %s names %s, such as %s", list->count,
                           list->count == 1 ? "" : "s", rules->name, list->count == 1 ? "it" : "them",
                           list->files[0].file);
}

/* 1_a.sql with 1_a.down.sql is plain SQL, though the latter's name is also one of golang-migrate's. */
static bool has_up(const rh_migration_files *list)
{
    bool found = false;
    for (size_t i = 0; i < list->count; i++)
        found |= list->files[i].direction == RH_UP;
    return found;
}

static bool inspect(const rh_framework_rules *rules, const char *path, bool wanted, rh_arena *arena,
                    candidate *found, rh_error *error)
{
    rh_migration_files list = {0};
    found->rules = rules;
    found->fit = RH_FIT_NONE;
    if (!rh_migration_files_list(rules, path, arena, &list, error))
        return false;
    if (list.count == 0 || (!wanted && !has_up(&list)))
        return true;
    found->fit = RH_FIT_NAMES;
    if (rules->fit)
        found->fit = rules->fit(path, &list, arena, &found->why);
    if (wanted && found->fit == RH_FIT_NONE)
        found->fit = RH_FIT_SQL;
    if (!found->why)
        found->why = count_why(rules, &list, arena);
    found->list = list;
    return true;
}

static bool refuse_two(const rh_scenario *scenario, const candidate *a, const candidate *b, rh_error *error)
{
    rh_error_set(error, RH_ERROR_SCENARIO, "%s could be %s's (%s) or %s's (%s)", scenario->migrations.path,
                 a->rules->name, a->why, b->rules->name, b->why);
    rh_error_hint(error, "Say which with migrations.framework: %s, or %s.", a->rules->name, b->rules->name);
    return rh_error_at_migrations(scenario, error);
}

static bool refuse_none(const rh_scenario *scenario, const rh_framework_rules *wanted, rh_arena *arena,
                        rh_error *error)
{
    const char *hint = rh_folder_hint(scenario->migrations.path, arena);
    rh_error_set(error, RH_ERROR_SCENARIO, "%s holds no migrations", scenario->migrations.path);
    if (wanted && wanted->framework != RH_FRAMEWORK_SQL)
        rh_error_hint(error, "%s's files are named %s.%s%s", wanted->name, wanted->files, hint ? " " : "",
                      hint ? hint : "");
    else if (hint)
        rh_error_hint(error, "%s", hint);
    else
        rh_error_hint(error, "Migrations are files named NAME.sql, or as their framework names them.");
    return rh_error_at_migrations(scenario, error);
}

/* The candidate that fits best; of two that fit alike neither. */
static bool choose(const rh_scenario *scenario, rh_arena *arena, candidate *best, rh_error *error)
{
    const rh_framework wanted = scenario->migrations.framework;
    candidate second = {0};
    *best = (candidate){0};
    for (size_t i = 0; rh_framework_rules_at(i); i++) {
        const rh_framework_rules *rules = rh_framework_rules_at(i);
        candidate next = {0};
        if (wanted != RH_FRAMEWORK_AUTO && wanted != rules->framework)
            continue;
        if (!inspect(rules, scenario->migrations.path, wanted != RH_FRAMEWORK_AUTO, arena, &next, error))
            return error && error->file ? false : rh_error_at_migrations(scenario, error);
        if (next.fit > best->fit)
            *best = next;
        else if (next.fit != RH_FIT_NONE && next.fit == best->fit)
            second = next;
    }
    if (best->fit == RH_FIT_NONE)
        return refuse_none(scenario, wanted == RH_FRAMEWORK_AUTO ? NULL : rh_framework_rules_of(wanted),
                           arena, error);
    if (second.fit == best->fit)
        return refuse_two(scenario, best, &second, error);
    return wanted != RH_FRAMEWORK_AUTO || best->fit == RH_FIT_MARKS ||
           rh_marks_check(scenario, best->rules, &best->list, arena, error);
}

/* migrations.transaction is for plain SQL: a tool's own rule is not replaced, and its history not ignored. */
static bool check_transaction(const rh_scenario *scenario, const candidate *found, rh_error *error)
{
    const rh_location *where = &scenario->migrations.transaction_where;
    if (!where->file || found->rules->framework == RH_FRAMEWORK_SQL)
        return true;
    rh_error_set(error, RH_ERROR_SCENARIO,
                 "migrations.transaction is for plain SQL files, and the migrations folder is %s's (%s)",
                 found->rules->name, found->why);
    rh_error_hint(error, "Remove it: %s has its own transaction rule. Or set migrations.framework: sql.",
                  found->rules->name);
    return rh_error_at(error, where->file, where->line, where->column);
}

/* migrations.history names another table of the framework's own shape. */
static bool check_history(const rh_scenario *scenario, const rh_framework_rules *rules, rh_error *error)
{
    const char *given = scenario->migrations.history;
    if (!given ||
        (rules->history_table && (!rules->history_registry || strcmp(given, rules->history_table) == 0)))
        return true;
    if (rules->history_table)
        rh_error_set(error, RH_ERROR_UNSUPPORTED, "%s's history is read only from %s", rules->name,
                     rules->history_table);
    else
        rh_error_set(error, RH_ERROR_SCENARIO,
                     "plain SQL files have no history table for migrations.history");
    rh_error_hint(error, rules->history_table
                             ? "Run the tool itself by migrations.command."
                             : "Set migrations.framework to the tool that writes that table, or list "
                               "what is pending in migrations.pending.");
    const rh_location *where = &scenario->migrations.history_where;
    return rh_error_at(error, where->file, where->line, where->column);
}

bool rh_plan_detect(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan, rh_error *error)
{
    *plan = (rh_plan){.framework = RH_FRAMEWORK_SQL,
                      .framework_name = rh_framework_sql.name,
                      .framework_reason = "the scenario names no migrations"};
    if (scenario->migrations.command)
        rh_program_detect(scenario, arena, plan);
    if (!scenario->migrations.path)
        return true;
    candidate best;
    if (!choose(scenario, arena, &best, error) || !check_transaction(scenario, &best, error) ||
        !check_history(scenario, best.rules, error))
        return false;
    plan->framework = best.rules->framework;
    plan->framework_name = best.rules->name;
    plan->history_table =
        scenario->migrations.history ? scenario->migrations.history : best.rules->history_table;
    plan->history_registry = best.rules->history_registry;
    plan->folder = scenario->migrations.path;
    plan->framework_reason = scenario->migrations.framework == RH_FRAMEWORK_AUTO
                                 ? best.why
                                 : rh_arena_printf(arena, "the scenario says so; %s", best.why);
    return true;
}
