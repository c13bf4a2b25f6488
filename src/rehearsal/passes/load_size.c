#include "load_size.h"
#include "load_privileges.h"
#include "pgrehearse/workload/workload.h"
#include <math.h>

enum { DEFAULT_RATE = 100, DEFAULT_CONNECTIONS = 10, OWN_CONNECTIONS = 8 };

int rh_load_connections(const rh_run *run)
{
    const rh_profile *profile = run->production.profile;
    if (run->scenario->workload.connections > 0)
        return run->scenario->workload.connections;
    return profile && profile->backends > 0 ? (int)fmin((double)profile->backends, RH_LOAD_CONNECTIONS_MAX)
                                            : DEFAULT_CONNECTIONS;
}

static void size_rate(const rh_run *run, rh_load *load)
{
    const rh_profile *profile = run->production.profile;
    double counted = load->mix.coverage.measured ? load->mix.coverage.rate_per_s : RH_NOT_MEASURED;
    if (run->scenario->workload.rate > 0) {
        load->rate_per_s = run->scenario->workload.rate;
        load->rate_basis = "the scenario";
    } else if (counted > 0) {
        load->rate_per_s = fmax(0.1, counted);
        load->rate_basis =
            rh_arena_printf(run->arena, "production's statistics: %s", load->mix.coverage.basis);
    } else if (profile && profile->commits_per_s > 0) {
        load->rate_per_s = fmax(0.1, profile->commits_per_s);
        load->rate_basis = "production's profile: its commits per second";
    } else {
        load->rate_per_s = DEFAULT_RATE;
        load->rate_basis = "a default: neither the scenario nor production's statistics or profile say";
    }
}

/* How many connections the server still takes. */
static bool read_free(rh_pg *pg, int64_t *most, int64_t *left, rh_error *error)
{
    static const char max[] = "SELECT current_setting('max_connections')::int";
    static const char used[] =
        "SELECT current_setting('superuser_reserved_connections')::int + count(*) FROM "
        "pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'";
    if (!rh_pg_query_int(pg, max, most, error) || !rh_pg_query_int(pg, used, left, error))
        return false;
    *left = *most - *left - OWN_CONNECTIONS;
    return true;
}

static bool size_connections(const rh_run *run, rh_load *load, rh_pg *pg, rh_notes *notes, rh_error *error)
{
    bool given = run->scenario->workload.connections > 0;
    int64_t most, left;
    load->connections = rh_load_connections(run);
    load->connections_basis = given ? "the scenario"
                              : run->production.profile && run->production.profile->backends > 0
                                  ? "production's profile: its sessions"
                                  : "a default: neither the scenario nor production's profile says";
    if (!read_free(pg, &most, &left, error))
        return false;
    if (load->connections <= left)
        return true;
    if (given || left < 1) {
        const rh_location *where = &run->scenario->workload.where;
        rh_error_set(error, RH_ERROR_SCENARIO,
                     "workload.connections is %d, but staging takes only %lld more (max_connections is %lld)",
                     load->connections, (long long)(left < 0 ? 0 : left), (long long)most);
        rh_error_hint(error, "lower workload.connections, or raise max_connections of the staging server");
        return rh_error_at(error, where->file, where->line, where->column);
    }
    rh_notes_printf(notes, run->arena, RH_UNMEASURED_LOAD_CONNECTIONS,
                    "load: production has %d sessions, staging takes %lld (max_connections is %lld)",
                    load->connections, (long long)left, (long long)most);
    load->connections = (int)left;
    load->connections_basis = "production's profile, as far as staging's max_connections allows";
    return true;
}

/* What the migrations add to the constraints of the database in PG, which has been reset. */
static bool read_limits(const rh_run *run, rh_pg *pg, rh_load_limits *limits, rh_notes *notes,
                        rh_error *error)
{
    rh_constraint *before = NULL, *added = NULL;
    size_t count = 0;
    limits->history_table = run->plan.history_table;
    if (run->scenario->workload.source == RH_WORKLOAD_PGBENCH)
        return true;
    if (!run->constraints_known) {
        rh_notes_printf(notes, run->arena, RH_UNMEASURED_LOAD_CONSTRAINTS,
                        "load: which constraints the migrations add is seen in a quiet pass; without "
                        "one, rows that the load inserts may break them");
        return true;
    }
    if (!rh_constraints_read(pg, run->arena, &before, &count, error))
        return false;
    limits->added_count = rh_constraints_added(before, count, run->constraints_after,
                                               run->constraint_count_after, run->arena, &added);
    limits->added = added;
    return true;
}

/* AS: a session of the workload's role; NULL: a superuser, whom nothing restricts. */
static bool make(const rh_run *run, rh_pg *pg, rh_pg *as, rh_load *load, rh_notes *notes, rh_error *error)
{
    const rh_profile *profile = run->production.profile;
    rh_load_limits limits = {0};
    const rh_workload workload = {run->scenario->workload.source,     run->scenario->workload.files,
                                  run->scenario->workload.file_count, profile ? profile->values : NULL,
                                  profile ? profile->value_count : 0, &limits};
    const rh_mix_role role = {as, run->workload_role.name};
    if (!read_limits(run, pg, &limits, notes, error) ||
        !rh_mix_from_workload(pg, as ? &role : NULL, &workload, run->scenario->workload.seed, run->arena,
                              &load->mix, error) ||
        (as && !rh_load_keep_allowed(run, as, load, notes, error)))
        return false;
    load->mix_source = load->mix.source;
    size_rate(run, load);
    return true;
}

bool rh_load_prepare(const rh_run *run, rh_staging *staging, rh_load *load, rh_notes *notes, rh_error *error)
{
    const bool restricted = run->workload_role.name && !run->workload_role.superuser;
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(staging), ": mix", error), *as = NULL;
    if (pg && restricted)
        as = rh_pg_connect(rh_staging_workload_conninfo(staging), ": mix", error);
    bool ok = pg && (as || !restricted) && make(run, pg, as, load, notes, error);
    rh_pg_close(as);
    ok = ok && size_connections(run, load, pg, notes, error);
    rh_pg_close(pg);
    return ok;
}
