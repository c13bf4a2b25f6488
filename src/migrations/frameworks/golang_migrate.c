/* golang-migrate (github.com/golang-migrate/migrate v4), its PostgreSQL driver over lib/pq.
 *
 * A whole file is one simple query without a BEGIN of the tool's: two or more statements form an implicit
 * transaction, a single one is its own transaction (RH_TRANSACTION_OWN). Before and after each file the tool
 * writes version and dirty flag in transactions of their own, TRUNCATE and INSERT, whose ACCESS EXCLUSIVE
 * lock on the history table is real and so is taken here too. Not imitated: the session's advisory lock
 * against a second runner (no other runner uses staging), and the options x-multi-statement and
 * x-statement-timeout. x-migrations-table is migrations.history of the scenario.
 */
#include "frameworks.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- files: ^([0-9]+)_(.*)\.(down|up)\.(.*)$ (source/parse.go) ---- */

/* The last ".up." or ".down." of REST, as the greedy expression finds it; NULL when there is none. */
static const char *find_direction(const char *rest, rh_direction *direction)
{
    for (const char *p = rest + strlen(rest); p >= rest; p--) {
        if (strncmp(p, ".up.", 4) == 0) {
            *direction = RH_UP;
            return p;
        }
        if (strncmp(p, ".down.", 6) == 0) {
            *direction = RH_DOWN;
            return p;
        }
    }
    /* Not the tool's own form, but that of sources around it: 000001_name_up.sql. */
    if (rh_ends_with(rest, "_up.sql") || rh_ends_with(rest, "_down.sql")) {
        *direction = rh_ends_with(rest, "_up.sql") ? RH_UP : RH_DOWN;
        return rest + strlen(rest) - strlen(*direction == RH_UP ? "_up.sql" : "_down.sql");
    }
    return NULL;
}

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    size_t digits = strspn(file_name, "0123456789");
    if (digits == 0 || file_name[digits] != '_')
        return false;
    const char *title = file_name + digits + 1;
    const char *end = find_direction(title, &file->direction);
    if (!end)
        return false;
    errno = 0;
    file->version = strtoumax(file_name, NULL, 10);
    if (errno == ERANGE) /* the tool ignores what is past 64 bits */
        return false;
    if (rh_ends_with(end, ".go")) /* the tool would send its text; those around it compile it in */
        file->not_sql = "a program in Go";
    file->id = rh_arena_strndup(arena, file_name, digits);
    file->name = rh_arena_strndup(arena, title, (size_t)(end - title));
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    return (a->version > b->version) - (a->version < b->version);
}

/* ---- the history table: one row, the version reached and whether a file is under way ---- */

static const char *column_value(const rh_rows *history, const char *name, bool *known)
{
    for (size_t i = 0; i < history->column_count; i++) {
        if (strcmp(history->columns[i], name) == 0) {
            *known = true;
            return history->row_count > 0 ? history->rows[0][i] : NULL;
        }
    }
    *known = false;
    return NULL;
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    (void)arena;
    bool has_version, has_dirty;
    const char *version = column_value(history, "version", &has_version);
    const char *dirty = column_value(history, "dirty", &has_dirty);
    if (!has_version || !has_dirty)
        return rh_history_not_of(plan->history_table, "golang-migrate", "it lacks version or dirty", error);
    if (!version)
        return true;
    if (dirty && (*dirty == 't' || *dirty == '1')) {
        rh_error_set(error, RH_ERROR_SCENARIO,
                     "the database is dirty at version %s: golang-migrate itself would refuse to run",
                     version);
        return rh_error_hint(
            error,
            "Repair production and run `migrate force`, then take a new backup; or correct it in prepare.");
    }
    const intmax_t current = strtoimax(version, NULL, 10);
    bool found = false;
    for (size_t i = 0; i < plan->migration_count && current >= 0; i++) {
        rh_migration *migration = &plan->migrations[i];
        uintmax_t number = strtoumax(migration->id, NULL, 10);
        migration->applied_in_backup = number <= (uintmax_t)current;
        found |= number == (uintmax_t)current;
    }
    if (found || current < 0)
        return true;
    rh_error_set(error, RH_ERROR_SCENARIO,
                 "the database is at version %s, which the migrations folder does not have", version);
    return rh_error_hint(
        error, "golang-migrate would refuse too. Take the folder and the backup from the same state.");
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    char *table = rh_history_qualified(pg, plan, "golang-migrate", error);
    bool ok = table && rh_pg_executef(pg, error,
                                      "CREATE TABLE IF NOT EXISTS %s (version bigint not null primary key, "
                                      "dirty boolean not null)",
                                      table);
    free(table);
    return ok;
}

/* SetVersion of the tool's postgres.go. VERSION -1: none; then only a dirty one leaves a row. */
static bool set_version(rh_pg *pg, const rh_plan *plan, intmax_t version, bool dirty, rh_error *error)
{
    char *table = rh_history_qualified(pg, plan, "golang-migrate", error);
    if (!table)
        return false;
    rh_text sql = {0};
    rh_text_printf(&sql, "BEGIN READ WRITE; TRUNCATE %s;", table);
    if (version >= 0 || dirty)
        rh_text_printf(&sql, " INSERT INTO %s (version, dirty) VALUES (%" PRIdMAX ", %s);", table, version,
                       dirty ? "true" : "false");
    rh_text_append(&sql, " COMMIT");
    bool ok = rh_pg_execute(pg, sql.data, error);
    if (!ok)
        rh_error_context(error, "golang-migrate's own update of %s", plan->history_table);
    rh_text_release(&sql);
    free(table);
    return ok;
}

/* Where the version goes: up to the migration's own, down to the next lower one of the folder, -1 from the
 * lowest. */
static intmax_t target_version(const rh_plan *plan, const rh_migration *migration, rh_direction direction)
{
    if (direction == RH_UP)
        return strtoimax(migration->id, NULL, 10);
    intmax_t lower = -1;
    for (size_t i = 0; i < plan->migration_count; i++) {
        if (strcmp(plan->migrations[i].id, migration->id) == 0)
            break;
        lower = strtoimax(plan->migrations[i].id, NULL, 10);
    }
    return lower;
}

static bool begin(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                  rh_error *error)
{
    return set_version(pg, plan, target_version(plan, migration, direction), true, error);
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    return set_version(pg, plan, target_version(plan, migration, direction), false, error);
}

const rh_framework_rules rh_framework_golang_migrate = {
    .framework = RH_FRAMEWORK_GOLANG_MIGRATE,
    .name = "golang-migrate",
    .files = "000001_name.up.sql and 000001_name.down.sql",
    .transaction = RH_TRANSACTION_OWN,
    .recognise = recognise,
    .compare = compare,
    .orphan_down = RH_ORPHAN_DOWN_COUNTS,
    .byte_order_mark_sent = true,
    .history_table = "schema_migrations",
    .history_columns = {"version", "dirty"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .begin = begin,
    .end = end,
};
