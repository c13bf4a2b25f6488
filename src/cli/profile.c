/* The command profile: reads production's facts, or prints a script that does. */
#include "pgrehearse/profile/profile.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/units.h"
#include "commands.h"
#include "progress.h"
#include "pgrehearse/predict/predict.h"
#include "pgrehearse/rehearsal/rehearsal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const rh_usec WATCH_MAX = RH_SECOND * 24 * 3600;

static bool read_options(const rh_cli *cli, rh_profile_options *options, rh_error *error)
{
    const rh_options *given = &cli->options;
    const char *watch = rh_options_value(given, RH_OPTION_WATCH, "0");
    size_t named = given->given[RH_OPTION_PROBE].count;
    if (!rh_duration_parse(watch, &options->watch) || options->watch < 0 || options->watch > WATCH_MAX) {
        rh_error_set(error, RH_ERROR_USAGE, "--watch cannot be \"%s\"", watch);
        return rh_error_hint(error, "give a duration of at most a day with its unit: --watch 10min");
    }
    if (named > 0 && given->given[RH_OPTION_NO_PROBE].count > 0) {
        rh_error_set(error, RH_ERROR_USAGE, "--probe and --no-probe contradict each other");
        return rh_error_hint(error, "give one of them");
    }
    options->most_common_values = given->given[RH_OPTION_MOST_COMMON_VALUES].count > 0;
    options->probes = named > 0 || given->given[RH_OPTION_NO_PROBE].count > 0 ? 0 : RH_PROBES_ALL;
    for (size_t i = 0; i < named; i++)
        for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
            if (strcmp(given->given[RH_OPTION_PROBE].values[i], rh_probe_name((rh_probe_kind)kind)) == 0)
                options->probes |= 1u << kind;
    return true;
}

/* What was read, for whoever ran it: never a value of the data. */
static void describe(const rh_profile *profile, const char *path, rh_text *text)
{
    char size[32];
    rh_text_append(text, "wrote ");
    rh_text_append_clean(text, path, false);
    rh_text_printf(text, "\nPostgreSQL %s, %s, %zu table%s, %zu statement%s\n", profile->version,
                   rh_size_format(profile->database_bytes, size, sizeof size), profile->relation_count,
                   profile->relation_count == 1 ? "" : "s", profile->statement_count,
                   profile->statement_count == 1 ? "" : "s");
    if (profile->samples > 0 && profile->samples < rh_lock_samples_needed(0.9))
        rh_text_printf(
            text,
            "not known: how long locks are waited for (open transactions were sampled %lld time%s: use "
            "--watch 10min)\n",
            (long long)profile->samples, profile->samples == 1 ? "" : "s");
    for (size_t i = 0; i < profile->unknown_count; i++) {
        rh_text_append(text, "not known: ");
        rh_text_append_clean(text, profile->unknown[i].what, false);
        rh_text_append(text, " (");
        rh_text_append_clean(text, profile->unknown[i].why, false);
        rh_text_append(text, ")\n");
    }
    for (size_t i = 0; i < profile->warning_count; i++) {
        rh_text_append(text, "dropped: ");
        rh_text_append_clean(text, profile->warnings[i], false);
        rh_text_append_char(text, '\n');
    }
}

/* TEXT into the file that --output names, and what SAID says to standard output; without --output, TEXT
 * there. */
static bool deliver(const rh_cli *cli, const rh_text *text, const rh_text *message, rh_error *error)
{
    const char *path = rh_options_value(&cli->options, RH_OPTION_PROFILE_OUTPUT, NULL);
    if (!path)
        return rh_cli_result(text, error);
    return rh_file_write(path, rh_text_string(text), text->length, error) && rh_cli_result(message, error);
}

static bool write_script(const rh_cli *cli, const rh_profile_options *options, rh_error *error)
{
    const char *path = rh_options_value(&cli->options, RH_OPTION_PROFILE_OUTPUT, NULL);
    rh_text script = {0}, message = {0};
    rh_profile_script(options, &script);
    if (path) {
        rh_text_append(&message, "wrote ");
        rh_text_append_clean(&message, path, false);
        rh_text_append(&message, "\nNext, on production: psql -X -f ");
        rh_text_append_clean(&message, path, false);
        rh_text_append(&message, " DATABASE > profile.csv\n");
    }
    bool ok = deliver(cli, &script, &message, error);
    rh_text_release(&script);
    rh_text_release(&message);
    return ok;
}

static bool take_profile(const rh_cli *cli, rh_profile_options *options, rh_error *error)
{
    rh_progress_style style = {stderr, cli->terminal.status_live, cli->terminal.status_color,
                               cli->terminal.utf8, 0};
    rh_progress_display *display = cli->terminal.quiet ? NULL : rh_progress_display_new(&style);
    options->progress = display ? rh_progress_display_events(display) : NULL;
    rh_json *root = rh_profile_collect(rh_options_value(&cli->options, RH_OPTION_URL, ""), options, error);
    rh_progress_display_free(display);
    if (!root)
        return false;
    const char *path = rh_options_value(&cli->options, RH_OPTION_PROFILE_OUTPUT, "the profile");
    rh_profile profile;
    rh_text text = {0}, message = {0}, lines = {0};
    char *document = rh_json_format(root);
    rh_text_append(&text, document);
    bool ok = rh_profile_parse(root, path, cli->arena, &profile, error);
    if (ok)
        describe(&profile, path, &lines);
    rh_text_append_lines(&message, rh_text_string(&lines), 80);
    ok = ok && deliver(cli, &text, &message, error);
    free(document);
    rh_json_free(root);
    rh_text_release(&text);
    rh_text_release(&message);
    rh_text_release(&lines);
    return ok;
}

int rh_command_profile(rh_cli *cli, rh_error *error)
{
    rh_profile_options options = {0};
    bool sql = cli->options.given[RH_OPTION_SQL].count > 0;
    if (sql && cli->options.given[RH_OPTION_URL].count > 0) {
        rh_error_set(error, RH_ERROR_USAGE, "--sql connects nowhere, so it takes no --url");
        rh_error_hint(error, "give the URL to psql when you run the script");
        return rh_exit_code(error);
    }
    bool ok = read_options(cli, &options, error) &&
              (sql ? write_script(cli, &options, error) : take_profile(cli, &options, error));
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}
