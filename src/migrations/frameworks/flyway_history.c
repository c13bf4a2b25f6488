/* What Flyway's history table says of the folder, and what Flyway refuses to go on from
 * (internal/info/MigrationInfoServiceImpl.java, refresh; MigrationInfoImpl.java, validate;
 * schemahistory/BaseAppliedMigration.java, getState). */
#include "flyway.h"
#include "pgrehearse/base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct applied {
    const char *version, *description, *type, *checksum;
    long rank;
    bool success, gone; /* undone, or marked as deleted by a later row */
} applied;

typedef struct flyway_history {
    applied *rows; /* by rank */
    size_t count;
    const char *last, *baseline; /* the highest version applied, and of a baseline; NULL: none */
    bool validates, out_of_order;
    const char *ignored; /* ignoreMigrationPatterns */
} flyway_history;

static const char BASELINED[] = "baselineOnMigrate takes it as applied";

/* ---- rows ---- */

/* "add_index" as the history has it; what is longer than 200 is cut there (AbbreviationUtils.java). */
static bool same_description(const char *name, const char *description)
{
    const bool cut = strlen(name) > 200 && strlen(description) == 200 && rh_ends_with(description, "...");
    if (strcmp(description, "<< no Flyway description >>") == 0)
        return *name == '\0';
    for (size_t i = 0; !cut || i < 197; i++) {
        if ((name[i] == '_' ? ' ' : name[i]) != description[i])
            return false;
        if (!name[i])
            return true;
    }
    return true;
}

static bool is_undo(const applied *row)
{
    return rh_starts_with(row->type, "UNDO");
}

static bool is_baseline(const applied *row)
{
    return strcmp(row->type, "BASELINE") == 0 || rh_ends_with(row->type, "_BASELINE");
}

/* Rows without a file. */
static bool is_synthetic(const applied *row)
{
    static const char *const types[] = {"SCHEMA", "BASELINE", "DELETE"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(row->type, types[i]) == 0)
            return true;
    return false;
}

static bool same_thing(const applied *a, const applied *b)
{
    if (a->version && b->version)
        return rh_flyway_compare(a->version, b->version) == 0;
    return !a->version && !b->version && strcmp(a->description, b->description) == 0;
}

static int by_rank(const void *a, const void *b)
{
    const applied *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* What a row of an undo or of `repair` takes back is the last before it. */
static void unapply(flyway_history *h, size_t by)
{
    const applied *row = &h->rows[by];
    if (!row->success || (!is_undo(row) && strcmp(row->type, "DELETE") != 0))
        return;
    for (size_t i = by; i-- > 0;) {
        applied *earlier = &h->rows[i];
        if (earlier->gone || is_synthetic(earlier) || is_undo(earlier) || !same_thing(earlier, row))
            continue;
        earlier->gone = true;
        return;
    }
}

static void raise(const char **highest, const char *version)
{
    if (!*highest || rh_flyway_compare(version, *highest) > 0)
        *highest = version;
}

static bool read_rows(const rh_plan *plan, const rh_rows *rows, flyway_history *h, rh_arena *arena,
                      rh_error *error)
{
    static const char *const names[] = {"installed_rank", "version",  "description",
                                        "type",           "checksum", "success"};
    int at[6];
    for (size_t i = 0; i < 6; i++)
        if ((at[i] = rh_history_column(rows, names[i])) < 0)
            return rh_history_not_of(plan->history_table, "Flyway", "it lacks a column of that tool's",
                                     error);
    h->count = rows->row_count;
    h->rows = rh_arena_alloc(arena, (h->count + 1) * sizeof *h->rows);
    for (size_t i = 0; i < h->count; i++) {
        const char *const *row = rows->rows[i];
        h->rows[i] = (applied){.rank = row[at[0]] ? strtol(row[at[0]], NULL, 10) : 0,
                               .version = row[at[1]],
                               .description = row[at[2]] ? row[at[2]] : "",
                               .type = row[at[3]] ? row[at[3]] : "",
                               .checksum = row[at[4]],
                               .success = row[at[5]] && strchr("t1", *row[at[5]])};
    }
    qsort(h->rows, h->count, sizeof *h->rows, by_rank);
    for (size_t i = 0; i < h->count; i++)
        unapply(h, i);
    for (size_t i = 0; i < h->count; i++) {
        const applied *row = &h->rows[i];
        if (!row->version || row->gone || is_undo(row) || strcmp(row->type, "DELETE") == 0)
            continue;
        raise(&h->last, row->version);
        if (is_baseline(row))
            raise(&h->baseline, row->version);
    }
    return true;
}

/* ---- files and rows ---- */

static const char *type_of(const rh_migration *migration)
{
    if (rh_flyway_is_baseline(migration))
        return "SQL_BASELINE";
    if (!migration->not_sql)
        return "SQL";
    return rh_ends_with(migration->up.file, ".java") ? "JDBC" : "SCRIPT";
}

static bool same_type(const char *type, const rh_migration *migration)
{
    return strcmp(strcmp(type, "SPRING_JDBC") == 0 ? "JDBC" : type, type_of(migration)) == 0;
}

static bool is_version_of_row(const rh_migration *migration, const applied *row)
{
    if (rh_flyway_is_repeatable(migration))
        return !row->version && same_description(migration->name, row->description);
    return row->version && rh_flyway_compare(row->version, rh_flyway_version(migration)) == 0 &&
           same_type(row->type, migration);
}

/* The row that counts for MIGRATION: the last by rank; NULL: none. */
static const applied *find_applied(const flyway_history *h, const rh_migration *migration)
{
    for (size_t i = h->count; i-- > 0;)
        if (!h->rows[i].gone && !is_synthetic(&h->rows[i]) && !is_undo(&h->rows[i]) &&
            is_version_of_row(migration, &h->rows[i]))
            return &h->rows[i];
    return NULL;
}

/* ---- what is refused ---- */

/* Does ignoreMigrationPatterns name STATE of such migrations? */
static bool is_ignored(const flyway_history *h, bool versioned, const char *state)
{
    const char *own = versioned ? "versioned:" : "repeatable:";
    for (const char *p = h->ignored; *p; p += strcspn(p, ","), p += *p == ',') {
        p += strspn(p, " ");
        const char *rest = rh_starts_with(p, "*:") ? p + 2 : rh_starts_with(p, own) ? p + strlen(own) : NULL;
        const size_t length = rest ? strcspn(rest, ", ") : 0;
        if (rest &&
            ((length == 1 && *rest == '*') || (length == strlen(state) && strncmp(rest, state, length) == 0)))
            return true;
    }
    return false;
}

static bool refuse(const rh_migration *migration, rh_error *error, const char *hint, const char *message, ...)
    __attribute__((format(printf, 4, 5)));
static bool refuse(const rh_migration *migration, rh_error *error, const char *hint, const char *message, ...)
{
    char text[400];
    va_list args;
    va_start(args, message);
    (void)vsnprintf(text, sizeof text, message, args);
    va_end(args);
    rh_error_set(error, RH_ERROR_SCENARIO, "Flyway refuses to migrate: %s", text);
    rh_error_hint(error, "%s", hint);
    const char *file = migration && migration->up.file ? migration->up.file : NULL;
    return file ? rh_error_at(error, file, 0, 0) : false;
}

static bool refuse_failed(const applied *row, rh_error *error)
{
    return refuse(NULL, error, "Clean up and run `flyway repair` on production, then take a new backup.",
                  row->version ? "the database has a failed migration to version %s (%s)"
                               : "the database has a failed repeatable migration%s (%s)",
                  row->version ? row->version : "", row->description);
}

static bool refuse_missing(const applied *row, rh_error *error)
{
    return refuse(NULL, error,
                  "Take the folder and the backup from the same state, or run `flyway repair` on production.",
                  row->version
                      ? "version %s is applied in the database and not in the folder"
                      : "the repeatable migration \"%s\" is applied in the database and not in the folder",
                  row->version ? row->version : row->description);
}

/* Is ROW the last of its repeatable? Of a version each row counts. */
static bool is_latest(const flyway_history *h, size_t index)
{
    for (size_t i = index + 1; !h->rows[index].version && i < h->count; i++)
        if (!is_synthetic(&h->rows[i]) && same_thing(&h->rows[i], &h->rows[index]))
            return false;
    return true;
}

static bool check_row(const flyway_history *h, size_t index, const rh_plan *plan, rh_error *error)
{
    const applied *row = &h->rows[index];
    bool here = !is_latest(h, index), future = row->version != NULL;
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_migration *migration = &plan->migrations[m];
        here |= is_version_of_row(migration, row);
        if (row->version && !rh_flyway_is_repeatable(migration))
            future &= rh_flyway_compare(row->version, rh_flyway_version(migration)) >= 0;
    }
    if (!here && is_ignored(h, row->version != NULL, future ? "future" : "missing"))
        return true;
    if (!row->success)
        return refuse_failed(row, error);
    return here || !h->validates || refuse_missing(row, error);
}

static bool check_rows(const flyway_history *h, const rh_plan *plan, rh_error *error)
{
    for (size_t i = 0; i < h->count; i++) {
        const applied *row = &h->rows[i];
        if (!row->gone && !is_synthetic(row) && !is_undo(row) && !check_row(h, i, plan, error))
            return false;
    }
    return true;
}

/* MigrationInfoImpl.validate for a version that is applied. */
static bool validate(const rh_migration *migration, const applied *row, rh_error *error)
{
    int32_t checksum;
    if (row->checksum && rh_flyway_checksum(migration->up.file, false, &checksum) &&
        strtol(row->checksum, NULL, 10) != checksum)
        return refuse(
            migration, error, "Take the file as it was applied, or repair production's history first.",
            "checksum mismatch for migration version %s: %s in the database, %" PRId32 " in the folder",
            rh_flyway_version(migration), row->checksum, checksum);
    if (!same_description(migration->name, row->description))
        return refuse(migration, error, "Give the file its old name, or repair production's history first.",
                      "description mismatch for migration version %s: \"%s\" in the database",
                      rh_flyway_version(migration), row->description);
    return true;
}

static bool repeatable_is_current(const rh_migration *migration, const applied *row)
{
    int32_t checksum;
    if (!row->checksum)
        return false;
    long have = strtol(row->checksum, NULL, 10);
    return (rh_flyway_checksum(migration->up.file, true, &checksum) && have == checksum) ||
           (rh_flyway_checksum(migration->up.file, false, &checksum) && have == checksum);
}

/* ---- what is applied ---- */

/* One that is not applied, below the highest that is. */
static bool pass_over(const flyway_history *h, rh_migration *migration, rh_arena *arena, rh_error *error)
{
    if (h->validates && !is_ignored(h, true, "ignored"))
        return refuse(migration, error,
                      "Give it a higher version, or set flyway.outOfOrder=true in flyway.conf.",
                      "version %s is not applied in the database, which is at %s already",
                      rh_flyway_version(migration), h->last);
    migration->skipped = rh_arena_printf(
        arena, "the database is at version %s, and Flyway's settings leave out what is below", h->last);
    return true;
}

static bool mark_version(const flyway_history *h, rh_migration *migration, rh_arena *arena, rh_error *error)
{
    const applied *row = find_applied(h, migration);
    migration->applied_in_backup = row != NULL;
    if (h->baseline && rh_flyway_compare(rh_flyway_version(migration), h->baseline) <= 0) {
        if (!row)
            migration->skipped = rh_arena_printf(arena, "it is not above the baseline %s", h->baseline);
        return true;
    }
    if (row)
        return !h->validates || migration->not_sql || validate(migration, row, error);
    if (h->last && !h->out_of_order && rh_flyway_compare(rh_flyway_version(migration), h->last) < 0)
        return pass_over(h, migration, arena, error);
    return true;
}

static bool mark_one(const flyway_history *h, rh_migration *migration, rh_arena *arena, rh_error *error)
{
    if (!migration->up.file)
        return true;
    if (rh_flyway_is_repeatable(migration)) {
        const applied *row = find_applied(h, migration);
        migration->applied_in_backup = row && repeatable_is_current(migration, row);
    } else if (rh_flyway_is_baseline(migration)) {
        migration->applied_in_backup = find_applied(h, migration) != NULL;
        if (!migration->applied_in_backup && h->last)
            migration->skipped = "the database has a history already";
    } else if (migration->skipped) {
        return true; /* its .conf says so: then it is neither run nor missed */
    } else {
        return mark_version(h, migration, arena, error);
    }
    return true;
}

/* On an empty history the highest baseline replaces all versions up to it. */
static void use_baseline(rh_plan *plan, rh_arena *arena)
{
    const rh_migration *baseline = NULL;
    for (size_t i = 0; i < plan->migration_count; i++)
        if (rh_flyway_is_baseline(&plan->migrations[i]))
            baseline = &plan->migrations[i];
    for (size_t i = 0; baseline && i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        if (migration != baseline && !rh_flyway_is_repeatable(migration) &&
            rh_flyway_compare(rh_flyway_version(migration), rh_flyway_version(baseline)) <= 0)
            migration->skipped = rh_arena_printf(arena, "the baseline %s replaces it", baseline->id);
    }
}

static void leave_out(rh_plan *plan, rh_arena *arena)
{
    for (size_t i = 0; i < plan->migration_count; i++)
        if (plan->migrations[i].up.file && rh_flyway_is_left_out(plan->migrations[i].up.file, arena))
            plan->migrations[i].skipped = "its .conf says shouldExecute=false";
}

/* A path in the folder, for its settings; "" where there is none. */
static const char *any_file(const rh_plan *plan, rh_arena *arena)
{
    if (plan->migration_count > 0 && plan->migrations[0].up.file)
        return plan->migrations[0].up.file;
    return plan->folder ? rh_arena_printf(arena, "%s/-", plan->folder) : "";
}

bool rh_flyway_mark_applied(const rh_rows *rows, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const char *file = any_file(plan, arena),
               *ignored = rh_flyway_setting(file, "ignoreMigrationPatterns", arena);
    flyway_history h = {.validates = rh_flyway_is(file, "validateOnMigrate", true, arena),
                        .out_of_order = rh_flyway_is(file, "outOfOrder", false, arena),
                        .ignored = ignored ? ignored : "*:future"};
    leave_out(plan, arena);
    if (!read_rows(plan, rows, &h, arena, error) || !check_rows(&h, plan, error))
        return false;
    for (size_t i = 0; i < plan->migration_count; i++)
        if (!mark_one(&h, &plan->migrations[i], arena, error))
            return false;
    if (!h.last)
        use_baseline(plan, arena);
    return true;
}

/* ---- without a history ---- */

const char *rh_flyway_baseline_on_migrate(const rh_plan *plan, rh_arena *arena)
{
    const char *file = any_file(plan, arena), *version = rh_flyway_setting(file, "baselineVersion", arena);
    if (!rh_flyway_is(file, "baselineOnMigrate", false, arena))
        return NULL;
    return version ? version : "1";
}

bool rh_flyway_was_baselined(const rh_plan *plan)
{
    for (size_t i = 0; i < plan->migration_count; i++)
        if (plan->migrations[i].skipped == BASELINED)
            return true;
    return false;
}

void rh_flyway_mark_fresh(rh_plan *plan, bool none, rh_arena *arena)
{
    const char *version = none ? rh_flyway_baseline_on_migrate(plan, arena) : NULL;
    leave_out(plan, arena);
    if (!version)
        use_baseline(plan, arena);
    for (size_t i = 0; version && i < plan->migration_count; i++)
        if (!rh_flyway_is_repeatable(&plan->migrations[i]) &&
            rh_flyway_compare(rh_flyway_version(&plan->migrations[i]), version) <= 0)
            plan->migrations[i].skipped = BASELINED;
}
