/* Redacts the output of the user's programs. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/arena.h"
#include "redact_words.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char MASK[] = "«…»", ELLIPSIS[] = "…";
enum { MESSAGE_LIMIT = 8 * 1024 };

/* The length of the first line of TEXT, which may be as long as a value: up to MESSAGE_LIMIT. */
size_t rh_shown_length(const char *text, bool *cut)
{
    size_t length = strcspn(text, "\n");
    *cut = length > MESSAGE_LIMIT;
    if (*cut)
        for (length = MESSAGE_LIMIT; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
            length--;
    return length;
}

/* What may not stand in a line of a program, which may say anything: an address, or a long number. */
static bool is_credential_key(const char *token, size_t length)
{
    enum { LONG_NUMBER = 6 };
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        digits = isdigit((unsigned char)token[i]) ? digits + 1 : 0;
        if (digits >= LONG_NUMBER || token[i] == '@')
            return true;
    }
    return false;
}

/* The end of the quote, or of the =(…), that opens at P; 0: none does. */
static char closing_of(const char *line, const char *p)
{
    const char last = p > line ? p[-1] : ' ';
    if (strchr("\"'`", *p) && !rh_is_word_byte(last))
        return *p;
    return *p == '(' && last == '=' ? ')' : 0;
}

/* What a program quotes is hidden, and what tells by itself. */
static void redact_said(rh_text *out, const char *line, size_t length)
{
    static const char apart[] = " \t\r\"'`()[]{},;=<>";
    char closing = 0; /* of the quote that is open */
    for (size_t at = 0; at < length;) {
        size_t token = strcspn(line + at, apart);
        token = token < length - at ? token : length - at;
        if (token > 0 && (closing || is_credential_key(line + at, token)))
            rh_text_append(out, MASK);
        else
            rh_text_append_bytes(out, line + at, token);
        at += token;
        if (at >= length)
            break;
        if (!closing)
            closing = closing_of(line, line + at);
        else if (line[at] == closing && (closing == ')' || !rh_is_word_byte(line[at + 1])))
            closing = 0;
        rh_text_append_char(out, line[at++]);
    }
}

/* Where a message of the server begins in LINE, as psql and drivers show it: "ERROR:  "; LENGTH: nowhere. */
static size_t server_message(const char *line, size_t length)
{
    for (size_t at = 1; at + 3 <= length; at++)
        if (isupper((unsigned char)line[at - 1]) && memcmp(line + at, ":  ", 3) == 0)
            return at + 3;
    return length;
}

/* Of a message whose statement is unknown: PostgreSQL's own words. */
static void append_message(rh_text *out, const char *message, size_t length)
{
    char *copy = strndup(message, length), *shown = rh_redact(copy, &(rh_redaction){0});
    rh_text_append(out, shown);
    free(shown);
    free(copy);
}

char *rh_redact_line(const char *text)
{
    char *clean = rh_redact_passwords(text);
    rh_text out = {0};
    for (const char *line = clean; *line;) {
        bool cut;
        const size_t whole = strcspn(line, "\n"), length = rh_shown_length(line, &cut),
                     server = server_message(line, length);
        redact_said(&out, line, server);
        append_message(&out, line + server, length - server);
        rh_text_append(&out, cut ? ELLIPSIS : "");
        line += whole;
        if (*line == '\n')
            rh_text_append_char(&out, *line++);
    }
    free(clean);
    return out.data ? out.data : rh_strdup("");
}
