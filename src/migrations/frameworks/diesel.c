/* Diesel (github.com/diesel-rs/diesel 2), read at 04cc1b0bc657.
 *
 *     a folder a migration, VERSION_name, with up.sql and, if it can be taken back, down.sql
 *                                          diesel_migrations/migrations_internals/src/lib.rs
 * (valid_sql_migration_directory) the version is the text before the first "_", without "-"; compared as
 * text lib.rs (version_from_string), migration_harness.rs (pending_migrations) metadata.toml:
 * run_in_transaction; a file that does not say so means false, no or a broken file true lib.rs
 * (TomlMetadata), file_based_migrations.rs (from_path) an empty file is an error file_based_migrations.rs
 * (run_sql_from_file) and so is a folder without up.sql (from_path)
 *
 * A way is one simple query (PQexec) in a transaction with the history's row; without a transaction the row
 * follows by itself. The search_path is put back before the row is written (migration_harness.rs,
 * run_migration). Versions may be applied in any order.
 */
#include "frameworks.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <string.h>

/* ---- files ---- */

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    const char *slash = strchr(file_name, '/');
    if (!slash || (strcmp(slash, "/up.sql") != 0 && strcmp(slash, "/down.sql") != 0))
        return false;
    char *folder = rh_arena_strndup(arena, file_name, (size_t)(slash - file_name));
    size_t length = strcspn(folder, "_"), kept = 0;
    file->name = folder[length] ? rh_arena_strdup(arena, folder + length + 1) : "";
    for (size_t i = 0; i < length; i++)
        if (folder[i] != '-')
            folder[kept++] = folder[i];
    folder[kept] = '\0';
    file->id = folder;
    file->direction = strcmp(slash, "/up.sql") == 0 ? RH_UP : RH_DOWN;
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    int order = strcmp(a->id, b->id);
    return order ? order : strncmp(a->file, b->file, strcspn(a->file, "/") + 1);
}

/* A folder that holds something and no up.sql stops the tool (from_path) and the build of a program that has
 * the migrations in it (embed_migrations.rs). */
static bool check_folders(rh_plan *plan, rh_arena *arena, bool *in_one, rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    (void)in_one;
    if (!rh_directory_list(plan->folder, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *folder = rh_arena_printf(arena, "%s/%s", plan->folder, names[i]);
        char **inside = NULL;
        size_t held = 0;
        if (*names[i] == '.' || !rh_directory_exists(folder) ||
            rh_file_exists(rh_arena_printf(arena, "%s/up.sql", folder)) ||
            !rh_directory_list(folder, arena, &inside, &held, NULL) || held == 0)
            continue;
        return rh_refuse_file(folder, 0, "Diesel", "this folder of the migrations has no up.sql",
                              "Add one, or put the folder elsewhere.", error);
    }
    return true;
}

/* ---- metadata.toml ---- */

/* The value of the top-level key run_in_transaction: 1, 0, -1 not there, -2 no boolean. */
static int read_metadata(const char *text)
{
    static const char key[] = "run_in_transaction";
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *p = line + strspn(line, " \t");
        if (*p == '[')
            return -1;
        if (!rh_starts_with(p, key))
            continue;
        p += sizeof key - 1;
        p += strspn(p, " \t");
        if (*p != '=')
            continue;
        p += 1 + strspn(p + 1, " \t");
        size_t word = strcspn(p, " \t\r\n#");
        if (word == 4 && strncmp(p, "true", 4) == 0)
            return 1;
        return word == 5 && strncmp(p, "false", 5) == 0 ? 0 : -2;
    }
    return -1;
}

static rh_transaction_rule rule_of_metadata(const char *path, rh_arena *arena)
{
    char *metadata = rh_path_beside(path, "metadata.toml", arena);
    char *text = rh_file_exists(metadata) ? rh_file_read(metadata, 0, arena, NULL, NULL) : NULL;
    int value = text ? read_metadata(text) : 1;
    return value == 0 || value == -1 ? RH_TRANSACTION_OWN : RH_TRANSACTION_ONE;
}

static bool read_direction(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                           rh_error *error)
{
    reading->missing = *reading->text == '\0' && direction == RH_DOWN; /* refused when it is wanted */
    if (*reading->text == '\0' && direction == RH_UP)
        return rh_refuse_file(path, 0, "Diesel", "it is empty", "A comment is enough.", error);
    reading->rule = rule_of_metadata(path, arena);
    return true;
}

/* ---- the history table ---- */

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    (void)arena;
    return rh_history_mark(history, "version", "Diesel", plan, error);
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    return rh_history_run(pg, plan, "Diesel",
                          "CREATE TABLE IF NOT EXISTS {history} ("
                          " version VARCHAR(50) PRIMARY KEY NOT NULL,"
                          " run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
                          0, NULL, error);
}

static bool begin(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                  rh_error *error)
{
    (void)migration, (void)direction;
    return rh_history_run(
        pg, plan, "Diesel",
        "select set_config('pgrehearse.search_path', current_setting('search_path'), false)", 0, NULL, error);
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    const char *parameters[] = {migration->id};
    return rh_history_run(
               pg, plan, "Diesel",
               "select set_config('search_path', current_setting('pgrehearse.search_path'), false)", 0, NULL,
               error) &&
           rh_history_run(pg, plan, "Diesel",
                          direction == RH_UP ? "INSERT INTO {history} (version) VALUES ($1)"
                                             : "DELETE FROM {history} WHERE version = $1",
                          1, parameters, error);
}

const rh_framework_rules rh_framework_diesel = {
    .framework = RH_FRAMEWORK_DIESEL,
    .name = "diesel",
    .files = "2024-01-31-120000_name/up.sql and 2024-01-31-120000_name/down.sql",
    .transaction = RH_TRANSACTION_ONE,
    .layout = RH_LAYOUT_FOLDERS,
    .recognise = recognise,
    .compare = compare,
    .duplicates = RH_DUPLICATE_VERSION_ONE,
    .byte_order_mark_sent = true,
    .one_query = true,
    .read = read_direction,
    .settle_plan = check_folders,
    .history_table = "__diesel_schema_migrations",
    .history_columns = {"version", "run_on"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .begin = begin,
    .end = end,
};
