/* Staging databases on a given server. Each carries a mark in its comment; none without it is changed.
 *
 * The mark is "pgrehearse <id> lock <key>". While the run lives, one of its sessions holds the advisory lock
 * (CLASS, key), which pg_locks shows in every database of the server; so the next run can tell what a dead
 * one left.
 */
#include "server.h"
#include "clients.h"
#include "clone.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "database.h"
#include "settings.h"
#include "embedded/staging.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first key of our advisory locks: "pgrh". Also in sql/leftover_databases.sql. */
enum { LOCK_CLASS = 0x70677268 };

static const char *mark_of(rh_staging *staging)
{
    return rh_arena_printf(staging->arena, "pgrehearse %s lock %d", staging->id, staging->borrowed.lock_key);
}

/* Sets the comment of database NAME. */
static bool write_mark(rh_staging *staging, const char *name, const char *mark, rh_error *error)
{
    return rh_pg_executef(staging->borrowed.lease, error, "COMMENT ON DATABASE %s IS '%s'", name, mark);
}

bool rh_server_refuse(rh_staging *staging, const char *why, const char *hint, rh_error *error)
{
    const rh_location *where = &staging->scenario->staging.where;
    rh_error_set(error, RH_ERROR_REFUSED, "staging.url: %s", why);
    rh_error_hint(error, "%s", hint);
    return rh_error_at(error, where->file, where->line, where->column);
}

static bool guard(rh_staging *staging, int minimum_major, rh_error *error)
{
    rh_pg *lease = staging->borrowed.lease;
    rh_pg_result *facts = rh_pg_query(lease, rh_sql_server_guard, 0, NULL, error);
    if (!facts)
        return false;
    bool in_recovery = rh_pg_bool(facts, 0, 0), may_create = rh_pg_bool(facts, 0, 1);
    rh_pg_result_free(facts);
    if (in_recovery)
        return rh_server_refuse(staging, "the server is a standby (in recovery)",
                                "name a server of your own for staging", error);
    if (!may_create)
        return rh_server_refuse(staging, "the role may not create databases",
                                "ALTER ROLE … CREATEDB, or name another role in the URL", error);
    staging->major = rh_pg_server_version(lease) / 10000;
    if (staging->major < minimum_major) {
        rh_error_set(error, RH_ERROR_BACKUP,
                     "the backup needs PostgreSQL %d; the server of staging.url is %d", minimum_major,
                     staging->major);
        return rh_error_hint(error, "name a server of version %d or newer, or use staging.kind: embedded",
                             minimum_major);
    }
    return true;
}

static bool take_lease(rh_staging *staging, rh_error *error)
{
    staging->borrowed.lock_key = (int32_t)strtol(staging->id, NULL, 16);
    return rh_pg_executef(staging->borrowed.lease, error, "SELECT pg_advisory_lock(%d, %d)", LOCK_CLASS,
                          staging->borrowed.lock_key);
}

/* Marked databases whose lock no session holds. One that cannot be dropped is reported, not fatal: it is not
 * in our way. */
static bool clear_leftovers(rh_staging *staging, rh_error *error)
{
    rh_pg_result *dead = rh_pg_query(staging->borrowed.lease, rh_sql_leftover_databases, 0, NULL, error);
    if (!dead)
        return false;
    for (size_t i = 0; i < rh_pg_rows(dead); i++) {
        rh_error failure = {0};
        const char *name = rh_pg_value(dead, i, 0);
        rh_database_release(staging, name);
        if (rh_pg_executef(staging->borrowed.lease, &failure, "DROP DATABASE IF EXISTS %s", name))
            rh_progress_note(staging->progress, "staging",
                             "removed the database %s that a killed run had left", name);
        else
            rh_progress_note(staging->progress, "staging",
                             "the database %s of a killed run could not be removed: %s", name,
                             failure.message);
        rh_error_release(&failure);
    }
    rh_pg_result_free(dead);
    return true;
}

bool rh_server_create(rh_staging *staging, const char *name, const char *template_name, rh_error *error)
{
    /* Copying files beats copying through the WAL, which is what 15 does by default, as soon as it is more
     * than a few MB. */
    const char *strategy = staging->major >= 15 ? " STRATEGY file_copy" : "";
    rh_pg *lease = staging->borrowed.lease;
    bool empty = strcmp(template_name, "template0") == 0;
    bool ok = empty ? rh_database_create(staging, lease, name, error)
                    : rh_pg_executef(lease, error, "CREATE DATABASE %s TEMPLATE %s%s", name,
                                     rh_identifier(template_name, staging->arena), strategy);
    return ok && write_mark(staging, name, mark_of(staging), error);
}

bool rh_server_drop(rh_staging *staging, const char *name, rh_error *error)
{
    rh_pg_result *found = rh_pg_query(staging->borrowed.lease, rh_sql_database_mark, 1, &name, error);
    if (!found)
        return false;
    bool exists = rh_pg_rows(found) > 0;
    const char *mark = exists ? rh_pg_value(found, 0, 0) : NULL;
    bool ours = mark && strcmp(mark, mark_of(staging)) == 0;
    rh_pg_result_free(found);
    if (exists && !ours)
        return rh_error_set(error, RH_ERROR_REFUSED,
                            "the database %s does not carry this run's mark any more", name);
    if (!exists)
        return true;
    rh_database_release(staging, name);
    if (staging->major >= 13)
        return rh_pg_executef(staging->borrowed.lease, error, "DROP DATABASE %s WITH (FORCE)", name);
    return rh_pg_executef(staging->borrowed.lease, error,
                          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'",
                          name) &&
           rh_pg_executef(staging->borrowed.lease, error, "DROP DATABASE %s", name);
}

static void note_limits(rh_staging *staging)
{
    rh_staging_note(staging,
                    "the given server is not confined: its own network access, archiving and preloaded "
                    "extensions are as its owner set them");
    if (staging->scenario->staging.setting_count > 0)
        rh_staging_note(staging, "production's settings are not applied: a given server keeps its own");
}

static bool make_database(rh_staging *staging, const rh_staging_request *request, rh_error *error)
{
    if (request->scenario->backup.clone)
        return rh_clone_read(staging, request->arena, error) && rh_clone_copy(staging, error);
    return rh_server_create(staging, staging->database, "template0", error) &&
           rh_database_settings(staging, staging->borrowed.lease, error);
}

bool rh_server_start(rh_staging *staging, const rh_staging_request *request, rh_error *error)
{
    rh_pg_forget_environment(false);
    staging->isolation.why_not = "pgrehearse cannot confine a given server";
    const rh_scenario *scenario = staging->scenario;
    staging->borrowed.url = scenario->staging.url;
    staging->phase = RH_SETTINGS_TIMED;
    staging->bindir = scenario->staging.bindir;
    staging->borrowed.lease = rh_pg_connect(scenario->staging.url, ": lease", error);
    if (!staging->borrowed.lease) {
        rh_error_context(error, "staging.url");
        return rh_error_at(error, scenario->staging.where.file, scenario->staging.where.line,
                           scenario->staging.where.column);
    }
    if (!guard(staging, request->minimum_major, error) ||
        !rh_clients_choose(staging, request->minimum_major, error) || !take_lease(staging, error) ||
        !clear_leftovers(staging, error))
        return false;
    staging->database = rh_arena_printf(staging->arena, "pgrehearse_%s", staging->id);
    if (!make_database(staging, request, error))
        return false;
    rh_staging_use(staging, staging->database);
    note_limits(staging);
    return rh_settings_record(staging, error);
}

bool rh_server_snapshot(rh_staging *staging, rh_error *error)
{
    const char *name = rh_arena_printf(staging->arena, "%s_snapshot", staging->database);
    const char *clone = staging->borrowed.clone;
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": settle", error);
    bool ok =
        pg && (clone || rh_pg_execute(pg, "VACUUM", error)) &&
        rh_pg_query_int(pg, "SELECT pg_database_size(current_database())", &staging->snapshot_bytes, error);
    rh_pg_close(pg);
    bool as_cloned = clone && staging->scenario->prepare_count == 0;
    if (ok && as_cloned) {
        staging->borrowed.snapshot = clone;
        staging->reset_method = "template database";
        return true;
    }
    if (!ok || !rh_server_drop(staging, name, error) ||
        !rh_server_create(staging, name, staging->database, error) ||
        !rh_database_copy_settings(staging->borrowed.lease, staging->database, name, error))
        return false;
    staging->borrowed.snapshot = name;
    staging->reset_method = "template database";
    return true;
}

bool rh_server_reset(rh_staging *staging, rh_error *error)
{
    if (!staging->borrowed.snapshot)
        return rh_error_set(error, RH_ERROR_INTERNAL, "a reset before the snapshot");
    bool sampled = staging->sample != NULL;
    rh_staging_use(staging, staging->database);
    if (sampled && (!rh_server_drop(staging, rh_staging_scaled_name(staging), error) ||
                    !rh_server_drop(staging, rh_staging_sample_name(staging), error)))
        return false;
    const char *from = staging->borrowed.snapshot, *clone = staging->borrowed.clone;
    if (!rh_server_drop(staging, staging->database, error))
        return false;
    if (from == clone
            ? !rh_clone_copy(staging, error) || !rh_staging_neutralise(staging, error)
            : !rh_server_create(staging, staging->database, from, error) ||
                  !rh_database_copy_settings(staging->borrowed.lease, from, staging->database, error))
        return false;
    /* A first connection, so that the migration's is not the one that fills the catalog caches. */
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": reset", error);
    rh_pg_close(pg);
    return pg != NULL;
}

bool rh_server_alive(rh_staging *staging, rh_error *error)
{
    rh_error lost = {0};
    if (staging->borrowed.lease && rh_pg_execute(staging->borrowed.lease, "SELECT 1", &lost))
        return true;
    rh_error_set(error, RH_ERROR_STAGING, "the connection to the staging server is lost: %s",
                 lost.message ? lost.message : "");
    rh_error_hint(error, "the next run on that server removes what this one leaves there");
    rh_error_release(&lost);
    return false;
}

void rh_server_free(rh_staging *staging, bool keep)
{
    rh_given_server *borrowed = &staging->borrowed;
    if (borrowed->lease && staging->database && !keep) {
        rh_server_drop(staging, rh_staging_scaled_name(staging), NULL);
        rh_server_drop(staging, rh_staging_sample_name(staging), NULL);
        rh_server_drop(staging, staging->database, NULL);
        rh_server_drop(staging, rh_arena_printf(staging->arena, "%s_snapshot", staging->database), NULL);
    } else if (borrowed->lease && staging->database) {
        write_mark(staging, staging->database, "pgrehearse kept", NULL);
        if (borrowed->snapshot && borrowed->snapshot != borrowed->clone)
            rh_server_drop(staging, borrowed->snapshot, NULL);
    }
    if (borrowed->work)
        rh_tree_remove(borrowed->work, NULL);
    rh_pg_close(borrowed->lease);
    borrowed->lease = NULL;
}
