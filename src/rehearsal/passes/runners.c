#include "runners.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/snapshot/snapshot.h"
#include "rehearsal/program/program.h"
#include "rehearsal/program/environment.h"
#include "runner_watch.h"
#include <stdlib.h>
#include <string.h>

static const rh_usec LOOK = RH_SECOND / 50;

/* One of them. */
typedef struct runner {
    rh_arena *arena; /* its proxy's thread's */
    rh_pg *side;
    rh_runner_watch *watch;
    rh_proxy *proxy;
    rh_process *process;
    const char *log;
    rh_usec started;
    bool ended;
    rh_runner *found;
} runner;

typedef struct meeting {
    const rh_run *run;
    rh_staging *staging;
    const rh_migration *migration;
    rh_runners *found;
    rh_pg *pg; /* reads the waits, and the state at the end */
    rh_runner_gate *gate;
    runner *runners;
    size_t count;
} meeting;

/* ---- start and end ---- */

static bool start_one(meeting *m, size_t index, rh_error *error)
{
    runner *r = &m->runners[index];
    const char *conninfo = rh_staging_conninfo(m->staging);
    r->arena = rh_arena_new();
    r->side = rh_pg_connect_observer(conninfo, ": side", error);
    if (!r->side)
        return false;
    r->watch = rh_runner_watch_new(m->gate, index, r->arena);
    rh_proxy_options options = {
        .server = r->side,
        .directory = m->run->staging.kind == RH_STAGING_EMBEDDED ? m->run->staging.location : NULL,
        .events = rh_runner_watch_events(r->watch)}; /* long_us 0: every statement can be held behind */
    r->proxy = rh_proxy_start(&options, error);
    return r->proxy != NULL;
}

static bool launch_one(meeting *m, size_t index, rh_error *error)
{
    runner *r = &m->runners[index];
    rh_arena *scratch = rh_arena_new();
    r->log = rh_arena_printf(m->run->arena, "%s/log/runner-%zu.log", m->run->directory, index + 1);
    rh_process_options options = {
        .argv = m->migration->command, .directory = m->run->scenario->directory, .output_path = r->log};
    options.environment =
        rh_program_environment_as(rh_staging_migrations_conninfo(m->staging), r->proxy, scratch, error);
    r->started = rh_clock_monotonic();
    r->process = options.environment ? rh_process_start(&options, error) : NULL;
    rh_arena_free(scratch);
    return r->process != NULL;
}

/* Which runners wait, and for what; and which have ended. */
static bool poll(meeting *m, bool *all_ended, rh_error *error)
{
    *all_ended = true;
    for (size_t i = 0; i < m->count; i++) {
        runner *r = &m->runners[i];
        if (r->ended)
            continue;
        if (rh_process_has_ended(r->process, &r->found->status)) {
            r->ended = true;
            r->found->elapsed_s = rh_seconds(rh_clock_monotonic() - r->started);
            rh_runner_gate_ended(m->gate, i);
        } else if (!rh_runner_gate_poll(m->gate, i, m->pg, r->found, m->run->arena, error)) {
            return false;
        }
        *all_ended = *all_ended && r->ended;
    }
    return true;
}

static bool attend(meeting *m, rh_error *error)
{
    bool all_ended = false;
    while (!all_ended) {
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while several runners were tried");
        if (!poll(m, &all_ended, error))
            return false;
        if (!all_ended)
            rh_clock_sleep_until(rh_clock_monotonic() + LOOK);
    }
    return true;
}

/* Its last message; its log keeps what may be shown. */
static void read_last_word(meeting *m, runner *r)
{
    size_t length;
    char *text = rh_file_read(r->log, 1 << 20, r->arena, &length, NULL);
    char *shown = rh_redact_line(text ? text : "");
    const char *word = rh_program_last_word(m->run->arena, shown);
    if (r->found->status != 0 && !r->found->last_line && *word)
        r->found->last_line = word;
    rh_file_write(r->log, shown, strlen(shown), NULL);
    free(shown);
}

static void close_one(meeting *m, runner *r)
{
    rh_process_free(r->process);
    rh_proxy_stop(r->proxy);
    if (r->watch)
        rh_runner_watch_count(r->watch, r->found, m->run->arena);
    if (r->ended)
        read_last_word(m, r);
    rh_proxy_free(r->proxy);
    rh_pg_close(r->side);
}

static bool run_concurrently(meeting *m, rh_error *error)
{
    bool ok = true;
    m->pg = rh_pg_connect(rh_staging_conninfo(m->staging), ": runners", error);
    m->gate = rh_runner_gate_new(m->count);
    ok = m->pg != NULL;
    for (size_t i = 0; ok && i < m->count; i++)
        ok = start_one(m, i, error);
    for (size_t i = 0; ok && i < m->count; i++)
        ok = launch_one(m, i, error);
    ok = ok && attend(m, error);
    for (size_t i = 0; i < m->count; i++)
        close_one(m, &m->runners[i]);
    const rh_runner_watch **watches = rh_alloc((m->count + 1) * sizeof *watches);
    for (size_t i = 0; i < m->count; i++)
        watches[i] = m->runners[i].watch;
    if (ok)
        rh_runner_watch_judge(watches, m->count, m->run->arena, m->found);
    free(watches);
    for (size_t i = 0; i < m->count; i++)
        rh_arena_free(m->runners[i].arena);
    rh_runner_gate_free(m->gate);
    rh_pg_close(m->pg);
    return ok;
}

/* ---- what they leave, against what one alone leaves ---- */

typedef struct state {
    rh_schema *schema;
    rh_data *data;
} state;

static bool read_state(const rh_staging *staging, const state *before, state *now, rh_error *error)
{
    rh_data_options options = RH_DATA_DEFAULTS;
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(staging), ": observer", error);
    now->schema = pg ? rh_schema_read(pg, error) : NULL;
    if (now->schema)
        now->data = before ? rh_data_read_again(pg, before->data, error) : rh_data_read(pg, &options, error);
    rh_pg_close(pg);
    return now->data != NULL;
}

static void compare(const rh_run *run, const state *alone, const state *together, rh_runners *found)
{
    rh_data_comparison data = {0};
    rh_schema_compare(alone->schema, together->schema, run->arena, &found->differences,
                      &found->difference_count);
    rh_data_compare(alone->data, together->data, run->arena, &data);
    for (size_t i = 0; i < data.table_count; i++) {
        const rh_table_data *table = &data.tables[i];
        if (table->rows_before >= 0 && table->rows_after >= 0 && table->rows_before != table->rows_after)
            *rh_arena_add(run->arena, &found->row_differences, &found->row_difference_count) =
                rh_arena_printf(run->arena, "%s: %lld rows, and %lld when one runs alone", table->table,
                                (long long)table->rows_after, (long long)table->rows_before);
    }
}

static void release(state *s)
{
    rh_schema_free(s->schema);
    rh_data_free(s->data);
}

/* What fails here ends the pass, and is not the migration's outcome. */
static bool run_alone(const rh_run *run, rh_staging *staging, const rh_progress *progress, rh_notes *notes,
                      rh_error *error)
{
    const rh_program_options options = {
        .direction = RH_UP, .pass = RH_PASS_KIND_QUIET, .repeat = 1, .scale = 1};
    if (!rh_staging_reset(staging, progress, error))
        return false;
    const rh_attempt attempt = rh_program_run(run, staging, &run->plan.migrations[0], &options, error);
    rh_notes_add(notes, run->arena, &attempt.notes);
    return attempt.outcome == RH_OUTCOME_OK;
}

rh_runners_result rh_pass_runners(const rh_run *run, rh_staging *staging, const rh_progress *progress,
                                  rh_error *error)
{
    const size_t count = (size_t)run->scenario->migrations.concurrent_runners;
    rh_runners_result result = {.pass = {.kind = RH_PASS_KIND_QUIET}};
    rh_runners *found = &result.runners;
    state alone = {0}, together = {0};
    meeting m = {.run = run,
                 .staging = staging,
                 .migration = &run->plan.migrations[0],
                 .found = found,
                 .count = count};
    rh_progress_begin(progress, "runners", "%zu at once", count);
    found->count = count;
    found->runners = rh_arena_alloc(run->arena, count * sizeof *found->runners);
    m.runners = rh_arena_alloc(run->arena, count * sizeof *m.runners);
    for (size_t i = 0; i < count; i++)
        m.runners[i].found = &found->runners[i];
    bool ok = run_alone(run, staging, progress, &result.pass.notes, error) &&
              read_state(staging, NULL, &alone, error) && rh_staging_reset(staging, progress, error) &&
              run_concurrently(&m, error) && read_state(staging, &alone, &together, error);
    if (ok) {
        compare(run, &alone, &together, found);
        rh_progress_end(progress, "runners", "%s", found->why);
    }
    release(&alone);
    release(&together);
    result.pass.ok = ok;
    return result;
}
