#include "cli.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/interrupt.h"
#include "commands.h"
#include "pgrehearse/rehearsal/rehearsal.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int show_text(void (*append)(rh_text *text), rh_error *error)
{
    rh_text text = {0};
    append(&text);
    bool ok = rh_cli_result(&text, error);
    rh_text_release(&text);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}

static int show_help(rh_command_id command, rh_error *error)
{
    rh_text text = {0};
    rh_help(command, &text);
    bool ok = rh_cli_result(&text, error);
    rh_text_release(&text);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}

static void append_version(rh_text *text)
{
    rh_text_append(text, "pgrehearse " RH_VERSION "\n");
}

static int completion(const rh_cli *cli, rh_error *error)
{
    const char *shell = cli->options.arguments[0];
    rh_text text = {0};
    bool ok = rh_completion(shell, &text);
    if (!ok) {
        rh_error_set(error, RH_ERROR_USAGE, "unknown shell \"%s\"", shell);
        rh_error_hint(error, "completion scripts exist for bash, zsh and fish");
    }
    ok = ok && rh_cli_result(&text, error);
    rh_text_release(&text);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}

static int dispatch(rh_cli *cli, rh_error *error)
{
    if (cli->options.given[RH_OPTION_HELP].count)
        return show_help(cli->options.command, error);
    if (cli->options.given[RH_OPTION_VERSION].count)
        return show_text(append_version, error);
    switch (cli->options.command) {
    case RH_COMMAND_RUN:
        return rh_command_run(cli, error);
    case RH_COMMAND_PLAN:
        return rh_command_plan(cli, error);
    case RH_COMMAND_PROFILE:
        return rh_command_profile(cli, error);
    case RH_COMMAND_REPORT:
        return rh_command_report(cli, error);
    case RH_COMMAND_COMPARE:
        return rh_command_compare(cli, error);
    case RH_COMMAND_SCORE:
        return rh_command_score(cli, error);
    case RH_COMMAND_EXPLAIN:
        return rh_command_explain(cli, error);
    case RH_COMMAND_INIT:
        return rh_command_init(cli, error);
    case RH_COMMAND_COMPLETION:
        return completion(cli, error);
    default:
        return RH_EXIT_USAGE; /* the parser lets nothing else through */
    }
}

/* A standard stream that the caller closed becomes /dev/null: else the next file that is opened gets its
 * number, and what is meant for the stream would be written into that file. */
static void open_closed_streams(void)
{
    for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR))
        if (fd > STDERR_FILENO) {
            close(fd);
            return;
        }
}

/* Enough for the largest files that are read (256 MiB), a table of contents of 512 MiB and a row of 1 GiB. */
static const int64_t MOST_MEMORY = INT64_C(4) << 30;

int rh_cli_main(int argc, char **argv)
{
    open_closed_streams();
    rh_process_limit_memory(MOST_MEMORY);
    rh_interrupt_install();
    rh_cli cli = {.arena = rh_arena_new()};
    rh_error error = {0};
    int code;
    if (rh_options_parse(argc, argv, cli.arena, &cli.options, &error)) {
        rh_terminal_init(&cli.terminal, cli.options.given[RH_OPTION_QUIET].count > 0,
                         cli.options.given[RH_OPTION_NO_COLOR].count > 0);
        code = dispatch(&cli, &error);
    } else {
        code = rh_exit_code(&error);
    }
    if (rh_error_is_set(&error)) {
        rh_text text = {0};
        rh_error_format(&error, &text);
        fputs(rh_text_string(&text), stderr);
        rh_text_release(&text);
    }
    rh_error_release(&error);
    rh_arena_free(cli.arena);
    return code;
}
