/* sqlx (github.com/launchbadge/sqlx, sqlx-cli and the macro migrate!), read at 0.9.
 *
 *     VERSION_name.sql, or VERSION_name.up.sql with VERSION_name.down.sql; the version is an integer, and a
 * file with "_" and another beginning is an error sqlx-core/src/migrate/source.rs a file that begins with "--
 * no-transaction" has none         the same what is not in the history is pending, in the order of the
 * versions; a version of the history that the folder does not have, another checksum (SHA-384) and a row
 * without success stop it       sqlx-core/src/migrate/migrator.rs
 *
 * A file is one simple query in a transaction with the history's row (sqlx-postgres/src/migrate.rs), or both
 * by themselves. Not imitated: the advisory lock, and the update of execution_time after the transaction. The
 * layout is plain SQL's or golang-migrate's to the letter, so a folder is sqlx's where the scenario says so.
 */
#include "frameworks.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    static const char *const endings[] = {".up.sql", ".down.sql", ".sql"};
    const char *title = strchr(file_name, '_');
    if (!title || !rh_ends_with(title, ".sql"))
        return false;
    const size_t digits = strspn(file_name, "0123456789"), length = strlen(title + 1);
    errno = 0;
    file->version = strtoumax(file_name, NULL, 10);
    file->id = file_name;
    file->name = "";
    if (digits == 0 || file_name + digits != title || errno == ERANGE || file->version > INT64_MAX) {
        file->refused = "sqlx takes only names that begin with an integer, such as 20240131120000_name.sql";
        return true;
    }
    file->id = rh_arena_printf(arena, "%" PRIu64, file->version);
    file->direction = rh_ends_with(title, ".down.sql") ? RH_DOWN : RH_UP;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (rh_ends_with(title + 1, endings[i])) {
            file->name = rh_arena_strndup(arena, title + 1, length - strlen(endings[i]));
            break;
        }
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    if (a->version != b->version)
        return a->version < b->version ? -1 : 1;
    return strcmp(a->name, b->name);
}

static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    (void)folder, (void)list, (void)arena, (void)why;
    return RH_FIT_NONE;
}

static bool read_file(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                      rh_error *error)
{
    (void)path, (void)direction, (void)arena, (void)error;
    if (rh_starts_with(reading->text, "-- no-transaction"))
        reading->rule = RH_TRANSACTION_OWN;
    return true;
}

/* ---- the history table ---- */

/* As bytea's text: "\x" and 96 hex digits. */
static const char *checksum_of(const rh_migration *migration, rh_arena *arena)
{
    size_t length = 0;
    char digest[97] = "";
    char *text = migration->up.file ? rh_file_read(migration->up.file, 0, arena, &length, NULL) : NULL;
    if (text)
        rh_sha384_bytes(text, length, digest);
    return rh_arena_printf(arena, "\\x%s", digest);
}

static bool refuse(const rh_migration *migration, rh_error *error, const char *version, const char *what,
                   const char *hint)
{
    rh_error_set(error, RH_ERROR_SCENARIO, "sqlx refuses to run: version %s %s", version, what);
    rh_error_hint(error, "%s", hint);
    return migration ? rh_error_at(error, migration->up.file, 0, 0) : false;
}

static bool mark_row(const char *version, const char *checksum, bool success, rh_plan *plan, rh_arena *arena,
                     rh_error *error)
{
    rh_migration *applied = NULL;
    if (!success)
        return refuse(NULL, error, version, "is recorded as failed in the database",
                      "Repair production, remove the row and take a new backup; or correct it in prepare.");
    for (size_t i = 0; i < plan->migration_count; i++)
        if (strcmp(plan->migrations[i].id, version) == 0)
            applied = &plan->migrations[i];
    if (!applied)
        return refuse(NULL, error, version, "is applied in the database and not in the folder",
                      "Take the folder and the backup from the same state.");
    applied->applied_in_backup = true;
    if (checksum && strcmp(checksum, checksum_of(applied, arena)) != 0)
        return refuse(applied, error, version, "was edited after it was applied",
                      "Take the file as it was applied.");
    return true;
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const int version = rh_history_column(history, "version"),
              success = rh_history_column(history, "success"),
              checksum = rh_history_column(history, "checksum");
    if (version < 0 || success < 0 || checksum < 0)
        return rh_history_not_of(plan->history_table, "sqlx", "it lacks a column of that tool's", error);
    for (size_t i = 0; i < history->row_count; i++) {
        const char *const *row = history->rows[i];
        if (row[version] && !mark_row(row[version], row[checksum],
                                      row[success] && strchr("t1", *row[success]), plan, arena, error))
            return false;
    }
    return true;
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    return rh_history_run(
        pg, plan, "sqlx",
        "CREATE TABLE IF NOT EXISTS {history} (version BIGINT PRIMARY KEY, description TEXT NOT NULL,"
        " installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL,"
        " checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL)",
        0, NULL, error);
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    rh_arena *scratch = rh_arena_new();
    const char *row[] = {migration->id, migration->name, checksum_of(migration, scratch)};
    bool ok =
        direction == RH_DOWN
            ? rh_history_run(pg, plan, "sqlx", "DELETE FROM {history} WHERE version = $1", 1, row, error)
            : rh_history_run(pg, plan, "sqlx",
                             "INSERT INTO {history} (version, description, success, checksum, execution_time)"
                             " VALUES ($1, translate($2, '_', ' '), TRUE, $3, -1)",
                             3, row, error);
    rh_arena_free(scratch);
    return ok;
}

const rh_framework_rules rh_framework_sqlx = {
    .framework = RH_FRAMEWORK_SQLX,
    .name = "sqlx",
    .files = "20240131120000_name.sql, or 20240131120000_name.up.sql and 20240131120000_name.down.sql",
    .transaction = RH_TRANSACTION_ONE,
    .recognise = recognise,
    .compare = compare,
    .orphan_down = RH_ORPHAN_DOWN_IGNORED,
    .duplicates = RH_DUPLICATE_VERSION_RUN,
    .fit = fit,
    .byte_order_mark_sent = true,
    .one_query = true,
    .read = read_file,
    .history_table = "_sqlx_migrations",
    .history_columns = {"checksum", "execution_time"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .end = end,
};
