#include "options.h"
#include "pgrehearse/rehearsal/rehearsal.h"

const rh_exit_meaning *rh_exit_meanings(void)
{
    static const rh_exit_meaning meanings[] = {
        {RH_EXIT_OK, "rehearsed, every gate held"},
        {RH_EXIT_GATE, "rehearsed, a gate failed"},
        {RH_EXIT_MIGRATION, "a migration, its rollback or a verify step failed"},
        {RH_EXIT_INCONCLUSIVE, "inconclusive: something needed for the verdict could not be measured"},
        {RH_EXIT_REFUSED, "refused by the safety guard"},
        {RH_EXIT_FAILED,
         "the rehearsal itself failed: backup unreadable, staging would not start, disk full"},
        {RH_EXIT_USAGE, "wrong usage, or an invalid scenario"},
        {RH_EXIT_INTERRUPTED, "interrupted; everything that was started has been stopped and removed"},
        {0, NULL},
    };
    return meanings;
}

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
    rh_text_append(text,
                   "\nFor the options of a command, see \"pgrehearse COMMAND --help\".\n\nExit codes:\n");
    for (const rh_exit_meaning *exit_code = rh_exit_meanings(); exit_code->meaning; exit_code++)
        rh_text_printf(text, "  %3d  %s\n", exit_code->code, exit_code->meaning);
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
