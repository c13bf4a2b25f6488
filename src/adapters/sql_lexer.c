#include "sql_lexer.h"
#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_part(char c)
{
    return is_letter(c) || is_digit(c) || c == '$';
}

/* Behind the closing QUOTE of what begins at AT (behind the opening one); 0: it is never closed. */
static size_t quoted_end(const char *sql, size_t at, char quote, bool escapes)
{
    for (; sql[at]; at++) {
        if (escapes && sql[at] == '\\' && sql[at + 1])
            at++;
        else if (sql[at] == quote && sql[at + 1] == quote)
            at++;
        else if (sql[at] == quote)
            return at + 1;
    }
    return 0;
}

/* Behind a comment that may hold others; 0: it is never closed. */
static size_t comment_end(const char *sql, size_t at)
{
    int depth = 0;
    while (sql[at]) {
        const bool opens = sql[at] == '/' && sql[at + 1] == '*',
                   closes = sql[at] == '*' && sql[at + 1] == '/';
        at += opens || closes ? 2 : 1;
        depth += opens - closes;
        if (depth == 0)
            return at;
    }
    return 0;
}

/* The length of the tag "$…$" at AT; 0: it is none. */
static size_t tag_length(const char *sql, size_t at)
{
    size_t end = at + 1;
    while (is_letter(sql[end]) || (end > at + 1 && is_digit(sql[end])))
        end++;
    return sql[end] == '$' ? end + 1 - at : 0;
}

static size_t dollar_end(const char *sql, size_t at, size_t tag)
{
    for (size_t i = at + tag; sql[i]; i++)
        if (sql[i] == '$' && strncmp(sql + i, sql + at, tag) == 0)
            return i + tag;
    return 0;
}

/* Digits, letters and underscores belong together, whatever they mean: 1_000, 0x1F, 1e-5, 12abc. */
static size_t number_end(const char *sql, size_t at)
{
    const bool radix = sql[at] == '0' && strchr("xXoObB", sql[at + 1]) && sql[at + 1];
    size_t end = at;
    while (is_word_part(sql[end]) || (sql[end] == '.' && sql[end + 1] != '.') ||
           (!radix && (sql[end] == '+' || sql[end] == '-') && end > at && (sql[end - 1] | 0x20) == 'e' &&
            is_digit(sql[end + 1])))
        end++;
    return end;
}

static const char *number_kind(const char *sql, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++)
        if (sql[i] == '.')
            return "FCONST";
    return "ICONST";
}

static const char *single_kind(char c)
{
    static const char *const kinds[] = {"(", ")", ",", ";", ".", "=", ":", "\\", "[", "]"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (c == kinds[i][0])
            return kinds[i];
    return "OPERATOR";
}

static size_t operator_end(const char *sql, size_t at)
{
    size_t end = at;
    while (sql[end] && strchr("+-*/<>=~!@#%^&|`?", sql[end]) && strncmp(sql + end, "--", 2) != 0 &&
           strncmp(sql + end, "/*", 2) != 0)
        end++;
    return end;
}

/* E'…', U&'…', U&"…", B'…', X'…' at AT: the length of what is before the quote; 0: none of them. */
static size_t prefix_length(const char *sql, size_t at, const char **kind)
{
    const char first = (char)(sql[at] | 0x20);
    if (first == 'u' && sql[at + 1] == '&' && (sql[at + 2] == '\'' || sql[at + 2] == '"')) {
        *kind = sql[at + 2] == '"' ? "UIDENT" : "USCONST";
        return 2;
    }
    if (sql[at + 1] != '\'' || (first != 'e' && first != 'b' && first != 'x'))
        return 0;
    *kind = first == 'e' ? "SCONST" : first == 'b' ? "BCONST" : "XCONST";
    return 1;
}

/* Reads the token at AT. Its end is 0 when it is never closed: then *OPEN says what. */
static rh_sql_token next_token(const char *sql, size_t at, const char **open)
{
    rh_sql_token token = {.kind = "OPERATOR", .start = at, .end = at + 1};
    const char c = sql[at];
    const size_t prefix = prefix_length(sql, at, &token.kind), tag = c == '$' ? tag_length(sql, at) : 0;
    *open = "unterminated quoted string";
    if (strncmp(sql + at, "--", 2) == 0) {
        token = (rh_sql_token){"SQL_COMMENT", at, at + strcspn(sql + at, "\r\n")};
    } else if (strncmp(sql + at, "/*", 2) == 0) {
        *open = "unterminated /* comment";
        token = (rh_sql_token){"C_COMMENT", at, comment_end(sql, at)};
    } else if (prefix) {
        token.end = quoted_end(sql, at + prefix + 1, sql[at + prefix], (c | 0x20) == 'e');
    } else if (c == '\'') {
        token = (rh_sql_token){"SCONST", at, quoted_end(sql, at + 1, '\'', false)};
    } else if (c == '"') {
        *open = "unterminated quoted identifier";
        token = (rh_sql_token){"IDENT", at, quoted_end(sql, at + 1, '"', false)};
    } else if (tag) {
        *open = "unterminated dollar-quoted string";
        token = (rh_sql_token){"SCONST", at, dollar_end(sql, at, tag)};
    } else if (c == '$' && is_digit(sql[at + 1])) {
        token = (rh_sql_token){"PARAM", at, at + 1 + strspn(sql + at + 1, "0123456789")};
    } else if (is_letter(c)) {
        while (is_word_part(sql[token.end]))
            token.end++;
        token.kind = "IDENT";
    } else if (is_digit(c) || (c == '.' && is_digit(sql[at + 1]))) {
        token.end = number_end(sql, at);
        token.kind = number_kind(sql, at, token.end);
    } else if (c == ':' && sql[at + 1] == ':') {
        token = (rh_sql_token){"TYPECAST", at, at + 2};
    } else if (operator_end(sql, at) > at + 1) {
        token.end = operator_end(sql, at);
    } else {
        token.kind = single_kind(c);
    }
    return token;
}

const char *rh_sql_lex(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count, size_t *stop)
{
    *tokens = NULL;
    *count = 0;
    *stop = SIZE_MAX;
    for (size_t at = 0; sql[at];) {
        const char *open = NULL;
        if (strchr(" \t\r\n\f\v", sql[at])) {
            at++;
            continue;
        }
        const rh_sql_token token = next_token(sql, at, &open);
        if (token.end == 0) {
            *stop = at;
            return open;
        }
        *(rh_sql_token *)rh_arena_add(arena, tokens, count, sizeof **tokens) = token;
        at = token.end;
    }
    return NULL;
}
