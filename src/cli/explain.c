/* `pgrehearse explain RULE`: the page of docs/hazards, which is embedded at build. */
#include "pgrehearse/base/text.h"
#include "commands.h"
#include "pgrehearse/sql/hazards.h"
#include "pgrehearse/rehearsal/rehearsal.h"
#include "texts/hazards.h"
#include <string.h>

const char *rh_hazard_page(const char *rule)
{
    for (size_t i = 0; rh_text_hazards[i][0]; i++)
        if (strcmp(rh_text_hazards[i][0], rule) == 0)
            return rh_text_hazards[i][1];
    return NULL;
}

/* What was probably meant, and which rules exist. */
static void refuse(rh_cli *cli, const char *given, rh_error *error)
{
    const char **names = NULL, *list = "";
    size_t count = 0;
    const rh_hazard_rule *rule;
    for (size_t i = 0; (rule = rh_hazard_rule_at(i)); i++) {
        *rh_arena_add(cli->arena, &names, &count) = rule->id;
        list = rh_arena_printf(cli->arena, "%s%s%s", list, i ? ", " : "", rule->id);
    }
    const char *nearest = rh_nearest(given, names, count);
    if (nearest)
        rh_error_set(error, RH_ERROR_USAGE, "unknown rule \"%s\"; did you mean \"%s\"?", given, nearest);
    else
        rh_error_set(error, RH_ERROR_USAGE, "unknown rule \"%s\"", given);
    rh_error_hint(error, "the rules are %s", list);
}

int rh_command_explain(rh_cli *cli, rh_error *error)
{
    const char *given = cli->options.arguments[0], *page = rh_hazard_page(given);
    rh_text text = {0};
    if (!page) {
        refuse(cli, given, error);
        return rh_exit_code(error);
    }
    rh_text_append(&text, page);
    bool ok = rh_cli_result(&text, error);
    rh_text_release(&text);
    return ok ? RH_EXIT_OK : rh_exit_code(error);
}
