/* The interruption pass: every pending migration is killed half-way, and looked at: what stayed, and whether
 * running it again succeeds, as its framework would. */
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/data_digest.h"
#include "pgrehearse/migrations/migrations.h"
#include "pgrehearse/rehearsal/cut.h"
#include "pgrehearse/rehearsal/migrate.h"
#include "pgrehearse/rehearsal/pass.h"
#include <stdlib.h>
#include <string.h>

/* The first cut comes in the middle of the statement; one that ended before is tried again, earlier. */
static const double SHARES[] = {0.5, 0.25, 0};
enum { TRIES = sizeof SHARES / sizeof *SHARES };

typedef struct interruption {
    rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    size_t index; /* in the plan */
    rh_migration *migration;
    const rh_statement *target;
    double target_s; /* what it takes by itself */
    rh_pg *pg, *side;
    rh_interruption *found;

    /* before the cut: */
    rh_schema *schema;
    rh_data *data;
    const char **invalid;
    size_t invalid_count;
    rh_rows history;
} interruption;

/* ---- which statement ---- */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The median over the quiet passes; 0 when there is none. */
static double quiet_median(const rh_statement *statement)
{
    double *times = rh_alloc((statement->run_count + 1) * sizeof *times), median = 0;
    size_t count = 0;
    for (size_t i = 0; i < statement->run_count; i++)
        if (statement->runs[i].pass == RH_PASS_KIND_QUIET && statement->runs[i].elapsed_s > 0)
            times[count++] = statement->runs[i].elapsed_s;
    if (count > 0) {
        qsort(times, count, sizeof *times, by_value);
        median = times[count / 2];
    }
    free(times);
    return median;
}

static const rh_statement *longest_statement(const rh_migration *migration, double *median_s)
{
    const rh_statement *longest = NULL;
    *median_s = 0;
    for (size_t i = 0; i < migration->up.statement_count; i++) {
        const rh_statement *statement = &migration->up.statements[i];
        double median = statement->class_ == RH_CLASS_TRANSACTION ? 0 : quiet_median(statement);
        if (median > *median_s) {
            longest = statement;
            *median_s = median;
        }
    }
    return longest;
}

/* ---- looks ---- */

static void close_sessions(interruption *i)
{
    rh_pg_close(i->pg);
    rh_pg_close(i->side);
    i->pg = i->side = NULL;
}

static void forget(interruption *i)
{
    rh_schema_free(i->schema);
    rh_data_free(i->data);
    i->schema = NULL;
    i->data = NULL;
}

static bool read_history(interruption *i, rh_rows *rows, rh_error *error)
{
    const char *table = i->run->plan.history_table;
    *rows = (rh_rows){0};
    return !table || rh_history_read(i->side, table, i->run->arena, rows, error);
}

static bool look_before(interruption *i, rh_error *error)
{
    rh_data_options options = RH_DATA_DEFAULTS;
    options.history_table = i->run->plan.history_table;
    forget(i);
    i->schema = rh_schema_read(i->side, error);
    i->data = i->schema ? rh_data_read(i->side, &options, error) : NULL;
    return i->data && rh_invalid_indexes(i->side, i->run->arena, &i->invalid, &i->invalid_count, error) &&
           read_history(i, &i->history, error);
}

/* The invalid indexes that were not there, or not invalid, before. */
static bool new_invalid(interruption *i, const char ***names, size_t *count, rh_error *error)
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
            *(const char **)rh_arena_add(i->run->arena, names, count, sizeof **names) = now[n];
    }
    return true;
}

static bool look_after(interruption *i, rh_rows *history, rh_error *error)
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
        found->history = rh_history_describe(&i->history, history, i->run->arena);
    rh_schema_free(schema);
    rh_data_free(data);
    return ok;
}

/* ---- the cut ---- */

static bool replay(interruption *i, rh_migration *migration, const rh_replay_hooks *hooks, rh_error *error)
{
    rh_replay_options options = {.direction = RH_UP,
                                 .statement_timeout = i->run->scenario->migrations.statement_timeout,
                                 .pass = RH_PASS_KIND_ROLLBACK,
                                 .repeat = 1,
                                 .scale = 1,
                                 .hooks = hooks};
    rh_outcome outcome = migration->outcome; /* what fails here is no failure of the migration */
    rh_failure *failure = migration->failure;
    bool ok = rh_migrate(i->run, i->staging, i->pg, migration, &options, NULL, NULL, error);
    migration->outcome = outcome;
    migration->failure = failure;
    return ok;
}

static bool open_sessions(interruption *i, rh_error *error)
{
    const char *conninfo = rh_staging_conninfo(i->staging);
    i->pg = rh_pg_connect(conninfo, ": migration", error);
    i->side = i->pg ? rh_pg_connect(conninfo, ": side", error) : NULL;
    return i->side != NULL;
}

/* The restored state, with every migration before this one. */
static bool prepare(interruption *i, rh_error *error)
{
    close_sessions(i);
    bool ok = rh_staging_reset(i->staging, i->progress, error) && open_sessions(i, error) &&
              rh_history_prepare(i->pg, &i->run->plan, error);
    for (size_t m = 0; ok && m < i->index; m++)
        if (i->run->plan.migrations[m].pending)
            ok = replay(i, &i->run->plan.migrations[m], NULL, error);
    return ok && look_before(i, error);
}

/* One try; *MET: the statement was under way when the cut came. */
static bool cut_once(interruption *i, double share, bool *met, rh_error *error)
{
    rh_interruption *found = i->found;
    rh_cut cut = {.staging = i->staging,
                  .how = found->how,
                  .target = i->target,
                  .delay = (rh_usec)(share * i->target_s * (double)RH_SECOND)};
    rh_error killed = {0};
    if (!prepare(i, error) || !rh_cut_start(&cut, i->pg, error))
        return false;
    bool whole = replay(i, i->migration, &cut.hooks, &killed);
    bool ok = killed.code != RH_ERROR_INTERRUPTED;
    if (!ok)
        rh_error_move(error, &killed);
    rh_error_release(&killed);
    close_sessions(i); /* before a crashed server starts again */
    ok = rh_cut_finish(&cut, ok ? error : NULL) && ok && open_sessions(i, error);
    found->statement = i->target->ordinal;
    found->hit = !whole && cut.struck;
    found->in_statement = found->hit && !cut.completed;
    found->after_s = cut.struck ? rh_seconds(cut.struck - cut.began) : RH_NOT_MEASURED;
    *met = found->in_statement;
    return ok;
}

static bool cut_short(interruption *i, rh_error *error)
{
    bool met = false;
    for (int try = 0; try < TRIES && !met; try++)
        if (!cut_once(i, SHARES[try], &met, error))
            return false;
    return true;
}

/* ---- and again ---- */

/* Would the framework run it, given what its history table says now? */
static bool ask_framework(interruption *i, const rh_rows *history, rh_run_again *answer, rh_error *error)
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
    const char *backup = strstr(refused.message, "the backup");
    *answer = RH_RUN_AGAIN_REFUSED;
    i->found->error =
        backup ? rh_arena_printf(i->run->arena, "%.*sthe database%s", (int)(backup - refused.message),
                                 refused.message, backup + strlen("the backup"))
               : rh_arena_strdup(i->run->arena, refused.message);
    rh_error_release(&refused);
    return true;
}

static bool run_again(interruption *i, rh_run_again *outcome, rh_error *error)
{
    rh_error failed = {0};
    bool ok = replay(i, i->migration, NULL, &failed);
    *outcome = ok ? RH_RUN_AGAIN_OK : RH_RUN_AGAIN_FAILED;
    if (!ok && (failed.code == RH_ERROR_INTERRUPTED || !rh_staging_alive(i->staging, &failed))) {
        rh_error_move(error, &failed);
        return false;
    }
    if (!ok && outcome == &i->found->run_again)
        i->found->error = rh_arena_strdup(i->run->arena, failed.message);
    else if (!ok)
        i->found->error = i->found->error
                              ? rh_arena_printf(i->run->arena, "%s; once the history table is set right: %s",
                                                i->found->error, failed.message)
                              : rh_arena_strdup(i->run->arena, failed.message);
    rh_error_release(&failed);
    return true;
}

static bool try_again(interruption *i, const rh_rows *history, rh_error *error)
{
    rh_interruption *found = i->found;
    bool ok = ask_framework(i, history, &found->run_again, error);
    if (ok && found->run_again == RH_RUN_AGAIN_OK)
        ok = run_again(i, &found->run_again, error);
    else if (ok)
        ok = rh_history_write(i->side, i->run->plan.history_table, &i->history, error) &&
             run_again(i, &found->after_repair, error);
    return ok && new_invalid(i, &found->still_invalid, &found->still_invalid_count, error);
}

static bool interrupt_one(interruption *i, rh_interruption_how how, rh_error *error)
{
    rh_interruption found = {.how = how};
    rh_rows history;
    i->found = &found;
    bool ok = cut_short(i, error) && look_after(i, &history, error) &&
              (!found.hit || try_again(i, &history, error));
    close_sessions(i);
    forget(i);
    if (ok)
        *(rh_interruption *)rh_arena_add(i->run->arena, &i->migration->interruptions,
                                         &i->migration->interruption_count, sizeof found) = found;
    i->found = NULL;
    return ok;
}

/* ---- the pass ---- */

/* The pending migration with the longest statement of all. */
static size_t longest_migration(const rh_plan *plan)
{
    size_t longest = 0;
    double most = -1;
    for (size_t m = 0; m < plan->migration_count; m++) {
        double median_s = 0;
        if (plan->migrations[m].pending && !plan->migrations[m].command &&
            longest_statement(&plan->migrations[m], &median_s) && median_s > most) {
            most = median_s;
            longest = m;
        }
    }
    return longest;
}

bool rh_pass_interruption(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error)
{
    size_t longest = longest_migration(&run->plan), done = 0, count = 0;
    bool ok = true;
    rh_progress_begin(progress, "interruption", "each migration is killed half-way");
    for (size_t m = 0; ok && m < run->plan.migration_count; m++) {
        interruption i = {.run = run,
                          .staging = staging,
                          .progress = progress,
                          .index = m,
                          .migration = &run->plan.migrations[m]};
        if (!i.migration->pending)
            continue;
        rh_progress_update(progress, "interruption", i.migration->name, (int64_t)done++,
                           (int64_t)run->plan.pending_count, RH_UNIT_ITEMS);
        if (i.migration->command) {
            rh_run_not_measured(run, "interruption of %s: a program is not cut half-way", i.migration->id);
            continue;
        }
        i.target = longest_statement(i.migration, &i.target_s);
        if (!i.target) {
            rh_run_not_measured(run,
                                "interruption of migration %s: no quiet pass told how long its statements "
                                "take, or it has none",
                                i.migration->id);
            continue;
        }
        ok = interrupt_one(&i, RH_INTERRUPTION_CONNECTION, error);
        if (ok && m == longest && run->scenario->staging.kind == RH_STAGING_EMBEDDED)
            ok = interrupt_one(&i, RH_INTERRUPTION_SERVER, error);
        count += i.migration->interruption_count;
    }
    if (ok)
        rh_progress_end(progress, "interruption", "%zu cut short and tried again", count);
    return ok;
}
