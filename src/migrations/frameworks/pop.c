/* Pop (github.com/gobuffalo/pop v6, read at c9b1c55dfe2e) and Ory's popx, its descendant.
 *
 *     ^(\d+)_([^.]+)(\.dialect)?\.(up|down)\.(sql|fizz)$ at any depth                   migrator.go:16,
 * migration_box.go popx: also \.autocommit before the direction: without a transaction of a version's files
 * the one of the database's dialect comes before the one for all; versions are compared as text and may be
 * applied in any order                                            migrator.go (UpTo)
 *
 * A file is one simple query (pgx, no arguments) in a transaction with the history's row. Its text is a Go
 * template: one that uses that is refused by name, and so is Fizz, Pop's own language. The history's table is
 * made in popx's shape, which takes longer versions than Pop's 14 characters.
 */
#include "frameworks.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* ---- files ---- */

/* Takes ".WORD" off the end of TEXT. */
static bool take_off(char *text, const char *word)
{
    size_t length = strlen(text), end = strlen(word);
    if (length <= end || text[length - end - 1] != '.' || strcmp(text + length - end, word) != 0)
        return false;
    text[length - end - 1] = '\0';
    return true;
}

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    const char *slash = strrchr(file_name, '/');
    char *stem = rh_arena_strdup(arena, slash ? slash + 1 : file_name);
    const bool fizz = take_off(stem, "fizz");
    if (!fizz && !take_off(stem, "sql"))
        return false;
    file->direction = take_off(stem, "down") ? RH_DOWN : RH_UP;
    if (file->direction == RH_UP && !take_off(stem, "up"))
        return false;
    file->rank = take_off(stem, "autocommit");
    static const char *const ours[] = {"postgres", "postgresql", "pg", "pgx"}; /* dialect_postgresql.go */
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (take_off(stem, ours[i]))
            file->rank += 2;
    size_t digits = strspn(stem, "0123456789");
    if (digits == 0 || stem[digits] != '_' || stem[digits + 1] == '\0' || strchr(stem, '.'))
        return false; /* a file of another dialect among them */
    stem[digits] = '\0';
    file->id = stem;
    file->name = stem + digits + 1;
    file->not_sql = fizz ? "written in Fizz" : NULL;
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return strcmp(a->id, b->id);
}

/* Without a mark of its own the layout is golang-migrate's to the letter. */
static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    (void)folder;
    for (size_t i = 0; i < list->count; i++) {
        if (!list->files[i].rank && !list->files[i].not_sql)
            continue;
        *why = rh_arena_printf(arena, "%s has a tag such as .postgres or .autocommit, or is Fizz",
                               list->files[i].file);
        return RH_FIT_MARKS;
    }
    return RH_FIT_NONE;
}

static bool read_file(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                      rh_error *error)
{
    (void)direction, (void)arena;
    const char *brace = strstr(reading->text, "{{");
    if (strstr(path, ".autocommit."))
        reading->rule = RH_TRANSACTION_OWN;
    if (!brace)
        return true;
    int line = 1;
    for (const char *p = reading->text; p < brace; p++)
        line += *p == '\n';
    rh_error_set(error, RH_ERROR_UNSUPPORTED,
                 "the file is a Go template ({{ … }}), which is not expanded here");
    rh_error_hint(error, "Give the rehearsal the SQL that Pop would generate from it.");
    return rh_error_at(error, path, line, 0);
}

/* ---- the history table ---- */

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    (void)arena;
    return rh_history_mark(history, "version", "Pop", plan, error);
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    return rh_history_run(pg, plan, "Pop",
                          "BEGIN; CREATE TABLE {history} (version VARCHAR (48) NOT NULL,"
                          " version_self INT NOT NULL DEFAULT 0);"
                          " CREATE UNIQUE INDEX schema_migration_version_idx ON {history} (version);"
                          " CREATE INDEX schema_migration_version_self_idx ON {history} (version_self);"
                          " COMMIT",
                          0, NULL, error);
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    const char *parameters[] = {migration->id};
    return rh_history_run(pg, plan, "Pop",
                          direction == RH_UP ? "insert into {history} (version) values ($1)"
                                             : "delete from {history} where version = $1",
                          1, parameters, error);
}

const rh_framework_rules rh_framework_pop = {
    .framework = RH_FRAMEWORK_POP,
    .name = "pop",
    .files = "20240131120000_name.up.sql and 20240131120000_name.postgres.autocommit.down.sql",
    .transaction = RH_TRANSACTION_ONE,
    .layout = RH_LAYOUT_TREE,
    .recognise = recognise,
    .compare = compare,
    .fit = fit,
    .orphan_down = RH_ORPHAN_DOWN_IGNORED,
    .duplicates = RH_DUPLICATE_VERSION_RUN,
    .byte_order_mark_sent = true,
    .one_query = true,
    .read = read_file,
    .history_table = "schema_migration",
    .history_columns = {"version", "version_self"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .end = end,
};
