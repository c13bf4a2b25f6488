/* The scaled passes: every migration on samples of the pages. */
#include "pass_steps.h"

static bool run_once(rh_pass *p, double fraction, rh_error *error)
{
    if (!rh_staging_sample_run(p->staging, fraction, error))
        return false;
    bool ok = rh_pass_open(p, rh_clock_monotonic(), error) && rh_pass_replay(p, error);
    rh_pass_close(p);
    return ok;
}

rh_pass_result rh_pass_scaled(const rh_run *run, rh_staging *staging, double fraction, int repeats,
                              const rh_work_size *whole, const rh_progress *progress, rh_error *error)
{
    const char *why_not = NULL, *name = rh_arena_printf(run->arena, "scaled pass 1/%.0f", 1 / fraction);
    rh_pass p = {.run = run,
                 .staging = staging,
                 .progress = progress,
                 .scale = fraction,
                 .whole = whole,
                 .result = {.kind = RH_PASS_KIND_SCALED, .name = name}};
    rh_progress_begin(progress, name, "a sample of the pages");
    bool ok = rh_staging_sample(staging, fraction, run->arena, &why_not, error);
    if (ok && why_not)
        rh_notes_printf(&p.result.notes, run->arena, RH_UNMEASURED_SCALED_PASSES, "%s: %s", name, why_not);
    for (p.repeat = 1; ok && p.repeat <= repeats; p.repeat++)
        ok = run_once(&p, fraction, error);
    if (ok)
        rh_progress_end(progress, name, "replayed on the sample%s", repeats == 2 ? ", twice" : "");
    p.result.ok = ok;
    return p.result;
}
