/* Postgrator (npm: postgrator 8.0.0).
 *
 *     VERSION.do.name.sql and VERSION.undo.name.sql; the version is a number; one twice is an error
 *                                                                    postgrator.js (getMigrations)
 *     all above the highest version of the history run; lower ones that are missing never do, without a word
 *                                                                    postgrator.js (getRunnableMigrations)
 *     MD5 of what is applied is compared                             postgrator.js (validateMigrations)
 *
 * A script is one simple query of node-postgres without a transaction of the tool's; the history's row
 * follows by itself (runMigrations). A script in JavaScript is shown and cannot be replayed.
 */
#include "frameworks.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ---- */

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    static const char *const scripts[] = {".js", ".mjs", ".cjs"};
    size_t digits = strspn(file_name, "0123456789"), length = strlen(file_name), end = 0;
    if (rh_ends_with(file_name, ".sql"))
        end = length - 4;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (rh_ends_with(file_name, scripts[i]))
            end = length - strlen(scripts[i]);
    const char *action = file_name + digits;
    if (digits == 0 || end <= digits)
        return false;
    if (rh_starts_with(action, ".do."))
        action += 4;
    else if (rh_starts_with(action, ".undo."))
        action += 6;
    else
        return false;
    errno = 0;
    file->version = strtoumax(file_name, NULL, 10);
    if (errno == ERANGE)
        return false;
    file->direction = file_name[digits + 1] == 'd' ? RH_UP : RH_DOWN;
    file->id = rh_arena_printf(arena, "%" PRIu64, file->version);
    size_t start = (size_t)(action - file_name), name = start < end ? strcspn(action, ".") : 0;
    file->name = rh_arena_strndup(arena, action, name < end - start || start > end ? name : end - start);
    file->not_sql = rh_ends_with(file_name, ".sql") ? NULL : "a script in JavaScript";
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return (a->version > b->version) - (a->version < b->version);
}

/* ---- the history table ---- */

static bool check_md5(const rh_migration *migration, const char *md5, rh_error *error)
{
    rh_arena *scratch = rh_arena_new();
    size_t length = 0;
    char digest[33] = "";
    char *text = rh_file_read(migration->up.file, 0, scratch, &length, NULL);
    if (text)
        rh_md5_bytes(text, length, digest);
    rh_arena_free(scratch);
    if (!text || strcmp(digest, md5) == 0)
        return true;
    rh_error_set(
        error, RH_ERROR_SCENARIO,
        "postgrator refuses to run: migration %s was edited after it was applied (MD5 %s in the database, "
        "%s in the folder)",
        migration->id, md5, digest);
    rh_error_hint(error,
                  "Take the file as it was applied, or set validateChecksums: false and list the pending "
                  "ones.");
    return rh_error_at(error, migration->up.file, 0, 0);
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const int version = rh_history_column(history, "version"), md5 = rh_history_column(history, "md5");
    if (version < 0)
        return rh_history_not_of(plan->history_table, "postgrator", "it has no column version", error);
    if (!rh_history_mark(history, "version", "postgrator", plan, error))
        return false;
    uintmax_t highest = 0;
    for (size_t i = 0; i < history->row_count; i++) {
        uintmax_t number = history->rows[i][version] ? strtoumax(history->rows[i][version], NULL, 10) : 0;
        highest = number > highest ? number : highest;
    }
    for (size_t m = 0; m < plan->migration_count; m++) {
        rh_migration *migration = &plan->migrations[m];
        if (!migration->applied_in_backup && strtoumax(migration->id, NULL, 10) <= highest)
            migration->skipped = rh_arena_printf(
                arena, "the database is at version %" PRIuMAX ", and postgrator never goes back", highest);
        for (size_t i = 0; md5 >= 0 && migration->up.file && !migration->not_sql && i < history->row_count;
             i++)
            if (history->rows[i][version] && strcmp(history->rows[i][version], migration->id) == 0 &&
                history->rows[i][md5] && *history->rows[i][md5] &&
                !check_md5(migration, history->rows[i][md5], error))
                return false;
    }
    return true;
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    static const char *const statements[] = {
        "CREATE TABLE {history} (version BIGINT PRIMARY KEY)", "INSERT INTO {history} (version) VALUES (0)",
        "ALTER TABLE {history} ADD COLUMN name TEXT", "ALTER TABLE {history} ADD COLUMN md5 TEXT",
        "ALTER TABLE {history} ADD COLUMN run_at TIMESTAMP WITH TIME ZONE"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof statements / sizeof *statements; i++)
        ok = rh_history_run(pg, plan, "postgrator", statements[i], 0, NULL, error);
    return ok;
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    if (direction == RH_DOWN) {
        const char *version[] = {migration->id};
        return rh_history_run(pg, plan, "postgrator", "DELETE FROM {history} WHERE version = $1", 1, version,
                              error);
    }
    rh_arena *scratch = rh_arena_new();
    size_t length = 0;
    char digest[33] = "";
    char *text = migration->up.file ? rh_file_read(migration->up.file, 0, scratch, &length, NULL) : NULL;
    if (text)
        rh_md5_bytes(text, length, digest);
    rh_arena_free(scratch);
    const char *parameters[] = {migration->id, migration->name, digest};
    return rh_history_run(pg, plan, "postgrator",
                          "INSERT INTO {history} (version, name, md5, run_at)"
                          " VALUES ($1, $2, $3, clock_timestamp())",
                          3, parameters, error);
}

const rh_framework_rules rh_framework_postgrator = {
    .framework = RH_FRAMEWORK_POSTGRATOR,
    .name = "postgrator",
    .files = "001.do.name.sql and 001.undo.name.sql",
    .transaction = RH_TRANSACTION_OWN,
    .recognise = recognise,
    .compare = compare,
    .orphan_down = RH_ORPHAN_DOWN_IGNORED,
    .byte_order_mark_sent = true,
    .history_table = "schemaversion",
    .history_columns = {"md5", "run_at"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .end = end,
};
