#include "pgrehearse/base/scan.h"
#include <string.h>
#include <strings.h>

/* The rest of the text, from AT on. END is NULL for a text that ends at a NUL byte. */
typedef struct text {
    const char *at, *end;
} text;

static bool more(const text *t, const char *p)
{
    return t->end ? p < t->end : *p != '\0';
}

/* The byte at P, which may point up to one byte past the text; 0 past the text. */
static char byte(const text *t, const char *p)
{
    return more(t, p) ? *p : '\0';
}

static char next(const text *t, const char *p)
{
    return more(t, p) ? byte(t, p + 1) : '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

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

static bool begins(const text *t, const char *p, const char *two)
{
    return byte(t, p) == two[0] && next(t, p) == two[1];
}

/* ---- quoted tokens and block comments ---- */

/* Moves T past the closing QUOTE, or to the end of the text if there is none. T->at is past the opening
 * QUOTE. A doubled QUOTE does not close; with ESCAPES, neither does one after a backslash. */
static void quoted(text *t, rh_token *token, char quote, bool escapes)
{
    const char *p = t->at;
    for (; more(t, p); p++) {
        if (escapes && *p == '\\' && more(t, p + 1)) {
            p++;
        } else if (*p == quote && next(t, p) == quote) {
            p++;
        } else if (*p == quote) {
            token->closing = 1;
            t->at = p + 1;
            return;
        }
    }
    token->open = true;
    t->at = p;
}

static void block_comment(text *t, rh_token *token)
{
    int depth = 0;
    const char *p = t->at;
    while (more(t, p)) {
        const bool opens = begins(t, p, "/*"), closes = begins(t, p, "*/");
        p += opens || closes ? 2 : 1;
        depth += opens - closes;
        if (depth == 0)
            break;
    }
    token->open = depth > 0;
    t->at = p;
}

/* The length of the dollar-quote delimiter "$tag$" at P; 0 if none begins there. */
static size_t tag_length(const text *t, const char *p)
{
    const char *end = p + 1;
    while (is_letter(byte(t, end)) || (end > p + 1 && is_digit(byte(t, end))))
        end++;
    return byte(t, end) == '$' ? (size_t)(end + 1 - p) : 0;
}

static void dollar_quoted(text *t, rh_token *token, size_t tag)
{
    const char *p = t->at + tag;
    for (; more(t, p); p++) {
        if (*p != '$')
            continue;
        if (t->end ? (size_t)(t->end - p) >= tag && memcmp(p, t->at, tag) == 0
                   : strncmp(p, t->at, tag) == 0) {
            token->closing = tag;
            t->at = p + tag;
            return;
        }
    }
    token->open = true;
    t->at = p;
}

/* E'…', U&'…', U&"…", B'…', X'…', N'…' at T->at: the length of what is before the quote; 0: none of them. */
static size_t prefix(const text *t, rh_token_kind *kind)
{
    const char first = (char)(byte(t, t->at) | 0x20), second = next(t, t->at);
    if (first == 'u' && second == '&') {
        const char quote = next(t, t->at + 1);
        *kind = quote == '"' ? RH_TOKEN_UNICODE_IDENTIFIER : RH_TOKEN_UNICODE_STRING;
        return quote == '"' || quote == '\'' ? 2 : 0;
    }
    *kind = first == 'e'   ? RH_TOKEN_ESCAPE_STRING
            : first == 'b' ? RH_TOKEN_BINARY_STRING
            : first == 'x' ? RH_TOKEN_HEX_STRING
                           : RH_TOKEN_NATIONAL_STRING;
    return second == '\'' && strchr("ebxn", first) && first ? 1 : 0;
}

/* ---- unquoted tokens ---- */

/* Digits, letters and underscores belong together, whatever they mean: 1_000, 0x1F, 1e-5, 12abc. */
static void number(text *t, rh_token *token)
{
    const char *p = t->at;
    const bool radix = *p == '0' && next(t, p) && strchr("xXoObB", next(t, p));
    for (;; p++) {
        const char c = byte(t, p);
        const bool point = c == '.' && next(t, p) != '.', sign = (c == '+' || c == '-') && !radix &&
                                                                 p > t->at && (p[-1] | 0x20) == 'e' &&
                                                                 is_digit(next(t, p));
        if (!is_word_part(c) && !point && !sign)
            break;
        if (point)
            token->kind = RH_TOKEN_NUMBER;
    }
    t->at = p;
}

static const char *operator_end(const text *t)
{
    const char *p = t->at;
    while (byte(t, p) && strchr("+-*/<>=~!@#%^&|`?", *p) && !begins(t, p, "--") && !begins(t, p, "/*"))
        p++;
    return p;
}

static void unquoted(text *t, rh_token *token)
{
    const char c = *t->at;
    if (is_letter(c)) {
        token->kind = RH_TOKEN_WORD;
        while (is_word_part(byte(t, t->at)))
            t->at++;
    } else if (is_digit(c) || (c == '.' && is_digit(next(t, t->at)))) {
        token->kind = RH_TOKEN_INTEGER;
        number(t, token);
    } else if (c == '$' && is_digit(next(t, t->at))) {
        token->kind = RH_TOKEN_PARAMETER;
        do
            t->at++;
        while (is_digit(byte(t, t->at)));
    } else if (begins(t, t->at, "::")) {
        token->kind = RH_TOKEN_TYPECAST;
        t->at += 2;
    } else if (operator_end(t) > t->at) {
        token->kind = RH_TOKEN_OPERATOR;
        t->at = operator_end(t);
    } else {
        token->kind = RH_TOKEN_CHARACTER;
        t->at++;
    }
}

/* The token at T->at, where there is a byte and no blank. */
static void token_at(text *t, rh_token *token)
{
    const char c = *t->at;
    const size_t before = prefix(t, &token->kind), tag = c == '$' ? tag_length(t, t->at) : 0;
    if (before || c == '\'' || c == '"') {
        const char quote = t->at[before];
        if (!before)
            token->kind = c == '"' ? RH_TOKEN_IDENTIFIER : RH_TOKEN_STRING;
        token->opening = before + 1;
        t->at += before + 1;
        quoted(t, token, quote, token->kind == RH_TOKEN_ESCAPE_STRING);
    } else if (tag) {
        token->kind = RH_TOKEN_DOLLAR_STRING;
        token->opening = tag;
        dollar_quoted(t, token, tag);
    } else if (begins(t, t->at, "--")) {
        token->kind = RH_TOKEN_LINE_COMMENT;
        while (more(t, t->at) && *t->at != '\n' && *t->at != '\r')
            t->at++;
    } else if (begins(t, t->at, "/*")) {
        token->kind = RH_TOKEN_BLOCK_COMMENT;
        block_comment(t, token);
    } else {
        unquoted(t, token);
    }
}

bool rh_scan(const char **at, const char *end, rh_token *token)
{
    text t = {*at, end};
    while (more(&t, t.at) && is_blank(*t.at))
        t.at++;
    *token = (rh_token){.at = t.at};
    if (more(&t, t.at))
        token_at(&t, token);
    token->length = (size_t)(t.at - token->at);
    *at = t.at;
    return token->kind != RH_TOKEN_END;
}

bool rh_scan_code(const char **at, const char *end, rh_token *token)
{
    bool found;
    do
        found = rh_scan(at, end, token);
    while (token->kind == RH_TOKEN_LINE_COMMENT || token->kind == RH_TOKEN_BLOCK_COMMENT);
    return found;
}

size_t rh_scan_past(const char *sql, size_t at)
{
    const char *p = sql + at;
    rh_token token;
    if (is_blank(*p))
        return at + 1;
    rh_scan(&p, NULL, &token);
    return (size_t)(p - sql);
}

bool rh_token_is(const rh_token *token, const char *word)
{
    return token->kind == RH_TOKEN_WORD && strlen(word) == token->length &&
           strncasecmp(token->at, word, token->length) == 0;
}

const char *rh_sql_skip_blanks(const char *sql)
{
    rh_token token;
    do
        rh_scan_code(&sql, NULL, &token);
    while (token.kind == RH_TOKEN_CHARACTER && *token.at == ';');
    return token.at;
}

bool rh_scan_variable(const char **at, const char *end, rh_token *name)
{
    rh_token token;
    while (rh_scan_code(at, end, &token)) {
        if (token.kind != RH_TOKEN_CHARACTER || *token.at != ':')
            continue;
        const char *behind = *at;
        if (rh_scan_code(&behind, end, name) && name->kind == RH_TOKEN_WORD && name->at == token.at + 1) {
            *at = behind;
            return true;
        }
    }
    return false;
}
