#include "pgrehearse/rehearsal/load_rights.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/workload/trial.h"
#include <string.h>

/* For want of rights (42501), or since a policy reads a setting or calls a function that fails as this role:
 * access rules, data exceptions and raised errors. Before any migration, these are nobody's harm. */
static bool is_refused(const rh_trial *trial)
{
    static const char *const classes[] = {"42", "22", "P0"};
    bool refused = false;
    for (size_t i = 0; trial->sqlstate && i < sizeof classes / sizeof *classes; i++)
        refused = refused || strncmp(trial->sqlstate, classes[i], 2) == 0;
    return trial->tried > 0 && trial->failed == trial->tried && refused;
}

static void leave_out(rh_run *run, rh_mix *mix, const rh_template *template_, const rh_trial *trial)
{
    const char **sentence = rh_arena_add(run->arena, &mix->left_out, &mix->left_out_count, sizeof *sentence);
    *sentence = rh_arena_printf(run->arena, "%s: the role %s cannot run it: %s", template_->name,
                                run->workload_role.name, trial->message);
}

/* The shares of those that stay sum to 1 again. */
static void rescale(rh_mix *mix)
{
    double sum = 0;
    for (size_t i = 0; i < mix->template_count; i++)
        sum += mix->templates[i].weight;
    for (size_t i = 0; sum > 0 && i < mix->template_count; i++)
        mix->templates[i].weight /= sum;
}

bool rh_load_keep_allowed(rh_run *run, rh_staging *staging, rh_load *load, rh_error *error)
{
    rh_mix *mix = &load->mix;
    size_t kept = 0, all = mix->template_count;
    if (!run->workload_role.name || run->workload_role.superuser || all == 0)
        return true;
    rh_pg *pg = rh_pg_connect(rh_staging_workload_conninfo(staging), ": mix", error);
    bool ok = pg != NULL;
    for (size_t i = 0; ok && i < all; i++) {
        rh_trial trial;
        ok = rh_template_try(pg, mix, &mix->templates[i], NULL, run->arena, &trial, error);
        if (ok && is_refused(&trial))
            leave_out(run, mix, &mix->templates[i], &trial);
        else if (ok)
            mix->templates[kept++] = mix->templates[i];
    }
    rh_pg_close(pg);
    if (!ok || kept == all)
        return ok;
    mix->template_count = kept;
    rescale(mix);
    rh_run_not_measured(
        run,
        "load: %zu of its %zu templates were left out: the role %s (%s) cannot run them for want of rights, or of a setting that a policy reads (ALTER ROLE … SET in prepare: gives it one)",
        all - kept, all, run->workload_role.name, run->workload_role.why);
    return true;
}
