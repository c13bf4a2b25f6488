#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/scan.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Is WORD the first one of SQL? */
static bool first_word(const char *sql, const char *word)
{
    size_t length = strlen(word);
    return strncasecmp(sql, word, length) == 0 && !isalnum((unsigned char)sql[length]) && sql[length] != '_';
}

static bool begins_transaction(const char *sql)
{
    return first_word(sql, "BEGIN") || first_word(sql, "START");
}

static bool ends_transaction(const char *sql)
{
    if (first_word(sql, "ROLLBACK")) {
        const char *rest = sql + strlen("ROLLBACK");
        rest = rh_sql_skip_blanks(rest);
        for (size_t i = 0; i < 2; i++) /* ROLLBACK WORK TO, ROLLBACK TRANSACTION TO */
            if (first_word(rest, i ? "TRANSACTION" : "WORK"))
                rest = rh_sql_skip_blanks(rest + strlen(i ? "TRANSACTION" : "WORK"));
        return !first_word(rest, "TO") && !first_word(rest, "PREPARED");
    }
    return first_word(sql, "COMMIT") || first_word(sql, "END") || first_word(sql, "ABORT");
}

size_t rh_script_sent(const rh_script *script)
{
    size_t sent = script->statement_count;
    for (size_t i = 0; i < script->statement_count; i++)
        sent += script->statements[i].grouped_count;
    return sent;
}

int rh_plan_transactions(const rh_script *script, int *numbers)
{
    int number = 1;
    bool explicit_block = false;
    for (size_t i = 0; i < script->statement_count; i++) {
        const rh_statement *statement = &script->statements[i];
        const char *sql = statement->class_ == RH_CLASS_TRANSACTION && statement->redacted_sql
                              ? rh_sql_skip_blanks(statement->redacted_sql)
                              : "";
        numbers[i] = number;
        explicit_block = explicit_block || begins_transaction(sql);
        if (script->rule == RH_TRANSACTION_ONE)
            continue;
        if (ends_transaction(sql)) {
            explicit_block = false;
            number++;
        } else if (script->rule == RH_TRANSACTION_EACH && !explicit_block) {
            number++;
        }
    }
    return script->statement_count ? numbers[script->statement_count - 1] : 0;
}
