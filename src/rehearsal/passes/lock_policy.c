/* The lock policy pass: chooses transactions, order and time limit, and runs the load meanwhile. */
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "lock_policy_units.h"
#include "disturb.h"
#include "load_size.h"
#include "migrate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Between tries, so that no one's victims are another's; and before the first, so that the load has settled.
 */
static const rh_usec GAP = RH_SECOND * 3 / 10, SETTLING = RH_SECOND;

/* A case's tries; their load figures are known once the load has ended. */
typedef struct tried {
    size_t one; /* of the search's cases */
    rh_lock_try *tries;
    size_t count;
} tried;

typedef struct search {
    const rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    rh_lock_policy_search *found;
    rh_notes notes;
    rh_mix mix;
    rh_generator *generator;
    rh_pg *pg;
    rh_usec began, deadline;
    size_t units_left; /* that are hazardous */
    tried *tried;
    size_t tried_count;
} search;

static void not_tried(search *s, const char *text)
{
    *rh_arena_add(s->run->arena, &s->found->not_tried, &s->found->not_tried_count) = text;
}

/* The duration of the transaction without conflicting sessions: the quickest of its quiet runs. */
static double hold_of(const rh_lock_unit *unit)
{
    double sum = 0;
    for (size_t i = unit->first; i <= unit->last; i++) {
        const rh_statement *statement = &unit->migration->up.statements[i];
        double elapsed = RH_NOT_MEASURED;
        size_t quiet = 0;
        for (size_t k = 0; k < statement->run_count; k++)
            if (statement->runs[k].pass == RH_PASS_KIND_QUIET) {
                elapsed =
                    quiet++ == 0 ? statement->runs[k].elapsed_s : fmin(elapsed, statement->runs[k].elapsed_s);
            }
        if (statement->class_ != RH_CLASS_TRANSACTION)
            sum += elapsed;
    }
    return sum;
}

static rh_lock_policy_case *add_case(search *s, const rh_lock_unit *unit)
{
    const rh_statement *statements = unit->migration->up.statements, *heaviest = unit->heaviest;
    rh_lock_policy_case *one = rh_arena_add(s->run->arena, &s->found->cases, &s->found->case_count);
    *one = (rh_lock_policy_case){.migration = unit->migration->id,
                                 .first_statement = statements[unit->first].ordinal,
                                 .last_statement = statements[unit->last].ordinal,
                                 .line = heaviest->line,
                                 .statement = heaviest->redacted_sql,
                                 .relation = unit->relation,
                                 .mode = unit->mode,
                                 .hold_s = hold_of(unit),
                                 .recommended = -1};
    return one;
}

/* With the disturbers of its migration, in a window of the load of its own. */
static bool try_once(search *s, rh_lock_attempts *attempts, rh_lock_try *one, rh_error *error)
{
    rh_disturbers *disturbers = NULL;
    const rh_migration *migration = attempts->unit->migration;
    if (!rh_disturb_begin(s->run, s->staging, migration, &disturbers, error))
        return false;
    s->found->disturbed |= disturbers && rh_disturbers_started(disturbers) > 0;
    rh_generator_window(s->generator, RH_WINDOW_DURING, one->window);
    bool ok = rh_lock_try_run(attempts, one, error);
    rh_disturbers_stop(disturbers, NULL, 0, NULL, NULL, NULL);
    rh_clock_sleep_until(rh_clock_monotonic() + GAP);
    rh_generator_window(s->generator, RH_WINDOW_DURING, "between tries");
    return ok && rh_lock_undo(attempts, error);
}

/* Every policy once, then every policy a second time …, as long as this case's share of the time lasts. */
static bool try_policies(search *s, rh_lock_attempts *attempts, tried *all, rh_error *error)
{
    const rh_lock_policy_options *options = &s->run->scenario->lock_policy;
    rh_usec now = rh_clock_monotonic(), share = (s->deadline - now) / (rh_usec)s->units_left;
    size_t wanted = (size_t)options->tries * options->timeout_count;
    for (size_t i = 0; i < wanted; i++) {
        if (rh_clock_monotonic() >= now + share) {
            not_tried(s, rh_arena_printf(
                             s->run->arena,
                             "migration %s, statement %d: %zu of %zu tries, then lock_policy.limit was "
                             "reached",
                             attempts->unit->migration->id, attempts->unit->heaviest->ordinal, i, wanted));
            return true;
        }
        rh_usec timeout = options->timeouts[i % options->timeout_count];
        rh_lock_try *one = rh_arena_add(s->run->arena, &all->tries, &all->count);
        *one = (rh_lock_try){.timeout = timeout,
                             .response_max_ms = RH_NOT_MEASURED,
                             .response_p99_ms = RH_NOT_MEASURED,
                             .window = rh_arena_printf(s->run->arena, "case %zu try %zu", all->one, i)};
        rh_progress_update(s->progress, "lock policy", attempts->unit->heaviest->redacted_sql, (int64_t)i,
                           (int64_t)wanted, RH_UNIT_ITEMS);
        if (!try_once(s, attempts, one, error))
            return false;
    }
    return true;
}

static bool newest_index(search *s, int64_t *oid, rh_error *error)
{
    return rh_pg_query_int(s->pg, "SELECT pg_catalog.max(indexrelid::bigint) FROM pg_catalog.pg_index", oid,
                           error);
}

static bool walk_unit(search *s, const rh_lock_unit *unit, rh_error *error)
{
    rh_lock_attempts attempts = {.run = s->run, .pg = s->pg, .unit = unit, .deadline = s->deadline};
    if (unit->heaviest) {
        rh_lock_policy_case *one = add_case(s, unit);
        tried *all = rh_arena_add(s->run->arena, &s->tried, &s->tried_count);
        *all = (tried){.one = s->found->case_count - 1};
        attempts.one = one;
        if (!newest_index(s, &attempts.newest, error) || !try_policies(s, &attempts, all, error))
            return false;
        s->units_left--;
    }
    return rh_lock_unit_apply(&attempts, error);
}

/* One whose transactions are not tried is carried out as its framework would. */
static bool walk_migration(search *s, const rh_migration *migration, rh_error *error)
{
    rh_lock_unit *units = NULL;
    size_t count = rh_lock_units(migration, &s->mix, s->run->arena, &units), hazardous = 0;
    for (size_t u = 0; u < count; u++)
        hazardous += units[u].heaviest != NULL;
    if (hazardous == 0 || migration->command) {
        const rh_migrate_options options = {.direction = RH_UP, .pass = RH_PASS_KIND_LOADED, .scale = 1};
        const rh_attempt attempt = rh_migrate(s->run, s->staging, s->pg, migration, &options, error);
        rh_notes_add(&s->notes, s->run->arena, &attempt.notes);
        if (migration->command)
            not_tried(s, rh_arena_printf(s->run->arena,
                                         "migration %s: it is a program, which sets its own lock_timeout",
                                         migration->id));
        return attempt.outcome == RH_OUTCOME_OK;
    }
    for (size_t u = 0; u < count; u++)
        if (!walk_unit(s, &units[u], error))
            return false;
    return true;
}

static size_t count_hazardous(search *s)
{
    size_t hazardous = 0;
    for (size_t m = 0; m < s->run->plan.migration_count; m++) {
        rh_lock_unit *units = NULL;
        const rh_migration *migration = &s->run->plan.migrations[m];
        size_t count = migration->pending && !migration->command
                           ? rh_lock_units(migration, &s->mix, s->run->arena, &units)
                           : 0;
        for (size_t u = 0; u < count; u++)
            hazardous += units[u].heaviest != NULL;
    }
    return hazardous;
}

static bool walk(search *s, rh_error *error)
{
    rh_clock_sleep_until(rh_clock_monotonic() + SETTLING);
    for (size_t m = 0; m < s->run->plan.migration_count && s->units_left > 0; m++) {
        const rh_migration *migration = &s->run->plan.migrations[m];
        rh_error problem = {0};
        if (!migration->pending || walk_migration(s, migration, &problem))
            continue;
        bool fatal = problem.code == RH_ERROR_INTERRUPTED || problem.code == RH_ERROR_LOST ||
                     problem.code == RH_ERROR_NO_SPACE;
        if (!fatal)
            not_tried(s, rh_arena_printf(s->run->arena, "migration %s and those after it: %s", migration->id,
                                         problem.message));
        if (fatal && error && !rh_error_is_set(error))
            rh_error_move(error, &problem);
        rh_error_release(&problem);
        return !fatal;
    }
    return true;
}

/* ---- the load's figures ---- */

static void read_waits(rh_lock_try *one, const rh_load *load)
{
    for (size_t i = 0; i < load->window_count; i++) {
        const rh_load_window *window = &load->windows[i];
        if (!window->migration || strcmp(window->migration, one->window) != 0)
            continue;
        one->response_max_ms = window->response_ms.max;
        one->response_p99_ms = window->response_ms.p99;
        one->load_errors = window->errors + window->dropped;
    }
}

static void judge(search *s, const rh_load *load)
{
    const rh_lock_policy_options *options = &s->run->scenario->lock_policy;
    for (size_t c = 0; c < s->tried_count; c++) {
        rh_lock_policy_case *one = &s->found->cases[s->tried[c].one];
        for (size_t i = 0; i < s->tried[c].count; i++)
            read_waits(&s->tried[c].tries[i], load);
        for (size_t i = 0; i < options->timeout_count; i++)
            *rh_arena_add(s->run->arena, &one->policies, &one->policy_count) =
                rh_lock_policy_of_tries(options->timeouts[i], s->tried[c].tries, s->tried[c].count);
    }
    rh_lock_policy_conclude(s->found, s->run->plan.framework, s->run->arena);
}

/* ---- the pass ---- */

static bool start(search *s, rh_error *error)
{
    const rh_scenario *scenario = s->run->scenario;
    rh_load load = {0};
    const bool ok = rh_load_prepare(s->run, s->staging, &load, &s->notes, error);
    s->pg = ok ? rh_pg_connect(rh_staging_migrations_conninfo(s->staging), ": migration", error) : NULL;
    if (!s->pg)
        return false;
    s->mix = load.mix;
    s->found->rate_per_s = load.rate_per_s;
    s->units_left = count_hazardous(s);
    if (s->mix.template_count == 0 || s->units_left == 0) {
        not_tried(s, s->mix.template_count == 0
                         ? "no load runs that a lock could affect"
                         : "no pending transaction blocks the load on a table that it uses");
        return true;
    }
    if (!rh_disturb_pass(s->run, s->staging, error))
        return false;
    rh_generator_options options = {.conninfo = rh_staging_workload_conninfo(s->staging),
                                    .mix = &s->mix,
                                    .rate = load.rate_per_s,
                                    .connections = load.connections,
                                    .seed = scenario->workload.seed};
    s->generator = rh_generator_start(&options, error);
    return s->generator != NULL;
}

static void conclude(search *s, bool ok)
{
    rh_pg_close(s->pg);
    if (s->generator) {
        rh_load load = {.mix = s->mix};
        rh_generator_finish(s->generator, s->run->arena, &load);
        judge(s, &load);
    }
    s->found->elapsed_s = rh_seconds(rh_clock_monotonic() - s->began);
    if (ok && s->found->recommended >= 0)
        rh_progress_end(s->progress, "lock policy", "lock_timeout %.0f ms: %s",
                        s->found->overall[s->found->recommended].lock_timeout_s * 1e3, s->found->why);
    else if (ok)
        rh_progress_end(s->progress, "lock policy", "%s",
                        s->found->case_count ? s->found->why : "nothing to try");
}

rh_lock_policy_result rh_pass_lock_policy(const rh_run *run, rh_staging *staging, const rh_progress *progress,
                                          rh_error *error)
{
    const rh_lock_policy_options *options = &run->scenario->lock_policy;
    rh_lock_policy_result result = {
        .pass = {.kind = RH_PASS_KIND_LOADED},
        .search = {.attempts = options->attempts,
                   .tries = options->tries,
                   .backoff =
                       "twice the lock_timeout (at least 200 ms), doubled after each attempt, at most 10 s",
                   .recommended = -1}};
    search s = {.run = run, .staging = staging, .progress = progress, .found = &result.search};
    rh_progress_begin(progress, "lock policy", "%zu lock_timeouts, %d tries each", options->timeout_count,
                      options->tries);
    if (!rh_staging_reset(staging, progress, error))
        return result;
    s.began = rh_clock_monotonic();
    s.deadline = s.began + options->limit;
    result.pass.ok = start(&s, error) && (!s.generator || walk(&s, error));
    conclude(&s, result.pass.ok);
    result.pass.notes = s.notes;
    return result;
}
