/* The manual page in roff, from the tables of commands, options and exit codes. See man(7). */
#include "options.h"
#include "pgrehearse/sql/hazards.h"
#include <ctype.h>

/* Appends STRING as text: a hyphen stays one that can be pasted, and no line begins with a control character.
 */
static void append_roff(const char *string, rh_text *text)
{
    for (const char *c = string; *c; c++) {
        if ((*c == '.' || *c == '\'') && (c == string || c[-1] == '\n'))
            rh_text_append(text, "\\&");
        if (*c == '-')
            rh_text_append(text, "\\-");
        else if (*c == '\\')
            rh_text_append(text, "\\e");
        else
            rh_text_append_char(text, *c);
    }
}

static void append_sentence(const char *summary, rh_text *text)
{
    rh_text_append_char(text, (char)toupper((unsigned char)summary[0]));
    append_roff(summary + 1, text);
    rh_text_append(text, ".\n");
}

/* The options of COMMAND that not every command has; for RH_COMMAND_NONE those that every command has. */
static void append_options(rh_command_id command, rh_text *text)
{
    for (int id = 0; id < RH_OPTION_COUNT; id++) {
        const rh_option_spec *option = rh_option_spec_of((rh_option_id)id);
        bool common = rh_option_applies((rh_option_id)id, RH_COMMAND_NONE);
        if (!rh_option_applies((rh_option_id)id, command) || (common && command != RH_COMMAND_NONE))
            continue;
        rh_text_append(text, ".TP\n");
        if (option->letter)
            rh_text_printf(text, "\\fB\\-%c\\fR, ", option->letter);
        rh_text_append(text, "\\fB\\-\\-");
        append_roff(option->name, text);
        rh_text_append(text, "\\fR");
        if (option->value)
            rh_text_printf(text, " \\fI%s\\fR", option->value);
        rh_text_append_char(text, '\n');
        append_sentence(option->help, text);
    }
}

static void append_command(rh_command_id id, rh_text *text)
{
    const rh_command_spec *command = rh_command_spec_of(id);
    rh_text_printf(text, ".SS \"%s", command->name);
    for (size_t i = 0; command->arguments[i]; i++)
        rh_text_printf(text, " %s", command->arguments[i]);
    rh_text_append(text, "\"\n");
    append_sentence(command->summary, text);
    if (command->more) {
        append_roff(command->more, text);
        rh_text_append_char(text, '\n');
    }
    append_options(id, text);
}

void rh_man_page(rh_text *text)
{
    rh_text_append(
        text, ".TH PGREHEARSE 1 \"\" \"pgrehearse " RH_VERSION "\" \"User Commands\"\n"
              ".SH NAME\npgrehearse \\- rehearse PostgreSQL migrations on a production backup\n"
              ".SH SYNOPSIS\n\\fBpgrehearse\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
              ".SH DESCRIPTION\n"
              "Restores a production backup into a private PostgreSQL server, runs the pending migrations\n"
              "as their framework would, measures their durations and locks alone and under load, tests\n"
              "their rollback, and writes a report that predicts their effect on production.\n"
              ".SH OPTIONS\n");
    append_options(RH_COMMAND_NONE, text);
    rh_text_append(text, ".SH COMMANDS\n");
    for (int id = 1; id < RH_COMMAND_COUNT; id++)
        append_command((rh_command_id)id, text);
    rh_text_append(text, ".SH EXIT STATUS\n");
    for (const rh_exit_meaning *exit_code = rh_exit_meanings(); exit_code->meaning; exit_code++) {
        rh_text_printf(text, ".TP\n%d\n", exit_code->code);
        append_sentence(exit_code->meaning, text);
    }
    rh_text_append(text, ".SH HAZARD RULES\n");
    const rh_hazard_rule *rule;
    for (size_t i = 0; (rule = rh_hazard_rule_at(i)); i++) {
        rh_text_append(text, ".TP\n\\fB");
        append_roff(rule->id, text);
        rh_text_append(text, "\\fR\n");
        append_sentence(rule->summary, text);
    }
    rh_text_append(text,
                   ".SH ENVIRONMENT\n"
                   "\\fBprofile\\fR without \\fB\\-\\-url\\fR uses libpq's variables and ~/.pgpass.\n"
                   "A value of a scenario may contain ${NAME}, which is replaced by that variable's value.\n"
                   "\\fBNO_COLOR\\fR turns colors off.\n"
                   ".SH SEE ALSO\npg_dump(1), pg_restore(1), psql(1)\n");
}
