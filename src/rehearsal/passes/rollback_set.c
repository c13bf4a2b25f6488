/* Rolls back all pending migrations, the last first, as a release is rolled back; then reapplies them. */
#include "reversibility.h"
#include "rollback_steps.h"
#include "pgrehearse/migrations/plan.h"

/* What is there before the pending ones from FIRST on. */
static bool read_before(rh_rollback_pass *p, size_t first, rh_rollback_state *before, rh_error *error)
{
    const rh_plan *plan = &p->run->plan;
    const char **affected = NULL;
    rh_data_options options = RH_DATA_DEFAULTS;
    for (size_t m = first; m < plan->migration_count; m++)
        if (plan->migrations[m].pending)
            rh_rollback_add_affected(&plan->migrations[m], p->run->arena, &affected, &options.affected_count);
    options.affected = affected;
    options.history_table = plan->history_table;
    options.history_registry = plan->history_registry;
    return rh_rollback_snapshot(p, &options, NULL, before, error);
}

bool rh_rollback_set_inspect(rh_rollback_pass *p, rh_rollback_state *beginning, rh_error *error)
{
    const rh_plan *plan = &p->run->plan;
    for (size_t m = 0; m < plan->migration_count; m++)
        if (plan->migrations[m].pending && !plan->migrations[m].has_down)
            return true;
    return plan->pending_count < 2 || read_before(p, 0, beginning, error);
}

/* All from FIRST on down, the last first, compared with what was there BEFORE any of them; then up again. */
static bool down_and_up_again(rh_rollback_pass *p, size_t first, const rh_rollback_state *before,
                              rh_rollback_found *set, rh_error *error)
{
    const rh_plan *plan = &p->run->plan;
    rh_rollback_state after = {0};
    bool ok = true;
    for (size_t m = plan->migration_count; ok && m-- > first;)
        ok = !plan->migrations[m].pending ||
             rh_rollback_execute(p, &plan->migrations[m], RH_ROLLBACK_DOWN_IN_SET, set, error);
    ok = ok && rh_rollback_snapshot(p, NULL, before, &after, error);
    if (ok)
        rh_rollback_compare(p, before, &after, &set->rollback);
    for (size_t m = first; ok && m < plan->migration_count; m++)
        ok = !plan->migrations[m].pending ||
             rh_rollback_execute(p, &plan->migrations[m], RH_ROLLBACK_UP_AGAIN, set, error);
    rh_rollback_release(&after);
    return ok;
}

/* What the rollbacks one by one left behind must neither help nor hinder that of the set. */
static bool equals_state_after_up(const rh_plan *plan, const rh_rollback *rollbacks)
{
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_rollback *rollback = &rollbacks[m];
        if (plan->migrations[m].pending &&
            (rollback->reversibility != RH_REVERSIBILITY_FULL || rollback->schema_restored != 1))
            return false;
    }
    return true;
}

/* The first that can go down with all after it; how many those are. */
static size_t first_of_set(const rh_plan *plan, size_t *count)
{
    size_t m = plan->migration_count;
    *count = 0;
    for (; m > 0 && (!plan->migrations[m - 1].pending || plan->migrations[m - 1].has_down); m--)
        *count += plan->migrations[m - 1].pending;
    return m;
}

/* On a fresh copy, with what is there before FIRST. */
static bool on_a_fresh_copy(rh_rollback_pass *p, size_t first, rh_rollback_found *set, rh_error *error)
{
    const rh_plan *plan = &p->run->plan;
    rh_rollback_state before = {0};
    bool ok = rh_rollback_start_over(p, first, set, error) && rh_history_prepare(p->pg, plan, error) &&
              read_before(p, first, &before, error);
    for (size_t m = first; ok && m < plan->migration_count; m++)
        ok = !plan->migrations[m].pending ||
             rh_rollback_execute(p, &plan->migrations[m], RH_ROLLBACK_UP, set, error);
    ok = ok && down_and_up_again(p, first, &before, set, error);
    rh_rollback_release(&before);
    return ok;
}

/* Only part of the set has down migrations, from FIRST on, which has its verdict. */
static void judge_part(const rh_run *run, size_t first, size_t count, rh_rollback *set)
{
    const char *from = run->plan.migrations[first - 1].id;
    set->why = count < 2 ? rh_arena_printf(run->arena, "%s cannot be rolled back", from)
                         : rh_arena_printf(run->arena, "%s cannot be rolled back; the %zu after it: %s", from,
                                           count, set->why);
    if (set->reversibility != RH_REVERSIBILITY_BROKEN)
        set->reversibility = RH_REVERSIBILITY_IRREVERSIBLE;
}

static bool any_has_down(const rh_plan *plan)
{
    for (size_t m = 0; m < plan->migration_count; m++)
        if (plan->migrations[m].pending && plan->migrations[m].has_down)
            return true;
    return false;
}

static rh_rollback_found rehearse(rh_rollback_pass *p, size_t first, const rh_rollback_state *beginning,
                                  rh_error *error)
{
    rh_rollback_found set = {.rollback = p->result->set};
    rh_error failed = {0};
    set.rollback.has_down = true;
    set.rollback.outcome = RH_OUTCOME_FAILED;
    rh_progress_update(p->progress, "rollback", "the whole set", 0, 1, RH_UNIT_ITEMS);
    set.ok = first == 0 && beginning->data && equals_state_after_up(&p->run->plan, p->result->rollbacks)
                 ? down_and_up_again(p, 0, beginning, &set, &failed)
                 : on_a_fresh_copy(p, first, &set, &failed);
    if (set.ok)
        set.rollback.outcome = RH_OUTCOME_OK;
    else if (rh_rollback_is_fatal(p, &failed))
        rh_error_move(error, &failed);
    else
        set.ok = true; /* reported in the set's own record */
    rh_error_release(&failed);
    return set;
}

/* A set whose migrations fail one by one may well go down as a whole: files that are steps of one change. So
 * it is tried whenever each has a down migration, and with those after the last that has none. */
bool rh_rollback_set(rh_rollback_pass *p, const rh_rollback_state *beginning, rh_error *error)
{
    const rh_plan *plan = &p->run->plan;
    size_t count = 0, first = first_of_set(plan, &count);
    if (plan->pending_count < 2 || !any_has_down(plan))
        return true;
    if (count > 1) {
        const rh_rollback_found set = rehearse(p, first, beginning, error);
        rh_rollback_file(p, &set);
        p->result->set = set.rollback;
        if (!set.ok)
            return false;
        rh_reversibility_judge(&p->result->set, p->run->arena);
    }
    if (first > 0)
        judge_part(p->run, first, count, &p->result->set);
    return true;
}
