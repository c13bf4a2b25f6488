/* Completion scripts for bash, zsh and fish, from the tables of commands and options. */
#include "options.h"
#include "pgrehearse/sql/hazards.h"
#include <string.h>

static void append_words(const rh_option_spec *option, rh_text *text)
{
    for (size_t i = 0; i < RH_OPTION_WORDS && option->words[i]; i++)
        rh_text_printf(text, "%s%s", i ? " " : "", option->words[i]);
}

/* What COMMAND takes as its argument, where that is one of some words. */
static void append_arguments(rh_command_id command, rh_text *text)
{
    const rh_hazard_rule *rule;
    if (command == RH_COMMAND_COMPLETION)
        rh_text_append(text, "bash zsh fish");
    for (size_t i = 0; command == RH_COMMAND_EXPLAIN && (rule = rh_hazard_rule_at(i)); i++)
        rh_text_printf(text, "%s%s", i ? " " : "", rule->id);
}

static bool takes_words(rh_command_id command)
{
    return command == RH_COMMAND_COMPLETION || command == RH_COMMAND_EXPLAIN;
}

/* ---- bash ---- */

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
        append_words(option, text);
        rh_text_append(text, "\" ;;\n");
    }
}

static void append_bash(rh_text *text)
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
    for (int id = 1; id < RH_COMMAND_COUNT; id++)
        if (takes_words((rh_command_id)id)) {
            const char *name = rh_command_spec_of((rh_command_id)id)->name;
            rh_text_printf(text, "    %s:%s) words=\"", name, name);
            append_arguments((rh_command_id)id, text);
            rh_text_append(text, "\" ;;\n");
        }
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

/* ---- zsh ---- */

/* Appends STRING to a specification of _arguments or _describe in single quotes, where brackets and colons
 * have a meaning. */
static void append_zsh_quoted(const char *string, rh_text *text)
{
    for (const char *c = string; *c; c++) {
        if (*c == '\'')
            rh_text_append(text, "'\\''");
        else if (strchr("[]:\\", *c))
            rh_text_printf(text, "\\%c", *c);
        else
            rh_text_append_char(text, *c);
    }
}

/* One option as an argument of _arguments. */
static void append_zsh_option(const rh_option_spec *option, rh_text *text)
{
    const char *repeat = option->list ? "*" : "", *equals = option->value ? "=" : "";
    if (option->letter)
        rh_text_printf(text, " '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name, option->letter,
                       option->value ? "+" : "", option->name, equals);
    else
        rh_text_printf(text, " '%s--%s%s[", repeat, option->name, equals);
    append_zsh_quoted(option->help, text);
    rh_text_append(text, "]");
    if (option->value && option->words[0]) {
        rh_text_printf(text, ":%s:(", option->value);
        append_words(option, text);
        rh_text_append(text, ")");
    } else if (option->value) {
        rh_text_printf(text, ":%s:_files", option->value);
    }
    rh_text_append(text, "'");
}

static void append_zsh_options(rh_command_id command, rh_text *text)
{
    for (int id = 0; id < RH_OPTION_COUNT; id++)
        if (rh_option_applies((rh_option_id)id, command))
            append_zsh_option(rh_option_spec_of((rh_option_id)id), text);
}

static void append_zsh(rh_text *text)
{
    rh_text_append(text, "#compdef pgrehearse\n"
                         "_pgrehearse() {\n"
                         "    local state line\n"
                         "    local -a commands\n"
                         "    commands=(\n");
    for (int id = 1; id < RH_COMMAND_COUNT; id++) {
        const rh_command_spec *command = rh_command_spec_of((rh_command_id)id);
        rh_text_printf(text, "        '%s:", command->name);
        append_zsh_quoted(command->summary, text);
        rh_text_append(text, "'\n");
    }
    rh_text_append(text, "    )\n    _arguments -C");
    append_zsh_options(RH_COMMAND_NONE, text);
    rh_text_append(text, " '1:command:->command' '*::argument:->argument'\n"
                         "    case $state in\n"
                         "    command) _describe -t commands command commands ;;\n"
                         "    argument)\n"
                         "        case $line[1] in\n");
    for (int id = 1; id < RH_COMMAND_COUNT; id++) {
        rh_text_printf(text, "        %s) _arguments", rh_command_spec_of((rh_command_id)id)->name);
        append_zsh_options((rh_command_id)id, text);
        rh_text_append(text, " '*:argument:");
        if (takes_words((rh_command_id)id)) {
            rh_text_append(text, "(");
            append_arguments((rh_command_id)id, text);
            rh_text_append(text, ")");
        } else {
            rh_text_append(text, "_files");
        }
        rh_text_append(text, "' ;;\n");
    }
    rh_text_append(
        text,
        "        esac ;;\n"
        "    esac\n"
        "}\n"
        "if [ \"$funcstack[1]\" = _pgrehearse ]; then _pgrehearse \"$@\"; else compdef _pgrehearse pgrehearse; fi\n");
}

/* ---- fish ---- */

static void append_fish_quoted(const char *string, rh_text *text)
{
    rh_text_append_char(text, '\'');
    for (const char *c = string; *c; c++) {
        if (*c == '\'' || *c == '\\')
            rh_text_append_char(text, '\\');
        rh_text_append_char(text, *c);
    }
    rh_text_append_char(text, '\'');
}

static void append_fish_option(const char *condition, const rh_option_spec *option, rh_text *text)
{
    rh_text_printf(text, "complete -c pgrehearse -n '%s' -l %s", condition, option->name);
    if (option->letter)
        rh_text_printf(text, " -s %c", option->letter);
    if (option->words[0]) {
        rh_text_append(text, " -x -a '");
        append_words(option, text);
        rh_text_append(text, "'");
    } else if (option->value) {
        rh_text_append(text, " -r");
    }
    rh_text_append(text, " -d ");
    append_fish_quoted(option->help, text);
    rh_text_append_char(text, '\n');
}

static void append_fish(rh_text *text)
{
    rh_text_append(text, "# fish completion for pgrehearse\n");
    for (int command = 0; command < RH_COMMAND_COUNT; command++) {
        const rh_command_spec *spec = rh_command_spec_of((rh_command_id)command);
        rh_text condition = {0};
        if (command == RH_COMMAND_NONE) {
            rh_text_append(&condition, "__fish_use_subcommand");
        } else {
            rh_text_printf(&condition, "__fish_seen_subcommand_from %s", spec->name);
            rh_text_printf(text, "complete -c pgrehearse -n __fish_use_subcommand -f -a %s -d ", spec->name);
            append_fish_quoted(spec->summary, text);
            rh_text_append_char(text, '\n');
        }
        for (int id = 0; id < RH_OPTION_COUNT; id++)
            if (rh_option_applies((rh_option_id)id, (rh_command_id)command))
                append_fish_option(rh_text_string(&condition), rh_option_spec_of((rh_option_id)id), text);
        if (takes_words((rh_command_id)command)) {
            rh_text_printf(text, "complete -c pgrehearse -n '%s' -f -a '", rh_text_string(&condition));
            append_arguments((rh_command_id)command, text);
            rh_text_append(text, "'\n");
        }
        rh_text_release(&condition);
    }
}

bool rh_completion(const char *shell, rh_text *text)
{
    static const struct {
        const char *shell;
        void (*append)(rh_text *text);
    } scripts[] = {{"bash", append_bash}, {"zsh", append_zsh}, {"fish", append_fish}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (strcmp(scripts[i].shell, shell) == 0) {
            scripts[i].append(text);
            return true;
        }
    return false;
}
