/* node-pg-migrate (npm: node-pg-migrate 7 and 8), its migrations in SQL.
 *
 *     TIMESTAMP_name.sql in the order of the numbers; files in JavaScript are shown and not replayed
 *                                                                    migration.ts (getMigrationFilePaths)
 *     "-- Up Migration" and "-- Down Migration" in any case begin the ways; without the former all is up,
 *     without the latter there is no way down                        sqlMigration.ts (getActions)
 *     what is recorded and what is in the folder must agree in order  runner.ts (checkOrder)
 *
 * All that is pending runs in one transaction (--single-transaction is the default), each way as one query,
 * with the history's row after it (Migration._apply). So the pending ones become one migration of the
 * rehearsal: their locks are held to the end of the last. The rows are written there too, not between the
 * files: that shows only where a file ends the transaction itself and something fails after it. The tool's
 * advisory lock is not imitated.
 */
#include "frameworks.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- files ---- */

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    static const char *const programs[] = {".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"};
    const size_t digits = strspn(file_name, "0123456789"), length = strlen(file_name);
    size_t end = rh_ends_with(file_name, ".sql") ? length - 4 : 0;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (rh_ends_with(file_name, programs[i])) {
            end = length - strlen(programs[i]);
            file->not_sql = "a program in JavaScript";
        }
    if (digits == 0 || file_name[digits] != '_' || end <= digits || rh_ends_with(file_name, ".d.ts"))
        return false;
    errno = 0;
    file->version = strtoumax(file_name, NULL, 10);
    if (errno == ERANGE)
        return false;
    file->id = rh_arena_strndup(arena, file_name, end);
    file->name = file->id + digits + 1;
    file->both_directions = !file->not_sql;
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    int order = (a->version > b->version) - (a->version < b->version);
    return order ? order : rh_natural_compare(a->file, b->file);
}

/* ---- directives ---- */

/* ^\s*--[\s-]*WAY\s+migration in any case, at the beginning of a line; NULL when there is none. */
static char *find_way(char *text, const char *way)
{
    for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char *p = line + strspn(line, " \t\r\f\v");
        if (!rh_starts_with(p, "--"))
            continue;
        p += strspn(p, "- \t");
        if (strncasecmp(p, way, strlen(way)) != 0)
            continue;
        p += strlen(way);
        size_t blanks = strspn(p, " \t");
        if (blanks > 0 && strncasecmp(p + blanks, "migration", 9) == 0)
            return line;
    }
    return NULL;
}

static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    static const char *const marks[] = {"-- Up Migration", "-- up migration", "-- Down Migration"};
    (void)folder;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *file = rh_find_mark(list, marks[i], arena);
        if (!file)
            continue;
        *why = rh_arena_printf(arena, "%s has a line \"%s\"", file, marks[i]);
        return RH_FIT_MARKS;
    }
    return RH_FIT_NONE;
}

static bool read_directions(const char *path, rh_direction direction, rh_arena *arena,
                            rh_sql_reading *reading, rh_error *error)
{
    (void)path, (void)arena, (void)error;
    char *text = reading->text, *up = find_way(text, "up"), *down = find_way(text, "down");
    char *start = direction == RH_UP ? up : down, *other = direction == RH_UP ? down : up;
    reading->missing = direction == RH_DOWN && !down;
    if (!start)
        return true;
    rh_blank(text, 0, (size_t)(start - text));
    if (other && other > start)
        rh_blank(text, (size_t)(other - text), strlen(text));
    return true;
}

/* ---- the history table ---- */

/* Its rows in the order of their times, then of their ids, as the tool reads them. */
static size_t *ordered_rows(const rh_rows *history, int id, int run_on, rh_arena *arena)
{
    size_t *order = rh_arena_alloc(arena, (history->row_count + 1) * sizeof *order);
    for (size_t i = 0; i < history->row_count; i++) {
        size_t at = i;
        for (; at > 0; at--) {
            const char *const *a = history->rows[order[at - 1]], *const *b = history->rows[i];
            int later = run_on >= 0 && a[run_on] && b[run_on] ? strcmp(a[run_on], b[run_on]) : 0;
            if (later < 0 || (later == 0 && (id < 0 || !a[id] || !b[id] || atoll(a[id]) <= atoll(b[id]))))
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return order;
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const int name = rh_history_column(history, "name");
    if (!rh_history_mark(history, "name", "node-pg-migrate", plan, error))
        return false;
    const size_t *order =
        ordered_rows(history, rh_history_column(history, "id"), rh_history_column(history, "run_on"), arena);
    for (size_t i = 0; i < history->row_count && i < plan->migration_count; i++) {
        const char *run = history->rows[order[i]][name];
        if (run && strcmp(run, plan->migrations[i].id) == 0)
            continue;
        rh_error_set(
            error, RH_ERROR_SCENARIO,
            "node-pg-migrate refuses to run: migration %s, which is not applied, comes before %s, which is",
            plan->migrations[i].id, run ? run : "");
        rh_error_hint(error,
                      "Give it a later timestamp, or run the tool with --no-check-order and list what is "
                      "pending.");
        return rh_error_at(error, plan->migrations[i].up.file, 0, 0);
    }
    return true;
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    return rh_history_run(pg, plan, "node-pg-migrate",
                          "CREATE TABLE {history} (id SERIAL PRIMARY KEY,"
                          " name varchar(255) NOT NULL, run_on timestamp NOT NULL)",
                          0, NULL, error);
}

static bool write_row(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                      rh_error *error)
{
    const char *row[] = {migration->id};
    return rh_history_run(pg, plan, "node-pg-migrate",
                          direction == RH_UP ? "INSERT INTO {history} (name, run_on) VALUES ($1, NOW())"
                                             : "DELETE FROM {history} WHERE name = $1",
                          1, row, error);
}

/* The rows of all that runs together. */
static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    bool ok = write_row(pg, plan, migration, direction, error);
    for (size_t i = 0; ok && i < plan->migration_count; i++)
        if (plan->migrations[i].joined_id && strcmp(plan->migrations[i].joined_id, migration->id) == 0)
            ok = write_row(pg, plan, &plan->migrations[i], direction, error);
    return ok;
}

const rh_framework_rules rh_framework_node_pg_migrate = {
    .framework = RH_FRAMEWORK_NODE_PG_MIGRATE,
    .name = "node-pg-migrate",
    .files = "1704067200000_name.sql, with lines -- Up Migration and -- Down Migration",
    .transaction = RH_TRANSACTION_ONE,
    .all_in_one = true,
    .recognise = recognise,
    .compare = compare,
    .fit = fit,
    .byte_order_mark_sent = true,
    .one_query = true,
    .read = read_directions,
    .history_table = "public.pgmigrations",
    .history_columns = {"name", "run_on"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .end = end,
};
