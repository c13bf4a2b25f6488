/* An autovacuum to prevent wraparound: a migration that waits for it does not make it give way, as it would
 * an ordinary one (documentation, section 25.1.6). It can only be forced: the table is made old by burning
 * transaction numbers, its own autovacuum_freeze_max_age is set to the least there is, and the launcher is
 * hurried. Its cost delay is set so that it takes at least as long as asked for. */
#include "disturb.h"
#include "pgrehearse/base/interrupt.h"
#include "embedded/workload.h"
#include <inttypes.h>

static const int64_t OLD = 100000;          /* the least autovacuum_freeze_max_age */
enum { DELAY_MS = 100, LIMIT_MAX = 10000 }; /* of autovacuum_vacuum_cost_delay and …_limit: the most */
static const rh_usec READY = 30 * RH_SECOND, GONE = 5 * RH_SECOND;

/* ALTER SYSTEM cannot share a message with anything. */
static bool hurry_launcher(rh_disturbing *d, rh_error *error)
{
    d->changed = true;
    return rh_pg_execute(d->side, "ALTER SYSTEM SET autovacuum_naptime = '1s'", error) &&
           rh_pg_execute(d->side, "ALTER SYSTEM SET autovacuum = on", error) &&
           rh_pg_execute(d->side, "SELECT pg_catalog.pg_reload_conf()", error);
}

/* A page costs at least 1, and after every LIMIT of cost the worker sleeps for the delay. */
static bool make_due(rh_disturbing *d, const rh_disturb_table *table, rh_error *error)
{
    int64_t delays = d->spec->duration / (DELAY_MS * 1000) + 1, limit = table->pages / delays;
    limit = limit < 1 ? 1 : limit > LIMIT_MAX ? LIMIT_MAX : limit;
    return rh_pg_execute(d->side, "SET lock_timeout = '5s'", error) &&
           rh_pg_executef(
               d->side, error,
               "ALTER TABLE %s SET (autovacuum_enabled = true, autovacuum_freeze_max_age = %" PRId64
               ", autovacuum_vacuum_cost_delay = %d, autovacuum_vacuum_cost_limit = %" PRId64 ")",
               d->table, OLD, DELAY_MS, limit);
}

/* True when there is one that holds the table's lock. */
static bool find_workers(rh_disturbing *d)
{
    const char *oid = rh_arena_printf(d->arena, "%" PRId64, d->oid);
    rh_pg_result *workers = rh_pg_query(d->side, rh_sql_disturb_workers, 1, &oid, NULL);
    bool found = workers && rh_pg_rows(workers) > 0;
    for (size_t row = 0; found && row < rh_pg_rows(workers); row++)
        rh_disturb_add_pid(d, (int)rh_pg_int(workers, row, 0, 0));
    rh_pg_result_free(workers);
    if (found)
        d->seen = rh_clock_monotonic();
    return found;
}

static bool start(rh_disturbing *d, rh_error *error)
{
    rh_disturb_table table = {0};
    if (!d->place->own_cluster)
        return rh_error_set(error, RH_ERROR_UNSUPPORTED,
                            "it takes settings of the whole server: staging.kind must be embedded");
    if (!rh_disturb_find_table(d, &table, error))
        return false;
    d->name = rh_arena_printf(d->arena, "autovacuum of %s to prevent wraparound", d->table);
    d->oid = table.oid;
    if (table.is_partitioned)
        return rh_error_set(error, RH_ERROR_SCENARIO,
                            "%s is partitioned, and only its partitions are vacuumed: name one of them",
                            d->table);
    if (table.age <= OLD && !rh_pg_execute(d->side, rh_sql_disturb_burn, error))
        return false;
    if (!make_due(d, &table, error) || !hurry_launcher(d, error))
        return false;
    rh_usec until = rh_clock_monotonic() + READY;
    while (rh_clock_monotonic() < until && !rh_interrupt_requested()) {
        if (find_workers(d))
            return true;
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 50);
    }
    if (rh_interrupt_requested())
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
    return rh_error_set(error, RH_ERROR_SLOW,
                        "no autovacuum worker to prevent wraparound started within %d s",
                        (int)(READY / RH_SECOND));
}

/* One follows upon another while the table stays old. */
static bool check(rh_disturbing *d)
{
    if (find_workers(d) || rh_clock_monotonic() - d->seen < GONE)
        return false;
    d->detail = rh_arena_printf(d->arena, "the worker had finished, and no other has started for %d s",
                                (int)(GONE / RH_SECOND));
    return true;
}

/* No other worker starts, and the one that works is terminated. */
static void stop(rh_disturbing *d)
{
    if (!d->changed)
        return;
    rh_text pids = {0};
    for (size_t i = 0; i < d->pid_count; i++)
        rh_text_printf(&pids, "%s%d", i ? "," : "{", d->pids[i]);
    rh_text_append(&pids, pids.length ? "}" : "{}");
    const char *parameter = rh_text_string(&pids);
    rh_pg_execute(d->side, "ALTER SYSTEM SET autovacuum = off", NULL);
    rh_pg_execute(d->side, "SELECT pg_catalog.pg_reload_conf()", NULL);
    rh_pg_result_free(rh_pg_query(d->side, rh_sql_disturb_end, 1, &parameter, NULL));
    rh_text_release(&pids);
}

/* The migration may have renamed the table, or dropped it. */
static void undo(rh_disturbing *d)
{
    if (!d->changed)
        return;
    const char *oid = rh_arena_printf(d->arena, "%" PRId64, d->oid);
    rh_pg_result *name = rh_pg_query(
        d->side, "SELECT oid::pg_catalog.regclass::text FROM pg_catalog.pg_class WHERE oid = $1::oid", 1,
        &oid, NULL);
    if (name && rh_pg_rows(name) == 1)
        rh_pg_executef(d->side, NULL,
                       "ALTER TABLE %s RESET (autovacuum_enabled, autovacuum_freeze_max_age, "
                       "autovacuum_vacuum_cost_delay, autovacuum_vacuum_cost_limit)",
                       rh_pg_value(name, 0, 0));
    rh_pg_result_free(name);
    rh_pg_execute(d->side, "ALTER SYSTEM RESET autovacuum", NULL);
    rh_pg_execute(d->side, "ALTER SYSTEM RESET autovacuum_naptime", NULL);
    rh_pg_execute(d->side, "SELECT pg_catalog.pg_reload_conf()", NULL);
}

const rh_disturber_methods rh_disturb_autovacuum_methods = {start, check, stop, undo};
