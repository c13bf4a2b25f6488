/* Prisma Migrate, `prisma migrate deploy` (github.com/prisma/prisma-engines, schema-engine).
 *
 *     NAME/migration.sql in the order of the folders' names     schema-connector/src/migrations_directory.rs
 * (list_migrations) what is recorded under its name and not rolled back is applied; a record that never
 * finished stops everything (P3009) commands/src/commands/apply_migrations.rs a database with tables but
 * without history is refused (P3005) sql-schema-connector/src/sql_migration_persistence.rs
 *
 * The script is one simple query without a transaction of the tool's (flavour/postgres/…/native/mod.rs,
 * apply_migration_script). Around it the history's row is written in three statements, each by itself:
 * started before, the step count and the time of finishing after. There are no down migrations. `migrate
 * deploy` warns of an applied migration that was edited since (its SHA-256 differs) and goes on.
 */
#include "frameworks.h"
#include "pgrehearse/adapters/files.h"
#include <string.h>

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    const char *slash = strchr(file_name, '/');
    if (!slash || strcmp(slash, "/migration.sql") != 0)
        return false;
    file->id = rh_arena_strndup(arena, file_name, (size_t)(slash - file_name));
    const char *rest = file->id + strspn(file->id, "0123456789");
    file->name = rest > file->id && *rest == '_' ? rest + 1 : file->id;
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return strcmp(a->id, b->id);
}

/* Every folder is a migration, and must have its file (P3015), also what is applied already. */
static bool check_folders(rh_plan *plan, rh_arena *arena, bool *in_one, rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    (void)in_one;
    if (!rh_directory_list(plan->folder, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *folder = rh_arena_printf(arena, "%s/%s", plan->folder, names[i]);
        if (!rh_directory_exists(folder) ||
            rh_file_exists(rh_arena_printf(arena, "%s/migration.sql", folder)))
            continue;
        return rh_refuse_file(folder, 0, "prisma", "a folder of a migration without migration.sql (P3015)",
                              "Restore the file, or delete the folder.", error);
    }
    return true;
}

/* ---- the history table: a row an attempt ---- */

static bool refuse_unfinished(const char *name, rh_error *error)
{
    rh_error_set(error, RH_ERROR_SCENARIO,
                 "migration %s was begun and not finished in the database: prisma refuses to run (P3009)",
                 name);
    return rh_error_hint(
        error,
        "Repair production with `prisma migrate resolve` and take a new backup; or correct it in prepare.");
}

/* The applied ones whose file is not what was applied. */
static void note_edited(const rh_rows *history, int name, int checksum, rh_plan *plan, rh_arena *arena)
{
    for (size_t i = 0; checksum >= 0 && i < history->row_count; i++)
        for (size_t m = 0; m < plan->migration_count; m++) {
            char digest[65];
            const rh_migration *migration = &plan->migrations[m];
            if (!migration->applied_in_backup || !history->rows[i][checksum] ||
                strcmp(history->rows[i][name], migration->id) != 0 ||
                !rh_sha256_path(migration->up.file, digest, NULL, NULL, NULL, NULL) ||
                strcmp(digest, history->rows[i][checksum]) == 0)
                continue;
            plan->framework_reason =
                rh_arena_printf(arena, "%s; %s was edited after it was applied, of which prisma warns",
                                plan->framework_reason, migration->id);
        }
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const int name = rh_history_column(history, "migration_name");
    const int finished = rh_history_column(history, "finished_at");
    const int rolled_back = rh_history_column(history, "rolled_back_at");
    if (name < 0 || finished < 0 || rolled_back < 0)
        return rh_history_not_of(plan->history_table, "prisma", "it lacks a column of that tool's", error);
    for (size_t i = 0; i < history->row_count; i++) {
        const char *const *row = history->rows[i];
        if (!row[name] || row[rolled_back])
            continue;
        if (!row[finished])
            return refuse_unfinished(row[name], error);
        for (size_t m = 0; m < plan->migration_count; m++)
            if (strcmp(plan->migrations[m].id, row[name]) == 0)
                plan->migrations[m].applied_in_backup = true;
    }
    note_edited(history, name, rh_history_column(history, "checksum"), plan, arena);
    return true;
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    int64_t tables;
    if (!rh_pg_query_int(pg,
                         "select count(*) from pg_class where relkind in ('r', 'p')"
                         " and relnamespace = to_regnamespace(quote_ident(current_schema()))"
                         " and relname <> 'spatial_ref_sys'",
                         &tables, error))
        return false;
    if (tables > 0) {
        rh_error_set(error, RH_ERROR_MIGRATION,
                     "the database has tables but no %s: prisma refuses to run (P3005)", plan->history_table);
        return rh_error_hint(error, "Baseline production with `prisma migrate resolve --applied` and take a "
                                    "new backup; or do the same in prepare.");
    }
    return rh_history_run(pg, plan, "prisma",
                          "CREATE TABLE {history} ("
                          " id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,"
                          " finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL,"
                          " logs TEXT, rolled_back_at TIMESTAMPTZ,"
                          " started_at TIMESTAMPTZ NOT NULL DEFAULT now(),"
                          " applied_steps_count INTEGER NOT NULL DEFAULT 0)",
                          0, NULL, error);
}

static bool begin(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                  rh_error *error)
{
    const char *parameters[] = {migration->up.sha256, migration->id};
    return direction == RH_DOWN ||
           rh_history_run(
               pg, plan, "prisma",
               "INSERT INTO {history} (id, checksum, started_at, migration_name) VALUES"
               " (set_config('pgrehearse.migration', gen_random_uuid()::text, false), $1, clock_timestamp(), "
               "$2)",
               2, parameters, error);
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    (void)migration;
    return direction == RH_DOWN ||
           (rh_history_run(pg, plan, "prisma",
                           "UPDATE {history} SET applied_steps_count = applied_steps_count + 1"
                           " WHERE id = current_setting('pgrehearse.migration')",
                           0, NULL, error) &&
            rh_history_run(pg, plan, "prisma",
                           "UPDATE {history} SET finished_at = clock_timestamp()"
                           " WHERE id = current_setting('pgrehearse.migration')",
                           0, NULL, error));
}

const rh_framework_rules rh_framework_prisma = {
    .framework = RH_FRAMEWORK_PRISMA,
    .name = "prisma",
    .files = "20240131120000_name/migration.sql",
    .transaction = RH_TRANSACTION_OWN,
    .layout = RH_LAYOUT_FOLDERS,
    .recognise = recognise,
    .compare = compare,
    .byte_order_mark_sent = true,
    .settle_plan = check_folders,
    .history_table = "_prisma_migrations",
    .history_columns = {"migration_name", "finished_at"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .begin = begin,
    .end = end,
};
