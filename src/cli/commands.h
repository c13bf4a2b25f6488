/* The commands. Each returns the exit code; with ERROR set, the caller prints it. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/text.h"
#include "options.h"
#include "terminal.h"
#include "pgrehearse/model/scenario.h"

typedef struct rh_cli {
    rh_arena *arena; /* lives as long as the command */
    rh_options options;
    rh_terminal terminal;
} rh_cli;

int rh_command_run(rh_cli *cli, rh_error *error);
int rh_command_plan(rh_cli *cli, rh_error *error);
int rh_command_profile(rh_cli *cli, rh_error *error);
int rh_command_score(rh_cli *cli, rh_error *error);
int rh_command_report(rh_cli *cli, rh_error *error);
int rh_command_compare(rh_cli *cli, rh_error *error);
int rh_command_explain(rh_cli *cli, rh_error *error);
int rh_command_init(rh_cli *cli, rh_error *error);

/* Reads the scenario that the command line names, with --set, --only and --pass. */
bool rh_cli_scenario(rh_cli *cli, rh_scenario *scenario, rh_error *error);
/* The answer to score --progress VALUE, in TEXT. False: RH_ERROR_USAGE. */
bool rh_cli_score_progress(const rh_json *record, const char *value, rh_arena *arena, rh_text *text,
                           rh_error *error);
/* Writes TEXT to standard output. False (RH_ERROR_IO) when it could not all be written. */
bool rh_cli_result(const rh_text *text, rh_error *error);
/* The page of docs/hazards about RULE, as Markdown; NULL: no such rule. */
const char *rh_hazard_page(const char *rule);
