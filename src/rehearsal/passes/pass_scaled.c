/* The scaled passes: every migration on samples of the pages. */
#include "pass_steps.h"

static const double FRACTIONS[] = {1.0 / 64, 1.0 / 32, 1.0 / 16, 1.0 / 8};
_Static_assert(sizeof FRACTIONS / sizeof *FRACTIONS == RH_SAMPLES_MOST, "samples and their room differ");

/* On the largest sample such a statement finds a page or two: its time is that of sending and parsing it. */
static bool is_small(const rh_work_size *size)
{
    const double rows = 5000, bytes = 8 << 20;
    return size->rows + size->referenced_rows < rows && size->bytes < bytes;
}

/* What a program works on is not known before it runs. */
static bool are_all_small(const rh_plan *plan, const rh_work_size *sizes)
{
    size_t statement = 0;
    for (size_t m = 0; m < plan->migration_count; m++) {
        if (plan->migrations[m].command)
            return false;
        for (size_t i = 0; i < plan->migrations[m].up.statement_count; i++)
            if (!is_small(&sizes[statement++]))
                return false;
    }
    return true;
}

rh_samples rh_samples_choose(const rh_run *run, const rh_work_size *sizes)
{
    enum { REPEATS = 4, REPEATS_WHEN_SMALL = 2 };
    const int quiet = run->scenario->repeat;
    rh_samples samples = {.count = RH_SAMPLES_MOST, .repeats = quiet > REPEATS ? quiet : REPEATS};
    if (!run->scenario->production.profile && are_all_small(&run->plan, sizes))
        samples = (rh_samples){.count = 1, .repeats = REPEATS_WHEN_SMALL};
    for (int i = 0; i < samples.count; i++)
        samples.fractions[i] = FRACTIONS[RH_SAMPLES_MOST - samples.count + i];
    return samples;
}

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
