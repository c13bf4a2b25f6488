/* Drizzle (npm: drizzle-orm 0.45, drizzle-kit's folder before 1.0).
 *
 *     meta/_journal.json lists the migrations in their order; TAG.sql is each one's file; others never run
 *                                                                  src/migrator.ts (readMigrationFiles)
 *     pending is what the journal dates ("when") after the newest created_at of the history
 *                                                                  src/pg-core/dialect.ts (migrate)
 *     a file is cut at "--> statement-breakpoint", each piece is one query; all that is pending, with its
 * rows, is one transaction                                                  the same
 *
 * There are no down migrations. The hash of the history is written, and never compared.
 */
#include "frameworks.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/relation.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char BREAKPOINT[] = "--> statement-breakpoint";

/* Its files are those that the journal names (list_files). */
static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    (void)file_name, (void)arena, (void)file;
    return false;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return (a->version > b->version) - (a->version < b->version);
}

static void add_entry(const char *folder, const rh_json *entry, rh_arena *arena, rh_migration_files *list)
{
    const char *tag = rh_json_string(rh_json_get(entry, "tag"));
    int64_t *when = rh_arena_alloc(arena, sizeof *when);
    *when = rh_json_int(rh_json_get(entry, "when"));
    tag = rh_arena_strdup(arena, tag ? tag : "");
    const char *path = rh_arena_printf(arena, "%s/%s.sql", folder, tag);
    const size_t digits = strspn(tag, "0123456789");
    *rh_arena_add(arena, &list->files, &list->count) = (rh_migration_file){
        .path = path,
        .file = rh_arena_printf(arena, "%s.sql", tag),
        .id = tag,
        .name = digits > 0 && tag[digits] == '_' ? tag + digits + 1 : tag,
        .version = list->count + 1,
        .refused = rh_file_exists(path) ? NULL : "the journal has this migration, but its file is missing",
        .own = when};
}

static bool list_files(const char *path, rh_arena *arena, rh_migration_files *list, rh_error *error)
{
    const char *journal = rh_arena_printf(arena, "%s/meta/_journal.json", path);
    if (!rh_file_exists(journal))
        return true;
    rh_json *root = rh_json_read(journal, error);
    if (!root)
        return false;
    const rh_json *entries = rh_json_get(root, "entries");
    for (size_t i = 0; rh_json_is_array(entries) && i < rh_json_count(entries); i++)
        add_entry(path, rh_json_at(entries, i), arena, list);
    rh_json_free(root);
    return true;
}

static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    (void)folder;
    *why = rh_arena_printf(arena, "meta/_journal.json lists %zu migration%s", list->count,
                           list->count == 1 ? "" : "s");
    return RH_FIT_MARKS;
}

/* The pieces between the breakpoints, which are blanked: to the server they are comments. */
static bool read_pieces(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                        rh_error *error)
{
    (void)path, (void)direction, (void)error;
    char *text = reading->text;
    size_t none = 0;
    rh_sql_span piece = {.line = 1, .column = 1};
    rh_arena_add(arena, &reading->pieces, &none);
    for (;;) {
        const char *end = strstr(text + piece.offset, BREAKPOINT);
        piece.length = end ? (size_t)(end - text) - piece.offset : strlen(text + piece.offset);
        const size_t next = piece.offset + piece.length + (end ? sizeof BREAKPOINT - 1 : 0);
        for (; piece.length > 0 && isspace((unsigned char)text[piece.offset]);
             piece.offset++, piece.length--) {
            piece.column = text[piece.offset] == '\n' ? 1 : piece.column + 1;
            piece.line += text[piece.offset] == '\n';
        }
        if (piece.length > 0)
            *rh_arena_add(arena, &reading->pieces, &reading->piece_count) = piece;
        for (size_t i = piece.offset; i < next; i++) {
            piece.column = text[i] == '\n' ? 1 : piece.column + 1;
            piece.line += text[i] == '\n';
        }
        piece.offset = next;
        if (!end)
            return true;
        rh_blank(text, (size_t)(end - text), next);
    }
}

/* ---- the history table ---- */

static int64_t when_of(const rh_migration *migration)
{
    return migration->framework_data ? *(const int64_t *)migration->framework_data : INT64_MAX;
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    (void)arena;
    const int at = rh_history_column(history, "created_at");
    int64_t newest = INT64_MIN;
    if (at < 0)
        return rh_history_not_of(plan->history_table, "Drizzle", "it has no column created_at", error);
    for (size_t i = 0; i < history->row_count; i++) {
        const int64_t created = history->rows[i][at] ? strtoll(history->rows[i][at], NULL, 10) : INT64_MIN;
        newest = created > newest ? created : newest;
    }
    for (size_t i = 0; i < plan->migration_count; i++)
        plan->migrations[i].applied_in_backup = when_of(&plan->migrations[i]) <= newest;
    return true;
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    rh_arena *scratch = rh_arena_new();
    rh_relation name;
    const bool named = rh_relation_parse(plan->history_table, scratch, &name) && name.schema;
    bool ok = !named || rh_pg_executef(pg, error, "CREATE SCHEMA IF NOT EXISTS %s",
                                       rh_relation_text((rh_relation){NULL, name.schema}, scratch));
    rh_arena_free(scratch);
    return ok &&
           rh_history_run(pg, plan, "Drizzle",
                          "CREATE TABLE IF NOT EXISTS {history} (id SERIAL PRIMARY KEY, hash text NOT NULL,"
                          " created_at bigint)",
                          0, NULL, error);
}

static bool write_row(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_error *error)
{
    char when[24];
    (void)snprintf(when, sizeof when, "%" PRId64, when_of(migration));
    const char *row[] = {migration->up.sha256, when};
    return rh_history_run(pg, plan, "Drizzle",
                          "insert into {history} (\"hash\", \"created_at\") values ($1, $2)", 2, row, error);
}

/* The rows of all that runs together. */
static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    bool ok = direction == RH_DOWN || write_row(pg, plan, migration, error);
    for (size_t i = 0; ok && i < plan->migration_count; i++)
        if (plan->migrations[i].joined_id && strcmp(plan->migrations[i].joined_id, migration->id) == 0)
            ok = write_row(pg, plan, &plan->migrations[i], error);
    return ok;
}

const rh_framework_rules rh_framework_drizzle = {
    .framework = RH_FRAMEWORK_DRIZZLE,
    .name = "drizzle",
    .files = "0000_name.sql, in the order of meta/_journal.json",
    .transaction = RH_TRANSACTION_ONE,
    .all_in_one = true,
    .recognise = recognise,
    .list = list_files,
    .compare = compare,
    .duplicates = RH_DUPLICATE_VERSION_RUN,
    .fit = fit,
    .read = read_pieces,
    .byte_order_mark_sent = true,
    .history_table = "drizzle.__drizzle_migrations",
    .history_columns = {"hash", "created_at"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .end = end,
};
