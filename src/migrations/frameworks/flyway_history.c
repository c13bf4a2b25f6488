/* What Flyway's history table says of the folder, and what Flyway refuses to go on from
 * (internal/info/MigrationInfoImpl.java, validate). */
#include "flyway.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct history_columns {
    int rank, version, description, type, checksum, success;
} history_columns;

typedef struct applied {
    const char *version, *description, *type, *checksum;
    bool success;
} applied;

/* "add_index" as the history has it. */
static bool same_description(const char *name, const char *description)
{
    for (; *name && *description; name++, description++)
        if ((*name == '_' ? ' ' : *name) != *description)
            return false;
    return *name == *description || strcmp(description, "<< no Flyway description >>") == 0;
}

/* The row that counts for MIGRATION: the last by rank. */
static bool find_applied(const rh_rows *history, const history_columns *at, const rh_migration *migration,
                         applied *found)
{
    long best = -1;
    for (size_t i = 0; i < history->row_count; i++) {
        const char *const *row = history->rows[i];
        long rank = row[at->rank] ? strtol(row[at->rank], NULL, 10) : 0;
        const bool fits =
            rh_flyway_is_repeatable(migration)
                ? !row[at->version] && row[at->description] &&
                      same_description(migration->name, row[at->description])
                : row[at->version] && rh_flyway_compare(row[at->version], rh_flyway_version(migration)) == 0;
        if (!fits || rank < best || (row[at->type] && strcmp(row[at->type], "BASELINE") == 0))
            continue;
        best = rank;
        *found = (applied){.version = row[at->version],
                           .description = row[at->description] ? row[at->description] : "",
                           .type = row[at->type] ? row[at->type] : "",
                           .checksum = row[at->checksum],
                           .success = row[at->success] && strchr("t1", *row[at->success])};
    }
    return best >= 0;
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

/* MigrationInfoImpl.validate for a version that is applied. */
static bool validate(const rh_migration *migration, const applied *row, rh_error *error)
{
    int32_t checksum;
    if (row->checksum && rh_flyway_checksum(migration->up.file, false, &checksum) &&
        strtol(row->checksum, NULL, 10) != checksum)
        return refuse(
            migration, error, "Take the file as it was applied, or repair production's history first.",
            "checksum mismatch for migration version %s: %s in the backup, %" PRId32 " in the folder",
            rh_flyway_version(migration), row->checksum, checksum);
    if (!same_description(migration->name, row->description))
        return refuse(migration, error, "Give the file its old name, or repair production's history first.",
                      "description mismatch for migration version %s: \"%s\" in the backup",
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

static bool check_failed(const rh_rows *history, const history_columns *at, rh_error *error)
{
    for (size_t i = 0; i < history->row_count; i++) {
        const char *success = history->rows[i][at->success];
        if (success && !strchr("t1", *success))
            return refuse(NULL, error,
                          "Clean up and run `flyway repair` on production, then take a new backup.",
                          "the backup has a failed migration to version %s (%s)",
                          history->rows[i][at->version] ? history->rows[i][at->version] : "-",
                          history->rows[i][at->description] ? history->rows[i][at->description] : "");
    }
    return true;
}

/* The highest version applied, and the baseline's; NULL: none. */
static void find_levels(const rh_rows *history, const history_columns *at, const char **highest,
                        const char **baseline)
{
    *highest = *baseline = NULL;
    for (size_t i = 0; i < history->row_count; i++) {
        const char *version = history->rows[i][at->version], *type = history->rows[i][at->type];
        if (!version)
            continue;
        if (!*highest || rh_flyway_compare(version, *highest) > 0)
            *highest = version;
        if (type && (strcmp(type, "BASELINE") == 0 || strcmp(type, "SQL_BASELINE") == 0) &&
            (!*baseline || rh_flyway_compare(version, *baseline) > 0))
            *baseline = version;
    }
}

static bool mark_one(const rh_rows *history, const history_columns *at, const char *highest,
                     const char *baseline, rh_migration *migration, rh_arena *arena, rh_error *error)
{
    applied row = {0};
    const bool found = find_applied(history, at, migration, &row);
    if (rh_flyway_is_repeatable(migration)) {
        migration->applied_in_backup = found && repeatable_is_current(migration, &row);
        return true;
    }
    if (rh_flyway_is_baseline(migration)) {
        migration->applied_in_backup = found && strcmp(row.type, "SQL_BASELINE") == 0;
        migration->skipped = migration->applied_in_backup ? NULL : "the database has a history already";
        return true;
    }
    if (baseline && rh_flyway_compare(rh_flyway_version(migration), baseline) <= 0) {
        migration->applied_in_backup = found && strcmp(row.type, "SQL") == 0;
        migration->skipped = migration->applied_in_backup
                                 ? NULL
                                 : rh_arena_printf(arena, "it is not above the baseline %s", baseline);
        return true;
    }
    if (found && strncmp(row.type, "UNDO", 4) != 0 && strcmp(row.type, "DELETE") != 0) {
        migration->applied_in_backup = true;
        return migration->not_sql || validate(migration, &row, error);
    }
    const char *any = migration->up.file ? rh_flyway_setting(migration->up.file, "outOfOrder", arena) : NULL;
    if (!found && highest && rh_flyway_compare(rh_flyway_version(migration), highest) < 0 &&
        (!any || strcmp(any, "true") != 0))
        return refuse(migration, error,
                      "Give it a higher version, or set flyway.outOfOrder=true in flyway.conf.",
                      "version %s is not applied in the backup, which is at %s already",
                      rh_flyway_version(migration), highest);
    return true;
}

/* Every applied version must be in the folder, but for those above its highest. */
static bool check_missing(const rh_rows *history, const history_columns *at, const rh_plan *plan,
                          rh_error *error)
{
    for (size_t i = 0; i < history->row_count; i++) {
        const char *version = history->rows[i][at->version], *type = history->rows[i][at->type];
        bool here = false, above = true;
        for (size_t m = 0; version && m < plan->migration_count; m++) {
            if (rh_flyway_is_repeatable(&plan->migrations[m]))
                continue;
            int order = rh_flyway_compare(version, rh_flyway_version(&plan->migrations[m]));
            here |= order == 0;
            above &= order > 0;
        }
        if (version && !here && !above && type && (strcmp(type, "SQL") == 0 || strcmp(type, "JDBC") == 0))
            return refuse(NULL, error, "Take the folder and the backup from the same state.",
                          "version %s is applied in the backup and not in the folder", version);
    }
    return true;
}

bool rh_flyway_mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const history_columns at = {.rank = rh_history_column(history, "installed_rank"),
                                .version = rh_history_column(history, "version"),
                                .description = rh_history_column(history, "description"),
                                .type = rh_history_column(history, "type"),
                                .checksum = rh_history_column(history, "checksum"),
                                .success = rh_history_column(history, "success")};
    if (at.rank < 0 || at.version < 0 || at.description < 0 || at.type < 0 || at.checksum < 0 ||
        at.success < 0)
        return rh_history_not_of(RH_FLYWAY_TABLE, "Flyway", "it lacks a column of that tool's", error);
    const char *highest, *baseline;
    find_levels(history, &at, &highest, &baseline);
    if (!check_failed(history, &at, error) || !check_missing(history, &at, plan, error))
        return false;
    for (size_t i = 0; i < plan->migration_count; i++)
        if (!mark_one(history, &at, highest, baseline, &plan->migrations[i], arena, error))
            return false;
    return true;
}

/* On an empty database the highest baseline stands for all versions up to it. */
void rh_flyway_mark_fresh(rh_plan *plan, rh_arena *arena)
{
    const rh_migration *baseline = NULL;
    for (size_t i = 0; i < plan->migration_count; i++)
        if (rh_flyway_is_baseline(&plan->migrations[i]))
            baseline = &plan->migrations[i];
    for (size_t i = 0; baseline && i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        if (migration != baseline && !rh_flyway_is_repeatable(migration) &&
            rh_flyway_compare(rh_flyway_version(migration), rh_flyway_version(baseline)) <= 0)
            migration->skipped = rh_arena_printf(arena, "the baseline %s stands for it", baseline->id);
    }
}
