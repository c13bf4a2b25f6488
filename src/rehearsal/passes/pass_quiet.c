/* The quiet pass: every migration timed while nothing else runs. */
#include "pass_steps.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/observe/observe.h"

/* What the migrations have made of the constraints, for the load to keep to; as far as they ran. */
static void read_constraints(const rh_run *run, const rh_staging *staging, rh_quiet_result *result)
{
    rh_pg *pg = rh_pg_connect_observer(rh_staging_conninfo(staging), ": observer", NULL);
    result->constraints_known =
        pg && rh_constraints_read(pg, run->arena, &result->constraints, &result->constraint_count, NULL);
    rh_pg_close(pg);
}

/* Nothing that was prepared is left open, for COMMIT PREPARED to end. */
static bool is_committed(const rh_pass *p, rh_error *error)
{
    rh_pg *pg = rh_pg_connect_observer(rh_staging_conninfo(p->staging), ": observer", error);
    const bool ok = pg && rh_prepared_check_none(pg, &p->run->plan, p->result.attempts,
                                                 p->result.attempt_count, p->run->arena, error);
    rh_pg_close(pg);
    return ok;
}

static rh_quiet_result quiet_once(const rh_run *run, rh_staging *staging, int repeat,
                                  const rh_progress *progress, rh_error *error)
{
    const char *name = rh_arena_printf(run->arena, "%s %d of %d", rh_pass_kind_name(RH_PASS_KIND_QUIET),
                                       repeat, run->scenario->repeat);
    rh_pass p = {.run = run,
                 .staging = staging,
                 .progress = progress,
                 .repeat = repeat,
                 .scale = 1,
                 .result = {.kind = RH_PASS_KIND_QUIET, .name = name}};
    rh_quiet_result result = {.repeat = repeat, .disk_growth = RH_UNKNOWN};
    rh_progress_begin(progress, name, "%zu migration%s, nothing else runs", run->plan.pending_count,
                      run->plan.pending_count == 1 ? "" : "s");
    if (!rh_staging_reset(staging, progress, error)) {
        result.pass = p.result;
        return result;
    }
    result.began = rh_clock_monotonic();
    rh_disk_watch *disk = run->scenario->staging.kind == RH_STAGING_EMBEDDED
                              ? rh_disk_watch_start(run->staging.location, NULL)
                              : NULL;
    bool ok = rh_pass_open(&p, result.began, error) && rh_pass_replay(&p, error);
    rh_usec ended = rh_clock_monotonic();
    result.contention = rh_pass_close(&p);
    ok = ok && is_committed(&p, error);
    if (repeat == 1 && ((run->scenario->passes & RH_PASS_LOADED) || run->masked_count > 0))
        read_constraints(run, staging, &result);
    result.disk_growth = rh_disk_watch_stop(disk);
    if (result.contention.lost && (ok || error->code != RH_ERROR_LOST))
        rh_notes_printf(&p.result.notes, run->arena, RH_UNMEASURED_LOCK_WAITS, "lock waits of %s: %s", name,
                        result.contention.lost);
    if (ok)
        rh_progress_end(progress, name, "migrations took %.1f s", rh_seconds(ended - result.began));
    p.result.ok = ok;
    result.pass = p.result;
    return result;
}

/* Nothing is known of the migrations. */
static void forget_attempts(rh_quiet_result *result)
{
    result->pass.attempts = NULL;
    result->pass.attempt_count = 0;
    result->pass.observed = (rh_observer_result){0};
}

/* A server process that ends while a migration runs was killed, or the migration crashes it: a crash that
 * comes again is the migration's. */
rh_quiet_result rh_pass_quiet(const rh_run *run, rh_staging *staging, int repeat, const rh_progress *progress,
                              rh_error *error)
{
    rh_error again = {0};
    rh_quiet_result result = quiet_once(run, staging, repeat, progress, error);
    if (result.pass.ok || error->code != RH_ERROR_LOST || rh_interrupt_requested() ||
        !rh_staging_alive(staging, NULL))
        return result;
    rh_progress_begin(progress, rh_pass_kind_name(RH_PASS_KIND_QUIET),
                      "repeated, because a process of the server ended");
    result = quiet_once(run, staging, repeat, progress, &again);
    if (!result.pass.ok && again.code == RH_ERROR_LOST && rh_staging_accept_restart(staging, NULL)) {
        error->code = RH_ERROR_MIGRATION;
        rh_error_hint(
            error,
            "The crash happened twice, each time from the restored state: this statement crashes its server process. The signal is in the server's log.");
    } else {
        forget_attempts(&result);
        rh_error_hint(
            error,
            "The crash did not recur when the pass was repeated: the process was killed from outside, for example for lack of memory. This says nothing about the migration: run again.");
    }
    rh_error_release(&again);
    result.pass.ok = false;
    return result;
}
