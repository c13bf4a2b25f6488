#include "sql_lexer.h"
#include "pgrehearse/base/scan.h"
#include <string.h>

static const char *single_kind(char c)
{
    static const char *const kinds[] = {"(", ")", ",", ";", ".", "=", ":", "\\", "[", "]"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (c == kinds[i][0])
            return kinds[i];
    return "OPERATOR";
}

/* As libpg_query's scanner names it. */
static const char *kind_of(const rh_token *token)
{
    static const char *const kinds[] = {
        [RH_TOKEN_WORD] = "IDENT",
        [RH_TOKEN_IDENTIFIER] = "IDENT",
        [RH_TOKEN_UNICODE_IDENTIFIER] = "UIDENT",
        [RH_TOKEN_STRING] = "SCONST",
        [RH_TOKEN_ESCAPE_STRING] = "SCONST",
        [RH_TOKEN_UNICODE_STRING] = "USCONST",
        [RH_TOKEN_NATIONAL_STRING] = "SCONST",
        [RH_TOKEN_BINARY_STRING] = "BCONST",
        [RH_TOKEN_HEX_STRING] = "XCONST",
        [RH_TOKEN_DOLLAR_STRING] = "SCONST",
        [RH_TOKEN_INTEGER] = "ICONST",
        [RH_TOKEN_NUMBER] = "FCONST",
        [RH_TOKEN_PARAMETER] = "PARAM",
        [RH_TOKEN_TYPECAST] = "TYPECAST",
        [RH_TOKEN_LINE_COMMENT] = "SQL_COMMENT",
        [RH_TOKEN_BLOCK_COMMENT] = "C_COMMENT",
    };
    if (token->kind == RH_TOKEN_CHARACTER || (token->kind == RH_TOKEN_OPERATOR && token->length == 1))
        return single_kind(*token->at);
    return token->kind == RH_TOKEN_OPERATOR ? "OPERATOR" : kinds[token->kind];
}

static const char *what_is_open(rh_token_kind kind)
{
    switch (kind) {
    case RH_TOKEN_BLOCK_COMMENT:
        return "unterminated /* comment";
    case RH_TOKEN_IDENTIFIER:
        return "unterminated quoted identifier";
    case RH_TOKEN_DOLLAR_STRING:
        return "unterminated dollar-quoted string";
    default:
        return "unterminated quoted string";
    }
}

const char *rh_sql_lex(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count, size_t *stop)
{
    rh_token token;
    *tokens = NULL;
    *count = 0;
    *stop = SIZE_MAX;
    for (const char *at = sql; rh_scan(&at, NULL, &token);) {
        size_t start = (size_t)(token.at - sql);
        if (token.open) {
            *stop = start;
            return what_is_open(token.kind);
        }
        if (token.kind == RH_TOKEN_NATIONAL_STRING) /* a keyword and a string to PostgreSQL's scanner */
            *rh_arena_add(arena, tokens, count) = (rh_sql_token){"IDENT", start, start + 1};
        start += token.kind == RH_TOKEN_NATIONAL_STRING;
        *rh_arena_add(arena, tokens, count) = (rh_sql_token){kind_of(&token), start, (size_t)(at - sql)};
    }
    return NULL;
}
