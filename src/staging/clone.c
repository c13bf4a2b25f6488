#include "clone.h"
#include "database.h"
#include "server.h"
#include "embedded/staging.h"
#include <string.h>

/* The comment that its owner gives the clone, which production's database never has. */
static const char MARK[] = "pgrehearse clone";

static bool refuse(rh_staging *staging, const char *clone, rh_error *error)
{
    const char *name = rh_identifier(clone, staging->arena);
    return rh_server_refuse(
        staging,
        rh_arena_printf(staging->arena, "the database %s has no mark that says that it is a clone", name),
        rh_arena_printf(
            staging->arena,
            "if it is not production's, mark it behind the branching: COMMENT ON DATABASE %s IS '%s'", name,
            MARK),
        error);
}

static bool fail_without(rh_staging *staging, const char *clone, rh_error *error)
{
    const rh_location *where = &staging->scenario->backup.where;
    rh_error_set(error, RH_ERROR_BACKUP, "backup.clone: the server of staging.url has no database \"%s\"",
                 clone);
    rh_error_hint(error, "is it spelled as there, in the same case and without quotes?");
    return rh_error_at(error, where->file, where->line, where->column);
}

static bool check_mark(rh_staging *staging, const char *clone, rh_error *error)
{
    rh_pg_result *found = rh_pg_query(staging->borrowed.lease, rh_sql_database_mark, 1, &clone, error);
    if (!found)
        return false;
    const bool exists = rh_pg_rows(found) > 0;
    const char *comment = exists ? rh_pg_value(found, 0, 0) : NULL;
    const bool marked = comment && strcmp(comment, MARK) == 0;
    rh_pg_result_free(found);
    if (!exists)
        return fail_without(staging, clone, error);
    return marked || refuse(staging, clone, error);
}

/* So that our own sessions do without the settings that would disturb them; and the owner. */
static bool read_origin(rh_staging *staging, const char *clone, rh_arena *arena, rh_error *error)
{
    rh_database_facts *origin = staging->origin;
    rh_pg_result *rows = rh_pg_query(staging->borrowed.lease, rh_sql_clone_settings, 1, &clone, error);
    *origin = (rh_database_facts){.created = true, .name = clone};
    for (size_t i = 0; rows && i < rh_pg_rows(rows); i++) {
        origin->owner = rh_arena_strdup(arena, rh_pg_value(rows, i, 0));
        if (!rh_pg_value(rows, i, 1))
            continue;
        *rh_arena_add(arena, &origin->settings, &origin->setting_count) =
            (rh_database_setting){.name = rh_arena_strdup(arena, rh_pg_value(rows, i, 1)),
                                  .value = rh_arena_strdup(arena, rh_pg_value(rows, i, 2))};
    }
    rh_pg_result_free(rows);
    return rows != NULL;
}

/* Its sessions are not ours to end. */
static bool explain(const char *clone, rh_error *error)
{
    rh_error_context(error, "the clone %s cannot be copied", clone);
    if (error && strcmp(error->sqlstate, "55006") == 0)
        rh_error_hint(error,
                      "CREATE DATABASE … TEMPLATE needs it without sessions: end them, or ALTER DATABASE … "
                      "ALLOW_CONNECTIONS false");
    else if (error && strcmp(error->sqlstate, "42501") == 0)
        rh_error_hint(error,
                      "the role of staging.url must own it, or it must be a template: ALTER DATABASE … "
                      "IS_TEMPLATE true");
    return false;
}

bool rh_clone_read(rh_staging *staging, rh_arena *arena, rh_error *error)
{
    staging->borrowed.clone = staging->scenario->backup.clone;
    return check_mark(staging, staging->borrowed.clone, error) &&
           read_origin(staging, staging->borrowed.clone, arena, error);
}

bool rh_clone_copy(rh_staging *staging, rh_error *error)
{
    const char *clone = staging->borrowed.clone;
    if (!check_mark(staging, clone, error))
        return false;
    if (!rh_server_create(staging, staging->database, clone, error))
        return explain(clone, error);
    return rh_database_copy_settings(staging->borrowed.lease, clone, staging->database, error);
}
