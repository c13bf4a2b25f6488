#include "backfill_proof.h"
#include "migrate.h"
#include "pgrehearse/base/text.h"
#include "rehearsal/program/environment.h"
#include <string.h>

/* Rows that are to do in the sample, and the most that it may have in all, about. */
enum { SAMPLE_TO_DO = 40000, SAMPLE_ROWS = 400000 };

typedef struct sampled {
    const rh_run *run;
    rh_staging *staging;
    const rh_backfill *backfill;
} sampled;

static bool fresh(void *data, rh_proof_sessions *sessions, rh_error *error)
{
    sampled *s = data;
    if (!rh_staging_sample_copy(s->staging, error))
        return false;
    *sessions = (rh_proof_sessions){.own = rh_staging_conninfo(s->staging),
                                    .backfill = rh_staging_migrations_conninfo(s->staging)};
    return true;
}

static void crash(void *data)
{
    rh_staging_crash(((sampled *)data)->staging);
}

static bool restart(void *data, rh_error *error)
{
    return rh_staging_restart(((sampled *)data)->staging, error);
}

const char **rh_backfill_environment(void *staging, const struct rh_proxy *proxy, rh_arena *arena,
                                     rh_error *error)
{
    return rh_program_environment_as(rh_staging_migrations_conninfo(staging), proxy, arena, error);
}

/* The index of the first migration after the backfill; the number of migrations if none is pending there. */
static size_t first_after(const sampled *s)
{
    const rh_plan *plan = &s->run->plan;
    size_t first =
        plan->migration_count; /* after a statement that it replaces comes the rest of its migration */
    for (size_t m = 0; s->backfill->after && m < plan->migration_count; m++)
        if (strcmp(plan->migrations[m].id, s->backfill->after) == 0)
            first = m + 1;
    while (first < plan->migration_count && !plan->migrations[first].pending)
        first++;
    return first;
}

static bool contract(void *data, const char **why, bool *of_rows, rh_error *error)
{
    const sampled *s = data;
    const rh_plan *plan = &s->run->plan;
    const rh_migrate_options options = {.direction = RH_UP,
                                        .statement_timeout = s->run->scenario->migrations.statement_timeout,
                                        .pass = RH_PASS_KIND_QUIET,
                                        .repeat = 1,
                                        .scale = 1};
    rh_pg *pg = rh_pg_connect(rh_staging_migrations_conninfo(s->staging), ": migration", error);
    bool ok = pg != NULL;
    for (size_t m = first_after(s); ok && !*why && m < plan->migration_count; m++) {
        rh_error problem = {0};
        const rh_migration *migration = &plan->migrations[m];
        if (!migration->pending)
            continue;
        const rh_attempt attempt = rh_migrate(s->run, s->staging, pg, migration, &options, &problem);
        if (attempt.outcome == RH_OUTCOME_FAILED) {
            *why = rh_arena_printf(s->run->arena, "migration %s fails: %s", migration->id, problem.message);
            *of_rows = rh_starts_with(problem.sqlstate, "23");
        } else if (attempt.outcome != RH_OUTCOME_OK) {
            rh_error_move(error, &problem);
            ok = false;
        }
        rh_error_release(&problem);
    }
    rh_pg_close(pg);
    return ok;
}

/* So large that it has enough rows to do, and so small that dozens of runs take seconds each. */
static double fraction_of(const rh_backfill_result *result)
{
    const double by_rows = result->rows > 0 ? SAMPLE_TO_DO / (double)result->rows : 1;
    const double most = result->table_rows > 0 ? SAMPLE_ROWS / (double)result->table_rows : 1;
    const double fraction = by_rows < most ? by_rows : most;
    return fraction < 1 ? fraction : 1;
}

bool rh_backfill_prove_on_sample(const rh_run *run, rh_staging *staging, const rh_backfill *backfill,
                                 const rh_progress *progress, rh_backfill_result *result, rh_notes *notes,
                                 rh_error *error)
{
    sampled s = {.run = run, .staging = staging, .backfill = backfill};
    const bool ours = run->scenario->staging.kind == RH_STAGING_EMBEDDED;
    const rh_proof_place place = {.fresh = fresh,
                                  .crash = ours ? crash : NULL,
                                  .restart = ours ? restart : NULL,
                                  .contract = first_after(&s) < run->plan.migration_count ? contract : NULL,
                                  .programs = {.environment = rh_backfill_environment,
                                               .directory = run->scenario->directory,
                                               .data = staging},
                                  .sampled = fraction_of(result) < 1,
                                  .data = &s,
                                  .seed = run->scenario->workload.seed,
                                  .progress = progress};
    const char *why_not = NULL;
    if (!rh_staging_sample(staging, fraction_of(result), run->arena, &why_not, error))
        return false;
    if (why_not)
        rh_notes_printf(notes, run->arena, RH_UNMEASURED_BACKFILL, "backfill %s: its proof: %s",
                        backfill->name, why_not);
    const rh_backfill_setting *setting =
        result->recommended >= 0 ? &result->cells[result->recommended].setting : NULL;
    return rh_backfill_prove(backfill, setting, &place, run->arena, result, notes, error);
}
