/* Redacts text: known words stay; all other words may be values of the data and are replaced. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/arena.h"
#include "redact_words.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char MASK[] = "«…»";
static const char ELLIPSIS[] = "…";
enum { MOST_DIGITS = 3, CODE_LIMIT = 256 * 1024 };

static size_t word_length(const char *text)
{
    size_t length = 0;
    while (rh_is_word_byte(text[length]))
        length++;
    return length;
}

/* Whether TEXT holds the LENGTH bytes at WORD as a whole word, in upper or lower case. */
static bool holds_word(const char *text, const char *word, size_t length)
{
    for (const char *p = text; *p;) {
        size_t here = word_length(p);
        if (here == length && strncasecmp(p, word, length) == 0)
            return true;
        p += here ? here : 1;
    }
    return false;
}

/* ---- the code that was sent ---- */

/* The last words before a quote, which decide what the quote holds. */
typedef struct before {
    char last[16], second[16], third[16];
} before;

static void note_word(before *b, const char *word, size_t length)
{
    memcpy(b->third, b->second, sizeof b->third);
    memcpy(b->second, b->last, sizeof b->second);
    length = length < sizeof b->last - 1 ? length : sizeof b->last - 1;
    for (size_t i = 0; i < length; i++)
        b->last[i] = (char)tolower((unsigned char)word[i]);
    b->last[length] = 0;
}

static bool is_one_of(const char *word, const char *const *words)
{
    return *word && rh_is_one_of(word, words);
}

/* A body of code: DO $$…$$, DO LANGUAGE x $$…$$, AS $$…$$, EXECUTE '…', EXECUTE format('…'. */
static bool is_code(const before *b)
{
    static const char *const words[] = {"do", "as", "execute", NULL};
    return is_one_of(b->last, words) || strcmp(b->second, "language") == 0 ||
           (strcmp(b->last, "format") == 0 && strcmp(b->second, "execute") == 0);
}

/* What RAISE says: RAISE '…', RAISE level '…'. */
static bool is_raised(const before *b)
{
    static const char *const levels[] = {"exception", "warning", "notice", "info", "log", "debug", NULL};
    return strcmp(b->last, "raise") == 0 || (strcmp(b->second, "raise") == 0 && is_one_of(b->last, levels));
}

static void append_inner(const before *b, const char *inner, size_t length, rh_text *code, int depth);

/* '…' at P, escapes or not; returns what is behind it. */
static const char *pass_string(const char *p, const before *b, rh_text *code, int depth)
{
    bool escapes = strcmp(b->last, "e") == 0;
    rh_text inner = {0};
    for (p++; *p; p++) {
        if (*p == '\'' && p[1] != '\'')
            break;
        if (*p == '\'' || (escapes && *p == '\\' && p[1]))
            p++;
        rh_text_append_char(&inner, *p);
    }
    append_inner(b, rh_text_string(&inner), inner.length, code, depth);
    rh_text_release(&inner);
    return *p ? p + 1 : p;
}

/* $tag$…$tag$ at P; NULL when it is none. */
static const char *pass_dollar(const char *p, const before *b, rh_text *code, int depth)
{
    size_t tag = 1 + word_length(p + 1);
    if (p[tag] != '$' || isdigit((unsigned char)p[1]))
        return NULL;
    tag++;
    const char *body = p + tag, *end = memmem(body, strlen(body), p, tag);
    append_inner(b, body, end ? (size_t)(end - body) : strlen(body), code, depth);
    return end ? end + tag : body + strlen(body);
}

static const char *pass_comment(const char *p)
{
    if (p[1] == '-')
        return p + strcspn(p, "\n");
    int depth = 0;
    for (; *p; p++) {
        if (p[0] == '/' && p[1] == '*')
            depth++, p++;
        else if (p[0] == '*' && p[1] == '/' && (p++, --depth == 0))
            return p + 1;
    }
    return p;
}

static void append_code(const char *sql, rh_text *code, int depth)
{
    before b = {0};
    for (const char *p = sql, *next; *p && code->length < CODE_LIMIT; p = next) {
        size_t length = word_length(p);
        next = p + (length ? length : 1);
        if (length) {
            note_word(&b, p, length);
            rh_text_append_bytes(code, p, length);
        } else if ((p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*')) {
            next = pass_comment(p);
        } else if (*p == '\'') {
            next = pass_string(p, &b, code, depth);
            note_word(&b, "", 0);
        } else if (*p == '"') {
            const char *end = strchr(p + 1, '"');
            next = end ? end + 1 : p + strlen(p);
            rh_text_append_bytes(code, p, (size_t)(next - p));
            note_word(&b, "", 0);
        } else if (*p == '$' && (next = pass_dollar(p, &b, code, depth))) {
            note_word(&b, "", 0);
        } else {
            next = p + 1;
            rh_text_append_char(code, ' ');
        }
    }
}

static void append_inner(const before *b, const char *inner, size_t length, rh_text *code, int depth)
{
    enum { DEEPEST = 8 };
    rh_text_append_char(code, ' ');
    if (is_raised(b)) {
        rh_text_append_bytes(code, inner, length);
    } else if (is_code(b) && depth < DEEPEST) {
        char *body = strndup(inner, length);
        append_code(body, code, depth + 1);
        free(body);
    }
    rh_text_append_char(code, ' ');
}

void rh_redact_code(const char *sql, rh_text *code)
{
    append_code(sql, code, 0);
}

/* ---- the message ---- */

typedef struct redactor {
    const rh_redaction *known;
    rh_text code, out;
    size_t masked_to; /* where the last mask ends in OUT; 0: none */
    bool quoted;
    bool after_parameter; /* what is quoted now follows PostgreSQL's word "parameter" */
} redactor;

static bool is_number(const char *word, size_t length)
{
    return strspn(word, "0123456789") >= length;
}

/* PostgreSQL's own words, one or several with underscores between. */
static bool is_own(const char *word, size_t length)
{
    for (size_t at = 0; at <= length;) {
        size_t part = at;
        while (part < length && word[part] != '_')
            part++;
        if (part == at || !rh_is_message_word(word + at, part - at))
            return false;
        at = part + 1;
    }
    return true;
}

static bool is_known(const redactor *r, const char *word, size_t length)
{
    const rh_redaction *known = r->known;
    if (is_number(word, length))
        return length <= MOST_DIGITS && !r->quoted && !known->user_text;
    if (known->catalog || holds_word(rh_text_string(&r->code), word, length))
        return true;
    for (size_t i = 0; i < known->name_count; i++)
        if (known->names[i] && holds_word(known->names[i], word, length))
            return true;
    return !known->user_text && !r->quoted && is_own(word, length);
}

/* One mask for a value of several words: what is between them, if it is short and no letter, goes. */
static void put_mask(redactor *r)
{
    enum { SHORT = 2 };
    size_t between = r->out.length - r->masked_to;
    if (r->masked_to > 0 && between <= SHORT && !memchr(r->out.data + r->masked_to, '"', between)) {
        r->out.length = r->masked_to;
        r->out.data[r->out.length] = 0;
        return;
    }
    rh_text_append(&r->out, MASK);
    r->masked_to = r->out.length;
}

/* The name of a setting of the application's (app.tenant): PostgreSQL quotes it behind the word "parameter".
 * A name without a dot may be a value that was taken for a name: set_config(column, …). */
static bool is_setting(const redactor *r, const char *token, size_t length)
{
    enum { LONGEST = 63 };
    if (!r->quoted || !r->after_parameter || r->known->user_text || length > LONGEST ||
        isdigit((unsigned char)*token) || !memchr(token, '.', length))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)token[i]) && token[i] != '_' && token[i] != '.')
            return false;
    return true;
}

/* A run of words without a blank (an address, a date, a qualified name) is shown only if all of its words are
 * known. */
static void redact_token(redactor *r, const char *token, size_t length)
{
    bool known = true, setting = is_setting(r, token, length);
    for (size_t at = 0; known && !setting && at < length;) {
        size_t word = word_length(token + at);
        word = word < length - at ? word : length - at;
        known = word == 0 || is_known(r, token + at, word);
        at += word ? word : 1;
    }
    if (known)
        rh_text_append_bytes(&r->out, token, length);
    else
        put_mask(r);
}

static void redact_line(redactor *r, const char *message, size_t length)
{
    static const char apart[] = " \t\r\"'()[]{},;:=<>";
    static const char parameter[] = "parameter \"";
    for (size_t at = 0; at < length;) {
        size_t token = strcspn(message + at, apart);
        token = token < length - at ? token : length - at;
        if (token > 0)
            redact_token(r, message + at, token);
        at += token;
        if (at >= length)
            break;
        if (message[at] == '"') {
            r->quoted = !r->quoted;
            r->after_parameter =
                r->quoted && at + 1 >= sizeof parameter - 1 &&
                memcmp(message + at + 2 - sizeof parameter, parameter, sizeof parameter - 1) == 0;
        }
        rh_text_append_char(&r->out, message[at++]);
    }
}

/* Nothing is left of it but masks. */
static bool says_nothing(const rh_text *text)
{
    for (size_t i = 0; i < text->length; i++)
        if (isalnum((unsigned char)text->data[i]))
            return false;
    return true;
}

char *rh_redact(const char *message, const rh_redaction *known)
{
    bool cut;
    redactor r = {.known = known};
    if (known->sql)
        rh_redact_code(known->sql, &r.code);
    redact_line(&r, message, rh_shown_length(message, &cut));
    while (r.out.length && r.out.data[r.out.length - 1] == ' ')
        r.out.data[--r.out.length] = 0;
    if (cut)
        rh_text_append(&r.out, ELLIPSIS);
    if (known->user_text && says_nothing(&r.out)) {
        rh_text_clear(&r.out);
        rh_text_append(&r.out, "a function raised an exception; its text may hold data and is not shown");
    }
    rh_text_release(&r.code);
    return r.out.data ? r.out.data : rh_strdup("");
}
