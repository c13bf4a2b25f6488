#include "pass.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/observe/observe.h"
#include "pgrehearse/observe/sampler.h"
#include "contention.h"
#include "disturb.h"
#include "disk_watch.h"
#include "load_size.h"
#include "observer.h"
#include "migrate.h"
#include "rehearsal/forecast/sizes.h"
#include "pgrehearse/workload/workload.h"
#include <stdio.h>
#include <string.h>

/* A server that dies, or loses a process, closes its sessions a moment before its own end can be seen: so it
 * is looked for during a second. */
static bool server_died(rh_staging *staging, rh_error *dead)
{
    rh_usec until = rh_clock_monotonic() + RH_SECOND;
    while (rh_staging_unbroken(staging, dead)) {
        if (rh_clock_monotonic() >= until || rh_interrupt_requested())
            return false;
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 20);
    }
    return true;
}

void rh_pass_blame_server(rh_staging *staging, rh_error *error)
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
    if (answered ? rh_staging_unbroken(staging, &dead) : !server_died(staging, &dead))
        return true;
    rh_error_move(error, &dead);
    return false;
}

/* Marks what a replay left when the connection or the server, not the migration, is to blame: a session that
 * was lost says nothing of the migration. */
static bool blame(rh_staging *staging, rh_migration *migration, const char *stage, rh_error *error)
{
    rh_error dead = {0};
    migration->failed_pass = stage;
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

/* What a pass is made of; every field may be zero. */
typedef struct pass {
    rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    const char *stage;
    rh_pass_kind kind;
    int repeat;
    double scale;
    rh_pg *migration;
    rh_observer observer;
    rh_generator *generator;
    rh_usec began; /* loaded: second 0 of the load */
} pass;

static bool open_pass(pass *p, rh_usec began, rh_error *error)
{
    const char *conninfo = rh_staging_conninfo(p->staging);
    p->observer.progress = p->progress;
    p->observer.stage = p->stage;
    p->observer.log_path = rh_staging_log(p->staging);
    p->migration = rh_pg_connect(rh_staging_migrations_conninfo(p->staging), ": migration", error);
    return p->migration && rh_sizes_read(p->run, conninfo, &p->observer.sizes, error) &&
           rh_observer_start(&p->observer, p->run, conninfo, p->kind, rh_pg_backend_pid(p->migration), began,
                             error);
}

/* A failure on a sample says nothing about the migration: it is told, forgotten, and the next one is tried.
 * False for any other error. */
static bool forgive(pass *p, rh_migration *migration, rh_error *error)
{
    if (p->kind != RH_PASS_KIND_SCALED || !rh_pass_is_of_migration(error))
        return false;
    rh_run_not_measured(p->run, "%s of migration %s: it does not run on a sample: %s", p->stage,
                        migration->id, error->message);
    migration->outcome = RH_OUTCOME_NOT_RUN;
    migration->failure = NULL;
    migration->failed_pass = NULL;
    rh_error_release(error);
    return true;
}

/* A program also starts, computes and waits: what of its ELAPSED_S no statement accounts for. */
static void add_own_time(const pass *p, rh_migration *migration, double elapsed_s)
{
    double own_s = elapsed_s;
    for (size_t i = 0; i < migration->up.statement_count; i++)
        for (size_t r = 0; r < migration->up.statements[i].run_count; r++) {
            const rh_statement_run *run = &migration->up.statements[i].runs[r];
            if (run->pass == p->kind && run->repeat == p->repeat && run->elapsed_s > 0)
                own_s -= run->elapsed_s;
        }
    *(double *)rh_arena_add(p->run->arena, &migration->own_s, &migration->own_count,
                            sizeof *migration->own_s) = own_s > 0 ? own_s : 0;
}

/* Under load, with the disturbers that belong to it. */
static bool replay_one(pass *p, rh_migration *migration, const rh_replay_options *options, rh_error *error)
{
    rh_disturbers *disturbers = NULL;
    double elapsed_s = 0;
    if (p->generator && !rh_disturb_begin(p->run, p->staging, migration, &disturbers, error))
        return false;
    bool ok =
        rh_migrate(p->run, p->staging, p->migration, migration, options, &p->observer, &elapsed_s, error);
    if (ok && migration->command && p->kind == RH_PASS_KIND_QUIET)
        add_own_time(p, migration, elapsed_s);
    rh_disturb_end(p->run, disturbers, migration, p->began);
    return ok;
}

static bool replay_pending(pass *p, rh_error *error)
{
    rh_plan *plan = &p->run->plan;
    rh_replay_options options = {.direction = RH_UP,
                                 .statement_timeout = p->run->scenario->migrations.statement_timeout,
                                 .pass = p->kind,
                                 .repeat = p->repeat,
                                 .scale = p->scale,
                                 .hooks = &p->observer.hooks,
                                 .record = true};
    for (size_t m = 0; m < plan->migration_count; m++) {
        rh_migration *migration = &plan->migrations[m];
        if (!migration->pending)
            continue;
        if (p->generator)
            rh_generator_window(p->generator, RH_WINDOW_DURING, migration->id);
        if (!replay_one(p, migration, &options, error) && !forgive(p, migration, error))
            return blame(p->staging, migration, p->stage, error);
        if (p->kind == RH_PASS_KIND_SCALED)
            migration->outcome = RH_OUTCOME_NOT_RUN; /* at full size */
    }
    return true;
}

static bool replay_all(pass *p, rh_error *error)
{
    rh_run *run = p->run;
    rh_usec started = rh_clock_monotonic();
    bool ok = replay_pending(p, error);
    rh_pass_record *record = rh_arena_add(run->arena, &run->passes, &run->pass_count, sizeof *record);
    *record = (rh_pass_record){.kind = p->kind,
                               .name = p->stage,
                               .elapsed_s = rh_seconds(rh_clock_monotonic() - started),
                               .complete = ok};
    return ok;
}

static void close_pass(pass *p, rh_contention *contention)
{
    if (p->observer.side)
        rh_observer_finish(&p->observer, contention);
    rh_pg_close(p->migration);
    p->migration = NULL;
}

static bool run_scaled(rh_run *run, rh_staging *staging, double fraction, int repeat, const char *stage,
                       const rh_work_size *whole, const rh_progress *progress, rh_error *error)
{
    pass p = {.run = run,
              .staging = staging,
              .progress = progress,
              .stage = stage,
              .kind = RH_PASS_KIND_SCALED,
              .repeat = repeat,
              .scale = fraction,
              .observer = {.whole = whole}};
    if (!rh_staging_sample_run(staging, fraction, error))
        return false;
    bool ok = open_pass(&p, rh_clock_monotonic(), error) && replay_all(&p, error);
    close_pass(&p, NULL);
    return ok;
}

bool rh_pass_scaled(rh_run *run, rh_staging *staging, double fraction, int repeats, const rh_work_size *whole,
                    const rh_progress *progress, rh_error *error)
{
    const char *why_not = NULL, *stage = rh_arena_printf(run->arena, "scaled pass 1/%.0f", 1 / fraction);
    rh_progress_begin(progress, stage, "a sample of the pages");
    if (!rh_staging_sample(staging, fraction, run->arena, &why_not, error))
        return false;
    if (why_not)
        rh_run_not_measured(run, "%s: %s", stage, why_not);
    for (int repeat = 1; repeat <= repeats; repeat++)
        if (!run_scaled(run, staging, fraction, repeat, stage, whole, progress, error))
            return false;
    rh_progress_end(progress, stage, "replayed on the sample%s", repeats == 2 ? ", twice" : "");
    return true;
}

/* What the migrations have made of the constraints, for the load to keep to; as far as they ran. */
static void read_constraints(rh_run *run, const rh_staging *staging)
{
    rh_pg *pg = rh_pg_connect_looking(rh_staging_conninfo(staging), ": look", NULL);
    run->constraints_known = pg && rh_constraints_read(pg, run->arena, &run->constraints_after,
                                                       &run->constraint_count_after, NULL);
    rh_pg_close(pg);
}

static bool quiet_once(rh_run *run, rh_staging *staging, int repeat, const rh_progress *progress,
                       rh_error *error)
{
    pass p = {.run = run,
              .staging = staging,
              .progress = progress,
              .stage = rh_arena_printf(run->arena, "quiet pass %d of %d", repeat, run->scenario->repeat),
              .kind = RH_PASS_KIND_QUIET,
              .repeat = repeat,
              .scale = 1};
    rh_progress_begin(progress, p.stage, "%zu migration%s, nothing else runs", run->plan.pending_count,
                      run->plan.pending_count == 1 ? "" : "s");
    if (!rh_staging_reset(staging, progress, error))
        return false;
    rh_usec began = rh_clock_monotonic();
    rh_contention contention = {0};
    rh_disk_watch *disk = run->scenario->staging.kind == RH_STAGING_EMBEDDED
                              ? rh_disk_watch_start(run->staging.location, NULL)
                              : NULL;
    bool ok = open_pass(&p, began, error) && replay_all(&p, error);
    rh_usec ended = rh_clock_monotonic();
    close_pass(&p, &contention);
    if (repeat == 1 && ((run->scenario->passes & RH_PASS_LOADED) || run->masked_count > 0))
        read_constraints(run, staging);
    int64_t growth = rh_disk_watch_stop(disk);
    if (growth > run->prediction.disk_peak_bytes)
        run->prediction.disk_peak_bytes = growth;
    if (contention.lost && (ok || error->code != RH_ERROR_LOST))
        rh_run_not_measured(run, "lock waits of %s: %s", p.stage, contention.lost);
    if (repeat == 1 && contention.measured) { /* stands until a loaded pass says more */
        rh_blocked_intervals(&run->plan, RH_PASS_KIND_QUIET, began, run->arena, &contention);
    }
    if (repeat == 1)
        run->contention = contention;
    if (ok)
        rh_progress_end(progress, p.stage, "migrations took %.1f s", rh_seconds(ended - began));
    return ok;
}

/* What an attempt that lost its server has left in the run. */
static void forget_attempt(rh_run *run, int repeat)
{
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        rh_migration *migration = &run->plan.migrations[m];
        migration->failure = NULL;
        migration->failed_pass = NULL;
        if (repeat == 1)
            migration->outcome = RH_OUTCOME_NOT_RUN;
        for (size_t i = 0; i < migration->up.statement_count; i++) {
            rh_statement *statement = &migration->up.statements[i];
            const rh_statement_run *last =
                statement->run_count ? &statement->runs[statement->run_count - 1] : NULL;
            if (last && last->pass == RH_PASS_KIND_QUIET && last->repeat == repeat)
                statement->run_count--;
        }
    }
}

/* A server process that ends while a migration runs was killed, or the migration crashes it: a crash that
 * comes again is the migration's. */
bool rh_pass_quiet(rh_run *run, rh_staging *staging, int repeat, const rh_progress *progress, rh_error *error)
{
    rh_error again = {0};
    if (quiet_once(run, staging, repeat, progress, error))
        return true;
    if (error->code != RH_ERROR_LOST || rh_interrupt_requested() || !rh_staging_alive(staging, NULL))
        return false;
    forget_attempt(run, repeat);
    rh_progress_begin(progress, "quiet pass", "again, since a process of the server ended");
    if (!quiet_once(run, staging, repeat, progress, &again) && again.code == RH_ERROR_LOST &&
        rh_staging_overlook(staging, NULL)) {
        error->code = RH_ERROR_MIGRATION;
        rh_error_hint(error,
                      "It came twice, each time from the restored state: this statement ends its server "
                      "process. The server's log has the signal.");
    } else {
        forget_attempt(run, repeat);
        rh_error_hint(error,
                      "It did not come again when the pass was repeated: the process was killed from "
                      "outside, such as for want of memory. Nothing is known of the migration: run again.");
    }
    rh_error_release(&again);
    return false;
}

bool rh_pass_settle(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_pass_look look,
                    void *user, rh_error *error)
{
    rh_plan *plan = &run->plan;
    const rh_replay_options options = {.direction = RH_UP,
                                       .statement_timeout = run->scenario->migrations.statement_timeout,
                                       .pass = RH_PASS_KIND_QUIET,
                                       .repeat = 1,
                                       .scale = 1};
    if (!rh_staging_reset(staging, progress, error))
        return false;
    rh_pg *pg = rh_pg_connect(rh_staging_migrations_conninfo(staging), ": migration", error);
    bool ok = pg && (!look || look(user, NULL, error));
    for (size_t m = 0; ok && m < plan->migration_count; m++) {
        rh_migration *migration = &plan->migrations[m];
        if (!migration->pending)
            continue;
        if (!rh_migrate(run, staging, pg, migration, &options, NULL, NULL, error))
            ok = blame(staging, migration, look ? "compatibility pass" : "verify", error);
        else
            ok = !look || look(user, migration->id, error);
    }
    rh_pg_close(pg);
    return ok;
}

/* Waits for UNTIL while the load goes on, telling how it goes. */
static bool wait_under_load(pass *p, const char *what, rh_usec duration, rh_error *error)
{
    rh_usec began = rh_clock_monotonic(), until = began + duration;
    while (rh_clock_monotonic() < until && !rh_interrupt_requested()) {
        rh_usec step = rh_clock_monotonic() + RH_SECOND / 5;
        rh_clock_sleep_until(step < until ? step : until);
        rh_progress_update(p->progress, p->stage, what, (rh_clock_monotonic() - began) / RH_SECOND,
                           duration / RH_SECOND, RH_UNIT_SECONDS);
    }
    if (rh_interrupt_requested())
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted in the loaded pass");
    return rh_staging_alive(p->staging, error);
}

/* A client of the load waits for its answer: is it for a lock? */
static void look(void *sampler)
{
    rh_sampler_look(sampler);
}

/* A server that ended its sessions on the way, as after a crash, has not run the load to its end. */
static bool is_unbroken(pass *p, rh_error *error)
{
    rh_error lost = {0};
    rh_pg_execute(p->migration, "SELECT 1", &lost);
    if (lost.code == RH_ERROR_LOST) {
        rh_error_context(&lost, "a process of the staging server ended under load");
        rh_error_move(error, &lost);
    }
    bool broken = rh_error_is_set(error);
    rh_error_release(&lost);
    return !broken;
}

static bool loaded(pass *p, rh_error *error)
{
    const rh_scenario *scenario = p->run->scenario;
    rh_generator_options options = {.conninfo = rh_staging_workload_conninfo(p->staging),
                                    .mix = &p->run->load.mix,
                                    .rate = p->run->load.rate_per_s,
                                    .connections = p->run->load.connections,
                                    .seed = scenario->workload.seed};
    p->generator = rh_generator_start(&options, error);
    p->began = rh_clock_monotonic();
    if (!p->generator || !open_pass(p, p->began, error))
        return false;
    rh_generator_on_overdue(p->generator, look, p->observer.sampler);
    rh_generator_window(p->generator, RH_WINDOW_BEFORE, NULL);
    if (!wait_under_load(p, "window before", scenario->workload.before, error) || !replay_all(p, error))
        return false;
    rh_generator_window(p->generator, RH_WINDOW_AFTER, NULL);
    return wait_under_load(p, "window after", scenario->workload.after, error) && is_unbroken(p, error);
}

/* What the load measured, beside why it was as large as it was. */
static void finish_load(rh_run *run, rh_generator *generator)
{
    const char *rate_basis = run->load.rate_basis, *connections_basis = run->load.connections_basis;
    rh_generator_finish(generator, run->arena, &run->load);
    run->load.rate_basis = rate_basis;
    run->load.connections_basis = connections_basis;
}

bool rh_pass_loaded(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error)
{
    pass p = {.run = run,
              .staging = staging,
              .progress = progress,
              .stage = "loaded pass",
              .kind = RH_PASS_KIND_LOADED,
              .repeat = 1,
              .scale = 1};
    rh_progress_begin(progress, p.stage, "the load's mix");
    if (!rh_staging_reset(staging, progress, error) || !rh_load_prepare(run, staging, &run->load, error))
        return false;
    if (run->load.mix.template_count == 0) {
        rh_run_not_measured(
            run, "load: no template of its mix can run (for the reasons, see load.mix.left_out), so "
                 "the loaded pass did not run");
        rh_progress_end(progress, p.stage, "no load can be derived");
        return true;
    }
    rh_contention contention = {0};
    bool ok = rh_disturb_pass(run, staging, error) && loaded(&p, error);
    if (p.generator)
        rh_generator_on_overdue(p.generator, NULL, NULL);
    close_pass(&p, &contention);
    if (p.generator)
        finish_load(run, p.generator);
    if (contention.lost)
        rh_run_not_measured(run, "lock waits of the loaded pass: %s", contention.lost);
    if (contention.measured) {
        rh_contention_add_cancelled(run, RH_PASS_KIND_LOADED, p.began, &contention);
        rh_contention_name_templates(run, &contention);
        rh_disturb_account(run, &contention);
        rh_blocked_intervals(&run->plan, RH_PASS_KIND_LOADED, p.began, run->arena, &contention);
    }
    run->contention = contention; /* what was seen without load says nothing of it */
    if (ok)
        rh_progress_end(progress, p.stage, "longest lock wait %.0f ms, deepest queue %d",
                        contention.longest_wait_s * 1e3, contention.deepest_queue);
    return ok;
}
