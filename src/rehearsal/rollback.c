/* The rollback pass: up, down, up, with the schema compared object by object. */
#include "pgrehearse/migrations/migrations.h"
#include "pgrehearse/rehearsal/pass.h"

typedef struct way_back {
    rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    rh_pg *pg;
} way_back;

static bool replay(way_back *w, rh_migration *migration, rh_direction direction, bool again,
                   double *elapsed_s, rh_error *error)
{
    rh_replay_options options = {.direction = direction,
                                 .statement_timeout = w->run->scenario->migrations.statement_timeout,
                                 .pass = RH_PASS_KIND_ROLLBACK,
                                 .repeat = 1,
                                 .scale = 1,
                                 .record = false,
                                 .again = again};
    return rh_replay(w->pg, &w->run->plan, migration, &options, w->run->arena, elapsed_s, error);
}

/* Down and up again between two looks at the schema. */
static bool there_and_back(way_back *w, rh_migration *migration, rh_error *error)
{
    rh_rollback *rollback = &migration->rollback;
    rh_schema *before = rh_schema_read(w->pg, error), *after = NULL;
    bool ok = before && replay(w, migration, RH_UP, false, NULL, error);
    if (ok && rollback->has_down) {
        rollback->outcome = RH_OUTCOME_FAILED;
        ok = replay(w, migration, RH_DOWN, false, &rollback->down_s, error);
        after = ok ? rh_schema_read(w->pg, error) : NULL;
        if (after) {
            rh_schema_compare(before, after, w->run->arena, &rollback->differences,
                              &rollback->difference_count);
            rollback->schema_restored = rollback->difference_count == 0;
        }
        ok = after && replay(w, migration, RH_UP, true, &rollback->up_again_s, error);
        if (ok)
            rollback->outcome = RH_OUTCOME_OK;
    }
    rh_schema_free(before);
    rh_schema_free(after);
    return ok;
}

/* After a failure nobody knows the state: from the snapshot, up to and with this migration, and on with the
 * next. */
static bool start_over(way_back *w, size_t upto, rh_error *error)
{
    rh_pg_close(w->pg);
    w->pg = NULL;
    if (!rh_staging_reset(w->staging, w->progress, error))
        return false;
    w->pg = rh_pg_connect(rh_staging_conninfo(w->staging), ": migration", error);
    for (size_t m = 0; w->pg && m <= upto; m++)
        if (w->run->plan.migrations[m].pending &&
            !replay(w, &w->run->plan.migrations[m], RH_UP, false, NULL, error))
            return false;
    return w->pg != NULL;
}

static bool rehearse_one(way_back *w, size_t m, rh_error *error)
{
    rh_migration *migration = &w->run->plan.migrations[m];
    rh_error failed = {0};
    if (there_and_back(w, migration, &failed))
        return true;
    bool fatal = failed.code == RH_ERROR_INTERRUPTED || !rh_staging_alive(w->staging, &failed) ||
                 !migration->rollback.has_down;
    if (fatal) {
        rh_error_move(error, &failed);
        return false;
    }
    if (!migration->rollback.failure)
        migration->rollback.failure = rh_failure_of_error(&failed, w->run->arena);
    if (!migration->rollback.failure->file)
        migration->rollback.failure->file = migration->down.file;
    rh_error_release(&failed);
    return start_over(w, m, error);
}

bool rh_pass_rollback(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error)
{
    way_back w = {.run = run, .staging = staging, .progress = progress};
    size_t done = 0, with_down = 0, good = 0;
    rh_progress_begin(progress, "rollback", "up, down and up again");
    bool ok = rh_staging_reset(staging, progress, error) &&
              (w.pg = rh_pg_connect(rh_staging_conninfo(staging), ": migration", error)) != NULL &&
              rh_history_prepare(w.pg, &run->plan, error);
    for (size_t m = 0; ok && m < run->plan.migration_count; m++) {
        rh_migration *migration = &run->plan.migrations[m];
        if (!migration->pending)
            continue;
        migration->rollback.has_down = migration->has_down;
        migration->rollback.schema_restored = -1;
        rh_progress_update(progress, "rollback", migration->name, (int64_t)done++,
                           (int64_t)run->plan.pending_count, RH_UNIT_ITEMS);
        ok = rehearse_one(&w, m, error);
        with_down += migration->has_down;
        good += migration->rollback.outcome == RH_OUTCOME_OK && migration->rollback.schema_restored == 1;
    }
    rh_pg_close(w.pg);
    if (ok)
        rh_progress_end(progress, "rollback", "%zu of %zu ways down restore the schema", good, with_down);
    return ok;
}
