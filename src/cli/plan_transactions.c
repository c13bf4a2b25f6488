#include "pgrehearse/cli/plan.h"
#include <string.h>

static bool ends_transaction(const rh_statement *statement)
{
    static const char *const tags[] = {"COMMIT", "END", "ROLLBACK", "ABORT"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (statement->command_tag && strcmp(statement->command_tag, tags[i]) == 0)
            return true;
    return false;
}

int rh_plan_transactions(const rh_script *script, int *numbers)
{
    int number = 1;
    for (size_t i = 0; i < script->statement_count; i++) {
        numbers[i] = number;
        if (script->rule == RH_TRANSACTION_EACH ||
            (script->rule == RH_TRANSACTION_OWN && ends_transaction(&script->statements[i])))
            number++;
    }
    return script->statement_count ? numbers[script->statement_count - 1] : 0;
}
