/* The roles of sessions on staging. */
#include "pgrehearse/base/text.h"
#include "database.h"
#include "embedded/staging.h"
#include <stdlib.h>
#include <string.h>

/* "-c role=NAME", escaped as libpq's options are. */
static void put_role(rh_text *options, const char *role)
{
    rh_text_printf(options, "%s-c role=", options->length ? " " : "");
    for (; *role; role++) {
        if (strchr(" \t\n\r\f\v\\", *role))
            rh_text_append_char(options, '\\');
        rh_text_append_char(options, *role);
    }
}

static const char *given_conninfo(rh_staging *staging, const char *database, const char *role,
                                  const char *options)
{
    const char *url = staging->borrowed.url;
    char *of_url = rh_pg_conninfo_value(url, "options");
    rh_text all = {0};
    if (of_url)
        rh_text_append(&all, of_url);
    if (options)
        rh_text_printf(&all, "%s%s", all.length ? " " : "", options);
    if (role)
        put_role(&all, role);
    const char *keys[] = {"dbname", "options"}, *values[] = {database, all.data};
    char *with = rh_pg_conninfo_with(url, all.length ? 2 : 1, keys, values, NULL);
    const char *copy = rh_arena_strdup(staging->arena, with);
    free(of_url);
    free(with);
    rh_text_release(&all);
    return copy;
}

const char *rh_staging_conninfo_as(rh_staging *staging, const char *database, const char *role,
                                   const char *options)
{
    if (staging->kind == RH_STAGING_SERVER)
        return given_conninfo(staging, database, role, options);
    const char *keys[] = {"dbname", "host", "port", "user", "options"};
    const char *values[] = {database, staging->cluster.socket, "5432", role ? role : RH_OWN_ROLE, options};
    char *with = rh_pg_conninfo_with("", 5, keys, values, NULL);
    const char *copy = rh_arena_strdup(staging->arena, with);
    free(with);
    return copy;
}

const char *rh_staging_migrations_conninfo(const rh_staging *staging)
{
    return staging->migrations_conninfo;
}

const char *rh_staging_workload_conninfo(const rh_staging *staging)
{
    return staging->workload_conninfo;
}

void rh_staging_use_roles(rh_staging *staging, const char *migrations, const char *workload)
{
    staging->migrations_role = rh_arena_strdup(staging->arena, migrations);
    staging->workload_role = rh_arena_strdup(staging->arena, workload);
    rh_staging_use(staging, staging->sample ? staging->sample : staging->database);
}

const char *rh_staging_own_role(const rh_staging *staging)
{
    return staging->kind == RH_STAGING_EMBEDDED ? RH_OWN_ROLE : rh_pg_user(staging->borrowed.lease);
}

/* The cluster is ours, and trusts whoever reaches its socket. */
static bool let_in(rh_staging *staging, rh_pg *pg, const char *role, bool may_connect, rh_error *error)
{
    char *quoted = rh_quote_identifier(role), *database = rh_quote_identifier(staging->database);
    bool ok =
        rh_pg_executef(pg, error, "ALTER ROLE %s LOGIN CONNECTION LIMIT -1", quoted) &&
        (may_connect || rh_pg_executef(pg, error, "GRANT CONNECT ON DATABASE %s TO %s", database, quoted));
    free(database);
    free(quoted);
    return ok;
}

bool rh_staging_allow_role(rh_staging *staging, const char *role, rh_admission *admission, bool *superuser,
                           rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": roles", error);
    rh_pg_result *row = pg ? rh_pg_query(pg, rh_sql_role, 1, &role, error) : NULL;
    bool ok = row != NULL, exists = ok && rh_pg_rows(row) == 1;
    *admission = RH_ADMISSION_NONE;
    *superuser = exists && rh_pg_bool(row, 0, 0);
    if (exists && staging->kind == RH_STAGING_SERVER) {
        *admission = rh_pg_bool(row, 0, 2) ? RH_ADMITTED : RH_ADMISSION_DENIED;
    } else if (exists) {
        bool may_connect = rh_pg_bool(row, 0, 1);
        *admission = may_connect ? RH_ADMITTED : RH_ADMITTED_LATER;
        ok = let_in(staging, pg, role, may_connect, error);
    }
    rh_pg_result_free(row);
    rh_pg_close(pg);
    return ok;
}

const char *rh_staging_database(const rh_staging *staging)
{
    return staging->database;
}
