#include "pgrehearse/cli/options.h"

static void append_call(const rh_command_spec *command, rh_text *text)
{
    rh_text_append(text, command->name);
    for (size_t i = 0; command->arguments[i]; i++)
        rh_text_printf(text, " %s", command->arguments[i]);
}

static void append_options(rh_command_id command, rh_text *text)
{
    rh_text_append(text, "\nOptions:\n");
    for (int id = 0; id < RH_OPTION_COUNT; id++) {
        const rh_option_spec *option = rh_option_spec_of((rh_option_id)id);
        if (!rh_option_applies((rh_option_id)id, command))
            continue;
        rh_text left = {0};
        if (option->letter)
            rh_text_printf(&left, "-%c, ", option->letter);
        else
            rh_text_append(&left, "    ");
        rh_text_printf(&left, "--%s%s%s", option->name, option->value ? " " : "",
                       option->value ? option->value : "");
        rh_text_printf(text, "  %-24s  %s\n", rh_text_string(&left), option->help);
        if (option->list)
            rh_text_printf(text, "  %-24s  (separate several by commas, or repeat the option)\n", "");
        rh_text_release(&left);
    }
}

static void help_overall(rh_text *text)
{
    rh_text_append(
        text,
        "Usage: pgrehearse COMMAND [OPTIONS]\n\n"
        "Rehearses PostgreSQL migrations on a restored production backup: measures how long they take and\n"
        "which sessions their locks block, tests their rollback, and predicts their effect on production.\n\n"
        "Commands:\n");
    for (int id = 1; id < RH_COMMAND_COUNT; id++) {
        const rh_command_spec *command = rh_command_spec_of((rh_command_id)id);
        rh_text left = {0};
        append_call(command, &left);
        rh_text_printf(text, "  %-24s  %s\n", rh_text_string(&left), command->summary);
        rh_text_release(&left);
    }
    append_options(RH_COMMAND_NONE, text);
    rh_text_append(
        text, "\nFor the options of a command, see \"pgrehearse COMMAND --help\".\n\n"
              "Exit codes:\n"
              "    0  rehearsed, every gate held\n"
              "    1  rehearsed, a gate failed\n"
              "    2  a migration, its rollback or a verify step failed\n"
              "    3  inconclusive: something needed for the verdict could not be measured\n"
              "    4  refused by the safety guard\n"
              "    5  the rehearsal itself failed: backup unreadable, staging would not start, disk full\n"
              "   64  wrong usage, or an invalid scenario\n"
              "  130  interrupted; everything that was started has been stopped and removed\n");
}

void rh_help(rh_command_id id, rh_text *text)
{
    if (id == RH_COMMAND_NONE) {
        help_overall(text);
        return;
    }
    const rh_command_spec *command = rh_command_spec_of(id);
    rh_text_append(text, "Usage: pgrehearse ");
    append_call(command, text);
    rh_text_printf(text, " [OPTIONS]\n\n%c%s.\n", command->summary[0] - 'a' + 'A', command->summary + 1);
    if (command->more)
        rh_text_printf(text, "%s\n", command->more);
    append_options(id, text);
}

/* ---- completion ---- */

static void append_option_names(rh_command_id command, rh_text *text)
{
    for (int id = 0; id < RH_OPTION_COUNT; id++)
        if (rh_option_applies((rh_option_id)id, command))
            rh_text_printf(text, " --%s", rh_option_spec_of((rh_option_id)id)->name);
}

/* An arm "command:--option) words=…" for each option that takes one of some words. */
static void append_word_arms(rh_command_id command, rh_text *text)
{
    for (int id = 0; id < RH_OPTION_COUNT; id++) {
        const rh_option_spec *option = rh_option_spec_of((rh_option_id)id);
        if (!option->words[0] || !rh_option_applies((rh_option_id)id, command))
            continue;
        rh_text_printf(text, "    %s:--%s) words=\"", rh_command_spec_of(command)->name, option->name);
        for (size_t i = 0; i < RH_OPTION_WORDS && option->words[i]; i++)
            rh_text_printf(text, "%s%s", i ? " " : "", option->words[i]);
        rh_text_append(text, "\" ;;\n");
    }
}

void rh_completion_bash(rh_text *text)
{
    rh_text_append(text, "# bash completion for pgrehearse\n"
                         "_pgrehearse() {\n"
                         "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                         "    local command= words= word\n"
                         "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                         "        case $word in -*) ;; *) command=$word; break ;; esac\n"
                         "    done\n"
                         "    case $command:$before in\n");
    for (int id = 1; id < RH_COMMAND_COUNT; id++)
        append_word_arms((rh_command_id)id, text);
    rh_text_append(text, "    *:--output) COMPREPLY=(); return ;;\n"
                         "    *)\n        case $command in\n");
    for (int id = 1; id < RH_COMMAND_COUNT; id++) {
        rh_text_printf(text, "        %s) words=\"", rh_command_spec_of((rh_command_id)id)->name);
        append_option_names((rh_command_id)id, text);
        rh_text_append(text, "\" ;;\n");
    }
    rh_text_append(text, "        '') words=\"");
    for (int id = 1; id < RH_COMMAND_COUNT; id++)
        rh_text_printf(text, " %s", rh_command_spec_of((rh_command_id)id)->name);
    append_option_names(RH_COMMAND_NONE, text);
    rh_text_append(text, "\" ;;\n"
                         "        esac\n"
                         "        [ -z \"$command\" ] || case $current in -*) ;; *) words= ;; esac ;;\n"
                         "    esac\n"
                         "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                         "}\n"
                         "complete -o default -F _pgrehearse pgrehearse\n");
}
