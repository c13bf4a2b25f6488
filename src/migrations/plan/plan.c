/* Makes the plan: all migrations, the applied ones, the pending ones, and the scripts of these. */
#include "pending.h"
#include "detect.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/sql/hazards.h"
#include "safety_server.h"
#include "join.h"
#include "program.h"
#include "script.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int compare_files(const void *a, const void *b, void *user)
{
    const rh_migration_file *x = a, *y = b;
    const rh_framework_rules *const *rules = user;
    int order = (*rules)->compare(x, y);
    if (order == 0)
        order = (int)x->direction - (int)y->direction;
    return order ? order : y->rank - x->rank;
}

static bool add_file(rh_migration *migration, const rh_migration_file *file, rh_error *error)
{
    rh_script *script = file->direction == RH_UP ? &migration->up : &migration->down;
    if (file->not_sql)
        migration->not_sql = file->not_sql;
    migration->framework_data = file->own;
    if (file->refused) {
        rh_error_set(error, RH_ERROR_SCENARIO, "%s", file->refused);
        return rh_error_at(error, file->path, 0, 0);
    }
    if (script->file) {
        rh_error_set(error, RH_ERROR_SCENARIO, "two files are the %s migration of %s: %s and %s",
                     file->direction == RH_UP ? "up" : "down", file->id, rh_base_name(script->file),
                     file->file);
        rh_error_hint(error, "Rename or remove one of them.");
        return rh_error_at(error, file->path, 0, 0);
    }
    if (file->version > INT64_MAX) {
        rh_error_set(error, RH_ERROR_SCENARIO, "version %" PRIu64 " does not fit the history table's bigint",
                     file->version);
        rh_error_hint(error, "The tool itself would stop with a panic. Give the file a smaller number.");
        return rh_error_at(error, file->path, 0, 0);
    }
    script->file = file->path;
    if (file->direction == RH_UP || !migration->id) {
        migration->id = file->id;
        migration->name = file->name;
    }
    if (file->both_directions)
        migration->down.file = file->path;
    migration->has_down |= file->direction == RH_DOWN || file->both_directions;
    return true;
}

static bool refuse_twins(const rh_framework_rules *rules, const rh_migration *migration, rh_error *error)
{
    rh_error_set(error, RH_ERROR_SCENARIO, "two migrations have the version %s", migration->id);
    rh_error_hint(error, "%s records a version once: give one of them another.", rules->name);
    return rh_error_at(error, migration->up.file ? migration->up.file : migration->down.file, 0, 0);
}

/* Two versions that are written alike are one for the history table, whatever their files are called. */
static bool check_ids(const rh_framework_rules *rules, const rh_plan *plan, rh_duplicate_version duplicates,
                      rh_error *error)
{
    for (size_t i = 1; i < plan->migration_count && rules->history_table && rules->duplicates == duplicates;
         i++)
        for (size_t k = 0; k < i; k++) {
            const rh_migration *a = &plan->migrations[k], *b = &plan->migrations[i];
            const bool matters = duplicates == RH_DUPLICATE_VERSION_REFUSED || a->pending || b->pending;
            if (matters && strcmp(a->id, b->id) == 0)
                return refuse_twins(rules, b, error);
        }
    return true;
}

/* Handles a down migration without an up migration as the tool does. */
static bool settle_lone_downs(const rh_framework_rules *rules, rh_arena *arena, rh_plan *plan,
                              rh_error *error)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->migration_count; i++) {
        const rh_migration *migration = &plan->migrations[i];
        if (migration->up.file || rules->orphan_down == RH_ORPHAN_DOWN_COUNTS) {
            plan->migrations[kept++] = *migration;
            continue;
        }
        if (rules->orphan_down == RH_ORPHAN_DOWN_REFUSED) {
            rh_error_set(error, RH_ERROR_SCENARIO, "%s has a down migration, but no up migration",
                         migration->id);
            rh_error_hint(error, "Restore the file of its up migration, or remove this one.");
            return rh_error_at(error, migration->down.file, 0, 0);
        }
        plan->framework_reason = rh_arena_printf(arena, "%s; %s has no up migration and never runs",
                                                 plan->framework_reason, rh_base_name(migration->down.file));
    }
    plan->migration_count = kept;
    return true;
}

/* The framework's, or what the scenario says of plain SQL files. */
static rh_transaction_rule rule_of(const rh_scenario *scenario, const rh_framework_rules *rules)
{
    return rules->framework == RH_FRAMEWORK_SQL &&
                   scenario->migrations.transaction != RH_FILE_TRANSACTION_EACH
               ? RH_TRANSACTION_ONE
               : rules->transaction;
}

/* Is all that is pending one transaction, and one session? */
static bool is_in_one(const rh_scenario *scenario, const rh_framework_rules *rules)
{
    return rules->all_in_one || (rules->framework == RH_FRAMEWORK_SQL &&
                                 scenario->migrations.transaction == RH_FILE_TRANSACTION_ALL);
}

static bool make_migrations(const rh_scenario *scenario, const rh_framework_rules *rules, rh_arena *arena,
                            rh_plan *plan, rh_error *error)
{
    rh_migration_files list = {0};
    if (!rh_migration_files_list(rules, scenario->migrations.path, arena, &list, error))
        return rh_error_at_migrations(scenario, error);
    if (list.count > 0)
        qsort_r(list.files, list.count, sizeof *list.files, compare_files, &rules);
    plan->migrations = rh_arena_alloc(arena, (list.count + 1) * sizeof *plan->migrations);
    plan->migration_count = 0;
    for (size_t i = 0; i < list.count; i++) {
        const rh_migration_file *file = &list.files[i], *last = i ? file - 1 : NULL;
        const bool same = last && rules->compare(last, file) == 0;
        if (same && last->direction == file->direction && last->rank > file->rank) {
            list.files[i].rank = last->rank; /* so that a third is outranked too */
            continue;
        }
        plan->migration_count += !same;
        if (!add_file(&plan->migrations[plan->migration_count - 1], file, error))
            return false;
    }
    for (size_t i = 0; i < plan->migration_count; i++) {
        plan->migrations[i].up.rule = plan->migrations[i].down.rule = rule_of(scenario, rules);
        plan->migrations[i].rollback.has_down = plan->migrations[i].has_down;
        plan->migrations[i].rollback.down_s = plan->migrations[i].rollback.reapply_s = RH_NOT_MEASURED;
        plan->migrations[i].rollback.schema_restored = -1;
    }
    return settle_lone_downs(rules, arena, plan, error) &&
           check_ids(rules, plan, RH_DUPLICATE_VERSION_REFUSED, error);
}

static bool refuse_not_sql(const rh_framework_rules *rules, const rh_migration *migration, rh_error *error)
{
    rh_error_set(error, RH_ERROR_UNSUPPORTED, "migration %s is %s, not SQL", migration->id,
                 migration->not_sql);
    rh_error_hint(error, "%s itself can run it. Without it: list the others in migrations.pending.",
                  rules->name);
    return rh_error_at(error, migration->up.file, 0, 0);
}

/* Only comments and blanks, the tool's required annotations, BEGIN and COMMIT: not a down migration. */
static bool does_something(const rh_script *script)
{
    for (size_t i = 0; i < script->statement_count; i++)
        if (script->statements[i].class_ != RH_CLASS_TRANSACTION)
            return true;
    return false;
}

static bool load_directions(const rh_framework_rules *rules, rh_hazard_context *release,
                            rh_migration *migration, rh_error *error)
{
    if (migration->command || !rules)
        return true; /* a program: its statements are seen when it runs */
    if (migration->not_sql)
        return refuse_not_sql(rules, migration, error);
    if (migration->up.file && !rh_script_load(migration, RH_UP, rules, release, error))
        return false;
    rh_hazard_context alone = {.arena = release->arena,
                               .catalog = release->catalog,
                               .session = release->session,
                               .server_major = release->server_major,
                               .is_down = true};
    if (migration->down.file && !rh_script_load(migration, RH_DOWN, rules, &alone, error))
        return false;
    migration->has_down = does_something(&migration->down);
    migration->down_is_empty = migration->down.file && !migration->has_down;
    migration->rollback.has_down = migration->has_down;
    migration->rollback.down_is_empty = migration->down_is_empty;
    return true;
}

static bool load_scripts(const rh_scenario *scenario, const rh_framework_rules *rules, rh_arena *arena,
                         rh_plan *plan, rh_error *error)
{
    /* The up migrations are one release; each down migration is analysed alone. */
    rh_hazard_context release = {.arena = arena, .server_major = plan->server_major};
    rh_hazards_catalog(&release);
    release.session.role = scenario->migrations.role ? scenario->migrations.role : plan->database_owner;
    for (size_t i = 0; i < plan->setting_count; i++)
        rh_session_set_default(&release.session, plan->settings[i].name, plan->settings[i].value);
    rh_hazards_learn_backup(&release, plan->schema, plan->schema_count);
    plan->search_path = rh_session_search_path(&release.session);
    for (size_t i = 0; i < plan->small_tables.count; i++)
        rh_catalog_note_small(release.catalog, &plan->small_tables.tables[i]);
    plan->pending_count = 0;
    for (size_t i = 0; i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        if (!migration->pending)
            continue;
        plan->pending_count++;
        if (rules && rules->session_a_file && !is_in_one(scenario, rules))
            rh_session_connect(&release.session);
        if (!load_directions(rules, &release, migration, error))
            return false;
    }
    return true;
}

/* What the tool makes of all that is pending together. */
static bool settle(const rh_scenario *scenario, const rh_framework_rules *rules, rh_arena *arena,
                   rh_plan *plan, rh_error *error)
{
    bool in_one = is_in_one(scenario, rules);
    if (rules->settle_plan && !rules->settle_plan(plan, arena, &in_one, error))
        return error && error->file ? false : rh_error_at_migrations(scenario, error);
    if (in_one)
        rh_plan_join(plan, arena);
    return true;
}

bool rh_plan_make(const rh_scenario *scenario, const rh_rows *history, rh_arena *arena, rh_plan *plan,
                  rh_error *error)
{
    const rh_plan given = *plan; /* the schema */
    if (!plan->framework_name && !rh_plan_detect(scenario, arena, plan, error))
        return false;
    plan->schema = given.schema;
    plan->schema_count = given.schema_count;
    plan->database_owner = given.database_owner;
    plan->small_tables = given.small_tables;
    plan->settings = given.settings;
    plan->setting_count = given.setting_count;
    if (scenario->migrations.command) {
        rh_program_plan(scenario, arena, plan);
        return rh_plan_keep_only(scenario, plan, arena, error) &&
               load_scripts(scenario, NULL, arena, plan, error);
    }
    if (!scenario->migrations.path)
        return true;
    const rh_framework_rules *rules = rh_framework_rules_of(plan->framework);
    return make_migrations(scenario, rules, arena, plan, error) &&
           rh_plan_mark_applied(scenario, rules, history, plan, arena, error) &&
           rh_plan_choose_pending(scenario, plan, arena, error) &&
           check_ids(rules, plan, RH_DUPLICATE_VERSION_ONE, error) &&
           rh_plan_insert_steps(scenario, plan, arena, error) &&
           rh_plan_keep_only(scenario, plan, arena, error) &&
           load_scripts(scenario, rules, arena, plan, error) && settle(scenario, rules, arena, plan, error) &&
           (scenario->staging.kind != RH_STAGING_SERVER || rh_plan_check_server_safety(plan, error));
}
