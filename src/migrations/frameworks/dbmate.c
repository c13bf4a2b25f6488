/* dbmate (github.com/amacneil/dbmate v2), read at f3e08f15e39d.
 *
 *     ^(\d+).*\.sql$, in the order of the files' names, the digits are the version     pkg/dbmate/db.go:35,
 * 467
 *     -- migrate:up … -- migrate:down in one file, both needed, up first pkg/dbmate/migration.go
 *     transaction:false behind either pkg/dbmate/migration.go
 *
 * A way is one query (lib/pq's simple protocol) between the tool's BEGIN and COMMIT, with the history table's
 * row written in the same transaction; with transaction:false it is one simple query, and the row follows by
 * itself (db.go, Migrate and Rollback). The row's table is looked up again each time, in the first schema of
 * the search_path as the migration left it (postgres.go, migrationsTableNameParts). lib/pq's Commit fails
 * when the file's own COMMIT has ended the transaction. Out of order is no error without --strict.
 */
#include "frameworks.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ---- */

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    size_t digits = strspn(file_name, "0123456789");
    if (digits == 0 || !rh_ends_with(file_name + digits, ".sql"))
        return false;
    const char *title = file_name + digits + strspn(file_name + digits, "_- ");
    file->id = rh_arena_strndup(arena, file_name, digits);
    file->name = rh_ends_with(title, ".sql") ? rh_arena_strndup(arena, title, strlen(title) - 4) : "";
    file->both_directions = true;
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return strcmp(a->file, b->file);
}

static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    (void)folder;
    const char *file = rh_find_mark(list, "-- migrate:up", arena);
    if (!file)
        file = rh_find_mark(list, "--migrate:up", arena);
    if (!file)
        return RH_FIT_NONE;
    *why = rh_arena_printf(arena, "%s has a line \"-- migrate:up\"", file);
    return RH_FIT_MARKS;
}

/* ---- directives ---- */

/* The next (?m)^--\s*migrate:WAY(\s*$|\s+\S+) from AT; NULL when there is none. */
static char *find_directive(char *text, char *at, const char *way)
{
    for (char *p = at; (p = strstr(p, "--")) != NULL; p++) {
        if (p != text && p[-1] != '\n')
            continue;
        const char *word = p + 2;
        while (isspace((unsigned char)*word))
            word++;
        if (!rh_starts_with(word, "migrate:") || !rh_starts_with(word + 8, way))
            continue;
        char after = word[8 + strlen(way)];
        if (after == '\0' || isspace((unsigned char)after))
            return p;
    }
    return NULL;
}

static bool only_comments(const char *text, const char *end)
{
    while (text < end) {
        const char *line = text;
        text += strcspn(text, "\n");
        text += *text == '\n';
        while (isspace((unsigned char)*line) && line < text)
            line++;
        if (line < text && !rh_starts_with(line, "--"))
            return false;
    }
    return true;
}

/* transaction:false among the words behind the directive; of several the last counts. */
static bool in_transaction(const char *directive)
{
    static const char option[] = "transaction:";
    const char *end = directive + strcspn(directive, "\n");
    bool result = true;
    for (const char *p = directive; p < end;) {
        p += strspn(p, " \t\r\v\f");
        size_t length = strcspn(p, " \t\r\n\v\f");
        const char *value = p + sizeof option - 1;
        if (rh_starts_with(p, option) && !memchr(value, ':', length - (sizeof option - 1)))
            result = strncmp(value, "false", 5) != 0 || p + length != value + 5;
        p += length;
        if (length == 0)
            break;
    }
    return result;
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

static bool read_directions(const char *path, rh_direction direction, rh_arena *arena,
                            rh_sql_reading *reading, rh_error *error)
{
    (void)arena;
    char *text = reading->text, *up = find_directive(text, text, "up");
    if (!up)
        return rh_refuse_file(path, 0, "dbmate", "it has no line \"-- migrate:up\"", NULL, error);
    if (!only_comments(text, up))
        return rh_refuse_file(path, 1, "dbmate", "there are statements before the line \"-- migrate:up\"",
                              NULL, error);
    char *down = find_directive(text, up, "down");
    if (!down)
        return rh_refuse_file(path, line_of(text, up), "dbmate",
                              "it has no line \"-- migrate:down\" after \"-- migrate:up\"",
                              "Add the line, even if the migration cannot be reverted.", error);
    char *again = find_directive(text, up + 1, "up");
    if (again)
        return rh_refuse_file(path, line_of(text, again), "dbmate",
                              "a second \"-- migrate:up\" would record the same version twice",
                              "Give it a file of its own.", error);
    char *twice = find_directive(text, down + 1, "down");
    if (twice)
        return rh_refuse_file(path, line_of(text, twice), "dbmate", "it has two lines \"-- migrate:down\"",
                              NULL, error);
    char *start = direction == RH_UP ? up : down;
    reading->rule = in_transaction(start) ? RH_TRANSACTION_ONE : RH_TRANSACTION_OWN;
    rh_blank(text, 0, (size_t)(start - text));
    if (direction == RH_UP)
        rh_blank(text, (size_t)(down - text), strlen(text));
    return true;
}

/* ---- the history table: a row a version ---- */

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    (void)arena;
    if (rh_history_column(history, "dirty") >= 0)
        return rh_history_not_of(plan->history_table, "dbmate",
                                 "it has a column dirty, as golang-migrate's has", error);
    return rh_history_mark(history, "version", "dbmate", plan, error);
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    char *table = rh_history_qualified_now(pg, plan, error);
    bool ok = table &&
              rh_pg_executef(pg, error, "create table if not exists %s (version varchar primary key)", table);
    free(table);
    return ok;
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    char *table = rh_history_qualified_now(pg, plan, error);
    const rh_plan now = {.history_table = table};
    const char *parameters[] = {migration->id};
    bool ok = table && rh_history_run(pg, &now, "dbmate",
                                      direction == RH_UP ? "insert into {history} (version) values ($1)"
                                                         : "delete from {history} where version = $1",
                                      1, parameters, error);
    free(table);
    return ok;
}

const rh_framework_rules rh_framework_dbmate = {
    .framework = RH_FRAMEWORK_DBMATE,
    .name = "dbmate",
    .files = "20240131120000_name.sql, with lines -- migrate:up and -- migrate:down",
    .transaction = RH_TRANSACTION_ONE,
    .recognise = recognise,
    .compare = compare,
    .duplicates = RH_DUPLICATE_VERSION_RUN,
    .fit = fit,
    .byte_order_mark_sent = true,
    .one_query = true,
    .commit_is_checked = true,
    .read = read_directions,
    .history_table = "schema_migrations",
    .history_columns = {"version"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .end = end,
};
