/* The commands run, plan, report, compare, score and init. Each calls the layer below and prints its result.
 */
#include "commands.h"
#include "keeper.h"
#include "pgrehearse/adapters/files.h"
#include "plan.h"
#include "progress.h"
#include "pgrehearse/rehearsal/rehearsal.h"
#include "pgrehearse/score/score.h"
#include "pgrehearse/report/report.h"
#include "pgrehearse/scenario/scenario.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool rh_cli_result(const rh_text *text, rh_error *error)
{
    size_t written = fwrite(rh_text_string(text), 1, text->length, stdout);
    if (written == text->length && fflush(stdout) == 0)
        return true;
    return rh_error_errno(error, errno, "cannot write to standard output");
}

bool rh_cli_scenario(rh_cli *cli, rh_scenario *scenario, rh_error *error)
{
    const rh_options *options = &cli->options;
    if (!rh_rehearsal_load(options->arguments[0], options->given[RH_OPTION_SET].values,
                           options->given[RH_OPTION_SET].count, cli->arena, scenario, error))
        return false;
    if (options->given[RH_OPTION_ONLY].count) {
        scenario->only = options->given[RH_OPTION_ONLY].values;
        scenario->only_count = options->given[RH_OPTION_ONLY].count;
    }
    static const struct {
        const char *name;
        unsigned bit;
    } passes[] = {{"quiet", RH_PASS_QUIET},
                  {"loaded", RH_PASS_LOADED},
                  {"scaled", RH_PASS_SCALED},
                  {"backfill", RH_PASS_BACKFILL}};
    unsigned chosen = 0;
    for (size_t i = 0; i < options->given[RH_OPTION_PASS].count; i++)
        for (size_t p = 0; p < sizeof passes / sizeof *passes; p++)
            if (strcmp(options->given[RH_OPTION_PASS].values[i], passes[p].name) == 0)
                chosen |= passes[p].bit;
    if (chosen)
        scenario->passes = chosen;
    return true;
}

/* ---- run ---- */

static bool show_summary(const rh_cli *cli, const rh_run *run, rh_error *error)
{
    const char *record =
        run->directory ? rh_arena_printf(cli->arena, "%s/report.json", run->directory) : NULL;
    if (!record || !rh_file_exists(record))
        return true;
    rh_text text = {0};
    rh_json *report = rh_report_json(run);
    bool ok = rh_report_text(report, cli->terminal.result_color, &text, error) && rh_cli_result(&text, error);
    rh_json_free(report);
    rh_text_release(&text);
    return ok;
}

int rh_command_run(rh_cli *cli, rh_error *error)
{
    rh_scenario scenario;
    if (!rh_cli_scenario(cli, &scenario, error))
        return rh_exit_code(error);
    rh_keeper_start(scenario.staging.kind == RH_STAGING_EMBEDDED ? scenario.staging.directory : NULL);
    rh_progress_style style = {stderr, cli->terminal.status_live, cli->terminal.status_color,
                               cli->terminal.utf8, 0};
    rh_progress_display *display = cli->terminal.quiet ? NULL : rh_progress_display_new(&style);
    rh_rehearsal_options options = {.output = rh_options_value(&cli->options, RH_OPTION_OUTPUT, NULL),
                                    .keep_staging = cli->options.given[RH_OPTION_KEEP_STAGING].count > 0,
                                    .progress = display ? rh_progress_display_events(display) : NULL};
    rh_run run = {0};
    int code = rh_rehearse(&scenario, &options, cli->arena, &run, error);
    rh_progress_display_free(display);
    rh_error shown = {0};
    if (!show_summary(cli, &run, &shown) && !rh_error_is_set(error)) {
        rh_error_move(error, &shown); /* reported; the exit code stays the verdict, as in report.json */
        rh_error_hint(error, "the run is complete: see %s/report.json", run.directory);
    }
    rh_error_release(&shown);
    return code;
}

/* ---- plan ---- */

int rh_command_plan(rh_cli *cli, rh_error *error)
{
    rh_scenario scenario;
    rh_plan plan = {0};
    rh_backup_facts backup = {0};
    if (!rh_cli_scenario(cli, &scenario, error) ||
        !rh_rehearsal_plan(&scenario, cli->arena, &plan, &backup, error))
        return rh_exit_code(error);
    rh_notes declined = {0};
    scenario = *rh_backfills_offered(&scenario, &plan, cli->arena, &declined);
    rh_text text = {0};
    const bool safer = cli->options.given[RH_OPTION_SAFER].count > 0,
               json = strcmp(rh_options_value(&cli->options, RH_OPTION_PLAN_FORMAT, "text"), "json") == 0,
               to_terminal = isatty(STDOUT_FILENO);
    const char *backfill = rh_options_value(&cli->options, RH_OPTION_BACKFILL, NULL);
    if (backfill &&
        !rh_plan_backfill_sql(&scenario, &plan, backfill, to_terminal && !json, cli->arena, &text, error)) {
        rh_text_release(&text);
        return rh_exit_code(error);
    }
    if (json) {
        rh_json *root = backfill ? rh_plan_backfill_json(&scenario, backfill, &text)
                        : safer  ? rh_plan_safer_json(&scenario, &plan, cli->arena)
                                 : rh_plan_json(&scenario, &plan, &backup);
        char *document = rh_json_format(root);
        rh_text_clear(&text);
        rh_text_append(&text, document);
        free(document);
        rh_json_free(root);
    } else if (safer && !backfill) {
        rh_plan_safer_text(&plan, to_terminal, cli->arena, &text);
    } else if (!backfill) {
        rh_plan_text(&scenario, &plan, &backup, &text);
        for (size_t i = 0; i < declined.count; i++) {
            rh_text_append_char(&text, '\n');
            rh_text_append_wrapped(
                &text, rh_arena_printf(cli->arena, "not offered: %s", declined.items[i].text), 2, 80);
        }
    }
    bool ok = rh_cli_result(&text, error);
    rh_text_release(&text);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}

/* ---- report, compare ---- */

/* GIVEN is a run directory or its report.json. */
static const char *record_path(const rh_cli *cli, const char *given)
{
    return rh_directory_exists(given) ? rh_arena_printf(cli->arena, "%s/report.json", given) : given;
}

static rh_json *read_record(const rh_cli *cli, const char *given, rh_error *error)
{
    const char *path = record_path(cli, given);
    if (!rh_file_exists(path)) {
        rh_error_set(error, RH_ERROR_USAGE, "there is no report.json at \"%s\"", given);
        rh_error_hint(error, "name a run directory: one that \"pgrehearse run\" wrote");
        return NULL;
    }
    return rh_report_read(path, error);
}

int rh_command_report(rh_cli *cli, rh_error *error)
{
    const char *given = cli->options.arguments[0];
    rh_json *record = read_record(cli, given, error);
    if (!record)
        return rh_exit_code(error);
    if (rh_directory_exists(given)) /* it may have been moved since the run */
        rh_json_add_string(record, "directory", given);
    const char *format = rh_options_value(&cli->options, RH_OPTION_REPORT_FORMAT, "text");
    rh_text text = {0};
    bool ok;
    if (strcmp(format, "html") == 0)
        ok = rh_report_html(record, &text, error);
    else if (strcmp(format, "markdown") == 0)
        ok = rh_report_markdown(record, &text, error);
    else if (strcmp(format, "junit") == 0)
        ok = rh_report_junit(record, &text, error);
    else
        ok = rh_report_text(record, cli->terminal.result_color, &text, error);
    ok = ok && rh_cli_result(&text, error);
    rh_text_release(&text);
    rh_json_free(record);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}

int rh_command_compare(rh_cli *cli, rh_error *error)
{
    rh_text text = {0};
    rh_json *a = read_record(cli, cli->options.arguments[0], error);
    rh_json *b = a ? read_record(cli, cli->options.arguments[1], error) : NULL;
    bool ok =
        b && rh_report_compare(a, b, cli->terminal.result_color, &text, error) && rh_cli_result(&text, error);
    rh_text_release(&text);
    rh_json_free(a);
    rh_json_free(b);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}

/* ---- score ---- */

static int score_progress(rh_cli *cli, const char *run, const char *progress, rh_error *error)
{
    rh_text text = {0};
    rh_json *record = read_record(cli, run, error);
    const bool ok = record && rh_cli_score_progress(record, progress, cli->arena, &text, error) &&
                    rh_cli_result(&text, error);
    rh_text_release(&text);
    rh_json_free(record);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}

int rh_command_score(rh_cli *cli, rh_error *error)
{
    const char *run = cli->options.arguments[0];
    const char *actual = rh_options_value(&cli->options, RH_OPTION_ACTUAL, NULL);
    const char *progress = rh_options_value(&cli->options, RH_OPTION_PROGRESS, NULL);
    if (progress)
        return score_progress(cli, run, progress, error);
    if (!actual) {
        rh_error_set(error, RH_ERROR_USAGE, "score needs --actual FILE or --progress FILE");
        rh_error_hint(
            error,
            "a CSV file with the columns migration, seconds and, if you like, statement; or a server log");
        return rh_exit_code(error);
    }
    rh_score score;
    rh_text text = {0}, lines = {0};
    rh_json *record = read_record(cli, run, error);
    bool ok = record && rh_score_read(record, actual, cli->arena, &score, error);
    if (ok) {
        const char *path = rh_path_beside(record_path(cli, run), "score.json", cli->arena);
        rh_json *json = rh_report_score_json(&score);
        char *written = rh_json_format(json);
        rh_report_score(&score, &lines);
        rh_text_append_lines(&text, rh_text_string(&lines), 80);
        ok = rh_file_write(path, written, strlen(written), error) && rh_cli_result(&text, error);
        free(written);
        rh_json_free(json);
    }
    rh_text_release(&text);
    rh_text_release(&lines);
    rh_json_free(record);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}

/* ---- init ---- */

int rh_command_init(rh_cli *cli, rh_error *error)
{
    const char *directory = cli->options.arguments[0];
    const char *scenario = rh_arena_printf(cli->arena, "%s/scenario.yaml", directory);
    const char *migrations = rh_arena_printf(cli->arena, "%s/migrations", directory);
    if (rh_file_exists(scenario)) {
        rh_error_set(error, RH_ERROR_USAGE, "%s exists already and is left alone", scenario);
        rh_error_hint(error, "name another directory, or remove the file first");
        return rh_exit_code(error);
    }
    const char *template = rh_scenario_template();
    if (!rh_directory_make(migrations, 0755, error) ||
        !rh_file_write(scenario, template, strlen(template), error))
        return rh_exit_code(error);
    rh_text text = {0};
    rh_text_append(&text, "wrote ");
    rh_text_append_clean(&text, scenario, false);
    rh_text_append(&text, "\nNext:\n"
                          "  1. put a backup beside it (pg_dump -Fc -f backup.dump DATABASE) and the "
                          "migrations into migrations/\n"
                          "  2. pgrehearse plan ");
    rh_text_append_clean(&text, scenario, false);
    rh_text_append(&text, "   shows what would run\n  3. pgrehearse run ");
    rh_text_append_clean(&text, scenario, false);
    rh_text_append(&text, "    rehearses it\n");
    bool ok = rh_cli_result(&text, error);
    rh_text_release(&text);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}
