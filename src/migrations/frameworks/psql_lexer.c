#include "psql_lexer.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool is_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

/* Up to the closing QUOTE; a doubled one is two quoted texts in a row, which comes to the same. */
static size_t skip_quoted(const char *text, size_t at, bool escapes)
{
    const char quote = text[at++];
    for (; text[at] && text[at] != quote; at++)
        if (escapes && text[at] == '\\' && text[at + 1])
            at++;
    return at + (text[at] != '\0');
}

static size_t skip_block_comment(const char *text, size_t at)
{
    int depth = 0;
    do {
        if (text[at] == '/' && text[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (text[at] == '*' && text[at + 1] == '/') {
            depth--;
            at += 2;
        } else {
            at++;
        }
    } while (text[at] && depth > 0);
    return at;
}

/* $tag$ … $tag$, or one character when it is none. */
static size_t skip_dollar(const char *text, size_t at)
{
    size_t end = at + 1;
    while (is_word((unsigned char)text[end]) && !(end == at + 1 && isdigit((unsigned char)text[end])))
        end++;
    if (text[end] != '$')
        return at + 1;
    const size_t length = end + 1 - at;
    for (const char *p = text + end + 1; (p = strchr(p, '$')) != NULL; p++)
        if (strncmp(p, text + at, length) == 0)
            return (size_t)(p - text) + length;
    return strlen(text);
}

size_t rh_psql_skip(const char *text, size_t at)
{
    const char c = text[at], next = text[at + 1];
    if (c == '\'' || c == '"')
        return skip_quoted(text, at, false);
    if ((c == 'e' || c == 'E') && next == '\'')
        return skip_quoted(text, at + 1, true);
    if (c == '$')
        return skip_dollar(text, at);
    if (c == '-' && next == '-')
        return at + strcspn(text + at, "\n");
    if (c == '/' && next == '*')
        return skip_block_comment(text, at);
    if (!is_word((unsigned char)c))
        return at + 1;
    while (is_word((unsigned char)text[at]) || text[at] == '$')
        at++;
    return at;
}
