#include "roles.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/workload/workload.h"
#include "embedded/rehearsal.h"
#include "steps.h"
#include <stdlib.h>
#include <string.h>

/* ---- candidates ---- */

static bool find_migrations_role(rh_run *run, rh_staging *staging, rh_pg *pg, rh_session_role *role,
                                 rh_error *error)
{
    char *table = run->plan.history_table ? rh_history_quoted(run->plan.history_table) : NULL;
    const char *owner = run->backup.database.owner;
    const char *parameters[] = {table, owner, rh_staging_own_role(staging)};
    rh_pg_result *row = rh_pg_query(pg, rh_sql_migrations_roles, 3, parameters, error);
    if (row && rh_pg_rows(row) == 1) {
        int64_t rank = rh_pg_int(row, 0, 0, 0);
        role->name = rh_arena_strdup(run->arena, rh_pg_value(row, 0, 1));
        role->why = rank == 1   ? rh_arena_printf(run->arena, "the owner of the history table %s",
                                                  run->plan.history_table)
                    : rank == 2 ? "the owner of the backup's database"
                                : "the owner of most tables";
    }
    rh_pg_result_free(row);
    free(table);
    return row != NULL;
}

/* Whom production's statistics name, if staging has that role. */
static bool find_in_statistics(rh_run *run, rh_pg *pg, rh_session_role *role, rh_error *error)
{
    const rh_scenario *scenario = run->scenario;
    const char *paths[2], *user = NULL;
    size_t count = scenario->workload.file_count;
    if (scenario->workload.source != RH_WORKLOAD_STATISTICS || count < 1 || count > 2)
        return true;
    for (size_t i = 0; i < count; i++)
        paths[i] = scenario->workload.files[i].path;
    if (!rh_statistics_user(paths, count, run->arena, &user, error))
        return false;
    if (!user)
        return true;
    rh_pg_result *row =
        rh_pg_query(pg, "SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", 1, &user, error);
    if (row && rh_pg_rows(row) == 1)
        *role = (rh_session_role){.name = user, .why = "the busiest in production's statistics"};
    rh_pg_result_free(row);
    return row != NULL;
}

static bool find_workload_role(rh_run *run, rh_pg *pg, rh_session_role *role, rh_error *error)
{
    if (!find_in_statistics(run, pg, role, error))
        return false;
    if (role->name)
        return true;
    rh_pg_result *row = rh_pg_query(pg, rh_sql_workload_roles, 0, NULL, error);
    if (row && rh_pg_rows(row) == 1) {
        long long tables = rh_pg_int(row, 0, 1, 0);
        role->name = rh_arena_strdup(run->arena, rh_pg_value(row, 0, 0));
        role->why = rh_arena_printf(run->arena,
                                    "the role with the most privileges on tables of others (%lld table%s)",
                                    tables, tables == 1 ? "" : "s");
    }
    rh_pg_result_free(row);
    return row != NULL;
}

/* ---- admission ---- */

static bool refuse(const rh_run *run, const rh_staging *staging, const char *key, const char *name,
                   rh_admission admission, const rh_location *where, rh_error *error)
{
    bool embedded = run->scenario->staging.kind == RH_STAGING_EMBEDDED;
    if (admission == RH_ADMISSION_NONE) {
        rh_error_set(error, RH_ERROR_SCENARIO, "%s: staging has no role \"%s\"", key, name);
        rh_error_hint(
            error,
            embedded
                ? "the backup does not name it: is it spelled as in the backup, in the same case and without quotes? A step in prepare: can create it and grant it the privileges that it has on production"
                : "create it on the staging server, with the privileges that it has on production");
    } else {
        rh_error_set(error, RH_ERROR_SCENARIO, "%s: the role of staging.url, \"%s\", must not become \"%s\"",
                     key, rh_staging_own_role(staging), name);
        rh_error_hint(error, "GRANT that role to it on the staging server, or name another role");
    }
    return rh_error_at(error, where->file, where->line, where->column);
}

static bool check_role(rh_run *run, rh_staging *staging, const char *key, const char *name,
                       const rh_location *where, rh_error *error)
{
    rh_admission admission = RH_ADMITTED;
    bool found = true, superuser;
    /* Every embedded cluster has PostgreSQL's predefined roles and, as production mostly has it, postgres. */
    if (!name || (!staging && (strncmp(name, "pg_", 3) == 0 || strcmp(name, "postgres") == 0)))
        return true;
    if (staging ? !rh_staging_allow_role(staging, name, &admission, &superuser, error)
                : !rh_backup_mentions(&run->backup, name, run->arena, &found, error))
        return false;
    if (!found)
        admission = RH_ADMISSION_NONE;
    return admission == RH_ADMITTED || refuse(run, staging, key, name, admission, where, error);
}

/* One of STEPS may create the role NAME. */
static bool may_create(const rh_step *steps, size_t count, const char *name, rh_arena *arena)
{
    for (size_t i = 0; name && i < count; i++) {
        const char *text = steps[i].kind == RH_STEP_SQL
                               ? rh_file_read(steps[i].path, RH_STEP_SQL_LIMIT, arena, NULL, NULL)
                               : NULL;
        if (!text || strcasestr(text, name) || strcasestr(text, "execute"))
            return true;
    }
    return false;
}

bool rh_roles_check(rh_run *run, rh_staging *staging, rh_error *error)
{
    const rh_scenario *s = run->scenario;
    const bool given = s->staging.kind == RH_STAGING_SERVER;
    const char *names[] = {s->migrations.role, s->workload.role};
    if (given != (staging != NULL))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (may_create(s->prepare, s->prepare_count, names[i], run->arena) ||
            may_create(s->backup.before, s->backup.before_count, names[i], run->arena))
            return true;
    return check_role(run, staging, "migrations.role", s->migrations.role, &s->migrations.role_where,
                      error) &&
           check_role(run, staging, "workload.role", s->workload.role, &s->workload.role_where, error);
}

/* Lets in the role that KEY of the scenario names, or the one that was found; ROLE->name is NULL where only
 * the program's own is left. */
static bool admit(rh_run *run, rh_staging *staging, const char *key, const char *wanted,
                  const rh_location *where, rh_session_role *role, rh_error *error)
{
    rh_admission admission = RH_ADMISSION_NONE;
    if (wanted) {
        role->name = wanted;
        role->why = "as the scenario says";
    }
    if (!role->name)
        return true;
    if (!rh_staging_allow_role(staging, role->name, &admission, &role->superuser, error))
        return false;
    if (admission == RH_ADMITTED_LATER)
        rh_run_not_measured(
            run, RH_UNMEASURED_ROLES,
            "privileges: the backup does not say how %s may connect to the database (role memberships are not in it): CONNECT was granted",
            role->name);
    if (admission == RH_ADMITTED || admission == RH_ADMITTED_LATER)
        return true;
    if (wanted)
        return refuse(run, staging, key, wanted, admission, where, error);
    rh_run_not_measured(run, RH_UNMEASURED_ROLES,
                        "privileges: %s, %s, is not a role that the staging server lets \"%s\" become",
                        role->name, role->why, rh_staging_own_role(staging));
    *role = (rh_session_role){0};
    return true;
}

/* The program's own role, when no other can be had. */
static bool fall_back(rh_run *run, rh_staging *staging, const char *why, rh_session_role *role,
                      rh_error *error)
{
    rh_admission admission;
    role->name = rh_arena_strdup(run->arena, rh_staging_own_role(staging));
    role->why = why;
    return rh_staging_allow_role(staging, role->name, &admission, &role->superuser, error);
}

/* ---- the choice ---- */

static bool choose_migrations_role(rh_run *run, rh_staging *staging, rh_pg *pg, rh_error *error)
{
    rh_session_role *role = &run->migrations_role;
    const char *wanted = run->scenario->migrations.role;
    if ((!wanted && !find_migrations_role(run, staging, pg, role, error)) ||
        !admit(run, staging, "migrations.role", wanted, &run->scenario->migrations.role_where, role, error))
        return false;
    return role->name ||
           fall_back(run, staging,
                     run->staging.kind == RH_STAGING_EMBEDDED ? "the backup names no owner of its objects"
                                                              : "the role of staging.url",
                     role, error);
}

static bool choose_workload_role(rh_run *run, rh_staging *staging, rh_pg *pg, rh_error *error)
{
    rh_session_role *role = &run->workload_role;
    const char *wanted = run->scenario->workload.role;
    if ((!wanted && !find_workload_role(run, pg, role, error)) ||
        !admit(run, staging, "workload.role", wanted, &run->scenario->workload.role_where, role, error))
        return false;
    if (role->name)
        return true;
    *role = run->migrations_role;
    role->why = "the migrations' role: no other has privileges on tables";
    return true;
}

/* The owner of the database owns its schema public, too: without it the role could create nothing there. */
static bool assume_database_owner(rh_run *run, rh_staging *staging, rh_pg *pg, rh_error *error)
{
    const rh_session_role *role = &run->migrations_role;
    if (run->staging.kind != RH_STAGING_EMBEDDED || run->backup.database.owner || role->superuser)
        return true;
    char *quoted = rh_quote_identifier(role->name);
    bool ok =
        rh_pg_executef(pg, error, "ALTER DATABASE %s OWNER TO %s", rh_staging_database(staging), quoted);
    free(quoted);
    rh_run_not_measured(run, RH_UNMEASURED_ROLES,
                        "privileges: the backup does not name the owner of the database: %s is assumed",
                        role->name);
    return ok;
}

static void note_rights(rh_run *run, const char *own)
{
    const rh_session_role *m = &run->migrations_role, *w = &run->workload_role;
    bool load = run->scenario->passes & RH_PASS_LOADED && run->scenario->workload.source != RH_WORKLOAD_NONE;
    if (m->superuser)
        rh_run_not_measured(
            run, RH_UNMEASURED_ROLES,
            "privileges: the migrations ran as the superuser %s (%s): ownership, privileges and row-level security did not restrict them; if another role migrates production, name it in migrations.role",
            m->name, m->why);
    if (load && w->superuser)
        rh_run_not_measured(
            run, RH_UNMEASURED_ROLES,
            "privileges: the load ran as the superuser %s (%s): privileges and row-level security did not restrict it; name the application's role in workload.role",
            w->name, w->why);
    if (run->staging.kind == RH_STAGING_SERVER && strcmp(m->name, own) != 0)
        rh_run_not_measured(
            run, RH_UNMEASURED_ROLES,
            "privileges: on the given server the migrations' sessions became %s by SET ROLE; SET ROLE NONE gives them the privileges of %s",
            m->name, own);
    if (!run->backup.roles_known && (!m->superuser || (load && !w->superuser)))
        rh_run_not_measured(
            run, RH_UNMEASURED_ROLES,
            "privileges: role memberships and attributes are not in the backup (pg_dump does not write them): a role that has privileges through them on production lacks them here");
}

bool rh_roles_choose(rh_run *run, rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(staging), ": roles", error);
    bool ok = pg && choose_migrations_role(run, staging, pg, error) &&
              assume_database_owner(run, staging, pg, error) && choose_workload_role(run, staging, pg, error);
    rh_pg_close(pg);
    if (!ok)
        return false;
    const char *own = rh_staging_own_role(staging);
    const char *m = run->migrations_role.name, *w = run->workload_role.name;
    rh_staging_use_roles(staging, strcmp(m, own) == 0 ? NULL : m, strcmp(w, own) == 0 ? NULL : w);
    note_rights(run, own);
    return true;
}

/* ---- what was refused ---- */

static const char *explain(const rh_run *run, const char *hint)
{
    const rh_session_role *role = &run->migrations_role;
    return rh_arena_printf(
        run->arena,
        "%s%sThe migration ran as %s (%s). If another role runs it on production, name it in "
        "migrations.role%s",
        hint ? hint : "", hint ? " " : "", role->name, role->why,
        run->backup.roles_known
            ? "."
            : "; if this role has the privilege through a membership, which pg_dump does not write, GRANT it in prepare:.");
}

void rh_roles_explain(const rh_run *run, rh_failure *failure, rh_error *error)
{
    if (!failure->sqlstate || strcmp(failure->sqlstate, "42501") != 0 || !run->migrations_role.name)
        return;
    failure->hint = explain(run, failure->hint);
    if (error)
        rh_error_hint(error, "%s", failure->hint);
}
