/* Which migrations of a plan are pending: by the history table, migrations.pending and --only. */
#include "pending.h"
#include "detect.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include "program.h"
#include <string.h>

/* The digits at the start of TEXT without leading zeros; length 0 when there are none. */
static size_t leading_number(const char **text)
{
    size_t digits = strspn(*text, "0123456789");
    while (digits > 1 && **text == '0') {
        (*text)++;
        digits--;
    }
    return digits;
}

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static bool is_called(const rh_migration *migration, const char *wanted)
{
    if (strcmp(wanted, migration->id) == 0 || strcmp(wanted, migration->name) == 0 ||
        (migration->up.file && strcmp(wanted, rh_base_name(migration->up.file)) == 0))
        return true;
    size_t id = strlen(migration->id);
    if (strncmp(wanted, migration->id, id) == 0 && wanted[id] == '_' &&
        strcmp(wanted + id + 1, migration->name) == 0)
        return true;
    if (!is_number(wanted))
        return false;
    const char *have = migration->id;
    size_t wanted_digits = leading_number(&wanted), have_digits = leading_number(&have);
    return have_digits > 0 && wanted_digits == have_digits && strncmp(wanted, have, have_digits) == 0;
}

rh_migration *rh_plan_find(rh_plan *plan, const char *wanted, rh_error_code code, const char *where,
                           rh_arena *arena, rh_error *error)
{
    rh_migration *found = NULL;
    for (size_t i = 0; i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        if (strcmp(migration->id, wanted) == 0)
            return migration;
        if (!is_called(migration, wanted))
            continue;
        if (found) {
            rh_error_set(error, code, "%s: \"%s\" could be %s or %s", where, wanted, found->id,
                         migration->id);
            rh_error_hint(error, "Write the whole id.");
            return NULL;
        }
        found = migration;
    }
    if (found)
        return found;
    const char **names = rh_arena_alloc(arena, (2 * plan->migration_count + 1) * sizeof *names);
    for (size_t i = 0; i < plan->migration_count; i++) {
        names[2 * i] = plan->migrations[i].id;
        names[2 * i + 1] = plan->migrations[i].name;
    }
    const char *nearest = rh_nearest(wanted, names, 2 * plan->migration_count);
    rh_error_set(error, code, "%s: there is no migration \"%s\"", where, wanted);
    if (nearest)
        rh_error_hint(error, "Did you mean %s?", nearest);
    else
        rh_error_hint(error, "`pgrehearse plan` lists them.");
    return NULL;
}

bool rh_plan_mark_applied(const rh_scenario *scenario, const rh_framework_rules *rules,
                          const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const bool fresh = !history || !history->present || scenario->migrations.pending == RH_PENDING_ALL;
    if (fresh && rules->mark_fresh)
        rules->mark_fresh(plan, !history || !history->present, arena);
    if (!rules->mark_applied || !history || !history->present)
        return true;
    if (scenario->migrations.pending != RH_PENDING_AUTO) {
        rules->mark_applied(history, plan, arena, NULL);
        return true;
    }
    if (history->row_count == 0 && plan->other_tables > 0)
        plan->framework_reason = rh_arena_printf(
            arena,
            "%s; the history table is empty, and there are %zu other table%s, so all migrations are pending",
            plan->framework_reason, plan->other_tables, plan->other_tables == 1 ? "" : "s");
    if (rules->mark_applied(history, plan, arena, error))
        return true;
    return error && error->file ? false : rh_error_at_migrations(scenario, error);
}

bool rh_plan_choose_pending(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const rh_pending_kind kind = scenario->migrations.pending;
    for (size_t i = 0; i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        migration->pending =
            !migration->skipped &&
            (kind == RH_PENDING_ALL || (kind == RH_PENDING_AUTO && !migration->applied_in_backup));
    }
    for (size_t i = 0; kind == RH_PENDING_LIST && i < scenario->migrations.pending_id_count; i++) {
        rh_migration *migration = rh_plan_find(plan, scenario->migrations.pending_ids[i], RH_ERROR_SCENARIO,
                                               "migrations.pending", arena, error);
        if (!migration)
            return rh_error_at_migrations(scenario, error);
        migration->pending = true;
    }
    return true;
}

bool rh_plan_insert_steps(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    for (size_t i = 0; i < scenario->migrations.step_count; i++) {
        const rh_migration_step *step = &scenario->migrations.steps[i];
        const rh_migration *after =
            plan->migration_count ? &plan->migrations[plan->migration_count - 1] : NULL;
        if (step->after)
            after = rh_plan_find(plan, step->after, RH_ERROR_SCENARIO, "after", arena, error);
        if (step->after && !after)
            return rh_error_at(error, step->where.file, step->where.line, step->where.column);
        size_t at = after ? (size_t)(after - plan->migrations) + 1 : 0;
        bool done = step->after && !after->pending;
        while (at < plan->migration_count && plan->migrations[at].command)
            at++; /* several after one keep their order */
        rh_program_insert(step, at, arena, plan);
        if (done) {
            plan->migrations[at].pending = false;
            plan->migrations[at].skipped =
                rh_arena_printf(arena, "migration %s, after which it runs, is not pending", step->after);
        }
    }
    return true;
}

bool rh_plan_keep_only(const rh_scenario *scenario, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    if (!scenario->only)
        return true;
    bool *wanted = rh_arena_alloc(arena, (plan->migration_count + 1) * sizeof *wanted);
    for (size_t i = 0; i < scenario->only_count; i++) {
        rh_migration *migration =
            rh_plan_find(plan, scenario->only[i], RH_ERROR_USAGE, "--only", arena, error);
        if (!migration)
            return false;
        if (!migration->pending) {
            rh_error_set(error, RH_ERROR_USAGE, "--only: migration %s is not pending%s%s", migration->id,
                         migration->applied_in_backup ? ": the backup has it already"
                         : migration->skipped         ? ": "
                                                      : "",
                         migration->skipped && !migration->applied_in_backup ? migration->skipped : "");
            return rh_error_hint(error, "Set migrations.pending to all or to a list that has it.");
        }
        wanted[migration - plan->migrations] = true;
    }
    for (size_t i = 0; i < plan->migration_count; i++)
        plan->migrations[i].pending = wanted[i];
    return true;
}
