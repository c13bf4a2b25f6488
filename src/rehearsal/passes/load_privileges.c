#include "load_privileges.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/workload/workload.h"
#include <string.h>

/* For want of rights (42501), or since a policy reads a setting or calls a function that fails as this role:
 * access rules, data exceptions and raised errors. Before any migration, these are no effect of one. */
static bool is_refused(const rh_trial *trial)
{
    static const char *const classes[] = {"42", "22", "P0"};
    bool refused = false;
    for (size_t i = 0; trial->sqlstate && i < sizeof classes / sizeof *classes; i++)
        refused = refused || strncmp(trial->sqlstate, classes[i], 2) == 0;
    return trial->tried > 0 && trial->failed == trial->tried && refused;
}

static const char **add_left_out(const rh_run *run, rh_mix *mix)
{
    return rh_arena_add(run->arena, &mix->left_out, &mix->left_out_count);
}

static void leave_out(const rh_run *run, rh_mix *mix, const rh_template *template_, const rh_trial *trial)
{
    *add_left_out(run, mix) = rh_arena_printf(run->arena, "%s: the role %s cannot run it: %s",
                                              template_->name, run->workload_role.name, trial->message);
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

/* Of a template that row-level security lets do only a part of what it does, the values with which it may. */
static bool sieve(const rh_run *run, rh_pg *pg, rh_mix *mix, rh_template *t, size_t *sieved, rh_error *error)
{
    rh_value_check found;
    if (!t->by_policy || t->kind != RH_TEMPLATE_WRITE || t->script || t->value_row_count == 0)
        return true;
    if (!rh_template_check_values(pg, t, run->arena, &found, error))
        return false;
    if (found.kept == found.tried)
        return true;
    ++*sieved;
    *add_left_out(run, mix) = rh_arena_printf(
        run->arena,
        "%s: of %zu sets of parameter values tried, %zu were left out: row-level security %s %s%s", t->name,
        found.tried, found.tried - found.kept,
        found.message ? "refuses them to" : "shows their rows, but does not let them be changed, to",
        run->workload_role.name, found.message ? rh_arena_printf(run->arena, ": %s", found.message) : "");
    return true;
}

static bool try_template(const rh_run *run, rh_pg *pg, rh_mix *mix, rh_template *t, size_t *sieved,
                         bool *keep, rh_error *error)
{
    rh_trial trial;
    if (!sieve(run, pg, mix, t, sieved, error))
        return false;
    *keep = t->parameter_count == 0 || t->value_row_count > 0 || t->script;
    if (!*keep)
        return true;
    if (!rh_template_try(pg, mix, t, NULL, run->arena, &trial, error))
        return false;
    *keep = !is_refused(&trial);
    if (!*keep)
        leave_out(run, mix, t, &trial);
    return true;
}

static void note_omissions(const rh_run *run, const rh_mix *mix, size_t left, size_t all, size_t sieved,
                           rh_notes *notes)
{
    enum { ONE_BY_ONE = 10 };
    const rh_session_role *role = &run->workload_role;
    for (size_t i = 0; i < mix->unseen_count && i < ONE_BY_ONE; i++)
        rh_notes_printf(notes, run->arena, RH_UNMEASURED_LOAD_TEMPLATES, "load: no statement on %s",
                        mix->unseen[i]);
    if (mix->unseen_count > ONE_BY_ONE)
        rh_notes_printf(notes, run->arena, RH_UNMEASURED_LOAD_TEMPLATES,
                        "load: no statement on %zu more tables, of which %s sees no row (load.mix.omitted)",
                        mix->unseen_count - ONE_BY_ONE, role->name);
    if (sieved > 0)
        rh_notes_printf(
            notes, run->arena, RH_UNMEASURED_LOAD_TEMPLATES,
            "load: some parameter values of %zu of its templates were left out, because row-level security refuses them before any migration, or they change no row (load.mix.omitted)",
            sieved);
    if (left > 0)
        rh_notes_printf(
            notes, run->arena, RH_UNMEASURED_LOAD_TEMPLATES,
            "load: %zu of its %zu templates were left out: the role %s (%s) cannot run them: it lacks a privilege, or a setting that a policy reads (ALTER ROLE … SET in prepare: gives it one)",
            left, all, role->name, role->why);
}

bool rh_load_keep_allowed(const rh_run *run, rh_pg *pg, rh_load *load, rh_notes *notes, rh_error *error)
{
    rh_mix *mix = &load->mix;
    size_t kept = 0, sieved = 0;
    const size_t all = mix->template_count;
    for (size_t i = 0; i < all; i++) {
        bool keep = false;
        if (!try_template(run, pg, mix, &mix->templates[i], &sieved, &keep, error))
            return false;
        if (keep)
            mix->templates[kept++] = mix->templates[i];
    }
    if (kept < all) {
        mix->template_count = kept;
        rescale(mix);
    }
    note_omissions(run, mix, all - kept, all, sieved, notes);
    return true;
}
