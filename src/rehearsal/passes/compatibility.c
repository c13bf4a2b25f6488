#include "compatibility.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pass.h"
#include "pgrehearse/workload/workload.h"
#include <string.h>

static const char STAGE[] = "compatibility";

/* One release's templates on their way through the migrations. */
typedef struct party {
    const rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    rh_compatibility_result *result;
    rh_release release;
    const rh_mix *mix;
    rh_trial *own;       /* by template: on its own schema */
    size_t *open;        /* by template: its row that still fails, from 1; 0: none */
    const char *state;   /* the last migration that ran; NULL: none has */
    size_t tried;        /* templates that work on their own schema */
    bool own_is_pending; /* the next state is its own schema */
} party;

static rh_pg *connect(const party *p, rh_error *error)
{
    return rh_pg_connect(rh_staging_workload_conninfo(p->staging), ": compatibility", error);
}

/* A row that a foreign key wants may be missing where the values come from another state of the data. */
static bool is_of_the_data(const party *p, const rh_trial *trial)
{
    return p->release == RH_RELEASE_NEXT && trial->sqlstate && strcmp(trial->sqlstate, "23503") == 0;
}

static void note(party *p, size_t t, const rh_trial *trial)
{
    rh_compatibility *found = &p->result->compatibility;
    const rh_template *template_ = &p->mix->templates[t];
    bool fails = trial->failed > 0 && !is_of_the_data(p, trial);
    if (!fails && p->open[t]) {
        found->rows[p->open[t] - 1].fixed_by = p->state;
        p->open[t] = 0;
    }
    if (!fails || p->open[t])
        return;
    rh_incompatibility *row = rh_arena_add(p->run->arena, &found->rows, &found->row_count);
    *row = (rh_incompatibility){.application = p->release,
                                .template_name = template_->name,
                                .sql = rh_sql_redact(template_->sql, p->run->arena),
                                .share = template_->weight,
                                .broken_by = p->state,
                                .sqlstate = trial->sqlstate,
                                .message = trial->message,
                                .tried = trial->tried,
                                .failed = trial->failed};
    p->open[t] = found->row_count;
}

/* Calls every template in the state that PG's database is in. A statement that its own schema refuses says
 * nothing about another one. */
static bool try_all(party *p, rh_error *error)
{
    rh_pg *pg = connect(p, error);
    bool ok = pg != NULL;
    for (size_t t = 0; ok && t < p->mix->template_count; t++) {
        rh_trial trial;
        bool works = false;
        for (int i = 0; i < RH_TRIAL_CALLS; i++)
            works = works || p->own[t].good[i];
        if (!p->own_is_pending && !works)
            continue;
        ok = rh_template_try(pg, p->mix, &p->mix->templates[t], p->own_is_pending ? NULL : &p->own[t],
                             p->run->arena, &trial, error);
        if (ok && p->own_is_pending) {
            p->own[t] = trial;
            p->tried += trial.tried > trial.failed;
        } else if (ok) {
            note(p, t, &trial);
        }
    }
    p->own_is_pending = false;
    rh_pg_close(pg);
    return ok;
}

static void begin(party *p)
{
    size_t count = p->mix->template_count + 1;
    p->own = rh_arena_alloc(p->run->arena, count * sizeof *p->own);
    p->open = rh_arena_alloc(p->run->arena, count * sizeof *p->open);
    p->own_is_pending = true;
}

static bool after_migration(void *user, const char *migration, rh_error *error)
{
    party *p = user;
    p->state = migration;
    rh_progress_update(p->progress, STAGE, migration ? migration : "before the first migration", 0, 0,
                       RH_UNIT_SECONDS);
    return try_all(p, error);
}

/* The next release's mix takes its values from the migrated copy, and is first tried there. */
static bool read_next(party *next, rh_error *error)
{
    const rh_run *run = next->run;
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(next->staging), ": compatibility", error),
          *as = pg ? connect(next, error) : NULL;
    const rh_mix_role role = {as, run->workload_role.name};
    bool ok = as && rh_mix_from_workload(pg, run->workload_role.superuser ? NULL : &role,
                                         &run->scenario->workload.next, run->scenario->workload.seed,
                                         run->arena, &next->result->compatibility.next, error);
    rh_pg_close(as);
    rh_pg_close(pg);
    if (!ok)
        return rh_error_context(error, "workload.next on the migrated copy");
    begin(next);
    return try_all(next, error);
}

/* Statements that even the new schema refuses are the next release's own fault, or of another database. */
static void note_refused(const party *p)
{
    size_t refused = p->mix->template_count - p->tried;
    if (refused > 0)
        rh_notes_printf(
            &p->result->pass.notes, p->run->arena, RH_UNMEASURED_COMPATIBILITY,
            "compatibility: %zu template%s of the %s release fail%s on the release's own schema, so the other release was not judged",
            refused, refused == 1 ? "" : "s", rh_release_name(p->release), refused == 1 ? "s" : "");
}

static bool has_next(const rh_run *run)
{
    return run->scenario->workload.next.source != RH_WORKLOAD_NONE;
}

/* Undefined or mistyped objects, broken constraints, values that do not fit: not deadlocks, timeouts, lost
 * connections or plans that are merely stale. */
bool rh_compatibility_wanted(const rh_run *run)
{
    bool suspicious = false;
    for (size_t i = 0; i < run->load.error_count; i++) {
        const char *state = run->load.errors[i].sqlstate;
        suspicious = suspicious || (state && (rh_starts_with(state, "42") || rh_starts_with(state, "23") ||
                                              rh_starts_with(state, "22")));
    }
    return run->load.mix.template_count > 0 && (has_next(run) || suspicious);
}

/* What the settling adds to the attempts and notes that are there already. */
static bool settle(party *p, rh_error *error)
{
    rh_pass_result *pass = &p->result->pass;
    const rh_pass_result settled = rh_pass_settle(p->run, p->staging, RH_PASS_KIND_COMPATIBILITY, NULL,
                                                  p->progress, after_migration, p, error);
    for (size_t i = 0; i < settled.attempt_count; i++)
        *rh_arena_add(p->run->arena, &pass->attempts, &pass->attempt_count) = settled.attempts[i];
    rh_notes_add(&pass->notes, p->run->arena, &settled.notes);
    return settled.ok;
}

static bool try_current(party *current, rh_error *error)
{
    begin(current);
    if (!settle(current, error))
        return false;
    current->result->compatibility.measured = true;
    current->result->compatibility.current_tried = current->tried;
    note_refused(current);
    return true;
}

static bool try_next(party *next, rh_error *error)
{
    if (!read_next(next, error) || !settle(next, error))
        return false;
    next->result->compatibility.next_measured = true;
    next->result->compatibility.next_tried = next->tried;
    note_refused(next);
    return true;
}

rh_compatibility_result rh_pass_compatibility(const rh_run *run, rh_staging *staging,
                                              const rh_progress *progress, rh_error *error)
{
    rh_compatibility_result result = {
        .pass = {.kind = RH_PASS_KIND_COMPATIBILITY, .name = rh_pass_kind_name(RH_PASS_KIND_COMPATIBILITY)}};
    party current = {.run = run,
                     .staging = staging,
                     .progress = progress,
                     .result = &result,
                     .release = RH_RELEASE_CURRENT,
                     .mix = &run->load.mix},
          next = current;
    next.release = RH_RELEASE_NEXT;
    next.mix = &result.compatibility.next;
    rh_progress_begin(progress, STAGE, "%zu templates after each migration", run->load.mix.template_count);
    result.pass.ok = try_current(&current, error) && (!has_next(run) || try_next(&next, error));
    if (result.pass.ok)
        rh_progress_end(progress, STAGE, "%zu incompatibilit%s", result.compatibility.row_count,
                        result.compatibility.row_count == 1 ? "y" : "ies");
    return result;
}
