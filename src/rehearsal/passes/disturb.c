#include "disturb.h"
#include "pgrehearse/migrations/plan.h"
#include <stdlib.h>
#include <string.h>

/* A session's number may be another's before and after its time, seen through clocks that differ a little. */
static const double CLOCK_LAG_S = 0.1;

/* ---- checks ---- */

static bool fail_at(const rh_location *where, rh_error *error)
{
    rh_error_context(error, "disturb");
    return rh_error_at(error, where->file, where->line, where->column);
}

bool rh_disturb_check_migrations(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    for (size_t i = 0; i < scenario->disturb_count; i++) {
        const rh_disturber *spec = &scenario->disturb[i];
        for (size_t k = 0; k < spec->migration_count; k++)
            if (!rh_plan_find(plan, spec->migrations[k], RH_ERROR_SCENARIO,
                              rh_disturber_kind_name(spec->kind), arena, error))
                return fail_at(&spec->where, error);
    }
    return true;
}

static bool check_table(rh_pg *pg, const rh_disturber *spec, rh_error *error)
{
    static const char sql[] = "SELECT pg_catalog.to_regclass($1) IS NOT NULL";
    rh_pg_result *found = rh_pg_query(pg, sql, 1, &spec->table, error);
    bool there = found && rh_pg_bool(found, 0, 0);
    if (found && !there) {
        rh_error_set(error, RH_ERROR_SCENARIO, "%s: the restored database has no table \"%s\"",
                     rh_disturber_kind_name(spec->kind), spec->table);
        rh_error_hint(error,
                      "write it as SQL does, with its schema if it is not on the search_path: schema.table");
    }
    rh_pg_result_free(found);
    return there || fail_at(&spec->where, error);
}

bool rh_disturb_check_tables(const rh_scenario *scenario, const char *conninfo, rh_error *error)
{
    if (scenario->disturb_count == 0)
        return true;
    rh_pg *pg = rh_pg_connect(conninfo, ": disturb", error);
    bool ok = pg != NULL;
    for (size_t i = 0; ok && i < scenario->disturb_count; i++)
        ok = !scenario->disturb[i].table || check_table(pg, &scenario->disturb[i], error);
    rh_pg_close(pg);
    return ok;
}

/* ---- beside a migration ---- */

static bool make_place(const rh_run *run, rh_staging *staging, rh_disturb_place *place, rh_error *error)
{
    const char *no_pg_dump = NULL;
    *place = (rh_disturb_place){
        .conninfo = rh_staging_conninfo(staging),
        .pg_dump = rh_staging_pg_dump(staging, &no_pg_dump),
        .no_pg_dump = no_pg_dump,
        .directory = rh_staging_work_directory(staging, error),
        .uid = rh_staging_uid(staging),
        .gid = rh_staging_gid(staging),
        .own_cluster = run->scenario->staging.kind == RH_STAGING_EMBEDDED,
    };
    return place->directory != NULL;
}

bool rh_disturb_pass(const rh_run *run, rh_staging *staging, rh_error *error)
{
    rh_disturb_place place;
    return run->scenario->disturb_count == 0 ||
           (make_place(run, staging, &place, error) &&
            rh_disturb_prepare(&place, run->scenario->disturb, run->scenario->disturb_count, error));
}

static bool belongs_to(const rh_run *run, const rh_disturber *spec, const rh_migration *migration)
{
    rh_plan plan = run->plan;
    if (spec->migration_count == 0)
        return true;
    for (size_t k = 0; k < spec->migration_count; k++)
        if (rh_plan_find(&plan, spec->migrations[k], RH_ERROR_SCENARIO, "", run->arena, NULL) == migration)
            return true;
    return false;
}

bool rh_disturb_begin(const rh_run *run, rh_staging *staging, const rh_migration *migration,
                      rh_disturbers **disturbers, rh_error *error)
{
    const rh_scenario *scenario = run->scenario;
    const rh_disturber **specs = NULL;
    size_t count = 0;
    rh_disturb_place place;
    *disturbers = NULL;
    for (size_t i = 0; i < scenario->disturb_count; i++)
        if (belongs_to(run, &scenario->disturb[i], migration))
            *rh_arena_add(run->arena, &specs, &count) = &scenario->disturb[i];
    if (count == 0)
        return true;
    if (!make_place(run, staging, &place, error))
        return false;
    *disturbers = rh_disturbers_start(&place, specs, count, error);
    return *disturbers != NULL;
}

void rh_disturb_end(rh_arena *arena, rh_disturbers *disturbers, const rh_migration *migration, rh_usec began,
                    rh_disturbance **rows, size_t *count, rh_notes *notes)
{
    size_t before = *count;
    rh_disturbers_stop(disturbers, migration->id, began, arena, rows, count);
    for (size_t i = before; i < *count; i++)
        if ((*rows)[i].outcome == RH_DISTURBANCE_NOT_STARTED)
            rh_notes_printf(notes, arena, RH_UNMEASURED_DISTURBERS,
                            "disturber %s during migration %s: it could not be started: %s", (*rows)[i].name,
                            migration->id, (*rows)[i].detail);
}

/* ---- who waited for whom ---- */

static bool is_pid_of(const rh_disturbance *d, int pid)
{
    for (size_t i = 0; i < d->pid_count; i++)
        if (d->pids[i] == pid)
            return true;
    return false;
}

static bool is_at_time_of(const rh_disturbance *d, const rh_wait *wait)
{
    return d->outcome != RH_DISTURBANCE_NOT_STARTED && wait->at_s <= d->to_s + CLOCK_LAG_S &&
           wait->at_s + wait->wait_s >= d->from_s - CLOCK_LAG_S;
}

/* Is it somewhere in the way of WAIT? Then it is named there. */
static bool name_in_chain(rh_run *run, const rh_disturbance *d, rh_wait *wait)
{
    const char *name = rh_arena_printf(run->arena, "disturber: %s", d->name);
    rh_wait_link *links = rh_arena_alloc(run->arena, (wait->chain_count + 1) * sizeof *links);
    bool found = is_pid_of(d, wait->blocker_pid) || is_pid_of(d, wait->root_pid);
    for (size_t i = 0; i < wait->chain_count; i++) {
        links[i] = wait->chain[i];
        if (is_pid_of(d, links[i].pid)) {
            links[i].name = name;
            found = true;
        }
    }
    if (is_pid_of(d, wait->blocker_pid))
        wait->blocker = name;
    if (wait->chain_count > 0)
        wait->chain = links;
    return found;
}

static const char *name_of_waiter(rh_run *run, const rh_disturbance *d, const rh_wait *wait)
{
    if (wait->waiter_is_migration && !wait->migration)
        return rh_arena_printf(run->arena, "migration %s, the bookkeeping of its framework", d->migration);
    if (wait->waiter_is_migration)
        return rh_arena_printf(run->arena, "migration %s, statement %d", wait->migration, wait->statement);
    return wait->template_name ? wait->template_name : wait->waiter ? wait->waiter : "an unknown session";
}

static void add_queued(rh_run *run, rh_disturbance *d, const rh_wait *wait)
{
    const char *who = name_of_waiter(run, d, wait);
    rh_disturbed *behind = NULL;
    for (size_t i = 0; i < d->behind_count && !behind; i++)
        if (strcmp(d->behind[i].who, who) == 0)
            behind = &d->behind[i];
    if (!behind) {
        behind = rh_arena_add(run->arena, &d->behind, &d->behind_count);
        behind->who = who;
        behind->is_migration = wait->waiter_is_migration;
        behind->statement = wait->waiter_is_migration ? wait->statement : 0;
    }
    behind->waits++;
    behind->wait_s += wait->wait_s;
    if (wait->wait_s >= behind->longest_s) {
        behind->longest_s = wait->wait_s;
        behind->relation = wait->relation;
        behind->mode = wait->mode;
    }
    if (wait->waiter_is_migration)
        d->migration_wait_s += wait->wait_s;
}

static int by_harm(const void *left, const void *right)
{
    const rh_disturbed *a = left, *b = right;
    if (a->is_migration != b->is_migration)
        return a->is_migration ? -1 : 1;
    return (a->longest_s < b->longest_s) - (a->longest_s > b->longest_s);
}

void rh_disturb_account(rh_run *run, rh_contention *contention)
{
    for (size_t i = 0; i < run->disturbance_count; i++) {
        rh_disturbance *d = &run->disturbances[i];
        if (d->outcome == RH_DISTURBANCE_NOT_STARTED)
            continue;
        d->migration_wait_s = 0;
        for (size_t k = 0; k < contention->wait_count; k++) {
            rh_wait *wait = &contention->waits[k];
            if (is_at_time_of(d, wait) && name_in_chain(run, d, wait))
                add_queued(run, d, wait);
        }
        if (d->behind_count > 0)
            qsort(d->behind, d->behind_count, sizeof *d->behind, by_harm);
    }
}
