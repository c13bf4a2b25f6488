/* morph (github.com/mattermost/morph), read at 34e8da7ff29c.
 *
 *     ^([0-9]+)_(.*)\.(down|up)\.(.*)$, golang-migrate's names, in the order of the names as text
 *                                                                            models/parse.go:24, morph.go:470
 *     what is in the history by its name is applied, in whatever order       morph.go:477
 *     a file that begins with "-- morph:nontransactional" has no transaction drivers/postgres/postgres.go
 * (Apply)
 *
 * A file is one simple query (lib/pq) in a transaction with the history's row, or both by themselves.
 */
#include "frameworks.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

static const char MARK[] = "-- morph:nontransactional";

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    return rh_framework_golang_migrate.recognise(file_name, arena, file) && file->version <= UINT32_MAX;
}

/* By name as text; the ways of one migration are found by its name. */
static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    if (strcmp(a->name, b->name) == 0 && a->version == b->version)
        return 0;
    int order = strcmp(a->id, b->id);
    return order ? order : strcmp(a->name, b->name);
}

/* Without its mark the layout is golang-migrate's to the letter. */
static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    (void)folder;
    const char *file = rh_find_mark(list, MARK, arena);
    if (!file)
        return RH_FIT_NONE;
    *why = rh_arena_printf(arena, "%s has a line \"%s\"", file, MARK);
    return RH_FIT_MARKS;
}

static bool read_file(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                      rh_error *error)
{
    (void)path, (void)direction, (void)arena, (void)error;
    if (rh_starts_with(reading->text, MARK))
        reading->rule = RH_TRANSACTION_OWN;
    return true;
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    (void)arena;
    const int name = rh_history_column(history, "name");
    if (name < 0)
        return rh_history_not_of(plan->history_table, "morph", "it has no column name", error);
    if (history->row_count > plan->migration_count) {
        rh_error_set(error, RH_ERROR_SCENARIO,
                     "the database has more migrations (%zu) than the folder (%zu): morph refuses to run",
                     history->row_count, plan->migration_count);
        return rh_error_hint(error, "Take the folder and the backup from the same state.");
    }
    for (size_t i = 0; i < history->row_count; i++)
        for (size_t m = 0; m < plan->migration_count; m++)
            if (history->rows[i][name] && strcmp(history->rows[i][name], plan->migrations[m].name) == 0)
                plan->migrations[m].applied_in_backup = true;
    return true;
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    return rh_history_run(
        pg, plan, "morph",
        "CREATE TABLE IF NOT EXISTS {history} (version bigint not null primary key, name varchar "
        "not null)",
        0, NULL, error);
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    const char *parameters[] = {migration->id, migration->name};
    return rh_history_run(pg, plan, "morph",
                          direction == RH_UP ? "INSERT INTO {history} (version, name) VALUES ($1, $2)"
                                             : "DELETE FROM {history} WHERE (Version=$1 AND NAME=$2)",
                          2, parameters, error);
}

const rh_framework_rules rh_framework_morph = {
    .framework = RH_FRAMEWORK_MORPH,
    .name = "morph",
    .files = "000001_name.up.sql and 000001_name.down.sql",
    .transaction = RH_TRANSACTION_ONE,
    .recognise = recognise,
    .compare = compare,
    .orphan_down = RH_ORPHAN_DOWN_IGNORED,
    .duplicates = RH_DUPLICATE_VERSION_RUN,
    .fit = fit,
    .byte_order_mark_sent = true,
    .one_query = true,
    .commit_is_checked = true,
    .read = read_file,
    .history_table = "db_migrations",
    .history_columns = {"version", "name"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .end = end,
};
