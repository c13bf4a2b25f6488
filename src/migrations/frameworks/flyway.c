/* Flyway (github.com/flyway/flyway 11), read at c5e20fc77341.
 *
 *     V1.2__name.sql, its undo U1.2__name.sql, B1.2__name.sql (a baseline), R__name.sql (repeatable), at any
 *     depth; "_" in a version is "." flyway-core/…/internal/resource/ResourceNameParser.java versions are
 * compared part by part as numbers, 1.0 is 1  …/api/MigrationVersion.java repeatables run last, by name,
 * whenever their checksum differs from the last one applied checksums, descriptions, gaps and failed
 * migrations are validated before anything runs …/internal/info/MigrationInfoImpl.java (validate) settings of
 * a script in FILE.conf beside it             …/internal/sqlscript/SqlScriptMetadata.java what cannot run in
 * a transaction makes its whole file run without one; together with other statements it is refused unless
 * mixed                                 …/internal/sqlscript/ParserSqlScript.java,
 *                                                             …/database/postgresql/PostgreSQLParser.java
 *
 * Statements are sent one by one; the driver begins a transaction again after a COMMIT of the file's own. The
 * history's row is written by the tool's other connection and committed after the file
 * (internal/command/DbMigrate.java, JdbcTableSchemaHistory.java). Not imitated: that connection's advisory
 * lock, callbacks, group, and a configuration elsewhere than in a flyway.conf in or above the folder.
 */
#include "flyway.h"
#include "pgrehearse/base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    const char *base = base_of(file_name), kind = *base;
    const bool java = rh_ends_with(base, ".java");
    if (!strchr("VUBR", kind) || kind == '\0' || (!java && !rh_ends_with(base, ".sql")))
        return false;
    char *stem = rh_arena_strndup(arena, base + 1, strlen(base) - (java ? 6 : 5));
    char *separator = strstr(stem, "__");
    file->name = "";
    if (separator) {
        file->name = separator + 2;
        *separator = '\0';
    }
    if (kind == 'R') {
        file->id = rh_arena_printf(arena, "R__%s", file->name);
        return separator == stem;
    }
    for (char *p = stem; *p; p++)
        *p = *p == '_' ? '.' : *p;
    if (*stem == '\0' || stem[strspn(stem, "0123456789.")] || *stem == '.' || rh_ends_with(stem, ".") ||
        strstr(stem, ".."))
        return false;
    file->id = kind == 'B' ? rh_arena_printf(arena, "B%s", stem) : stem;
    file->direction = kind == 'U' ? RH_DOWN : RH_UP;
    file->not_sql = java ? "a program in Java" : NULL;
    return true;
}

/* Two runs of digits as numbers of any length; what has ended is 0. */
static int compare_part(const char *a, size_t a_length, const char *b, size_t b_length)
{
    for (; a_length > 0 && *a == '0'; a_length--)
        a++;
    for (; b_length > 0 && *b == '0'; b_length--)
        b++;
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    int order = a_length ? strncmp(a, b, a_length) : 0;
    return (order > 0) - (order < 0);
}

int rh_flyway_compare(const char *a, const char *b)
{
    while (*a || *b) {
        size_t a_length = strcspn(a, "."), b_length = strcspn(b, ".");
        int order = compare_part(a, a_length, b, b_length);
        if (order)
            return order;
        a += a_length + (a[a_length] == '.');
        b += b_length + (b[b_length] == '.');
    }
    return 0;
}

/* Versions, baselines among them, then repeatables. */
static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    const bool a_last = *a->id == 'R', b_last = *b->id == 'R';
    if (a_last || b_last)
        return a_last && b_last ? strcmp(a->name, b->name) : (int)a_last - (int)b_last;
    const bool a_base = *a->id == 'B', b_base = *b->id == 'B';
    int order = rh_flyway_compare(a->id + a_base, b->id + b_base);
    return order ? order : (int)a_base - (int)b_base;
}

bool rh_flyway_is_repeatable(const rh_migration *migration)
{
    return *migration->id == 'R';
}

bool rh_flyway_is_baseline(const rh_migration *migration)
{
    return *migration->id == 'B';
}

const char *rh_flyway_version(const rh_migration *migration)
{
    return migration->id + rh_flyway_is_baseline(migration);
}

/* ---- the table ---- */

static bool prepare(rh_pg *pg, rh_error *error)
{
    int64_t tables;
    if (!rh_pg_query_int(
            pg,
            "select count(*) from pg_class c where relkind in ('r', 'p', 'v', 'm', 'S')"
            " and relnamespace = to_regnamespace(quote_ident(current_schema()))"
            " and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')",
            &tables, error))
        return false;
    if (tables > 0) {
        rh_error_set(error, RH_ERROR_MIGRATION, "Flyway found a schema that is not empty and no %s",
                     RH_FLYWAY_TABLE);
        return rh_error_hint(error,
                             "Run `flyway baseline` on production and take a new backup; or insert the "
                             "baseline's row in prepare.");
    }
    char *table = rh_history_qualified(pg, RH_FLYWAY_TABLE, "Flyway", error);
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
    free(table);
    return ok;
}

/* Each migration starts with the search_path of the connection, whatever the last one left. */
static bool begin(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                  rh_error *error)
{
    (void)plan, (void)migration, (void)direction;
    return rh_history_run(pg, "Flyway", RH_FLYWAY_TABLE,
                          "select set_config('pgrehearse.search_path', coalesce(nullif("
                          "current_setting('pgrehearse.search_path', true), ''), "
                          "current_setting('search_path')), false)",
                          0, NULL, error) &&
           rh_history_run(
               pg, "Flyway", RH_FLYWAY_TABLE,
               "select set_config('search_path', current_setting('pgrehearse.search_path'), false)", 0, NULL,
               error);
}

static bool write_row(rh_pg *pg, const rh_migration *migration, rh_direction direction, bool success,
                      rh_error *error)
{
    const rh_script *script = direction == RH_UP ? &migration->up : &migration->down;
    int32_t number;
    char checksum[16] = "";
    if (script->file && rh_flyway_checksum(script->file, rh_flyway_is_repeatable(migration), &number))
        (void)snprintf(checksum, sizeof checksum, "%" PRId32, number);
    char *table = rh_history_qualified(pg, RH_FLYWAY_TABLE, "Flyway", error);
    if (!table)
        return false;
    rh_text sql = {0};
    rh_text_printf(
        &sql,
        "INSERT INTO %s (installed_rank, version, description, type, script, checksum, installed_by,"
        " execution_time, success) SELECT coalesce(max(installed_rank), 0) + 1, $1,"
        " translate($2, '_', ' '), $3, $4, nullif($5, '')::int, current_user, 0, $6::boolean FROM %s",
        table, table);
    const char *parameters[] = {rh_flyway_is_repeatable(migration) ? NULL : rh_flyway_version(migration),
                                migration->name,
                                direction == RH_DOWN               ? "UNDO_SQL"
                                : rh_flyway_is_baseline(migration) ? "SQL_BASELINE"
                                                                   : "SQL",
                                script->file ? base_of(script->file) : "",
                                checksum,
                                success ? "true" : "false"};
    bool ok = rh_history_run(pg, "Flyway", RH_FLYWAY_TABLE, sql.data, 6, parameters, error);
    rh_text_release(&sql);
    free(table);
    return ok;
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    (void)plan;
    return write_row(pg, migration, direction, true, error);
}

/* Only what ran without a transaction leaves a trace. */
static void failed(rh_pg *pg, const rh_migration *migration, rh_direction direction)
{
    const rh_script *script = direction == RH_UP ? &migration->up : &migration->down;
    if (script->rule != RH_TRANSACTION_ONE)
        write_row(pg, migration, direction, false, NULL);
}

const rh_framework_rules rh_framework_flyway = {
    .framework = RH_FRAMEWORK_FLYWAY,
    .name = "flyway",
    .files = "V1__name.sql, U1__name.sql, R__name.sql, B1__name.sql",
    .transaction = RH_TRANSACTION_ONE,
    .layout = RH_LAYOUT_TREE,
    .recognise = recognise,
    .compare = compare,
    .one_query = true,
    .history_apart = true,
    .read = rh_flyway_read,
    .settle = rh_flyway_settle,
    .history_table = RH_FLYWAY_TABLE,
    .mark_applied = rh_flyway_mark_applied,
    .mark_fresh = rh_flyway_mark_fresh,
    .prepare = prepare,
    .begin = begin,
    .end = end,
    .failed = failed,
};
