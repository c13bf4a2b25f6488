#include "interruption_state.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* ---- readings ---- */

void rh_interruption_close(rh_interrupted *i)
{
    rh_pg_close(i->pg);
    rh_pg_close(i->side);
    i->pg = i->side = NULL;
}

void rh_interruption_forget(rh_interrupted *i)
{
    rh_schema_free(i->schema);
    rh_data_free(i->data);
    i->schema = NULL;
    i->data = NULL;
}

static bool read_history(rh_interrupted *i, rh_rows *rows, rh_error *error)
{
    const char *table = i->run->plan.history_table;
    *rows = (rh_rows){0};
    return !table || rh_history_read(i->side, table, i->run->arena, rows, error);
}

static bool read_before(rh_interrupted *i, rh_error *error)
{
    rh_data_options options = RH_DATA_DEFAULTS;
    options.history_table = i->run->plan.history_table;
    options.history_registry = i->run->plan.history_registry;
    rh_interruption_forget(i);
    i->schema = rh_schema_read(i->side, error);
    i->data = i->schema ? rh_data_read(i->side, &options, error) : NULL;
    return i->data && rh_invalid_indexes(i->side, i->run->arena, &i->invalid, &i->invalid_count, error) &&
           read_history(i, &i->history, error);
}

/* The invalid indexes that were not there, or not invalid, before. */
static bool new_invalid(rh_interrupted *i, const char ***names, size_t *count, rh_error *error)
{
    const char **now = NULL;
    size_t now_count = 0;
    *names = NULL;
    *count = 0;
    if (!rh_invalid_indexes(i->side, i->run->arena, &now, &now_count, error))
        return false;
    for (size_t n = 0; n < now_count; n++) {
        bool known = false;
        for (size_t b = 0; b < i->invalid_count; b++)
            known = known || strcmp(now[n], i->invalid[b]) == 0;
        if (!known)
            *rh_arena_add(i->run->arena, names, count) = now[n];
    }
    return true;
}

bool rh_interruption_inspect(rh_interrupted *i, rh_rows *history, rh_error *error)
{
    rh_interruption *found = i->found;
    rh_schema *schema = rh_schema_read(i->side, error);
    rh_data *data = schema ? rh_data_read_again(i->side, i->data, error) : NULL;
    if (data) {
        rh_schema_compare(i->schema, schema, i->run->arena, &found->differences, &found->difference_count);
        rh_data_compare(i->data, data, i->run->arena, &found->data);
    }
    bool ok = data && new_invalid(i, &found->invalid_indexes, &found->invalid_index_count, error) &&
              read_history(i, history, error);
    if (ok && i->run->plan.history_table)
        found->history = rh_history_describe(&i->history, history, i->run->arena, &found->history_changed);
    rh_schema_free(schema);
    rh_data_free(data);
    return ok;
}

/* ---- replays ---- */

bool rh_interruption_replay(rh_interrupted *i, const rh_migration *migration, const rh_fault_injection *fault,
                            rh_error *error)
{
    const rh_migrate_options options = {.direction = RH_UP,
                                        .statement_timeout = i->run->scenario->migrations.statement_timeout,
                                        .pass = RH_PASS_KIND_ROLLBACK,
                                        .repeat = 1,
                                        .scale = 1,
                                        .fault = fault};
    const rh_attempt attempt = rh_migrate(i->run, i->staging, i->pg, migration, &options, error);
    rh_notes_add(i->notes, i->run->arena, &attempt.notes);
    return attempt.outcome == RH_OUTCOME_OK;
}

bool rh_interruption_open(rh_interrupted *i, rh_error *error)
{
    const char *conninfo = rh_staging_conninfo(i->staging);
    i->pg = rh_pg_connect(rh_staging_migrations_conninfo(i->staging), ": migration", error);
    i->side = i->pg ? rh_pg_connect(conninfo, ": side", error) : NULL;
    return i->side != NULL;
}

bool rh_interruption_prepare(rh_interrupted *i, rh_error *error)
{
    rh_interruption_close(i);
    bool ok = rh_staging_reset(i->staging, i->progress, error) && rh_interruption_open(i, error) &&
              rh_history_prepare(i->pg, &i->run->plan, error);
    for (size_t m = 0; ok && m < i->index; m++)
        if (i->run->plan.migrations[m].pending)
            ok = rh_interruption_replay(i, &i->run->plan.migrations[m], NULL, error);
    return ok && read_before(i, error);
}

/* ---- and again ---- */

/* Would the framework run it, given what its history table says now? */
static bool ask_framework(rh_interrupted *i, const rh_rows *history, rh_run_again *answer, rh_error *error)
{
    rh_scenario scenario = *i->run->scenario;
    rh_plan plan = {0};
    rh_error refused = {0};
    scenario.migrations.pending = RH_PENDING_AUTO;
    scenario.only = NULL;
    scenario.only_count = 0;
    *answer = RH_RUN_AGAIN_OK;
    if (!i->run->plan.history_table)
        return true;
    if (!rh_plan_detect(&scenario, i->run->arena, &plan, error))
        return false;
    if (rh_plan_make(&scenario, history, i->run->arena, &plan, &refused)) {
        if (i->index < plan.migration_count && !plan.migrations[i->index].pending)
            *answer = RH_RUN_AGAIN_SKIPPED;
        return true;
    }
    *answer = RH_RUN_AGAIN_REFUSED;
    i->found->error = rh_arena_strdup(i->run->arena, refused.message);
    rh_error_release(&refused);
    return true;
}

static bool run_again(rh_interrupted *i, rh_run_again *outcome, rh_error *error)
{
    rh_error failed = {0};
    bool ok = rh_interruption_replay(i, i->migration, NULL, &failed);
    *outcome = ok ? RH_RUN_AGAIN_OK : RH_RUN_AGAIN_FAILED;
    if (!ok && (failed.code == RH_ERROR_INTERRUPTED || !rh_staging_was_up(i->staging, &failed))) {
        rh_error_move(error, &failed);
        return false;
    }
    if (!ok && outcome == &i->found->run_again)
        i->found->error = rh_arena_strdup(i->run->arena, failed.message);
    else if (!ok)
        i->found->error = i->found->error
                              ? rh_arena_printf(i->run->arena, "%s; after the history table is repaired: %s",
                                                i->found->error, failed.message)
                              : rh_arena_strdup(i->run->arena, failed.message);
    rh_error_release(&failed);
    return true;
}

bool rh_interruption_try_again(rh_interrupted *i, const rh_rows *history, rh_error *error)
{
    rh_interruption *found = i->found;
    bool ok = ask_framework(i, history, &found->run_again, error);
    if (ok && found->run_again == RH_RUN_AGAIN_OK)
        ok = run_again(i, &found->run_again, error);
    else if (ok)
        ok = rh_history_write(i->side, i->run->plan.history_table, &i->history, error) &&
             run_again(i, &found->after_repair, error);
    return ok && new_invalid(i, &found->invalid_after_rerun, &found->invalid_after_rerun_count, error);
}
