/* Common parts of the passes: attributing a failure to the migration or to the server, and running every
 * migration. */
#include "pass_steps.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "disturb.h"
#include "migrate.h"
#include "rehearsal/forecast/sizes.h"
#include <string.h>

/* ---- failures ---- */

/* A server that dies, or loses a process, closes its sessions a moment before its own end can be seen: so it
 * is looked for during a second. */
static bool server_died(rh_staging *staging, rh_error *dead)
{
    rh_usec until = rh_clock_monotonic() + RH_SECOND;
    while (rh_staging_was_up(staging, dead)) {
        if (rh_clock_monotonic() >= until || rh_interrupt_requested())
            return false;
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 20);
    }
    return true;
}

void rh_pass_server_error(rh_staging *staging, rh_error *error)
{
    rh_error dead = {0};
    if (error && error->code == RH_ERROR_LOST && server_died(staging, &dead))
        rh_error_move(error, &dead);
    rh_error_release(&dead);
}

bool rh_pass_is_of_migration(const rh_error *error)
{
    return error->code == RH_ERROR_MIGRATION || error->code == RH_ERROR_TIMEOUT;
}

bool rh_pass_check_server(rh_staging *staging, bool ok, rh_error *error)
{
    rh_error dead = {0};
    bool answered = ok || error->sqlstate[0];
    if (answered ? rh_staging_was_up(staging, &dead) : !server_died(staging, &dead))
        return true;
    rh_error_move(error, &dead);
    return false;
}

bool rh_pass_attribute_error(rh_staging *staging, const rh_migration *migration, rh_error *error)
{
    rh_error dead = {0};
    if (error && (error->code == RH_ERROR_LOST || rh_starts_with(error->sqlstate, "53")) &&
        server_died(staging, &dead) && dead.code != RH_ERROR_LOST)
        rh_error_move(error, &dead);
    else if (error && rh_starts_with(error->sqlstate, "53100"))
        error->code = RH_ERROR_NO_SPACE;
    else if (error && error->code == RH_ERROR_LOST)
        rh_error_context(error, "a process of the staging server ended while migration %s ran",
                         migration->id);
    else if (error && error->code == RH_ERROR_SQL)
        error->code = RH_ERROR_MIGRATION;
    rh_error_release(&dead);
    return false;
}

/* A failure on a sample says nothing about the migration: it is noted, and the next one is tried. False for
 * any other error. */
static bool is_of_the_sample(rh_pass *p, rh_attempt *attempt, rh_error *error)
{
    if (p->result.kind != RH_PASS_KIND_SCALED || !rh_pass_is_of_migration(error))
        return false;
    rh_notes_printf(&p->result.notes, p->run->arena, RH_UNMEASURED_SCALED_PASSES,
                    "%s of migration %s: it does not run on a sample: %s", p->result.name,
                    attempt->migration->id, error->message);
    attempt->outcome = RH_OUTCOME_NOT_RUN;
    attempt->failure = NULL;
    rh_error_release(error);
    return true;
}

/* ---- all migrations ---- */

bool rh_pass_open(rh_pass *p, rh_usec began, rh_error *error)
{
    rh_work_size *sizes = NULL;
    const char *conninfo = rh_staging_conninfo(p->staging);
    p->migration = rh_pg_connect(rh_staging_migrations_conninfo(p->staging), ": migration", error);
    if (!p->migration || !rh_sizes_read(p->run, conninfo, &sizes, error))
        return false;
    const rh_observer_options options = {.run = p->run,
                                         .conninfo = conninfo,
                                         .pass = p->result.kind,
                                         .migration_pid = rh_pg_backend_pid(p->migration),
                                         .began = began,
                                         .sizes = sizes,
                                         .whole = p->whole,
                                         .progress = p->progress,
                                         .stage = p->result.name,
                                         .log_path = rh_staging_log(p->staging)};
    p->observer = rh_observer_start(&options, error);
    return p->observer != NULL;
}

void rh_pass_add_attempt(rh_pass_result *result, rh_arena *arena, const rh_attempt *attempt)
{
    *rh_arena_add(arena, &result->attempts, &result->attempt_count) = *attempt;
    rh_notes_add(&result->notes, arena, &attempt->notes);
}

/* Under load, with the disturbers that belong to it. */
static bool replay_one(rh_pass *p, const rh_migration *migration, rh_error *error)
{
    const rh_migrate_options options = {.direction = RH_UP,
                                        .statement_timeout = p->run->scenario->migrations.statement_timeout,
                                        .pass = p->result.kind,
                                        .repeat = p->repeat,
                                        .scale = p->scale,
                                        .observer = p->observer,
                                        .record = true};
    rh_disturbers *disturbers = NULL;
    if (p->generator && !rh_disturb_begin(p->run, p->staging, migration, &disturbers, error))
        return false;
    rh_attempt attempt = rh_migrate(p->run, p->staging, p->migration, migration, &options, error);
    if (p->loaded)
        rh_disturb_end(p->run->arena, disturbers, migration, p->began, &p->loaded->disturbances,
                       &p->loaded->disturbance_count, &p->result.notes);
    bool ok = attempt.outcome == RH_OUTCOME_OK || is_of_the_sample(p, &attempt, error);
    rh_pass_add_attempt(&p->result, p->run->arena, &attempt);
    return ok;
}

static bool replay_pending(rh_pass *p, rh_error *error)
{
    const rh_plan *plan = &p->run->plan;
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_migration *migration = &plan->migrations[m];
        if (!migration->pending)
            continue;
        if (p->generator)
            rh_generator_window(p->generator, RH_WINDOW_DURING, migration->id);
        if (!replay_one(p, migration, error))
            return rh_pass_attribute_error(p->staging, migration, error);
    }
    return true;
}

bool rh_pass_replay(rh_pass *p, rh_error *error)
{
    rh_usec started = rh_clock_monotonic();
    bool ok = replay_pending(p, error);
    rh_pass_record *record = rh_arena_add(p->run->arena, &p->result.records, &p->result.record_count);
    *record = (rh_pass_record){.kind = p->result.kind,
                               .name = p->result.name,
                               .elapsed_s = rh_seconds(rh_clock_monotonic() - started),
                               .complete = ok};
    return ok;
}

rh_contention rh_pass_close(rh_pass *p)
{
    rh_observer_result seen = rh_observer_finish(p->observer);
    rh_pg_close(p->migration);
    p->observer = NULL;
    p->migration = NULL;
    rh_notes_add(&p->result.notes, p->run->arena, &seen.notes);
    p->result.observed = seen;
    return seen.contention;
}

rh_pass_result rh_pass_settle(const rh_run *run, rh_staging *staging, rh_pass_kind kind, const char *last,
                              const rh_progress *progress, rh_pass_inspect inspect, void *user,
                              rh_error *error)
{
    const rh_migrate_options options = {.direction = RH_UP,
                                        .statement_timeout = run->scenario->migrations.statement_timeout,
                                        .pass = RH_PASS_KIND_QUIET,
                                        .repeat = 1,
                                        .scale = 1};
    const rh_plan *plan = &run->plan;
    rh_pass_result result = {.kind = kind, .name = rh_pass_kind_name(kind)};
    if (!rh_staging_reset(staging, progress, error))
        return result;
    rh_pg *pg = rh_pg_connect(rh_staging_migrations_conninfo(staging), ": migration", error);
    bool ok = pg && (!inspect || inspect(user, NULL, error));
    for (size_t m = 0; ok && m < plan->migration_count; m++) {
        const rh_migration *migration = &plan->migrations[m];
        if (!migration->pending)
            continue;
        const rh_attempt attempt = rh_migrate(run, staging, pg, migration, &options, error);
        rh_pass_add_attempt(&result, run->arena, &attempt);
        ok = attempt.outcome == RH_OUTCOME_OK ? !inspect || inspect(user, migration->id, error)
                                              : rh_pass_attribute_error(staging, migration, error);
        if (last && strcmp(migration->id, last) == 0)
            break;
    }
    rh_pg_close(pg);
    result.ok = ok;
    return result;
}
