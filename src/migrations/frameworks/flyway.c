/* Flyway (github.com/flyway/flyway), read at c5e20fc77341. Paths below flyway-core's …/core/:
 *
 *     V1.2__name.sql, its undo U1.2__name.sql, B1.2__name.sql (a baseline), R__name.sql (repeatable), at any
 *     depth; "_" in a version is "."                       internal/resource/ResourceNameParser.java
 *     versions are compared part by part as numbers, 1.0 is 1                  api/MigrationVersion.java
 *     versions first, then repeatables by description; one of them twice is an error
 *                                internal/resolver/ResolvedMigrationComparator, CompositeMigrationResolver
 *     repeatables run when their checksum differs from the last one applied; checksums, descriptions, gaps
 *     and failed migrations are validated before anything runs                 see flyway_history.c
 *     settings: environment, flyway.toml, flyway.conf; of a script: FILE.conf   see flyway_settings.c
 *     placeholders; what cannot run in a transaction makes its whole file run without one; together with
 *     other statements it is refused unless mixed                               see flyway_script.c
 *     group: all that is pending is one transaction        internal/command/DbMigrate.java (applyMigrations)
 *
 * Statements are sent one by one; the driver begins a transaction again after a COMMIT of the file's own.
 * Role and search_path are put back before each script (PostgreSQLConnection.java). The history's row is
 * written by the tool's other connection and committed after the file (JdbcTableSchemaHistory.java).
 *
 * Not imitated: that connection's advisory lock, of which the plan warns where a script would wait for it;
 * SQL callbacks and scripts in other languages, which are named; settings that change names or places, which
 * are refused. Down migrations (U files) run as in Flyway's paid editions.
 */
#include "flyway.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/hazards.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQL callbacks (api/callback/Event.java): what runs around the migrations is named, not run. */
static bool is_callback(const char *base)
{
    static const char *const starts[] = {"beforeMigrate",    "beforeRepeatables", "beforeEachMigrate",
                                         "afterEachMigrate", "afterVersioned",    "afterMigrate",
                                         "beforeConnect",    "createSchema",      "beforeCreateSchema",
                                         "beforeValidate",   "afterValidate",     "afterConnect"};
    for (size_t i = 0; rh_ends_with(base, ".sql") && i < sizeof starts / sizeof *starts; i++)
        if (rh_starts_with(base, starts[i]) &&
            strspn(base + strlen(starts[i]), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 0)
            return true;
    return false;
}

/* PostgreSQLDatabase.java: with a lock of the session all goes through one connection. */
static bool uses_two_connections(const rh_plan *plan)
{
    rh_arena *scratch = rh_arena_new();
    const char *file = plan->migration_count > 0 ? plan->migrations[0].up.file : NULL;
    const bool two = !file || rh_flyway_is(file, "postgresql.transactional.lock", true, scratch);
    rh_arena_free(scratch);
    return two;
}

static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    rh_text text = {0};
    char **names = NULL;
    size_t count = 0, callbacks = 0;
    rh_text_printf(&text, "%zu file%s named as Flyway names %s, such as %s", list->count,
                   list->count == 1 ? "" : "s", list->count == 1 ? "it" : "them", list->files[0].file);
    if (rh_directory_exists(folder))
        rh_directory_list(folder, arena, &names, &count, NULL);
    for (size_t i = 0; i < count; i++)
        if (is_callback(names[i]))
            rh_text_printf(&text, "%s %s", callbacks++ ? "," : "; callbacks, which are not run:", names[i]);
    *why = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return RH_FIT_NAMES;
}

/* The tool's second connection is in a transaction with a snapshot while the script runs: to wait for every
 * older snapshot, as a concurrent build does, is then to wait for oneself. */
static void warn_of_lock(rh_statement *statement, rh_arena *arena)
{
    rh_hazard *hazard = rh_arena_add(arena, &statement->hazards, &statement->hazard_count);
    *hazard = (rh_hazard){
        .rule = "concurrently-behind-tool-lock",
        .message = "Flyway holds its advisory lock in an open transaction beside the script: the concurrent "
                   "build waits for that transaction to end, and so for itself. The rehearsal does not hold "
                   "that lock.",
        .safer = "Set flyway.postgresql.transactional.lock=false, which makes it a lock of the session."};
    rh_hazards_silence(statement);
}

static bool check_group(rh_plan *plan, rh_arena *arena, bool *in_one, rh_error *error)
{
    const rh_migration *within = NULL, *without = NULL;
    for (size_t i = 0; i < plan->migration_count; i++) {
        const rh_migration *migration = &plan->migrations[i];
        if (!migration->pending || !migration->up.file)
            continue;
        *(migration->up.rule == RH_TRANSACTION_ONE ? &within : &without) = migration;
        if (!within || !without || rh_flyway_is(migration->up.file, "mixed", false, arena))
            continue;
        rh_error_set(
            error, RH_ERROR_SCENARIO,
            "Flyway refuses the group: %s runs %s a transaction, and others do not (and mixed is false)",
            migration->id, migration == within ? "in" : "without");
        rh_error_hint(error, "Migrate it by itself, or set flyway.group=false.");
        return rh_error_at(error, migration->up.file, 0, 0);
    }
    for (size_t i = 0; without && i < plan->migration_count; i++)
        plan->migrations[i].up.rule = RH_TRANSACTION_EACH;
    *in_one = !without;
    return true;
}

static bool settle_plan(rh_plan *plan, rh_arena *arena, bool *in_one, rh_error *error)
{
    const char *file = plan->migration_count > 0 ? plan->migrations[0].up.file : NULL;
    if (!file)
        return true;
    if (!rh_flyway_check_settings(plan, file, arena, error))
        return false;
    const bool two = uses_two_connections(plan);
    for (size_t i = 0; two && i < plan->migration_count; i++)
        for (size_t k = 0; k < plan->migrations[i].up.statement_count; k++)
            if (plan->migrations[i].up.statements[k].class_ == RH_CLASS_INDEX_CONCURRENT)
                warn_of_lock(&plan->migrations[i].up.statements[k], arena);
    return !rh_flyway_is(file, "group", false, arena) || check_group(plan, arena, in_one, error);
}

/* baselineOnMigrate gives such a database a history. */
static bool takes_over(const rh_plan *plan, rh_arena *arena)
{
    return rh_flyway_baseline_on_migrate(plan, arena) != NULL;
}

static bool create_table(rh_pg *pg, const rh_plan *plan, const char *baseline, rh_error *error)
{
    char *table = rh_history_qualified(pg, plan, "Flyway", error);
    bool ok = table && rh_pg_executef(
                           pg, error,
                           "BEGIN; CREATE TABLE %s (\"installed_rank\" INT NOT NULL, \"version\" VARCHAR(50),"
                           " \"description\" VARCHAR(200) NOT NULL, \"type\" VARCHAR(20) NOT NULL,"
                           " \"script\" VARCHAR(1000) NOT NULL, \"checksum\" INTEGER,"
                           " \"installed_by\" VARCHAR(100) NOT NULL,"
                           " \"installed_on\" TIMESTAMP NOT NULL DEFAULT now(),"
                           " \"execution_time\" INTEGER NOT NULL, \"success\" BOOLEAN NOT NULL);"
                           " ALTER TABLE %s ADD CONSTRAINT \"flyway_schema_history_pk\" PRIMARY KEY"
                           " (\"installed_rank\");"
                           " CREATE INDEX \"flyway_schema_history_s_idx\" ON %s (\"success\"); COMMIT",
                           table, table, table);
    if (ok && baseline) {
        rh_text sql = {0};
        rh_text_printf(&sql,
                       "INSERT INTO %s (installed_rank, version, description, type, script, installed_by,"
                       " execution_time, success) VALUES (1, $1, '<< Flyway Baseline >>', 'BASELINE',"
                       " '<< Flyway Baseline >>', current_user, 0, true)",
                       table);
        ok = rh_history_run(pg, plan, "Flyway", sql.data, 1, &baseline, error);
        rh_text_release(&sql);
    }
    free(table);
    return ok;
}

/* Flyway.java, migrate: without a history it wants an empty schema, or baselineOnMigrate. */
static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    int64_t tables;
    if (!rh_pg_query_int(
            pg,
            "select count(*) from pg_class c where relkind in ('r', 'p', 'v', 'm', 'S')"
            " and relnamespace = to_regnamespace(quote_ident(current_schema()))"
            " and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')",
            &tables, error))
        return false;
    rh_arena *scratch = rh_arena_new();
    const char *baseline = rh_flyway_baseline_on_migrate(plan, scratch);
    bool ok = false;
    if (tables > 0 && !baseline) {
        rh_error_set(error, RH_ERROR_MIGRATION, "Flyway found a schema that is not empty and no %s",
                     plan->history_table);
        rh_error_hint(error, "Run `flyway baseline` on production and take a new backup, set "
                             "flyway.baselineOnMigrate=true, or insert the baseline's row in prepare.");
    } else if (tables == 0 && rh_flyway_was_baselined(plan)) {
        rh_error_set(error, RH_ERROR_MIGRATION,
                     "the schema is empty, so Flyway would not baseline it on migrate");
        rh_error_hint(error, "Set flyway.baselineOnMigrate=false to run all of them.");
    } else {
        ok = create_table(pg, plan, tables > 0 ? baseline : NULL, error);
    }
    rh_arena_free(scratch);
    return ok;
}

/* Role and search_path of the connection, whatever the last script left. */
static bool restore_state(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    return rh_history_run(
        pg, plan, "Flyway",
        "select set_config('role', current_setting('pgrehearse.role'), false);"
        " select set_config('search_path', current_setting('pgrehearse.search_path'), false)",
        0, NULL, error);
}

static bool begin(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                  rh_error *error)
{
    (void)migration, (void)direction;
    return rh_history_run(
               pg, plan, "Flyway",
               "select set_config('pgrehearse.search_path', current_setting('search_path'), false),"
               " set_config('pgrehearse.role', current_user, false)"
               " where coalesce(current_setting('pgrehearse.role', true), '') = ''",
               0, NULL, error) &&
           restore_state(pg, plan, error);
}

static bool write_row(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                      bool success, rh_error *error)
{
    const rh_script *script = direction == RH_UP ? &migration->up : &migration->down;
    int32_t number;
    char checksum[16] = "";
    if (script->file && rh_flyway_checksum(script->file, rh_flyway_is_repeatable(migration), &number))
        (void)snprintf(checksum, sizeof checksum, "%" PRId32, number);
    char *table = restore_state(pg, plan, error) ? rh_history_qualified(pg, plan, "Flyway", error) : NULL;
    if (!table)
        return false;
    rh_arena *scratch = rh_arena_new();
    rh_text sql = {0};
    rh_text_printf(
        &sql,
        "INSERT INTO %s (installed_rank, version, description, type, script, checksum, installed_by,"
        " execution_time, success) SELECT coalesce(max(installed_rank), 0) + 1, $1,"
        " CASE WHEN length($2) > 200 THEN left(translate($2, '_', ' '), 197) || '...'"
        " ELSE translate($2, '_', ' ') END, $3, $4, nullif($5, '')::int, current_user, 0, $6::boolean FROM "
        "%s",
        table, table);
    const char *parameters[] = {rh_flyway_is_repeatable(migration) ? NULL : rh_flyway_version(migration),
                                script->file ? rh_flyway_description(script->file, scratch) : migration->name,
                                direction == RH_DOWN               ? "UNDO_SQL"
                                : rh_flyway_is_baseline(migration) ? "SQL_BASELINE"
                                                                   : "SQL",
                                script->file ? rh_flyway_script_name(plan, script->file) : "",
                                checksum,
                                success ? "true" : "false"};
    bool ok = rh_history_run(pg, plan, "Flyway", sql.data, 6, parameters, error);
    rh_text_release(&sql);
    rh_arena_free(scratch);
    free(table);
    return ok;
}

/* The rows of all that runs together. */
static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    bool ok = write_row(pg, plan, migration, direction, true, error);
    for (size_t i = 0; ok && i < plan->migration_count; i++)
        if (plan->migrations[i].joined_id && strcmp(plan->migrations[i].joined_id, migration->id) == 0)
            ok = write_row(pg, plan, &plan->migrations[i], direction, true, error);
    return ok;
}

/* Only what ran without a transaction leaves a trace, and only with one connection: else the row is lost with
 * the transaction of the other one's lock (PostgreSQLAdvisoryLockTemplate.java). */
static void failed(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction)
{
    const rh_script *script = direction == RH_UP ? &migration->up : &migration->down;
    if (script->rule != RH_TRANSACTION_ONE && !uses_two_connections(plan))
        write_row(pg, plan, migration, direction, false, NULL);
}

const rh_framework_rules rh_framework_flyway = {
    .framework = RH_FRAMEWORK_FLYWAY,
    .name = "flyway",
    .files = "V1__name.sql, U1__name.sql, R__name.sql, B1__name.sql",
    .transaction = RH_TRANSACTION_ONE,
    .layout = RH_LAYOUT_TREE,
    .recognise = rh_flyway_recognise,
    .compare = rh_flyway_compare_files,
    .orphan_down = RH_ORPHAN_DOWN_IGNORED,
    .fit = fit,
    .begins_again = true,
    .history_apart = uses_two_connections,
    .read = rh_flyway_read,
    .settle = rh_flyway_settle,
    .settle_plan = settle_plan,
    .history_table = RH_FLYWAY_TABLE,
    .history_columns = {"installed_rank", "checksum"},
    .takes_over = takes_over,
    .mark_applied = rh_flyway_mark_applied,
    .mark_fresh = rh_flyway_mark_fresh,
    .prepare = prepare,
    .begin = begin,
    .end = end,
    .failed = failed,
};
