/* The rollback pass: every migration up, down and up again, then the whole set; the schema compared object by
 * object, the rows of every column that existed before by count and digest, the way down watched like the way
 * up. */
#include "pgrehearse/migrations/data_digest.h"
#include "pgrehearse/migrations/migrations.h"
#include "pgrehearse/rehearsal/migrate.h"
#include "pgrehearse/rehearsal/observer.h"
#include "pgrehearse/rehearsal/pass.h"
#include "pgrehearse/rehearsal/reversibility.h"

typedef struct way_back {
    rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    rh_pg *pg;   /* migrates */
    rh_pg *side; /* looks at schema and rows: the migration's own session keeps its settings, and its locks */
    rh_observer observer;
    bool blind; /* a look failed: what is wrong is not the migration */
} way_back;

/* Schema and rows at one moment. */
typedef struct state {
    rh_schema *schema;
    rh_data *data;
} state;

/* ---- sessions ---- */

static bool open_sessions(way_back *w, rh_error *error)
{
    const char *conninfo = rh_staging_conninfo(w->staging);
    w->pg = rh_pg_connect(conninfo, ": migration", error);
    w->side = w->pg ? rh_pg_connect(conninfo, ": side", error) : NULL;
    w->observer = (rh_observer){0};
    return w->side && rh_observer_start(&w->observer, w->run, conninfo, RH_PASS_KIND_ROLLBACK,
                                        rh_pg_backend_pid(w->pg), rh_clock_monotonic(), error);
}

static void close_sessions(way_back *w)
{
    if (w->observer.side)
        rh_observer_finish(&w->observer, NULL);
    rh_pg_close(w->side);
    rh_pg_close(w->pg);
    w->side = w->pg = NULL;
}

static bool replay(way_back *w, rh_migration *migration, rh_direction direction, bool again,
                   double *elapsed_s, rh_error *error)
{
    bool watched = direction == RH_DOWN && !again;
    rh_replay_options options = {.direction = direction,
                                 .statement_timeout = w->run->scenario->migrations.statement_timeout,
                                 .pass = RH_PASS_KIND_ROLLBACK,
                                 .repeat = 1,
                                 .scale = 1,
                                 .hooks = watched ? &w->observer.hooks : NULL,
                                 .record = watched,
                                 .again = again};
    return rh_migrate(w->run, w->staging, w->pg, migration, &options, watched ? &w->observer : NULL,
                      elapsed_s, error);
}

/* ---- looks ---- */

static void release(state *s)
{
    rh_schema_free(s->schema);
    rh_data_free(s->data);
    *s = (state){0};
}

/* BEFORE: an earlier look, whose tables and columns are looked at again; NULL: all. */
static bool look(way_back *w, const rh_data_options *options, const state *before, state *now,
                 rh_error *error)
{
    now->schema = rh_schema_read(w->side, error);
    if (now->schema)
        now->data =
            before ? rh_data_read_again(w->side, before->data, error) : rh_data_read(w->side, options, error);
    w->blind = !now->data;
    if (now->data && rh_pg_server_version(w->side) >= 150000) /* or it would count as the next statement's */
        rh_pg_execute(w->side, "SELECT pg_catalog.pg_stat_force_next_flush()", NULL);
    return !w->blind;
}

static void compare(way_back *w, const state *before, const state *after, rh_rollback *rollback)
{
    rh_schema_compare(before->schema, after->schema, w->run->arena, &rollback->differences,
                      &rollback->difference_count);
    rollback->schema_restored = rollback->difference_count == 0;
    rh_data_compare(before->data, after->data, w->run->arena, &rollback->data);
}

/* The relations that the way up locked for writing or more, in whatever pass ran at full size. */
static void add_affected(const rh_migration *migration, rh_arena *arena, const char ***names, size_t *count)
{
    for (size_t i = 0; i < migration->up.statement_count; i++)
        for (size_t r = 0; r < migration->up.statements[i].run_count; r++) {
            const rh_statement_run *run = &migration->up.statements[i].runs[r];
            for (size_t l = 0; run->pass != RH_PASS_KIND_SCALED && l < run->lock_count; l++)
                if (rh_lock_mode_strength(run->locks[l].mode) >= rh_lock_mode_strength("RowExclusiveLock"))
                    *(const char **)rh_arena_add(arena, names, count, sizeof **names) =
                        run->locks[l].relation;
        }
}

/* ---- one migration ---- */

static bool there_and_back(way_back *w, rh_migration *migration, rh_error *error)
{
    rh_rollback *rollback = &migration->rollback;
    if (!rollback->has_down)
        return replay(w, migration, RH_UP, false, NULL, error);
    const char **affected = NULL;
    rh_data_options options = RH_DATA_DEFAULTS;
    add_affected(migration, w->run->arena, &affected, &options.affected_count);
    options.affected = affected;
    options.history_table = w->run->plan.history_table;
    state before = {0}, after = {0};
    bool ok = look(w, &options, NULL, &before, error) && replay(w, migration, RH_UP, false, NULL, error);
    if (ok) {
        rollback->outcome = RH_OUTCOME_FAILED;
        ok = replay(w, migration, RH_DOWN, false, &rollback->down_s, error) &&
             look(w, NULL, &before, &after, error);
    }
    if (ok) {
        compare(w, &before, &after, rollback);
        ok = replay(w, migration, RH_UP, true, &rollback->up_again_s, error);
    }
    if (ok)
        rollback->outcome = RH_OUTCOME_OK;
    release(&before);
    release(&after);
    return ok;
}

/* After a failure nobody knows the state: from the snapshot, up to and with this migration, and on with the
 * next. */
static bool start_over(way_back *w, size_t upto, rh_error *error)
{
    close_sessions(w);
    if (!rh_staging_reset(w->staging, w->progress, error) || !open_sessions(w, error))
        return false;
    for (size_t m = 0; m <= upto; m++)
        if (w->run->plan.migrations[m].pending &&
            !replay(w, &w->run->plan.migrations[m], RH_UP, false, NULL, error))
            return false;
    return true;
}

/* A way up that worked in a quiet pass and fails here has met what an earlier one's way there and back left:
 * it is no fault of its own, and gets the state that it would find. */
static bool there_and_back_once_more(way_back *w, size_t m, rh_error *failed)
{
    rh_migration *migration = &w->run->plan.migrations[m];
    if (migration->rollback.outcome != RH_OUTCOME_NOT_RUN || m == 0 || failed->code != RH_ERROR_MIGRATION)
        return false;
    rh_run_not_measured(w->run,
                        "rollback of all migrations before %s together: its way up fails on what they leave "
                        "behind after up, down and up again (%s)",
                        migration->id, failed->message);
    rh_error_release(failed);
    migration->outcome = RH_OUTCOME_OK;
    migration->failure = NULL;
    migration->rollback.failure = NULL;
    return start_over(w, m - 1, failed) && there_and_back(w, migration, failed);
}

static bool rehearse_one(way_back *w, size_t m, rh_error *error)
{
    rh_migration *migration = &w->run->plan.migrations[m];
    rh_error failed = {0};
    const bool was_ok = migration->outcome == RH_OUTCOME_OK;
    if (there_and_back(w, migration, &failed) || (was_ok && there_and_back_once_more(w, m, &failed)))
        return true;
    bool fatal = w->blind || failed.code == RH_ERROR_INTERRUPTED || !rh_staging_alive(w->staging, &failed) ||
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

/* ---- the whole set ---- */

/* What fails is the set's failure: the migration's own record stays. */
static bool replay_of_set(way_back *w, rh_migration *migration, rh_direction direction, double *total_s,
                          rh_error *error)
{
    rh_rollback kept = migration->rollback;
    double elapsed_s = 0;
    bool ok = replay(w, migration, direction, true, &elapsed_s, error);
    if (!ok && migration->rollback.failure != kept.failure)
        w->run->set_rollback.failure = migration->rollback.failure;
    migration->rollback = kept;
    *total_s += elapsed_s;
    return ok;
}

/* All of it down, the last first, compared with what was there BEFORE any; then up again. */
static bool there_and_back_again(way_back *w, const state *before, rh_error *error)
{
    rh_plan *plan = &w->run->plan;
    rh_rollback *set = &w->run->set_rollback;
    state after = {0};
    bool ok = true;
    for (size_t m = plan->migration_count; ok && m-- > 0;)
        ok = !plan->migrations[m].pending ||
             replay_of_set(w, &plan->migrations[m], RH_DOWN, &set->down_s, error);
    ok = ok && look(w, NULL, before, &after, error);
    if (ok)
        compare(w, before, &after, set);
    for (size_t m = 0; ok && m < plan->migration_count; m++)
        ok = !plan->migrations[m].pending ||
             replay_of_set(w, &plan->migrations[m], RH_UP, &set->up_again_s, error);
    release(&after);
    return ok;
}

/* Only when there are several, and each has a way down that works: else the set has none. */
static bool set_can_go_down(const rh_plan *plan)
{
    for (size_t m = 0; m < plan->migration_count; m++)
        if (plan->migrations[m].pending && plan->migrations[m].rollback.outcome != RH_OUTCOME_OK)
            return false;
    return plan->pending_count > 1;
}

static bool rehearse_set(way_back *w, const state *before, rh_error *error)
{
    rh_rollback *set = &w->run->set_rollback;
    rh_error failed = {0};
    if (!set_can_go_down(&w->run->plan))
        return true;
    set->has_down = true;
    set->outcome = RH_OUTCOME_FAILED;
    rh_progress_update(w->progress, "rollback", "the whole set", 0, 1, RH_UNIT_ITEMS);
    bool ok = there_and_back_again(w, before, &failed);
    if (ok)
        set->outcome = RH_OUTCOME_OK;
    else if (w->blind || failed.code == RH_ERROR_INTERRUPTED || !rh_staging_alive(w->staging, &failed))
        rh_error_move(error, &failed);
    else
        ok = true; /* told, in the set's own record */
    rh_error_release(&failed);
    return ok;
}

/* ---- the pass ---- */

static bool rehearse_each(way_back *w, rh_error *error)
{
    rh_run *run = w->run;
    size_t done = 0;
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        rh_migration *migration = &run->plan.migrations[m];
        if (!migration->pending)
            continue;
        rh_progress_update(w->progress, "rollback", migration->name, (int64_t)done++,
                           (int64_t)run->plan.pending_count, RH_UNIT_ITEMS);
        if (!rehearse_one(w, m, error))
            return false;
        rh_reversibility_judge(&migration->rollback, run->arena);
    }
    return true;
}

/* What is there before any migration runs; nothing when the set cannot go down anyway. */
static bool look_at_beginning(way_back *w, state *beginning, rh_error *error)
{
    const rh_plan *plan = &w->run->plan;
    const char **affected = NULL;
    rh_data_options options = RH_DATA_DEFAULTS;
    for (size_t m = 0; m < plan->migration_count; m++) {
        if (plan->migrations[m].pending && !plan->migrations[m].has_down)
            return true;
        add_affected(&plan->migrations[m], w->run->arena, &affected, &options.affected_count);
    }
    options.affected = affected;
    options.history_table = plan->history_table;
    return plan->pending_count < 2 || look(w, &options, NULL, beginning, error);
}

static void begin(rh_run *run)
{
    run->set_rollback = (rh_rollback){.schema_restored = -1};
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        rh_migration *migration = &run->plan.migrations[m];
        migration->rollback = (rh_rollback){.has_down = migration->has_down, .schema_restored = -1};
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
    state beginning = {0};
    rh_progress_begin(progress, "rollback", "up, down and up again");
    begin(run);
    bool ok = rh_staging_reset(staging, progress, error) && open_sessions(&w, error) &&
              rh_history_prepare(w.pg, &run->plan, error) && look_at_beginning(&w, &beginning, error) &&
              rehearse_each(&w, error) && rehearse_set(&w, &beginning, error);
    if (run->set_rollback.outcome != RH_OUTCOME_NOT_RUN)
        rh_reversibility_judge(&run->set_rollback, run->arena);
    close_sessions(&w);
    release(&beginning);
    if (ok)
        tell(&w);
    return ok;
}
