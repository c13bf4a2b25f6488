/* Commands and options as data: one table drives parsing, help and shell completion. Nothing here prints. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/text.h"
#include <stddef.h>

typedef enum rh_command_id {
    RH_COMMAND_NONE, /* pgrehearse --help, --version */
    RH_COMMAND_RUN,
    RH_COMMAND_PLAN,
    RH_COMMAND_PROFILE,
    RH_COMMAND_REPORT,
    RH_COMMAND_COMPARE,
    RH_COMMAND_SCORE,
    RH_COMMAND_EXPLAIN,
    RH_COMMAND_INIT,
    RH_COMMAND_COMPLETION,
    RH_COMMAND_COUNT
} rh_command_id;

typedef enum rh_option_id {
    RH_OPTION_OUTPUT,
    RH_OPTION_PASS,
    RH_OPTION_ONLY,
    RH_OPTION_SET,
    RH_OPTION_KEEP_STAGING,
    RH_OPTION_PLAN_FORMAT,
    RH_OPTION_SAFER,
    RH_OPTION_BACKFILL,
    RH_OPTION_REPORT_FORMAT,
    RH_OPTION_URL,
    RH_OPTION_PROFILE_OUTPUT,
    RH_OPTION_SQL,
    RH_OPTION_WATCH,
    RH_OPTION_PROBE,
    RH_OPTION_NO_PROBE,
    RH_OPTION_MOST_COMMON_VALUES,
    RH_OPTION_ACTUAL,
    RH_OPTION_PROGRESS,
    RH_OPTION_QUIET,
    RH_OPTION_NO_COLOR,
    RH_OPTION_HELP,
    RH_OPTION_VERSION,
    RH_OPTION_COUNT
} rh_option_id;

enum { RH_OPTION_WORDS = 8 };

typedef struct rh_option_spec {
    const char *name;                   /* without the dashes */
    char letter;                        /* 0: none */
    const char *value;                  /* what its value is called in help; NULL: a switch */
    const char *words[RH_OPTION_WORDS]; /* the values it takes; none: any */
    bool list;                          /* may be given again, and takes several values between commas */
    unsigned commands;                  /* bits 1u << rh_command_id */
    const char *help;
} rh_option_spec;

typedef struct rh_command_spec {
    const char *name;
    const char *arguments[3]; /* their names in help; all are required */
    const char *summary;      /* one line */
    const char *more;         /* a paragraph for its own help; may be NULL */
} rh_command_spec;

/* A command line, parsed. Values point into argv or ARENA. */
typedef struct rh_options {
    rh_command_id command;
    const char **arguments;
    size_t argument_count;
    struct {
        const char **values;
        size_t count; /* of values, or how often a switch was given */
    } given[RH_OPTION_COUNT];
} rh_options;

const rh_option_spec *rh_option_spec_of(rh_option_id id);
/* RH_COMMAND_NONE has a name of NULL. */
const rh_command_spec *rh_command_spec_of(rh_command_id id);

bool rh_option_applies(rh_option_id id, rh_command_id command);

/* Reads the command line. False with RH_ERROR_USAGE: what is wrong, what was probably meant, and which --help
 * to ask. With --help or --version among the options, arguments may be missing. */
bool rh_options_parse(int argc, char **argv, rh_arena *arena, rh_options *options, rh_error *error);
/* The last value given, or FALLBACK. */
const char *rh_options_value(const rh_options *options, rh_option_id id, const char *fallback);

/* The text of --help: of one command, or of the whole program for RH_COMMAND_NONE. */
void rh_help(rh_command_id command, rh_text *text);
/* The exit codes in order; the last one's meaning is NULL. */
typedef struct rh_exit_meaning {
    int code;
    const char *meaning;
} rh_exit_meaning;
const rh_exit_meaning *rh_exit_meanings(void);
/* A script for SHELL (bash, zsh, fish) that completes commands, options and their words; false for another
 * shell. */
bool rh_completion(const char *shell, rh_text *text);
/* The manual page pgrehearse(1), as roff. */
void rh_man_page(rh_text *text);
