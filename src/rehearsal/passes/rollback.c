/* The rollback pass: every migration up, down and up again, then the whole set; the schema compared object by
 * object, the rows of every column that existed before by count and digest, the way down watched like the way
 * up. */
#include "pass.h"
#include "reversibility.h"
#include "way_back.h"
#include "pgrehearse/migrations/plan.h"

/* ---- one migration ---- */

static bool there_and_back(way_back *w, rh_migration *migration, rh_error *error)
{
    rh_rollback *rollback = &migration->rollback;
    if (!rollback->has_down)
        return rh_way_back_replay(w, migration, RH_UP, false, NULL, error);
    const char **affected = NULL;
    rh_data_options options = RH_DATA_DEFAULTS;
    rh_way_back_add_affected(migration, w->run->arena, &affected, &options.affected_count);
    options.affected = affected;
    options.history_table = w->run->plan.history_table;
    options.history_registry = w->run->plan.history_registry;
    way_back_state before = {0}, after = {0};
    bool ok = rh_way_back_look(w, &options, NULL, &before, error) &&
              rh_way_back_replay(w, migration, RH_UP, false, NULL, error);
    if (ok) {
        rollback->outcome = RH_OUTCOME_FAILED;
        ok = rh_way_back_replay(w, migration, RH_DOWN, false, &rollback->down_s, error) &&
             rh_way_back_look(w, NULL, &before, &after, error);
    }
    if (ok) {
        rh_way_back_compare(w, &before, &after, rollback);
        ok = rh_way_back_replay(w, migration, RH_UP, true, &rollback->up_again_s, error);
    }
    if (ok)
        rollback->outcome = RH_OUTCOME_OK;
    rh_way_back_release(&before);
    rh_way_back_release(&after);
    return ok;
}

/* A way up that worked in a quiet pass and fails here has met what an earlier one's way there and back left:
 * it is no fault of its own, and gets the state that it would find. */
static bool there_and_back_once_more(way_back *w, size_t m, rh_error *failed)
{
    rh_migration *migration = &w->run->plan.migrations[m];
    if (migration->rollback.outcome != RH_OUTCOME_NOT_RUN || m == 0 || failed->code != RH_ERROR_MIGRATION)
        return false;
    rh_run_not_measured(
        w->run,
        "rollback of %s after the others' ways there and back: its way up fails on what they leave "
        "behind (%s), so it was rehearsed on a fresh copy",
        migration->id, failed->message);
    rh_error_release(failed);
    migration->outcome = RH_OUTCOME_OK;
    migration->failure = NULL;
    migration->rollback.failure = NULL;
    return rh_way_back_start_over(w, m, failed) && there_and_back(w, migration, failed);
}

static bool rehearse_one(way_back *w, size_t m, rh_error *error)
{
    rh_migration *migration = &w->run->plan.migrations[m];
    rh_error failed = {0};
    const bool was_ok = migration->outcome == RH_OUTCOME_OK;
    if (there_and_back(w, migration, &failed) || (was_ok && there_and_back_once_more(w, m, &failed)))
        return true;
    if (rh_way_back_is_fatal(w, &failed) || !migration->rollback.has_down) {
        rh_error_move(error, &failed);
        return false;
    }
    if (!migration->rollback.failure)
        migration->rollback.failure = rh_failure_of_error(&failed, w->run->arena);
    if (!migration->rollback.failure->file)
        migration->rollback.failure->file = migration->down.file;
    rh_error_release(&failed);
    return rh_way_back_start_over(w, m + 1, error); /* nobody knows the state */
}

/* ---- the pass ---- */

/* Is the database where the way up left it? What a way down did not bring back, or left behind, may not be
 * there for the next migration, or be in its way. */
static bool is_as_after_way_up(const rh_rollback *rollback)
{
    return rollback->reversibility == RH_REVERSIBILITY_FULL && rollback->schema_restored == 1;
}

static bool rehearse_each(way_back *w, rh_error *error)
{
    rh_run *run = w->run;
    size_t done = 0;
    bool drifted = false;
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        rh_migration *migration = &run->plan.migrations[m];
        if (!migration->pending)
            continue;
        rh_progress_update(w->progress, "rollback", migration->name, (int64_t)done++,
                           (int64_t)run->plan.pending_count, RH_UNIT_ITEMS);
        const bool fresh = drifted && migration->has_down; /* one without a way down needs no state */
        if ((fresh && !rh_way_back_start_over(w, m, error)) ||
            ((!drifted || fresh) && !rehearse_one(w, m, error)))
            return false;
        rh_reversibility_judge(&migration->rollback, run->arena);
        if (migration->has_down) /* after a failure there is a fresh copy already */
            drifted = !is_as_after_way_up(&migration->rollback) &&
                      migration->rollback.reversibility != RH_REVERSIBILITY_BROKEN;
    }
    return true;
}

static void begin(rh_run *run)
{
    run->set_rollback = (rh_rollback){.schema_restored = -1};
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        rh_migration *migration = &run->plan.migrations[m];
        migration->rollback = (rh_rollback){.has_down = migration->has_down,
                                            .down_is_empty = migration->down_is_empty,
                                            .schema_restored = -1};
    }
}

static void tell(const way_back *w)
{
    size_t full = 0, lossy = 0, bad = 0;
    for (size_t m = 0; m < w->run->plan.migration_count; m++) {
        rh_reversibility reversibility = w->run->plan.migrations[m].rollback.reversibility;
        full += reversibility == RH_REVERSIBILITY_FULL;
        lossy += reversibility == RH_REVERSIBILITY_LOSSY;
        bad += reversibility == RH_REVERSIBILITY_IRREVERSIBLE || reversibility == RH_REVERSIBILITY_BROKEN;
    }
    rh_progress_end(w->progress, "rollback", "%zu reversible, %zu with loss, %zu irreversible or broken",
                    full, lossy, bad);
}

bool rh_pass_rollback(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error)
{
    way_back w = {.run = run, .staging = staging, .progress = progress};
    way_back_state beginning = {0};
    rh_progress_begin(progress, "rollback", "up, down and up again");
    begin(run);
    bool ok = rh_staging_reset(staging, progress, error) && rh_way_back_open(&w, error) &&
              rh_history_prepare(w.pg, &run->plan, error) && rh_rollback_set_look(&w, &beginning, error) &&
              rehearse_each(&w, error) && rh_rollback_set(&w, &beginning, error);
    rh_way_back_close(&w);
    rh_way_back_release(&beginning);
    if (ok)
        tell(&w);
    return ok;
}
