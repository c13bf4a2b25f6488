/* The loaded pass: every migration while the load runs, with a window before and after. */
#include "pass_steps.h"
#include "pgrehearse/base/interrupt.h"
#include "disturb.h"
#include "load_size.h"

/* Waits for UNTIL while the load runs, and reports its progress. */
static bool wait_under_load(rh_pass *p, const char *what, rh_usec duration, rh_error *error)
{
    rh_usec began = rh_clock_monotonic(), until = began + duration;
    while (rh_clock_monotonic() < until && !rh_interrupt_requested()) {
        rh_usec step = rh_clock_monotonic() + RH_SECOND / 5;
        rh_clock_sleep_until(step < until ? step : until);
        rh_progress_update(p->progress, p->result.name, what, (rh_clock_monotonic() - began) / RH_SECOND,
                           duration / RH_SECOND, RH_UNIT_SECONDS);
    }
    if (rh_interrupt_requested())
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted in the loaded pass");
    return rh_staging_alive(p->staging, error);
}

/* A client of the load waits for its answer: is it for a lock? */
static void sample_now(void *sampler)
{
    rh_sampler_sample_now(sampler);
}

/* A server that ended its sessions on the way, as after a crash, has not run the load to its end. */
static bool is_unbroken(rh_pass *p, rh_error *error)
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

static bool run_load(rh_pass *p, const rh_load *load, rh_error *error)
{
    const rh_scenario *scenario = p->run->scenario;
    rh_generator_options options = {.conninfo = rh_staging_workload_conninfo(p->staging),
                                    .mix = &load->mix,
                                    .rate = load->rate_per_s,
                                    .connections = load->connections,
                                    .seed = scenario->workload.seed};
    p->generator = rh_generator_start(&options, error);
    p->began = rh_clock_monotonic();
    if (!p->generator || !rh_pass_open(p, p->began, error))
        return false;
    rh_generator_on_overdue(p->generator, sample_now, rh_observer_sampler(p->observer));
    rh_generator_window(p->generator, RH_WINDOW_BEFORE, NULL);
    if (!wait_under_load(p, "window before", scenario->workload.before, error) || !rh_pass_replay(p, error))
        return false;
    rh_generator_window(p->generator, RH_WINDOW_AFTER, NULL);
    return wait_under_load(p, "window after", scenario->workload.after, error) && is_unbroken(p, error);
}

/* What the load measured, beside why it was as large as it was. */
static void finish_load(const rh_run *run, rh_generator *generator, rh_load *load)
{
    const char *rate_basis = load->rate_basis, *connections_basis = load->connections_basis;
    rh_load measured = {0};
    rh_generator_finish(generator, run->arena, &measured);
    *load = measured;
    load->rate_basis = rate_basis;
    load->connections_basis = connections_basis;
}

static void load_and_observe(rh_pass *p, rh_loaded_result *result, rh_error *error)
{
    const rh_run *run = p->run;
    bool ok = rh_disturb_pass(run, p->staging, error) && run_load(p, &result->load, error);
    if (p->generator)
        rh_generator_on_overdue(p->generator, NULL, NULL);
    result->began_load = true;
    result->began = p->began;
    result->contention = rh_pass_close(p);
    if (p->generator)
        finish_load(run, p->generator, &result->load);
    if (result->contention.lost)
        rh_notes_printf(&p->result.notes, run->arena, RH_UNMEASURED_LOCK_WAITS,
                        "lock waits of the loaded pass: %s", result->contention.lost);
    if (ok)
        rh_progress_end(p->progress, p->result.name, "longest lock wait %.0f ms, deepest queue %d",
                        result->contention.longest_wait_s * 1e3, result->contention.deepest_queue);
    p->result.ok = ok;
}

rh_loaded_result rh_pass_loaded(const rh_run *run, rh_staging *staging, const rh_progress *progress,
                                rh_error *error)
{
    rh_loaded_result result = {0};
    rh_pass p = {.run = run,
                 .staging = staging,
                 .progress = progress,
                 .repeat = 1,
                 .scale = 1,
                 .loaded = &result,
                 .result = {.kind = RH_PASS_KIND_LOADED, .name = rh_pass_kind_name(RH_PASS_KIND_LOADED)}};
    rh_progress_begin(progress, p.result.name, "the load's mix");
    result.prepared = rh_staging_reset(staging, progress, error) &&
                      rh_load_prepare(run, staging, &result.load, &p.result.notes, error);
    if (result.prepared && result.load.mix.template_count == 0) {
        rh_notes_printf(
            &p.result.notes, run->arena, RH_UNMEASURED_LOAD,
            "load: no template of its mix can run (for the reasons, see load.mix.omitted), so the loaded "
            "pass did not run");
        rh_progress_end(progress, p.result.name, "no load can be derived");
        p.result.ok = true;
    } else if (result.prepared) {
        load_and_observe(&p, &result, error);
    }
    result.pass = p.result;
    return result;
}
