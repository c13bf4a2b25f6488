/* The whole set's way back: every pending migration down, the last first, as a release is taken back; then up
 * again. */
#include "pgrehearse/rehearsal/reversibility.h"
#include "way_back.h"

/* What is there before any migration runs; nothing when the set cannot go down anyway. */
bool rh_rollback_set_look(way_back *w, way_back_state *beginning, rh_error *error)
{
    const rh_plan *plan = &w->run->plan;
    const char **affected = NULL;
    rh_data_options options = RH_DATA_DEFAULTS;
    for (size_t m = 0; m < plan->migration_count; m++) {
        if (plan->migrations[m].pending && !plan->migrations[m].has_down)
            return true;
        rh_way_back_add_affected(&plan->migrations[m], w->run->arena, &affected, &options.affected_count);
    }
    options.affected = affected;
    options.history_table = plan->history_table;
    return plan->pending_count < 2 || rh_way_back_look(w, &options, NULL, beginning, error);
}

/* What fails is the set's failure: the migration's own record stays. */
static bool replay_of_set(way_back *w, rh_migration *migration, rh_direction direction, double *total_s,
                          rh_error *error)
{
    rh_rollback kept = migration->rollback;
    double elapsed_s = 0;
    bool ok = rh_way_back_replay(w, migration, direction, true, &elapsed_s, error);
    if (!ok && migration->rollback.failure != kept.failure)
        w->run->set_rollback.failure = migration->rollback.failure;
    migration->rollback = kept;
    *total_s += elapsed_s;
    return ok;
}

/* All of it down, the last first, compared with what was there BEFORE any; then up again. */
static bool there_and_back_again(way_back *w, const way_back_state *before, rh_error *error)
{
    rh_plan *plan = &w->run->plan;
    rh_rollback *set = &w->run->set_rollback;
    way_back_state after = {0};
    bool ok = true;
    for (size_t m = plan->migration_count; ok && m-- > 0;)
        ok = !plan->migrations[m].pending ||
             replay_of_set(w, &plan->migrations[m], RH_DOWN, &set->down_s, error);
    ok = ok && rh_way_back_look(w, NULL, before, &after, error);
    if (ok)
        rh_way_back_compare(w, before, &after, set);
    for (size_t m = 0; ok && m < plan->migration_count; m++)
        ok = !plan->migrations[m].pending ||
             replay_of_set(w, &plan->migrations[m], RH_UP, &set->up_again_s, error);
    rh_way_back_release(&after);
    return ok;
}

/* What each one's way there and back left must not help, nor hinder, the set's. */
static bool all_is_as_after_the_way_up(const rh_plan *plan)
{
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_rollback *rollback = &plan->migrations[m].rollback;
        if (plan->migrations[m].pending &&
            (rollback->reversibility != RH_REVERSIBILITY_FULL || rollback->schema_restored != 1))
            return false;
    }
    return true;
}

/* The last pending one without a way down, and how many come after it; NULL: each has one. */
static const rh_migration *last_without_way_down(const rh_plan *plan, size_t *after)
{
    *after = 0;
    for (size_t m = plan->migration_count; m-- > 0;) {
        if (plan->migrations[m].pending && !plan->migrations[m].has_down)
            return &plan->migrations[m];
        *after += plan->migrations[m].pending;
    }
    return NULL;
}

static bool some_go_down(const rh_plan *plan)
{
    for (size_t m = 0; m < plan->migration_count; m++)
        if (plan->migrations[m].pending && plan->migrations[m].has_down)
            return true;
    return false;
}

/* A set whose migrations fail one by one may well go down as a whole: files that are steps of one change. So
 * it is tried whenever each has a way down. */
bool rh_rollback_set(way_back *w, const way_back_state *before, rh_error *error)
{
    const rh_plan *plan = &w->run->plan;
    rh_rollback *set = &w->run->set_rollback;
    rh_error failed = {0};
    size_t after = 0;
    if (plan->pending_count < 2)
        return true;
    const rh_migration *last = last_without_way_down(plan, &after);
    if (last && some_go_down(plan)) {
        set->reversibility = RH_REVERSIBILITY_IRREVERSIBLE;
        set->why = rh_arena_printf(w->run->arena, "there is no way down from %s%s", last->id,
                                   after ? ", only to it" : "");
    }
    if (last)
        return true;
    set->has_down = true;
    set->outcome = RH_OUTCOME_FAILED;
    rh_progress_update(w->progress, "rollback", "the whole set", 0, 1, RH_UNIT_ITEMS);
    bool ok =
        (all_is_as_after_the_way_up(plan) || rh_way_back_start_over(w, plan->migration_count, &failed)) &&
        there_and_back_again(w, before, &failed);
    if (ok)
        set->outcome = RH_OUTCOME_OK;
    else if (rh_way_back_is_fatal(w, &failed))
        rh_error_move(error, &failed);
    else
        ok = true; /* told, in the set's own record */
    rh_error_release(&failed);
    return ok;
}
