/* Rails (ActiveRecord 6.1 to 7): its db folder.
 *
 *     structure.sql is loaded by psql -v ON_ERROR_STOP=1 -q -X -f, into an empty database, and records the
 *     versions that it has          active_record/tasks/postgresql_database_tasks.rb (structure_load)
 *     migrate/VERSION_name.rb are programs in Ruby: they are shown, as applied or as gaps, and not replayed
 *                                   active_record/migration.rb (MigrationFilenameRegexp)
 *
 * Every statement of structure.sql is a transaction of its own but for its own BEGIN … COMMIT. A database
 * that has a row in schema_migrations has its structure already. `framework: command` runs the Ruby ones as
 * they are.
 */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "psql_script.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char STRUCTURE[] = "structure";

/* ^([0-9]+)_([_a-z0-9]*)\.?([_a-z0-9]*)?\.rb$ */
static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    const size_t digits = strspn(file_name, "0123456789");
    if (digits == 0 || file_name[digits] != '_' || !rh_ends_with(file_name, ".rb"))
        return false;
    errno = 0;
    file->version = strtoumax(file_name, NULL, 10);
    file->id = rh_arena_printf(arena, "%" PRIu64, file->version);
    file->name = rh_arena_strndup(arena, file_name + digits + 1, strlen(file_name) - digits - 4);
    file->not_sql = "a program in Ruby";
    return errno != ERANGE;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return (a->version > b->version) - (a->version < b->version);
}

static bool add_programs(const char *folder, rh_arena *arena, rh_migration_files *list, rh_error *error)
{
    char **names;
    size_t count;
    if (!rh_directory_exists(folder))
        return true;
    if (!rh_directory_list(folder, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        rh_migration_file file = {0};
        if (!recognise(names[i], arena, &file))
            continue;
        file.path = rh_arena_printf(arena, "%s/%s", folder, names[i]);
        file.file = names[i];
        *rh_arena_add(arena, &list->files, &list->count) = file;
    }
    return true;
}

static bool list_files(const char *path, rh_arena *arena, rh_migration_files *list, rh_error *error)
{
    const bool file = rh_ends_with(path, "/structure.sql");
    const char *structure = file ? path : rh_arena_printf(arena, "%s/structure.sql", path);
    if (rh_file_exists(structure))
        *rh_arena_add(arena, &list->files, &list->count) = (rh_migration_file){
            .path = structure, .file = "structure.sql", .id = STRUCTURE, .name = STRUCTURE};
    if (!file && (!add_programs(path, arena, list, error) ||
                  !add_programs(rh_arena_printf(arena, "%s/migrate", path), arena, list, error)))
        return false;
    return true;
}

static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    (void)folder;
    size_t programs = 0;
    for (size_t i = 0; i < list->count; i++)
        programs += list->files[i].not_sql != NULL;
    const char *structure = rh_find_mark(list, "INSERT INTO \"schema_migrations\"", arena);
    if (programs == 0 && !structure)
        return RH_FIT_NONE;
    *why = rh_arena_printf(arena, "%s%zu migration%s in Ruby, which %s not replayed",
                           structure ? "structure.sql records its versions; " : "", programs,
                           programs == 1 ? "" : "s", programs == 1 ? "is" : "are");
    return RH_FIT_MARKS;
}

static bool read_structure(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                           rh_error *error)
{
    (void)direction;
    rh_psql psql = {.tool = "Rails",
                    .path = path,
                    .folder = rh_path_beside(path, ".", arena),
                    .arena = arena,
                    .error = error};
    bool ok = rh_psql_read(&psql, reading->text);
    if (ok)
        rh_psql_give(&psql, reading);
    rh_text_release(&psql.text);
    return ok;
}

/* ---- the history table ---- */

static rh_migration *find_structure(rh_plan *plan)
{
    return plan->migration_count > 0 && strcmp(plan->migrations[0].id, STRUCTURE) == 0 ? &plan->migrations[0]
                                                                                       : NULL;
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    (void)arena;
    if (rh_history_column(history, "dirty") >= 0)
        return rh_history_not_of(plan->history_table, "Rails",
                                 "it has a column dirty, as golang-migrate's has", error);
    rh_migration *structure = find_structure(plan);
    if (structure && history->row_count > 0)
        structure->skipped = "the database has its structure already";
    return rh_history_mark(history, "version", "Rails", plan, error);
}

/* What structure.sql records as applied. */
static void mark_fresh(rh_plan *plan, bool none, rh_arena *arena)
{
    (void)none;
    const rh_migration *structure = find_structure(plan);
    const char *text = structure ? rh_file_read(structure->up.file, 0, arena, NULL, NULL) : NULL;
    for (size_t i = 0; text && i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        if (migration->not_sql && strstr(text, rh_arena_printf(arena, "('%s')", migration->id)))
            migration->skipped = "structure.sql has it";
    }
}

/* structure.sql makes the table itself. */
static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    (void)pg, (void)plan, (void)error;
    return true;
}

const rh_framework_rules rh_framework_rails = {
    .framework = RH_FRAMEWORK_RAILS,
    .name = "rails",
    .files = "structure.sql and migrate/20240131120000_name.rb",
    .transaction = RH_TRANSACTION_EACH,
    .recognise = recognise,
    .list = list_files,
    .compare = compare,
    .fit = fit,
    .session_a_file = true,
    .read = read_structure,
    .history_table = "schema_migrations",
    .history_columns = {"version"},
    .mark_applied = mark_applied,
    .mark_fresh = mark_fresh,
    .prepare = prepare,
};
