/* A second database that holds a share of every table's pages, with everything that its rows refer to.
 *
 * Tables first, without indexes and constraints; then the rows that foreign keys point at, until none is
 * missing; then indexes and constraints. Its cost grows with the sample, not with the database.
 */
#include "pgrehearse/base/text.h"
#include "clients.h"
#include "database.h"
#include "server.h"
#include "pgrehearse/staging/staging.h"
#include "embedded/staging.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROUNDS = 500, SHOWN_ERRORS = 5 };

/* One sample in the making. */
typedef struct sampling {
    rh_staging *staging;
    const char *name; /* its database */
    const char *dump; /* schema of the whole, pg_dump's custom format */
    rh_pg *whole, *part;
    rh_text why_not; /* sentences, one a line */
} sampling;

static void complain(sampling *job, const char *what, const char *message)
{
    rh_text_printf(&job->why_not, "%s%s: %s", job->why_not.length ? "\n" : "", what, message);
}

/* Reports and ignores the failure of one object, unless the whole job cannot continue. */
static bool tolerate(sampling *job, const char *what, rh_error *failure, rh_error *error)
{
    bool fatal = failure->code != RH_ERROR_SQL;
    if (fatal && error && !rh_error_is_set(error))
        rh_error_move(error, failure);
    else if (!fatal)
        complain(job, what, failure->message);
    rh_error_release(failure);
    return !fatal;
}

/* ---- schema ---- */

/* The first lines that pg_restore calls errors; what follows each on further lines may hold values, and stays
 * out. */
static void complain_restore(sampling *job, const char *section, const char *errors)
{
    static const char marker[] = "pg_restore: error: ";
    int shown = 0;
    for (const char *line = strstr(errors, marker); line && shown < SHOWN_ERRORS;
         line = strstr(line + 1, marker), shown++) {
        const char *message = line + strlen(marker);
        rh_text one = {0};
        rh_text_append_bytes(&one, message, strcspn(message, "\n"));
        complain(job, section, one.data);
        rh_text_release(&one);
    }
    if (shown == 0)
        complain(job, section, "pg_restore failed and did not say why");
}

static bool dump_schema(sampling *job, rh_error *error)
{
    rh_staging *staging = job->staging;
    const char *directory = rh_clients_directory(staging, error);
    if (!directory)
        return false;
    const char *path = rh_arena_printf(staging->arena, "%s/schema.dump", directory);
    const char *arguments[] = {"--format=custom",
                               "--schema-only",
                               "--no-subscriptions",
                               "--no-sync",
                               rh_arena_printf(staging->arena, "--file=%s", path),
                               NULL};
    rh_text errors = {0};
    int status = 0;
    bool ok =
        rh_clients_run(staging, &staging->pg_dump, staging->database, arguments, &status, &errors, error);
    if (ok && status != 0)
        ok = rh_error_set(error, RH_ERROR_STAGING, "pg_dump of the schema failed: %.*s",
                          (int)strcspn(rh_text_string(&errors), "\n"), rh_text_string(&errors));
    rh_text_release(&errors);
    job->dump = path;
    return ok;
}

static bool restore_section(sampling *job, const char *section, rh_error *error)
{
    rh_staging *staging = job->staging;
    int jobs = staging->scenario->backup.jobs > 0 ? staging->scenario->backup.jobs : 1;
    const char *own = staging->kind == RH_STAGING_SERVER ? "--no-owner" : NULL;
    const char *arguments[] = {rh_arena_printf(staging->arena, "--section=%s", section),
                               rh_arena_printf(staging->arena, "--jobs=%d", jobs),
                               job->dump,
                               own,
                               own ? "--no-privileges" : NULL,
                               NULL};
    rh_text errors = {0};
    int status = 0;
    bool ok = rh_clients_run(staging, &staging->pg_restore, job->name, arguments, &status, &errors, error);
    if (ok && status != 0)
        complain_restore(job, section, rh_text_string(&errors));
    rh_text_release(&errors);
    return ok;
}

/* ---- rows ---- */

static bool copy_tables(sampling *job, double fraction, rh_error *error)
{
    char share[32];
    const char *parameters[] = {share};
    snprintf(share, sizeof share, "%.9f", fraction);
    rh_pg_result *tables = rh_pg_query(job->whole, rh_sql_sample_tables, 1, parameters, error);
    bool ok = tables != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(tables); i++) {
        rh_error failure = {0};
        if (rh_pg_copy_between(job->whole, rh_pg_value(tables, i, 1), job->part, rh_pg_value(tables, i, 2),
                               &failure) < 0)
            ok = tolerate(job, rh_pg_value(tables, i, 0), &failure, error);
    }
    rh_pg_result_free(tables);
    return ok;
}

/* Brings over what foreign key ROW of KEYS lacks; *FETCHED rows. */
static bool follow_key(sampling *job, const rh_pg_result *keys, size_t row, int64_t *fetched, rh_error *error)
{
    const char *missing = rh_pg_value(keys, row, 3), *make_keys = rh_pg_value(keys, row, 4);
    const char *fetch = rh_pg_value(keys, row, 5), *store = rh_pg_value(keys, row, 6);
    rh_error failure = {0};
    *fetched = 0;
    bool ok = rh_pg_execute(job->whole, make_keys, &failure);
    int64_t wanted = ok ? rh_pg_copy_between(job->part, missing, job->whole,
                                             "COPY pg_temp.pgrehearse_keys FROM STDIN", &failure)
                        : -1;
    if (wanted > 0) {
        /* So that the planner knows how few they are, and takes the parent's index. */
        ok = rh_pg_execute(job->whole, "ANALYZE pg_temp.pgrehearse_keys", &failure);
        *fetched = ok ? rh_pg_copy_between(job->whole, fetch, job->part, store, &failure) : -1;
    }
    ok = rh_pg_execute(job->whole, "DROP TABLE IF EXISTS pg_temp.pgrehearse_keys", NULL) && ok &&
         wanted >= 0 && *fetched >= 0;
    return ok || tolerate(job, rh_pg_value(keys, row, 0), &failure, error);
}

void rh_staging_follow(rh_staging *staging, const char *const *statements, size_t count)
{
    staging->added_keys = statements;
    staging->added_key_count = count;
}

/* The foreign keys that there are, and for the time of this transaction those that there will be. */
static rh_pg_result *read_keys(sampling *job, rh_error *error)
{
    const rh_staging *staging = job->staging;
    if (!rh_pg_execute(job->whole, "BEGIN", error))
        return NULL;
    for (size_t i = 0; i < staging->added_key_count; i++)
        if (!rh_pg_executef(job->whole, NULL, "SAVEPOINT key; SET LOCAL search_path TO DEFAULT; %s",
                            staging->added_keys[i]) &&
            !rh_pg_execute(job->whole, "ROLLBACK TO SAVEPOINT key", error))
            return NULL;
    rh_pg_result *keys = rh_pg_execute(job->whole, "SET LOCAL search_path = pg_catalog", error)
                             ? rh_pg_query(job->whole, rh_sql_sample_foreign_keys, 0, NULL, error)
                             : NULL;
    if (rh_pg_execute(job->whole, "ROLLBACK", keys ? error : NULL))
        return keys;
    rh_pg_result_free(keys);
    return NULL;
}

/* Foreign keys whose referencing table got rows, until no row comes any more. */
static bool close_upwards(sampling *job, rh_error *error)
{
    rh_pg_result *keys = read_keys(job, error);
    if (!keys)
        return false;
    size_t count = rh_pg_rows(keys);
    bool *due = rh_alloc((count + 1) * sizeof *due), ok = true, more = true;
    memset(due, true, count);
    int round = 0;
    for (; ok && more && round < MAX_ROUNDS; round++) {
        more = false;
        for (size_t i = 0; ok && i < count; i++) {
            int64_t fetched = 0;
            if (!due[i])
                continue;
            due[i] = false;
            ok = follow_key(job, keys, i, &fetched, error);
            for (size_t j = 0; fetched > 0 && j < count; j++) {
                /* The parents have parents of their own. */
                if (strcmp(rh_pg_value(keys, j, 1), rh_pg_value(keys, i, 2)) == 0)
                    due[j] = more = true;
            }
        }
    }
    if (ok && more)
        complain(job, "foreign keys", "chains of more than 500 rows that refer to one another were cut off");
    free(due);
    rh_pg_result_free(keys);
    return ok;
}

/* Runs every row of QUERY, a list of statements, in the sample. */
static bool run_listed(sampling *job, const char *query, const char *what, rh_error *error)
{
    rh_pg_result *statements = rh_pg_query(job->whole, query, 0, NULL, error);
    bool ok = statements != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(statements); i++) {
        rh_error failure = {0};
        if (!rh_pg_execute(job->part, rh_pg_value(statements, i, 0), &failure))
            ok = tolerate(job, what, &failure, error);
    }
    rh_pg_result_free(statements);
    return ok;
}

static bool refresh_views(sampling *job, rh_error *error)
{
    rh_pg_result *views = rh_pg_query(job->whole, rh_sql_sample_materialized_views, 0, NULL, error);
    bool ok = views != NULL;
    for (size_t i = 0; ok && i < rh_pg_rows(views); i++) {
        rh_error failure = {0};
        if (!rh_pg_executef(job->part, &failure, "REFRESH MATERIALIZED VIEW %s", rh_pg_value(views, i, 0)))
            ok = tolerate(job, rh_pg_value(views, i, 0), &failure, error);
    }
    rh_pg_result_free(views);
    return ok;
}

/* ---- the database ---- */

static bool create_sample_database(sampling *job, rh_error *error)
{
    rh_staging *staging = job->staging;
    if (staging->kind == RH_STAGING_SERVER) {
        if (!rh_server_drop(staging, job->name, error) ||
            !rh_server_create(staging, job->name, "template0", error))
            return false;
    }
    rh_pg *pg = rh_staging_connect(staging, staging->kind == RH_STAGING_EMBEDDED ? "postgres" : job->name,
                                   ": sample", error);
    bool ok = pg != NULL;
    if (ok && staging->kind == RH_STAGING_EMBEDDED)
        rh_database_release(staging, job->name);
    if (ok && staging->kind == RH_STAGING_EMBEDDED)
        ok = rh_pg_executef(pg, error, "DROP DATABASE IF EXISTS %s", job->name) &&
             rh_database_create(staging, pg, job->name, error);
    ok = ok && rh_database_copy_settings(pg, staging->database, job->name, error);
    rh_pg_close(pg);
    return ok;
}

/* The same session settings on both sides: values travel as text, unqualified names must not. */
static bool open_sessions(sampling *job, rh_error *error)
{
    static const char settings[] =
        "SET search_path = pg_catalog; SET datestyle = ISO; SET intervalstyle = postgres; "
        "SET extra_float_digits = 3; SET bytea_output = hex; SET row_security = off; "
        "SET statement_timeout = 0; SET lock_timeout = 0; "
        "SET idle_in_transaction_session_timeout = 0; SET synchronous_commit = off; "
        "SET check_function_bodies = off; SET xmloption = content";
    job->whole = rh_staging_connect(job->staging, job->staging->database, ": sample", error);
    job->part = job->whole ? rh_staging_connect(job->staging, job->name, ": sample", error) : NULL;
    return job->part && rh_pg_execute(job->whole, settings, error) &&
           rh_pg_execute(job->part, settings, error);
}

/* VACUUM marks rows as committed for good only once their commit is on disk; otherwise the first scan of the
 * pass would write every page. A commit that is waited for takes the earlier ones with it, if it has written
 * WAL: an assigned transaction id alone is not waited for. */
static bool flush(sampling *job, rh_error *error)
{
    return rh_pg_execute(job->part, "SET synchronous_commit = local", error) &&
           rh_pg_execute(job->part, "SELECT pg_catalog.pg_logical_emit_message(true, 'pgrehearse', '')",
                         error);
}

static bool make_sample(sampling *job, double fraction, rh_error *error)
{
    return create_sample_database(job, error) && dump_schema(job, error) &&
           restore_section(job, "pre-data", error) && open_sessions(job, error) &&
           copy_tables(job, fraction, error) && close_upwards(job, error) &&
           run_listed(job, rh_sql_sample_sequences, "sequences", error) &&
           restore_section(job, "post-data", error) && refresh_views(job, error) && flush(job, error) &&
           rh_pg_execute(job->part, "VACUUM (ANALYZE)", error);
}

bool rh_staging_sample(rh_staging *staging, double fraction, rh_arena *arena, const char **why_not,
                       rh_error *error)
{
    sampling job = {.staging = staging, .name = rh_staging_sample_name(staging)};
    *why_not = NULL;
    bool ok = rh_staging_unscale(staging, error) && make_sample(&job, fraction, error);
    /* What the sample wrote would otherwise be written during the pass. */
    if (ok && staging->kind == RH_STAGING_EMBEDDED)
        ok = rh_pg_execute(job.part, "CHECKPOINT", error);
    rh_pg_close(job.whole);
    rh_pg_close(job.part);
    if (job.why_not.length)
        *why_not = rh_arena_strdup(arena, job.why_not.data);
    rh_text_release(&job.why_not);
    if (ok)
        rh_staging_use(staging, job.name);
    else
        rh_error_context(error, "the sample of 1/%.0f of the pages could not be made", 1 / fraction);
    return ok;
}
