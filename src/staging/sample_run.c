/* A sample as a pass runs on it: a fresh copy, cold shared buffers, and memory in proportion.
 *
 * What makes large tables slower than small ones beyond their size is mostly what they outgrow: shared
 * buffers, the memory of a sort, the sizes at which the planner takes more workers or another plan. A sample
 * with all of the server's memory outgrows none of it. With memory cut to the same fraction it is in the same
 * regime as the whole (the similarity of model experiments), as far as the settings go down: shared_buffers
 * to 1 MB, maintenance_work_mem to its least value.
 */
#include "pgrehearse/adapters/files.h"
#include "database.h"
#include "embedded.h"
#include "server.h"
#include "settings.h"
#include "snapshot.h"
#include "embedded/staging.h"
#include <stdio.h>
#include <string.h>

/* The database of a physical copy has production's name. */
static const char *own_prefix(const rh_staging *staging)
{
    return staging->copy ? "pgrehearse" : staging->database;
}

const char *rh_staging_sample_name(rh_staging *staging)
{
    return rh_arena_printf(staging->arena, "%s_sample", own_prefix(staging));
}

const char *rh_staging_scaled_name(rh_staging *staging)
{
    return rh_arena_printf(staging->arena, "%s_scaled", own_prefix(staging));
}

bool rh_staging_unscale(rh_staging *staging, rh_error *error)
{
    if (!staging->scaled_settings)
        return true;
    staging->scaled_settings = NULL;
    return rh_embedded_halt(staging, true, error) && rh_settings_write(staging, RH_SETTINGS_TIMED, error) &&
           rh_embedded_run(staging, error);
}

/* FILES: as files, without WAL, which a checkpoint before and behind makes safe. */
static bool copy_sample(rh_staging *staging, const char *name, bool files, rh_error *error)
{
    const char *from = rh_staging_sample_name(staging);
    rh_staging_use(staging, staging->database);
    if (staging->kind == RH_STAGING_SERVER)
        return rh_server_drop(staging, name, error) && rh_server_create(staging, name, from, error);
    rh_database_release(staging, name);
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": sample", error);
    bool ok = pg && rh_pg_executef(pg, error, "DROP DATABASE IF EXISTS %s", name) &&
              rh_pg_executef(pg, error, "CREATE DATABASE %s TEMPLATE %s%s", name, from,
                             staging->major >= 15 && files ? " STRATEGY file_copy" : "");
    rh_pg_close(pg);
    return ok;
}

/* Settings of the rehearsed database, and then the scaled ones: for NAME as far as a database may have them;
 * all of them in *CONF, for a server that is ours. */
static bool put_settings(rh_staging *staging, const char *name, double fraction, rh_text *conf,
                         rh_error *error)
{
    char share[32];
    const char *shares[] = {share};
    snprintf(share, sizeof share, "%.9f", fraction);
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": sample", error);
    bool ok = pg && rh_database_copy_settings(pg, staging->database, name, error);
    rh_pg_result *scaled = ok ? rh_pg_query(pg, rh_sql_scaled_settings, 1, shares, error) : NULL;
    ok = scaled != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(scaled); i++) {
        const char *setting = rh_pg_value(scaled, i, 0), *value = rh_pg_value(scaled, i, 1);
        rh_text_printf(conf, "%s = '%s'\n", setting, value);
        if (staging->kind == RH_STAGING_SERVER && strcmp(rh_pg_value(scaled, i, 2), "t") == 0)
            ok = rh_pg_executef(pg, error, "ALTER DATABASE %s SET %s = '%s'", name, setting, value);
    }
    rh_pg_result_free(scaled);
    rh_pg_close(pg);
    return ok;
}

/* Down with a checkpoint, and up again with nothing in shared buffers. */
static bool restart(rh_staging *staging, const char *conf, rh_error *error)
{
    if (!rh_embedded_halt(staging, true, error))
        return false;
    if (!staging->scaled_settings) {
        staging->scaled_settings = rh_arena_strdup(staging->arena, conf);
        if (!rh_settings_write(staging, RH_SETTINGS_TIMED, error))
            return false;
    }
    rh_snapshot_sync(staging);
    return rh_embedded_run(staging, error);
}

/* A first connection, so that the migration's is not the one that fills the catalog caches. */
static bool connect_once(rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(staging), ": sample", error);
    rh_pg_close(pg);
    return pg != NULL;
}

bool rh_staging_sample_run(rh_staging *staging, double fraction, rh_error *error)
{
    const char *name = rh_staging_scaled_name(staging);
    rh_text conf = {0};
    bool ok = copy_sample(staging, name, true, error) && put_settings(staging, name, fraction, &conf, error);
    if (ok && staging->kind == RH_STAGING_EMBEDDED)
        ok = restart(staging, rh_text_string(&conf), error);
    rh_text_release(&conf);
    rh_staging_use(staging, ok ? name : staging->database);
    return ok && connect_once(staging, error);
}

bool rh_staging_sample_copy(rh_staging *staging, rh_error *error)
{
    const char *name = rh_staging_scaled_name(staging);
    const bool ok = rh_staging_unscale(staging, error) && copy_sample(staging, name, false, error);
    rh_pg *pg = ok ? rh_staging_connect(staging, staging->database, ": sample", error) : NULL;
    const bool set = pg && rh_database_copy_settings(pg, staging->database, name, error);
    rh_pg_close(pg);
    rh_staging_use(staging, set ? name : staging->database);
    return set;
}
