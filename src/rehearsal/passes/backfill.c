#include "backfill.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/backfill/backfill.h"
#include "backfill_proof.h"
#include "load_size.h"
#include "pgrehearse/sql/classify.h"
#include <stdlib.h>
#include <string.h>

static const char STAGE[] = "backfill";

bool rh_backfill_check_migrations(const rh_scenario *scenario, const rh_plan *plan, rh_error *error)
{
    for (size_t i = 0; i < scenario->backfill_count; i++) {
        const rh_backfill *b = &scenario->backfills[i];
        bool found = b->after == NULL;
        for (size_t m = 0; m < plan->migration_count && !found; m++)
            found = plan->migrations[m].pending && strcmp(plan->migrations[m].id, b->after) == 0;
        if (found)
            continue;
        rh_error_set(error, RH_ERROR_SCENARIO,
                     "backfill %s runs after migration \"%s\", which is not pending", b->name, b->after);
        rh_error_hint(error, "\"pgrehearse plan\" lists the pending migrations");
        return rh_error_at(error, b->after_where.file, b->after_where.line, b->after_where.column);
    }
    return true;
}

static bool check_program(const char *program, const rh_location *where, const char *directory,
                          rh_error *error)
{
    if (rh_process_can_start(program, directory))
        return true;
    const bool by_path = strchr(program, '/') != NULL;
    rh_error_set(error, RH_ERROR_SCENARIO,
                 by_path ? "%s is not an executable file" : "no program \"%s\" is in PATH", program);
    rh_error_hint(error, by_path ? "a relative path begins at the scenario's folder"
                                 : "install it, put its directory into PATH, or write its path");
    return rh_error_at(error, where->file, where->line, where->column);
}

bool rh_backfill_check_programs(const rh_scenario *scenario, rh_error *error)
{
    for (size_t i = 0; i < scenario->backfill_count; i++) {
        const rh_backfill *b = &scenario->backfills[i];
        if (b->command && !check_program(b->command[0], &b->command_where, scenario->directory, error))
            return false;
        if (b->resume && !check_program(b->resume[0], &b->resume_where, scenario->directory, error))
            return false;
    }
    return true;
}

/* What the callbacks of the sweep need. */
typedef struct expansion {
    const rh_run *run;
    rh_staging *staging;
    const rh_backfill *backfill;
} expansion;

/* The statements of the migration that come before the one that the backfill replaces, each by itself: a
 * transaction that it is a part of would not be committed here. */
static bool run_statements_before(const expansion *e, const rh_migration *migration, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(rh_staging_migrations_conninfo(e->staging), ": migration", error);
    bool ok = pg != NULL;
    for (size_t i = 0; ok && i < migration->up.statement_count; i++) {
        const rh_statement *s = &migration->up.statements[i];
        const rh_transaction_verb verb = rh_transaction_verb_of(s->sql);
        if (s->ordinal >= e->backfill->replaces_statement)
            break;
        if (verb == RH_VERB_BEGIN || verb == RH_VERB_END)
            continue;
        ok = rh_pg_execute(pg, s->sql, error);
        for (size_t g = 0; ok && g < s->grouped_count; g++)
            ok = rh_pg_execute(pg, s->grouped[g].sql, error);
        if (!ok)
            rh_error_context(error, "statement %d of migration %s", s->ordinal, migration->id);
    }
    rh_pg_close(pg);
    return ok;
}

/* The restored state and what comes before the statement that the backfill replaces. */
static rh_pass_result settle_before(const expansion *e, rh_error *error)
{
    const rh_plan *plan = &e->run->plan;
    const rh_migration *last = NULL, *replaced = NULL;
    for (size_t m = 0; m < plan->migration_count && !replaced; m++) {
        if (!plan->migrations[m].pending)
            continue;
        if (strcmp(plan->migrations[m].id, e->backfill->replaces) == 0)
            replaced = &plan->migrations[m];
        else
            last = &plan->migrations[m];
    }
    rh_pass_result settled = {.kind = RH_PASS_KIND_VERIFY, .name = rh_pass_kind_name(RH_PASS_KIND_VERIFY)};
    if (last)
        settled = rh_pass_settle(e->run, e->staging, RH_PASS_KIND_VERIFY, last->id, NULL, NULL, NULL, error);
    else
        settled.ok = rh_staging_reset(e->staging, NULL, error);
    settled.ok = settled.ok && run_statements_before(e, replaced, error);
    return settled;
}

/* The restored state and the migrations before the backfill. Statistics are fresh, as autoanalyze leaves
 * them. */
static rh_pass_result expand(const expansion *e, rh_error *error)
{
    rh_pass_result settled = e->backfill->replaces
                                 ? settle_before(e, error)
                                 : rh_pass_settle(e->run, e->staging, RH_PASS_KIND_VERIFY, e->backfill->after,
                                                  NULL, NULL, NULL, error);
    if (!settled.ok)
        return settled;
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(e->staging), ": backfill", error);
    settled.ok = pg && rh_pg_execute(pg, "ANALYZE", error);
    rh_pg_close(pg);
    return settled;
}

static bool reset(void *data, rh_error *error)
{
    return expand(data, error).ok;
}

/* A line of predictions.log, before the stretch runs. */
static bool write_prediction(void *data, const rh_backfill_result *result, size_t cell,
                             const rh_backfill_stretch *stretch, rh_error *error)
{
    static const char *const naive[RH_STRETCH_NAIVE_COUNT] = {"first_rows", "last_second", "exponential_mean",
                                                              "random_batches"};
    const expansion *e = data;
    const rh_backfill_setting *setting = &result->cells[cell].setting;
    rh_json *line = rh_json_object();
    char stamp[32];
    rh_json_add_string(line, "written_at", rh_clock_format_utc(rh_clock_wall(), stamp, sizeof stamp));
    rh_json_add_string(line, "predicts", "stretch of a backfill");
    rh_json_add_string(line, "backfill", result->backfill->name);
    rh_json_add_int(line, "batch", setting->batch);
    rh_json_add_string(line, "pause", setting->pause.text);
    rh_json_add_int(line, "workers", setting->workers);
    rh_json_add_int(line, "stratum", (int64_t)stretch->stratum);
    rh_json_add_real(line, "us_per_row", stretch->us_per_row.median);
    rh_json_add_real(line, "low", stretch->us_per_row.low);
    rh_json_add_real(line, "high", stretch->us_per_row.high);
    for (int i = 0; i < RH_STRETCH_NAIVE_COUNT; i++)
        rh_json_add_real(line, naive[i], stretch->naive_us_per_row[i]);
    char *text = rh_json_format_line(line);
    const char *path = rh_arena_printf(e->run->arena, "%s/predictions.log", e->run->directory);
    const bool ok = rh_file_append(path, text, strlen(text), error);
    free(text);
    rh_json_free(line);
    return ok;
}

static bool sweep(expansion *e, rh_load *load, const rh_progress *progress, rh_backfill_pass_result *result,
                  rh_error *error)
{
    const rh_run *run = e->run;
    rh_backfill_place place = {.conninfo = rh_staging_conninfo(e->staging),
                               .backfill_conninfo = rh_staging_migrations_conninfo(e->staging),
                               .load_conninfo = rh_staging_workload_conninfo(e->staging),
                               .load = load->mix.template_count > 0 ? load : NULL,
                               .seed = run->scenario->workload.seed,
                               .local = run->staging.local,
                               .staging = e->staging,
                               .reset = reset,
                               .predicted = write_prediction,
                               .data = e,
                               .programs = {.environment = rh_backfill_environment,
                                            .directory = run->scenario->directory,
                                            .data = e->staging},
                               .progress = progress};
    return rh_backfill_sweep(e->backfill, &place, run->arena, &result->backfill, &result->pass.notes, error);
}

/* Why the proof is not run; NULL if it is. */
static const char *no_proof(const rh_backfill *backfill, const rh_backfill_result *result,
                            const rh_staging *staging)
{
    const char *no_sample = NULL;
    return backfill->proof.off                        ? "the scenario has proof: none"
           : result->rows == 0                        ? "no row is left to do"
           : !result->measured && !backfill->command  ? result->why_not
           : !rh_staging_pg_dump(staging, &no_sample) ? no_sample
                                                      : NULL;
}

rh_backfill_pass_result rh_pass_backfill(const rh_run *run, rh_staging *staging, const rh_backfill *backfill,
                                         const rh_progress *progress, rh_error *error)
{
    rh_load load = {0};
    expansion e = {.run = run, .staging = staging, .backfill = backfill};
    rh_progress_begin(progress, STAGE, "%s on %s", backfill->name, backfill->table);
    rh_backfill_pass_result result = {.pass = expand(&e, error)};
    bool ok = result.pass.ok;
    if (ok && run->scenario->workload.source != RH_WORKLOAD_NONE)
        ok = rh_load_prepare(run, staging, &load, &result.pass.notes, error);
    if (ok && load.mix.template_count == 0)
        rh_notes_printf(&result.pass.notes, run->arena, RH_UNMEASURED_BACKFILL,
                        "backfill %s: its effect on the load: there was no load", backfill->name);
    ok = ok && sweep(&e, &load, progress, &result, error);
    result.backfill.proof_why_not = ok ? no_proof(backfill, &result.backfill, staging) : NULL;
    if (ok && !result.backfill.proof_why_not)
        ok = reset(&e, error) && rh_backfill_prove_on_sample(run, staging, backfill, progress,
                                                             &result.backfill, &result.pass.notes, error);
    result.pass.ok = ok;
    if (ok && result.backfill.measured)
        rh_progress_end(progress, STAGE, "%s", result.backfill.advice);
    else if (ok)
        rh_progress_end(progress, STAGE, "%s", result.backfill.why_not);
    return result;
}

/* The states of the cells that ran: one that is unclear leaves the gates so. */
static rh_gate_outcome outcome_of(const rh_backfill_result *result, const char **why)
{
    bool failed = false, unclear = !result->measured;
    *why = result->why_not ? result->why_not : result->advice;
    for (size_t i = 0; i < result->cell_count; i++) {
        failed =
            failed || result->cells[i].state == RH_CELL_FAILED || result->cells[i].state == RH_CELL_EXCLUDED;
        unclear =
            unclear || result->cells[i].state == RH_CELL_UNCLEAR || result->cells[i].state == RH_CELL_NOT_RUN;
    }
    return result->recommended >= 0                 ? RH_GATE_HELD
           : result->measured && failed && !unclear ? RH_GATE_FAILED
                                                    : RH_GATE_NOT_MEASURED;
}

void rh_backfill_gates(rh_run *run)
{
    for (size_t i = 0; i < run->scenario->backfill_count; i++) {
        const rh_backfill *b = &run->scenario->backfills[i];
        const char *limits = NULL;
        for (int kind = 0; kind < RH_BACKFILL_GATE_COUNT; kind++)
            if (b->gates[kind].set)
                limits =
                    rh_arena_printf(run->arena, "%s%s%s %s", limits ? limits : "", limits ? ", " : "",
                                    rh_backfill_gate_name((rh_backfill_gate_kind)kind), b->gates[kind].text);
        if (!limits)
            continue;
        rh_gate *gate = rh_arena_add(run->arena, &run->gates, &run->gate_count);
        *gate = (rh_gate){.kind = RH_GATE_BACKFILL,
                          .name = rh_arena_printf(run->arena, "backfills.%s", b->name),
                          .limit_text = limits,
                          .limit = RH_NOT_MEASURED,
                          .measured = RH_NOT_MEASURED,
                          .outcome = RH_GATE_NOT_MEASURED,
                          .worst = "the backfill pass did not run"};
        if (i < run->backfill_count)
            gate->outcome = outcome_of(&run->backfills[i], &gate->worst);
    }
}
