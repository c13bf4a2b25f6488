#include "column_order.h"
#include "pgrehearse/base/scan.h"
#include <string.h>

static bool is_character(const rh_token *token, char c)
{
    return token->length == 1 && *token->at == c;
}

/* A name of one or more parts from *AT on, which moves behind it. */
static rh_token skip_name(const char **at)
{
    rh_token token;
    bool dot = true;
    while (rh_scan_code(at, NULL, &token)) {
        const bool part = token.kind == RH_TOKEN_WORD || token.kind == RH_TOKEN_IDENTIFIER ||
                          token.kind == RH_TOKEN_UNICODE_IDENTIFIER;
        if (dot ? !part : !is_character(&token, '.'))
            break;
        dot = !dot;
    }
    return token;
}

/* INSERT INTO t (a, b) and COPY t (a, b) name their columns; so does DEFAULT VALUES, which has none. */
static bool lacks_columns(const char *behind_into)
{
    const rh_token next = skip_name(&behind_into);
    return !is_character(&next, '(') && !rh_token_is(&next, "default");
}

/* count(*) has no columns. */
static bool is_counted(const rh_token *before, const char *behind)
{
    rh_token next;
    return is_character(before, '(') && rh_scan_code(&behind, NULL, &next) && is_character(&next, ')');
}

static bool text_depends(const char *sql)
{
    rh_token token, before = {0};
    for (const char *at = sql; rh_scan_code(&at, NULL, &token); before = token) {
        if (is_character(&token, '*') && !is_counted(&before, at))
            return true;
        if ((rh_token_is(&token, "copy") ||
             (rh_token_is(&token, "into") && rh_token_is(&before, "insert"))) &&
            lacks_columns(at))
            return true;
    }
    return false;
}

static bool statement_depends(const rh_statement *statement)
{
    if (statement->class_expected == RH_CLASS_PROCEDURE || text_depends(statement->sql))
        return true;
    for (size_t i = 0; i < statement->grouped_count; i++)
        if (text_depends(statement->grouped[i].sql))
            return true;
    return false;
}

static bool script_depends(const rh_script *script)
{
    for (size_t i = 0; i < script->statement_count; i++)
        if (statement_depends(&script->statements[i]))
            return true;
    return false;
}

bool rh_depends_on_column_order(const rh_migration *migration)
{
    return migration->command || migration->down_command || script_depends(&migration->up) ||
           script_depends(&migration->down);
}
