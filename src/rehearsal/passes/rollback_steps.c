#include "rollback_steps.h"
#include "pass_steps.h"
#include "migrate.h"

/* ---- sessions ---- */

bool rh_rollback_open(rh_rollback_pass *p, rh_error *error)
{
    const char *conninfo = rh_staging_conninfo(p->staging);
    p->pg = rh_pg_connect(rh_staging_migrations_conninfo(p->staging), ": migration", error);
    p->side = p->pg ? rh_pg_connect(conninfo, ": side", error) : NULL;
    if (!p->side)
        return false;
    const rh_observer_options options = {.run = p->run,
                                         .conninfo = conninfo,
                                         .pass = RH_PASS_KIND_ROLLBACK,
                                         .migration_pid = rh_pg_backend_pid(p->pg),
                                         .began = rh_clock_monotonic()};
    p->observer = rh_observer_start(&options, error);
    return p->observer != NULL;
}

void rh_rollback_close(rh_rollback_pass *p, rh_notes *notes)
{
    const rh_observer_result seen = rh_observer_finish(p->observer);
    rh_notes_add(notes, p->run->arena, &seen.notes);
    rh_pg_close(p->side);
    rh_pg_close(p->pg);
    p->observer = NULL;
    p->side = p->pg = NULL;
}

/* ---- executions ---- */

bool rh_rollback_execute(rh_rollback_pass *p, const rh_migration *migration, rh_rollback_step step,
                         rh_rollback_found *found, rh_error *error)
{
    rh_rollback *rollback = &found->rollback;
    const bool observed = step == RH_ROLLBACK_DOWN;
    const rh_migrate_options options = {
        .direction = step == RH_ROLLBACK_DOWN || step == RH_ROLLBACK_DOWN_IN_SET ? RH_DOWN : RH_UP,
        .statement_timeout = p->run->scenario->migrations.statement_timeout,
        .pass = RH_PASS_KIND_ROLLBACK,
        .repeat = 1,
        .scale = 1,
        .observer = observed ? p->observer : NULL,
        .record = observed,
        .again = step == RH_ROLLBACK_DOWN_IN_SET || step == RH_ROLLBACK_UP_AGAIN};
    const rh_attempt attempt = rh_migrate(p->run, p->staging, p->pg, migration, &options, error);
    if (step == RH_ROLLBACK_UP || observed)
        rh_pass_add_attempt(&found->pass, p->run->arena, &attempt);
    else
        rh_notes_add(&found->pass.notes, p->run->arena, &attempt.notes);
    if (step != RH_ROLLBACK_UP) {
        *(step == RH_ROLLBACK_UP_AGAIN ? &rollback->reapply_s : &rollback->down_s) += attempt.elapsed_s;
        rollback->failure = attempt.failure ? attempt.failure : rollback->failure;
    }
    return attempt.outcome == RH_OUTCOME_OK;
}

void rh_rollback_file(rh_rollback_pass *p, const rh_rollback_found *found)
{
    rh_pass_result *result = &p->result->pass;
    for (size_t i = 0; i < found->pass.attempt_count; i++)
        *rh_arena_add(p->run->arena, &result->attempts, &result->attempt_count) = found->pass.attempts[i];
    rh_notes_add(&result->notes, p->run->arena, &found->pass.notes);
}

/* ---- readings ---- */

void rh_rollback_release(rh_rollback_state *s)
{
    rh_schema_free(s->schema);
    rh_data_free(s->data);
    *s = (rh_rollback_state){0};
}

bool rh_rollback_snapshot(rh_rollback_pass *p, const rh_data_options *options,
                          const rh_rollback_state *before, rh_rollback_state *now, rh_error *error)
{
    now->schema = rh_schema_read(p->side, error);
    if (now->schema)
        now->data =
            before ? rh_data_read_again(p->side, before->data, error) : rh_data_read(p->side, options, error);
    p->reading_failed = !now->data;
    if (now->data) /* or it would count as the next statement's */
        rh_pg_publish_statistics(p->side, NULL);
    return !p->reading_failed;
}

void rh_rollback_compare(rh_rollback_pass *p, const rh_rollback_state *before, const rh_rollback_state *after,
                         rh_rollback *rollback)
{
    rh_schema_compare(before->schema, after->schema, p->run->arena, &rollback->differences,
                      &rollback->difference_count);
    rollback->schema_restored = rollback->difference_count == 0;
    rh_data_compare(before->data, after->data, p->run->arena, &rollback->data);
}

void rh_rollback_add_affected(const rh_migration *migration, rh_arena *arena, const char ***names,
                              size_t *count)
{
    for (size_t i = 0; i < migration->up.statement_count; i++)
        for (size_t r = 0; r < migration->up.statements[i].run_count; r++) {
            const rh_statement_run *run = &migration->up.statements[i].runs[r];
            for (size_t l = 0; run->pass != RH_PASS_KIND_SCALED && l < run->lock_count; l++)
                if (run->locks[l].mode >= RH_LOCK_ROW_EXCLUSIVE)
                    *rh_arena_add(arena, names, count) = rh_lock_table(&run->locks[l]);
        }
}

/* ---- beginning again ---- */

bool rh_rollback_start_over(rh_rollback_pass *p, size_t count, rh_rollback_found *found, rh_error *error)
{
    rh_rollback_close(p, &found->pass.notes);
    if (!rh_staging_reset(p->staging, p->progress, error) || !rh_rollback_open(p, error))
        return false;
    for (size_t m = 0; m < count; m++)
        if (p->run->plan.migrations[m].pending &&
            !rh_rollback_execute(p, &p->run->plan.migrations[m], RH_ROLLBACK_UP, found, error))
            return false;
    return true;
}

bool rh_rollback_is_fatal(const rh_rollback_pass *p, rh_error *error)
{
    return p->reading_failed || error->code == RH_ERROR_INTERRUPTED || !rh_staging_was_up(p->staging, error);
}
