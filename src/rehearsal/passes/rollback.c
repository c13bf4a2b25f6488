/* The rollback pass: every migration up, down and up again, then the whole set; the schema compared object by
 * object, the rows of every column that existed before by count and digest, the down migrations observed like
 * those up. */
#include "column_order.h"
#include "reversibility.h"
#include "rollback_steps.h"
#include "pgrehearse/migrations/plan.h"

/* ---- one migration ---- */

static rh_rollback_found nothing_found(const rh_migration *migration)
{
    return (rh_rollback_found){.ok = true,
                               .rollback = {.has_down = migration->has_down,
                                            .down_is_empty = migration->down_is_empty,
                                            .schema_restored = -1}};
}

/* From what was there BEFORE it; OK when it is down and up again. */
static bool down_and_up_again(rh_rollback_pass *p, const rh_migration *migration,
                              const rh_rollback_state *before, rh_rollback_found *found, rh_error *error)
{
    rh_rollback_state after = {0};
    found->rollback.outcome = RH_OUTCOME_FAILED;
    bool ok = rh_rollback_execute(p, migration, RH_ROLLBACK_DOWN, found, error) &&
              rh_rollback_snapshot(p, NULL, before, &after, error);
    if (ok) {
        rh_rollback_compare(p, before, &after, &found->rollback);
        ok = rh_rollback_execute(p, migration, RH_ROLLBACK_UP_AGAIN, found, error);
    }
    if (ok)
        found->rollback.outcome = RH_OUTCOME_OK;
    rh_rollback_release(&after);
    return ok;
}

static bool up_down_up(rh_rollback_pass *p, const rh_migration *migration, rh_rollback_found *found,
                       rh_error *error)
{
    if (!migration->has_down)
        return rh_rollback_execute(p, migration, RH_ROLLBACK_UP, found, error);
    const char **affected = NULL;
    rh_data_options options = RH_DATA_DEFAULTS;
    rh_rollback_add_affected(migration, p->run->arena, &affected, &options.affected_count);
    options.affected = affected;
    options.history_table = p->run->plan.history_table;
    options.history_registry = p->run->plan.history_registry;
    rh_rollback_state before = {0};
    bool ok = rh_rollback_snapshot(p, &options, NULL, &before, error) &&
              rh_rollback_execute(p, migration, RH_ROLLBACK_UP, found, error) &&
              down_and_up_again(p, migration, &before, found, error);
    rh_rollback_release(&before);
    return ok;
}

/* An up migration that worked in a quiet pass and fails here failed on the state that an earlier one's
 * rollback left: it is no fault of its own, and is rehearsed on the state that it would find. Of the attempt
 * that failed, FOUND keeps only the notes. */
static bool retry_on_fresh_copy(rh_rollback_pass *p, size_t m, rh_rollback_found *found, rh_error *failed)
{
    const rh_migration *migration = &p->run->plan.migrations[m];
    if (migration->outcome != RH_OUTCOME_OK || found->rollback.outcome != RH_OUTCOME_NOT_RUN || m == 0 ||
        failed->code != RH_ERROR_MIGRATION)
        return false;
    rh_notes_printf(
        &found->pass.notes, p->run->arena, RH_UNMEASURED_ROLLBACK,
        "rollback of %s after the other migrations went down and up again: its up migration fails on the "
        "state that they leave (%s), so it was rehearsed on a fresh copy",
        migration->id, failed->message);
    rh_error_release(failed);
    const rh_notes notes = found->pass.notes;
    *found = nothing_found(migration);
    found->pass.notes = notes;
    return rh_rollback_start_over(p, m, found, failed) && up_down_up(p, migration, found, failed);
}

static rh_rollback_found rehearse_one(rh_rollback_pass *p, size_t m, rh_error *error)
{
    const rh_migration *migration = &p->run->plan.migrations[m];
    rh_rollback_found found = nothing_found(migration);
    rh_error failed = {0};
    found.ok = up_down_up(p, migration, &found, &failed) || retry_on_fresh_copy(p, m, &found, &failed);
    if (found.ok)
        return found;
    if (rh_rollback_is_fatal(p, &failed) || !migration->has_down) {
        rh_error_move(error, &failed);
        return found;
    }
    if (!found.rollback.failure)
        found.rollback.failure = rh_failure_of_error(&failed, p->run->arena);
    if (!found.rollback.failure->file)
        found.rollback.failure->file = migration->down.file;
    rh_error_release(&failed);
    found.ok = rh_rollback_start_over(p, m + 1, &found, error); /* the state is not known */
    return found;
}

/* ---- the pass ---- */

/* How the database differs from what the up migrations left: what a down migration did not restore, or left
 * behind, may not be there for the next migration, or be in its way. */
typedef enum drift {
    DRIFT_NONE,
    DRIFT_COLUMN_ORDER, /* a table has its columns in another order: those that were dropped are its last */
    DRIFT_OTHER,
} drift;

static drift drift_of(const rh_rollback *rollback)
{
    if (rollback->reversibility != RH_REVERSIBILITY_FULL)
        return DRIFT_OTHER;
    for (size_t i = 0; i < rollback->difference_count; i++)
        if (rollback->differences[i].change != RH_CHANGE_MOVED)
            return DRIFT_OTHER;
    return rollback->schema_restored == 1 ? DRIFT_NONE : DRIFT_COLUMN_ORDER;
}

static rh_rollback_found rehearse_on_fresh_copy(rh_rollback_pass *p, size_t m, rh_error *error)
{
    rh_rollback_found copied = {0};
    const bool ok = rh_rollback_start_over(p, m, &copied, error);
    rh_rollback_file(p, &copied);
    if (ok)
        return rehearse_one(p, m, error);
    copied = nothing_found(&p->run->plan.migrations[m]);
    copied.ok = false;
    return copied;
}

/* What fails here or loses anything is tried again on a fresh copy, and has that copy's verdict. */
static rh_rollback_found rehearse_on_moved_columns(rh_rollback_pass *p, size_t m, drift *state,
                                                   rh_error *error)
{
    rh_rollback_found found = rehearse_one(p, m, error);
    rh_reversibility_judge(&found.rollback, p->run->arena);
    if (!found.ok || !found.rollback.has_down || found.rollback.reversibility == RH_REVERSIBILITY_FULL)
        return found;
    *state = DRIFT_NONE;
    return rehearse_on_fresh_copy(p, m, error);
}

/* In the STATE that those before it left, which it changes. A fresh copy runs every earlier migration again,
 * so a migration that does not depend on the order of columns runs without one. A migration without a down
 * migration needs no known state: it runs when the next copy is made. */
static bool rehearse_in(rh_rollback_pass *p, size_t m, drift *state, rh_error *error)
{
    const rh_migration *migration = &p->run->plan.migrations[m];
    rh_rollback_found found = nothing_found(migration);
    if (*state == DRIFT_NONE) {
        found = rehearse_one(p, m, error);
    } else if (*state == DRIFT_COLUMN_ORDER && !rh_depends_on_column_order(migration)) {
        found = rehearse_on_moved_columns(p, m, state, error);
    } else if (migration->has_down) {
        *state = DRIFT_NONE;
        found = rehearse_on_fresh_copy(p, m, error);
    } else {
        *state = DRIFT_OTHER;
    }
    rh_rollback *rollback = &p->result->rollbacks[m];
    *rollback = found.rollback;
    rh_rollback_file(p, &found);
    rh_reversibility_judge(rollback, p->run->arena);
    if (rollback->reversibility == RH_REVERSIBILITY_BROKEN)
        *state = DRIFT_NONE; /* a fresh copy has been made already */
    else if (migration->has_down && drift_of(rollback) > *state)
        *state = drift_of(rollback);
    return found.ok;
}

static bool rehearse_each(rh_rollback_pass *p, rh_error *error)
{
    const rh_run *run = p->run;
    size_t done = 0;
    drift state = DRIFT_NONE;
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        if (!run->plan.migrations[m].pending)
            continue;
        rh_progress_update(p->progress, "rollback", run->plan.migrations[m].name, (int64_t)done++,
                           (int64_t)run->plan.pending_count, RH_UNIT_ITEMS);
        if (!rehearse_in(p, m, &state, error))
            return false;
    }
    return true;
}

static void begin(const rh_run *run, rh_rollback_result *result)
{
    const size_t count = run->plan.migration_count;
    result->set = (rh_rollback){.schema_restored = -1};
    result->migration_count = count;
    result->rollbacks = rh_arena_alloc(run->arena, (count + 1) * sizeof *result->rollbacks);
    for (size_t m = 0; m < count; m++)
        result->rollbacks[m] = nothing_found(&run->plan.migrations[m]).rollback;
}

static void say_end(const rh_rollback_pass *p)
{
    size_t full = 0, lossy = 0, bad = 0;
    for (size_t m = 0; m < p->run->plan.migration_count; m++) {
        rh_reversibility reversibility = p->result->rollbacks[m].reversibility;
        full += reversibility == RH_REVERSIBILITY_FULL;
        lossy += reversibility == RH_REVERSIBILITY_LOSSY;
        bad += reversibility == RH_REVERSIBILITY_IRREVERSIBLE || reversibility == RH_REVERSIBILITY_BROKEN;
    }
    rh_progress_end(p->progress, "rollback", "%zu reversible, %zu with loss, %zu irreversible or broken",
                    full, lossy, bad);
}

rh_rollback_result rh_pass_rollback(const rh_run *run, rh_staging *staging, const rh_progress *progress,
                                    rh_error *error)
{
    rh_rollback_result result = {.pass = {.kind = RH_PASS_KIND_ROLLBACK}};
    rh_rollback_pass p = {.run = run, .staging = staging, .progress = progress, .result = &result};
    rh_rollback_state beginning = {0};
    rh_progress_begin(progress, "rollback", "up, down and up again");
    begin(run, &result);
    bool ok = rh_staging_reset(staging, progress, error) && rh_rollback_open(&p, error) &&
              rh_history_prepare(p.pg, &run->plan, error) && rh_rollback_set_inspect(&p, &beginning, error) &&
              rehearse_each(&p, error) && rh_rollback_set(&p, &beginning, error);
    rh_rollback_close(&p, &result.pass.notes);
    rh_rollback_release(&beginning);
    if (ok)
        say_end(&p);
    result.pass.ok = ok;
    return result;
}
