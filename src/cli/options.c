#include "options.h"
#include <string.h>

#define ON(command) (1u << RH_COMMAND_##command)
#define EVERYWHERE (~0u)

static const rh_command_spec COMMANDS[RH_COMMAND_COUNT] = {
    [RH_COMMAND_RUN] =
        {"run",
         {"SCENARIO"},
         "rehearse the scenario and write its report",
         "Restores the backup into staging, runs the pending migrations alone and under load, rolls them back,\n"
         "predicts their effect on production, and checks the gates. Writes the summary to standard output and\n"
         "the report to the run directory. Exits with 0 if every gate held; for the other exit codes, see\n"
         "\"pgrehearse --help\".\n"
         "\n"
         "A pass runs all pending migrations on a copy of the restored database:\n"
         "  scaled   on samples of the tables' pages, to predict how durations grow with table size\n"
         "  quiet    with nothing else running (\"repeat\" times), to measure durations and locks\n"
         "  loaded   under the generated load, to measure lock waits and the load's response times\n"
         "The pass backfill tries the settings of each declared backfill under load."},
    [RH_COMMAND_PLAN] =
        {"plan",
         {"SCENARIO"},
         "show what would run: migrations, statements, transactions, locks",
         "Reads the scenario, the migrations and the backup's migration history. Does not start a server.\n"
         "The id of a hazard's rule is in parentheses: see \"pgrehearse explain\".\n"
         "With --safer: prints the same migrations as statements that block less, split into files where the\n"
         "framework requires it. Steps that need manual work are printed as comments. The output contains the\n"
         "literals of your migration files.\n"
         "With --backfill NAME: prints a procedure that runs the backfill in batches, keeps its progress in a\n"
         "table, and may be stopped, killed and resumed; and the queries to watch it."},
    [RH_COMMAND_PROFILE] =
        {"profile",
         {NULL},
         "read facts from production: sizes, settings, statistics, hardware",
         "Takes less than 8 seconds, plus the duration of --watch: read-only transactions that wait for no\n"
         "lock, then a bounded probe of the hardware. A role with pg_monitor is sufficient; facts that it may\n"
         "not read are null, with the reason. Reads no row data, unless --most-common-values is given. Name the\n"
         "output file as production.profile in a scenario. Without --url, the connection parameters come from\n"
         "libpq's environment variables."},
    [RH_COMMAND_REPORT] = {"report",
                           {"RUN_DIRECTORY"},
                           "render a run's report again from its report.json",
                           "Writes to standard output. RUN_DIRECTORY may also be a report.json file."},
    [RH_COMMAND_COMPARE] = {"compare",
                            {"RUN_A", "RUN_B"},
                            "compare two runs side by side",
                            "RUN_A is the earlier run."},
    [RH_COMMAND_SCORE] =
        {"score",
         {"RUN_DIRECTORY"},
         "compare a run's prediction with production's durations",
         "--actual FILE is a CSV file with the columns migration, seconds and, for single statements, statement\n"
         "(its ordinal in the file); or a server log with durations (log_min_duration_statement; stderr, csvlog or\n"
         "jsonlog format). Prints a table and writes RUN_DIRECTORY/score.json.\n"
         "With --progress, compares the progress of a backfill with the predicted one, and corrects the\n"
         "finishing date."},
    [RH_COMMAND_EXPLAIN] =
        {"explain",
         {"RULE"},
         "explain a hazard rule: its locks, and the safer way",
         "RULE is the id that a plan or a report shows in parentheses, such as set-not-null-scan."},
    [RH_COMMAND_INIT] =
        {"init",
         {"DIRECTORY"},
         "create a commented scenario",
         "Creates DIRECTORY/scenario.yaml and DIRECTORY/migrations/. Never overwrites a scenario."},
    [RH_COMMAND_COMPLETION] = {"completion",
                               {"SHELL"},
                               "print a completion script (SHELL: bash, zsh, fish)",
                               "To load it in bash: source <(pgrehearse completion bash)\n"
                               "To load it in fish: pgrehearse completion fish | source"},
};

static const rh_option_spec OPTIONS[RH_OPTION_COUNT] = {
    [RH_OPTION_OUTPUT] = {.name = "output",
                          .letter = 'o',
                          .value = "DIR",
                          .commands = ON(RUN),
                          .help = "run directory (default: reports/runs/NAME/TIME)"},
    [RH_OPTION_PASS] = {.name = "pass",
                        .value = "PASS",
                        .words = {"quiet", "loaded", "scaled", "backfill"},
                        .list = true,
                        .commands = ON(RUN),
                        .help = "run only these passes (default: all): quiet, loaded, scaled, backfill"},
    [RH_OPTION_ONLY] = {.name = "only",
                        .value = "MIGRATION",
                        .list = true,
                        .commands = ON(RUN) | ON(PLAN),
                        .help = "include only these pending migrations, by id"},
    [RH_OPTION_SET] = {.name = "set",
                       .value = "KEY=VALUE",
                       .commands = ON(RUN) | ON(PLAN),
                       .help = "override a scenario key, for example workload.rate=50; may be repeated"},
    [RH_OPTION_KEEP_STAGING] = {.name = "keep-staging",
                                .commands = ON(RUN),
                                .help = "keep the staging cluster or database for inspection"},
    [RH_OPTION_PLAN_FORMAT] = {.name = "format",
                               .letter = 'f',
                               .value = "FORMAT",
                               .words = {"text", "json"},
                               .commands = ON(PLAN),
                               .help = "output format: text (default) or json"},
    [RH_OPTION_SAFER] = {.name = "safer",
                         .commands = ON(PLAN),
                         .help = "print the migrations as SQL that blocks less"},
    [RH_OPTION_BACKFILL] = {.name = "backfill",
                            .value = "NAME",
                            .commands = ON(PLAN),
                            .help =
                                "print the scenario's backfill NAME as SQL: procedure, progress, queries"},
    [RH_OPTION_REPORT_FORMAT] = {.name = "format",
                                 .letter = 'f',
                                 .value = "FORMAT",
                                 .words = {"text", "html", "markdown", "junit"},
                                 .commands = ON(REPORT),
                                 .help = "output format: text (default), html, markdown or junit"},
    [RH_OPTION_URL] = {.name = "url",
                       .value = "URL",
                       .commands = ON(PROFILE),
                       .help = "connection URL of production; put the password in ~/.pgpass"},
    [RH_OPTION_PROFILE_OUTPUT] = {.name = "output",
                                  .letter = 'o',
                                  .value = "FILE",
                                  .commands = ON(PROFILE),
                                  .help = "output file (default: standard output)"},
    [RH_OPTION_SQL] = {.name = "sql",
                       .commands = ON(PROFILE),
                       .help = "do not connect; print a psql script that reads the same facts as CSV"},
    [RH_OPTION_WATCH] = {.name = "watch",
                         .value = "DURATION",
                         .commands = ON(PROFILE),
                         .help =
                             "sample open transactions 4 times a second for this long, for example 10min"},
    [RH_OPTION_PROBE] =
        {.name = "probe",
         .value = "PROBE",
         .words = {"cpu", "sort", "cached", "sequential", "random", "wal", "write", "parallel"},
         .list = true,
         .commands = ON(PROFILE),
         .help = "run only these probes: cpu, sort, cached, sequential, random, wal, write, parallel"},
    [RH_OPTION_NO_PROBE] = {.name = "no-probe", .commands = ON(PROFILE), .help = "do not probe the hardware"},
    [RH_OPTION_MOST_COMMON_VALUES] = {.name = "most-common-values",
                                      .commands = ON(PROFILE),
                                      .help = "include pg_stats.most_common_vals (this exports row data)"},
    [RH_OPTION_ACTUAL] = {.name = "actual",
                          .value = "FILE",
                          .commands = ON(SCORE),
                          .help = "production's durations"},
    [RH_OPTION_PROGRESS] = {.name = "progress",
                            .value = "[NAME=]FILE",
                            .commands = ON(SCORE),
                            .help = "production's progress of the backfill NAME: a CSV file with time, rows"},
    [RH_OPTION_QUIET] = {.name = "quiet",
                         .letter = 'q',
                         .commands = EVERYWHERE,
                         .help = "print only the result and errors, no progress"},
    [RH_OPTION_NO_COLOR] = {.name = "no-color",
                            .commands = EVERYWHERE,
                            .help = "do not color the output (also: NO_COLOR in the environment)"},
    [RH_OPTION_HELP] = {.name = "help", .letter = 'h', .commands = EVERYWHERE, .help = "show this help"},
    [RH_OPTION_VERSION] = {.name = "version",
                           .letter = 'V',
                           .commands = ON(NONE),
                           .help = "show the program version"},
};

const rh_option_spec *rh_option_spec_of(rh_option_id id)
{
    return &OPTIONS[id];
}

const rh_command_spec *rh_command_spec_of(rh_command_id id)
{
    return &COMMANDS[id];
}

bool rh_option_applies(rh_option_id id, rh_command_id command)
{
    return OPTIONS[id].commands & 1u << command;
}

/* ---- parsing ---- */

typedef struct parser {
    rh_arena *arena;
    rh_options *options;
    rh_error *error;
    char **argv;
    int argc, at;
} parser;

static bool point_to_help(const parser *p)
{
    const char *command = COMMANDS[p->options->command].name;
    return rh_error_hint(p->error, "see: pgrehearse %s%s--help", command ? command : "", command ? " " : "");
}

static int find_option(const char *name, size_t length, rh_command_id command)
{
    for (int id = 0; id < RH_OPTION_COUNT; id++)
        if (rh_option_applies(id, command) && strlen(OPTIONS[id].name) == length &&
            strncmp(OPTIONS[id].name, name, length) == 0)
            return id;
    return -1;
}

/* The first command that has the option NAME, or NULL. */
static const char *command_with(const char *name)
{
    for (int command = 1; command < RH_COMMAND_COUNT; command++)
        if (find_option(name, strlen(name), (rh_command_id)command) >= 0)
            return COMMANDS[command].name;
    return NULL;
}

static bool fail_unknown_option(const parser *p, const char *name)
{
    rh_command_id command = p->options->command;
    const char *names[RH_OPTION_COUNT], *elsewhere = command_with(name);
    size_t count = 0;
    for (int id = 0; id < RH_OPTION_COUNT; id++)
        if (rh_option_applies(id, command))
            names[count++] = OPTIONS[id].name;
    const char *nearest = rh_nearest(name, names, count);
    if (elsewhere)
        rh_error_set(p->error, RH_ERROR_USAGE, "--%s is an option of \"%s\"%s", name, elsewhere,
                     command ? "" : " and comes after it");
    else if (nearest)
        rh_error_set(p->error, RH_ERROR_USAGE, "unknown option --%s; did you mean --%s?", name, nearest);
    else
        rh_error_set(p->error, RH_ERROR_USAGE, "unknown option --%s", name);
    return point_to_help(p);
}

static bool check_word(const parser *p, const rh_option_spec *spec, const char *value)
{
    size_t count = 0;
    for (; count < RH_OPTION_WORDS && spec->words[count]; count++)
        if (strcmp(spec->words[count], value) == 0)
            return true;
    if (count == 0 && *value)
        return true;
    const char *nearest = rh_nearest(value, spec->words, count);
    if (!*value)
        rh_error_set(p->error, RH_ERROR_USAGE, "--%s is empty", spec->name);
    else if (nearest)
        rh_error_set(p->error, RH_ERROR_USAGE, "--%s cannot be \"%s\"; did you mean \"%s\"?", spec->name,
                     value, nearest);
    else
        rh_error_set(p->error, RH_ERROR_USAGE, "--%s cannot be \"%s\"", spec->name, value);
    return point_to_help(p);
}

static bool add_value(const parser *p, rh_option_id id, const char *value)
{
    if (!check_word(p, &OPTIONS[id], value))
        return false;
    *rh_arena_add(p->arena, &p->options->given[id].values, &p->options->given[id].count) = value;
    return true;
}

/* VALUE: what stood behind "=" or the letter; NULL: the next word is it. */
static bool set_option(parser *p, rh_option_id id, const char *value)
{
    const rh_option_spec *spec = &OPTIONS[id];
    if (!spec->value) {
        p->options->given[id].count++;
        if (value)
            rh_error_set(p->error, RH_ERROR_USAGE, "--%s takes no value", spec->name);
        return !value || point_to_help(p);
    }
    if (!value && p->at < p->argc)
        value = p->argv[p->at++];
    if (!value) {
        rh_error_set(p->error, RH_ERROR_USAGE, "--%s needs a value: --%s %s", spec->name, spec->name,
                     spec->value);
        return point_to_help(p);
    }
    if (!spec->list)
        return add_value(p, id, value);
    char *rest = rh_arena_strdup(p->arena, value);
    for (char *one; (one = strsep(&rest, ",")) != NULL;)
        if (!add_value(p, id, one))
            return false;
    return true;
}

static bool parse_long(parser *p, const char *word)
{
    size_t length = strcspn(word, "=");
    int id = find_option(word, length, p->options->command);
    if (id < 0)
        return fail_unknown_option(p, rh_arena_strndup(p->arena, word, length));
    return set_option(p, (rh_option_id)id, word[length] ? word + length + 1 : NULL);
}

/* "-q", "-qh", "-o DIR", "-oDIR" */
static bool parse_short(parser *p, const char *letters)
{
    for (; *letters; letters++) {
        int found = -1;
        for (int id = 0; id < RH_OPTION_COUNT; id++)
            if (rh_option_applies(id, p->options->command) && OPTIONS[id].letter == *letters)
                found = id;
        if (found < 0) {
            rh_error_set(p->error, RH_ERROR_USAGE, "unknown option -%c", *letters);
            return point_to_help(p);
        }
        bool wants = OPTIONS[found].value != NULL;
        if (!set_option(p, (rh_option_id)found, wants && letters[1] ? letters + 1 : NULL))
            return false;
        if (wants)
            return true;
    }
    return true;
}

static bool parse_command(parser *p, const char *word)
{
    const char *names[RH_COMMAND_COUNT];
    size_t count = 0;
    for (int id = 1; id < RH_COMMAND_COUNT; id++) {
        if (strcmp(COMMANDS[id].name, word) == 0) {
            p->options->command = (rh_command_id)id;
            return true;
        }
        names[count++] = COMMANDS[id].name;
    }
    const char *nearest = rh_nearest(word, names, count);
    if (nearest)
        rh_error_set(p->error, RH_ERROR_USAGE, "unknown command \"%s\"; did you mean \"%s\"?", word, nearest);
    else
        rh_error_set(p->error, RH_ERROR_USAGE, "unknown command \"%s\"", word);
    return point_to_help(p);
}

static bool check_arguments(const parser *p)
{
    const rh_options *options = p->options;
    const rh_command_spec *command = &COMMANDS[options->command];
    if (options->given[RH_OPTION_HELP].count || options->given[RH_OPTION_VERSION].count)
        return true;
    size_t wanted = 0;
    while (command->arguments[wanted])
        wanted++;
    if (options->command == RH_COMMAND_NONE)
        rh_error_set(p->error, RH_ERROR_USAGE, "no command");
    else if (options->argument_count < wanted)
        rh_error_set(p->error, RH_ERROR_USAGE, "%s needs %s", command->name,
                     command->arguments[options->argument_count]);
    else if (options->argument_count > wanted)
        rh_error_set(p->error, RH_ERROR_USAGE, "%s does not take \"%s\"", command->name,
                     options->arguments[wanted]);
    else
        return true;
    return point_to_help(p);
}

bool rh_options_parse(int argc, char **argv, rh_arena *arena, rh_options *options, rh_error *error)
{
    *options = (rh_options){0};
    parser p = {arena, options, error, argv, argc, 1};
    bool only_arguments = false, ok = true;
    while (ok && p.at < argc) {
        const char *word = argv[p.at++];
        if (!only_arguments && strcmp(word, "--") == 0)
            only_arguments = true;
        else if (!only_arguments && rh_starts_with(word, "--"))
            ok = parse_long(&p, word + 2);
        else if (!only_arguments && word[0] == '-' && word[1])
            ok = parse_short(&p, word + 1);
        else if (options->command == RH_COMMAND_NONE)
            ok = parse_command(&p, word);
        else
            *rh_arena_add(arena, &options->arguments, &options->argument_count) = word;
    }
    return ok && check_arguments(&p);
}

const char *rh_options_value(const rh_options *options, rh_option_id id, const char *fallback)
{
    size_t count = options->given[id].count;
    return count ? options->given[id].values[count - 1] : fallback;
}
