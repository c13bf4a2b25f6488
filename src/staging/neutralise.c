/* Disables what a restored database would do by itself: subscriptions, scheduled jobs, foreign servers. */
#include "pgrehearse/base/text.h"
#include "adopt.h"
#include "database.h"
#include "isolation.h"
#include "embedded/staging.h"
#include <stdlib.h>

/* Runs COMMANDS, a query whose rows are (statement, sentence), one after the other. */
static bool apply(rh_staging *staging, rh_pg *pg, const char *commands, rh_error *error)
{
    rh_pg_result *result = rh_pg_query(pg, commands, 0, NULL, error);
    bool ok = result != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(result); i++) {
        const char *statement = rh_pg_value(result, i, 0);
        ok = !statement || rh_pg_execute(pg, statement, error);
        if (ok)
            rh_staging_note(staging, "%s", rh_pg_value(result, i, 1));
    }
    rh_pg_result_free(result);
    return ok;
}

/* Settings of roles and databases, from the backup, that a rehearsal must not have. */
static bool reset_settings(rh_staging *staging, rh_pg *pg, rh_error *error)
{
    rh_pg_result *result = rh_pg_query(pg, rh_sql_neutralise_settings, 0, NULL, error);
    bool ok = result != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(result); i++) {
        const char *why = rh_database_refusal(rh_pg_value(result, i, 0), rh_pg_value(result, i, 1));
        if (!why)
            continue;
        ok = rh_pg_execute(pg, rh_pg_value(result, i, 2), error);
        if (ok && *why)
            rh_staging_note(staging, "%s: %s", rh_pg_value(result, i, 3), why);
    }
    rh_pg_result_free(result);
    return ok;
}

static bool neutralise(rh_staging *staging, const char *database, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, database, ": neutralise", error);
    bool ok = pg && apply(staging, pg, rh_sql_neutralise_subscriptions, error) &&
              apply(staging, pg, rh_sql_neutralise_jobs, error) &&
              (staging->kind == RH_STAGING_SERVER || reset_settings(staging, pg, error)) &&
              apply(staging, pg,
                    rh_isolation_denies_connections(&staging->isolation) ? rh_sql_list_foreign_servers
                                                                         : rh_sql_neutralise_foreign_servers,
                    error);
    rh_pg_close(pg);
    return ok;
}

/* A physical copy has all databases of production's server. The locks of prepared transactions go first. */
static bool neutralise_all(rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, "postgres", ": neutralise", error);
    rh_pg_result *list =
        pg ? rh_pg_query(pg, "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn", 0, NULL, error)
           : NULL;
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(list); i++)
        ok = rh_copy_end_prepared(staging, rh_pg_value(list, i, 0), error);
    for (size_t i = 0; ok && i < rh_pg_rows(list); i++)
        ok = neutralise(staging, rh_pg_value(list, i, 0), error);
    rh_pg_result_free(list);
    rh_pg_close(pg);
    return ok;
}

bool rh_staging_neutralise(rh_staging *staging, rh_error *error)
{
    bool ok = staging->copy ? neutralise_all(staging, error) : neutralise(staging, staging->database, error);
    return ok || rh_error_context(error, "the restored database could not be made harmless");
}
