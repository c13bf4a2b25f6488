/* Makes the plan: all migrations, the applied ones, the pending ones. */
#include "detect.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/sql/hazards.h"
#include "safety_server.h"
#include "join.h"
#include "program.h"
#include "script.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- files become migrations ---- */

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : "";
}

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
                     file->direction == RH_UP ? "up" : "down", file->id, strrchr(script->file, '/') + 1,
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
                                                 plan->framework_reason, base_name(migration->down.file));
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

/* ---- which of them ---- */

/* The digits at the start of TEXT without leading zeros; length 0 when there are none. */
static size_t leading_number(const char **text)
{
    size_t digits = strspn(*text, "0123456789");
    while (digits > 1 && **text == '0') {
        (*text)++;
        digits--;
    }
    return digits;
}

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static bool is_called(const rh_migration *migration, const char *wanted)
{
    if (strcmp(wanted, migration->id) == 0 || strcmp(wanted, migration->name) == 0 ||
        strcmp(wanted, base_name(migration->up.file)) == 0)
        return true;
    size_t id = strlen(migration->id);
    if (strncmp(wanted, migration->id, id) == 0 && wanted[id] == '_' &&
        strcmp(wanted + id + 1, migration->name) == 0)
        return true;
    if (!is_number(wanted))
        return false;
    const char *have = migration->id;
    size_t wanted_digits = leading_number(&wanted), have_digits = leading_number(&have);
    return have_digits > 0 && wanted_digits == have_digits && strncmp(wanted, have, have_digits) == 0;
}

rh_migration *rh_plan_find(rh_plan *plan, const char *wanted, rh_error_code code, const char *where,
                           rh_arena *arena, rh_error *error)
{
    rh_migration *found = NULL;
    for (size_t i = 0; i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        if (strcmp(migration->id, wanted) == 0)
            return migration;
        if (!is_called(migration, wanted))
            continue;
        if (found) {
            rh_error_set(error, code, "%s: \"%s\" could be %s or %s", where, wanted, found->id,
                         migration->id);
            rh_error_hint(error, "Write the whole id.");
            return NULL;
        }
        found = migration;
    }
    if (found)
        return found;
    const char **names = rh_arena_alloc(arena, (2 * plan->migration_count + 1) * sizeof *names);
    for (size_t i = 0; i < plan->migration_count; i++) {
        names[2 * i] = plan->migrations[i].id;
        names[2 * i + 1] = plan->migrations[i].name;
    }
    const char *nearest = rh_nearest(wanted, names, 2 * plan->migration_count);
    rh_error_set(error, code, "%s: there is no migration \"%s\"", where, wanted);
    if (nearest)
        rh_error_hint(error, "Did you mean %s?", nearest);
    else
        rh_error_hint(error, "`pgrehearse plan` lists them.");
    return NULL;
}

/* What the backup's history says; with pending: all or a list, one that cannot be read does not matter. */
static bool mark_applied(const rh_scenario *scenario, const rh_framework_rules *rules, const rh_rows *history,
                         rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const bool fresh = !history || !history->present || scenario->migrations.pending == RH_PENDING_ALL;
    if (fresh && rules->mark_fresh)
        rules->mark_fresh(plan, !history || !history->present, arena);
    if (!rules->mark_applied || !history || !history->present)
        return true;
    if (scenario->migrations.pending != RH_PENDING_AUTO) {
        rules->mark_applied(history, plan, arena, NULL);
        return true;
    }
    if (history->row_count == 0 && plan->other_tables > 0)
        plan->framework_reason = rh_arena_printf(
            arena,
            "%s; the history table is empty, and there are %zu other table%s, so all migrations are pending",
            plan->framework_reason, plan->other_tables, plan->other_tables == 1 ? "" : "s");
    if (rules->mark_applied(history, plan, arena, error))
        return true;
    return error && error->file ? false : rh_error_at_migrations(scenario, error);
}

static bool choose_pending(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const rh_pending_kind kind = scenario->migrations.pending;
    for (size_t i = 0; i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        migration->pending =
            !migration->skipped &&
            (kind == RH_PENDING_ALL || (kind == RH_PENDING_AUTO && !migration->applied_in_backup));
    }
    for (size_t i = 0; kind == RH_PENDING_LIST && i < scenario->migrations.pending_id_count; i++) {
        rh_migration *migration = rh_plan_find(plan, scenario->migrations.pending_ids[i], RH_ERROR_SCENARIO,
                                               "migrations.pending", arena, error);
        if (!migration)
            return rh_error_at_migrations(scenario, error);
        migration->pending = true;
    }
    return true;
}

/* The programs of migrations.steps take their places; one behind a migration that the backup has is done. */
static bool insert_steps(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    for (size_t i = 0; i < scenario->migrations.step_count; i++) {
        const rh_migration_step *step = &scenario->migrations.steps[i];
        const rh_migration *after =
            plan->migration_count ? &plan->migrations[plan->migration_count - 1] : NULL;
        if (step->after)
            after = rh_plan_find(plan, step->after, RH_ERROR_SCENARIO, "after", arena, error);
        if (step->after && !after)
            return rh_error_at(error, step->where.file, step->where.line, step->where.column);
        size_t at = after ? (size_t)(after - plan->migrations) + 1 : 0;
        bool done = step->after && !after->pending;
        while (at < plan->migration_count && plan->migrations[at].command)
            at++; /* several behind one keep their order */
        rh_program_insert(step, at, arena, plan);
        if (done) {
            plan->migrations[at].pending = false;
            plan->migrations[at].skipped =
                rh_arena_printf(arena, "migration %s, after which it runs, is not pending", step->after);
        }
    }
    return true;
}

/* --only: some of the pending ones. */
static bool keep_only(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    if (!scenario->only)
        return true;
    bool *wanted = rh_arena_alloc(arena, (plan->migration_count + 1) * sizeof *wanted);
    for (size_t i = 0; i < scenario->only_count; i++) {
        rh_migration *migration =
            rh_plan_find(plan, scenario->only[i], RH_ERROR_USAGE, "--only", arena, error);
        if (!migration)
            return false;
        if (!migration->pending) {
            rh_error_set(error, RH_ERROR_USAGE, "--only: migration %s is not pending%s%s", migration->id,
                         migration->applied_in_backup ? ": the backup has it already"
                         : migration->skipped         ? ": "
                                                      : "",
                         migration->skipped && !migration->applied_in_backup ? migration->skipped : "");
            return rh_error_hint(error, "Set migrations.pending to all or to a list that has it.");
        }
        wanted[migration - plan->migrations] = true;
    }
    for (size_t i = 0; i < plan->migration_count; i++)
        plan->migrations[i].pending = wanted[i];
    return true;
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
        return keep_only(scenario, plan, arena, error) && load_scripts(scenario, NULL, arena, plan, error);
    }
    if (!scenario->migrations.path)
        return true;
    const rh_framework_rules *rules = rh_framework_rules_of(plan->framework);
    return make_migrations(scenario, rules, arena, plan, error) &&
           mark_applied(scenario, rules, history, plan, arena, error) &&
           choose_pending(scenario, plan, arena, error) &&
           check_ids(rules, plan, RH_DUPLICATE_VERSION_ONE, error) &&
           insert_steps(scenario, plan, arena, error) && keep_only(scenario, plan, arena, error) &&
           load_scripts(scenario, rules, arena, plan, error) && settle(scenario, rules, arena, plan, error) &&
           (scenario->staging.kind != RH_STAGING_SERVER || rh_plan_check_server_safety(plan, error));
}
