#include "history.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/report/report.h"
#include <string.h>

enum { RUNS_MAX = 200 };

static void skip(rh_run *run, const char *name, const char *why)
{
    rh_history *history = &run->production.history;
    const char **slot = rh_arena_add(run->arena, &history->skipped, &history->skipped_count);
    *slot = rh_arena_printf(run->arena, "%s: %s", name, why);
}

static void add_row(rh_run *run, const rh_json *row, rh_residual_kind kind, const char *id)
{
    rh_history *history = &run->production.history;
    rh_residual residual = {.kind = kind,
                            .predicted_s = rh_json_real(rh_json_get(row, "predicted_s")),
                            .low_s = rh_json_real(rh_json_get(row, "low_s")),
                            .high_s = rh_json_real(rh_json_get(row, "high_s")),
                            .correction = rh_json_real(rh_json_get(row, "correction")),
                            .actual_s = rh_json_real(rh_json_get(row, "actual_s")),
                            .translated = rh_json_bool(rh_json_get(row, "translated")),
                            .run = id};
    if (!(residual.correction > 0))
        residual.correction = 1;
    if (!rh_statement_class_named(rh_json_string(rh_json_get(row, "class")), &residual.class_) ||
        !(residual.predicted_s > 0) || !(residual.actual_s > 0))
        return;
    *rh_arena_add(run->arena, &history->rows, &history->row_count) = residual;
}

static void add_rows(rh_run *run, const rh_json *rows, rh_residual_kind kind, const char *id)
{
    for (size_t i = 0; i < rh_json_count(rows); i++)
        add_row(run, rh_json_at(rows, i), kind, id);
}

static void read_score(rh_run *run, const char *directory, const char *name)
{
    rh_history *history = &run->production.history;
    const char *path = rh_arena_printf(run->arena, "%s/score.json", directory);
    rh_error failure = {0};
    if (!rh_file_exists(path))
        return;
    rh_json *score = rh_json_read(path, &failure);
    size_t before = history->row_count;
    if (score)
        add_rows(run, rh_json_get(score, "rows"), RH_RESIDUAL_PRODUCTION, name);
    else
        skip(run, name, failure.message);
    history->scored_runs += history->row_count > before;
    rh_error_release(&failure);
    rh_json_free(score);
}

static void read_run(rh_run *run, const char *folder, const char *name)
{
    rh_history *history = &run->production.history;
    char now[32];
    const char *directory = rh_arena_printf(run->arena, "%s/%s", folder, name),
               *path = rh_arena_printf(run->arena, "%s/report.json", directory);
    rh_error failure = {0};
    if (!rh_file_exists(path))
        return;
    rh_json *record = rh_report_read(path, &failure);
    const char *scenario = rh_json_string(rh_json_path(record, "scenario.name")),
               *began = rh_json_string(rh_json_get(record, "started_at"));
    rh_clock_format_utc(run->started_wall, now, sizeof now);
    size_t before = history->row_count;
    if (!record) {
        skip(run, name, failure.message);
    } else if (scenario && strcmp(scenario, run->scenario->name) == 0) {
        if (!began || strcmp(began, now) >= 0) {
            skip(run, name, "it does not say that it began before this run");
        } else {
            add_rows(run, rh_json_path(record, "prediction.backtest.rows"), RH_RESIDUAL_BACKTEST, name);
            read_score(run, directory, name);
        }
    }
    history->runs += history->row_count > before;
    rh_error_release(&failure);
    rh_json_free(record);
}

void rh_history_runs(rh_run *run, bool by_default)
{
    rh_history *history = &run->production.history;
    const char *folder = run->scenario->history.path, *slash = strrchr(run->directory, '/');
    char **names;
    size_t count = 0;
    if (run->scenario->history.off || (!folder && !by_default))
        return;
    if (!folder)
        folder = rh_arena_strndup(run->arena, run->directory, (size_t)(slash - run->directory));
    history->directory = folder;
    rh_error failure = {0};
    if (!rh_directory_list(folder, run->arena, &names, &count, &failure))
        skip(run, folder, failure.message);
    rh_error_release(&failure);
    for (size_t i = count > RUNS_MAX ? count - RUNS_MAX : 0; i < count; i++) /* named by their time */
        read_run(run, folder, names[i]);
}
