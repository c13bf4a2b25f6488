#include "statement.h"
#include <ctype.h>
#include <string.h>

static bool is_word_start(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

static bool is_word_part(unsigned char c)
{
    return is_word_start(c) || c == '$';
}

/* Past blanks and comments. */
static void skip_blanks(rh_dump_words *words)
{
    while (words->at < words->end) {
        const char *at = words->at;
        if (isspace((unsigned char)*at)) {
            words->at++;
        } else if (words->end - at >= 2 && at[0] == '-' && at[1] == '-') {
            while (words->at < words->end && *words->at != '\n' && *words->at != '\r')
                words->at++;
        } else if (words->end - at >= 2 && at[0] == '/' && at[1] == '*') {
            int depth = 0;
            do {
                if (words->end - words->at >= 2 && words->at[0] == '/' && words->at[1] == '*') {
                    depth++;
                    words->at += 2;
                } else if (words->end - words->at >= 2 && words->at[0] == '*' && words->at[1] == '/') {
                    depth--;
                    words->at += 2;
                } else {
                    words->at++;
                }
            } while (depth > 0 && words->at < words->end);
        } else {
            break;
        }
    }
}

static void put(rh_dump_word *word, size_t *length, char c)
{
    if (*length + 1 < sizeof word->text) {
        word->text[(*length)++] = c;
        word->text[*length] = 0;
    }
}

/* A quoted piece; AT stands behind the opening quote. */
static void read_quoted(rh_dump_words *words, rh_dump_word *word, char quote, bool escapes)
{
    size_t length = 0;
    while (words->at < words->end) {
        char c = *words->at++;
        if (escapes && c == '\\' && words->at < words->end) {
            c = *words->at++;
        } else if (c == quote) {
            if (words->at == words->end || *words->at != quote)
                return;
            words->at++;
        }
        put(word, &length, c);
    }
}

/* $tag$ … $tag$: true and read when AT begins one. */
static bool read_dollar(rh_dump_words *words, rh_dump_word *word)
{
    const char *tag = words->at, *p = tag + 1;
    while (p < words->end && is_word_start((unsigned char)*p) &&
           !(p == tag + 1 && isdigit((unsigned char)*p)))
        p++;
    if (p == words->end || *p != '$')
        return false;
    size_t size = (size_t)(p + 1 - tag), length = 0;
    const char *body = p + 1;
    const char *close = memmem(body, (size_t)(words->end - body), tag, size);
    if (!close)
        close = words->end;
    for (const char *c = body; c < close; c++)
        put(word, &length, *c);
    words->at = close == words->end ? close : close + size;
    return true;
}

bool rh_dump_words_next(rh_dump_words *words, rh_dump_word *word)
{
    skip_blanks(words);
    word->kind = RH_WORD_END;
    word->text[0] = 0;
    word->raw = words->at;
    word->raw_length = 0;
    if (words->at == words->end)
        return false;
    char c = *words->at;
    bool prefixed = words->end - words->at >= 2 && strchr("eEbBxXnN", c) && words->at[1] == '\'';
    if (c == '\'' || prefixed) {
        words->at += prefixed ? 2 : 1;
        word->kind = RH_WORD_STRING;
        read_quoted(words, word, '\'', c == 'e' || c == 'E');
    } else if (c == '"') {
        words->at++;
        word->kind = RH_WORD_QUOTED;
        read_quoted(words, word, '"', false);
    } else if (is_word_start((unsigned char)c)) {
        size_t length = 0;
        word->kind = RH_WORD_PLAIN;
        while (words->at < words->end && is_word_part((unsigned char)*words->at))
            put(word, &length, (char)tolower((unsigned char)*words->at++));
    } else if (c == '$' && read_dollar(words, word)) {
        word->kind = RH_WORD_STRING;
    } else {
        word->kind = RH_WORD_CHARACTER;
        word->text[0] = c;
        word->text[1] = 0;
        words->at++;
    }
    word->raw_length = (size_t)(words->at - word->raw);
    return true;
}

bool rh_dump_word_is(const rh_dump_word *word, const char *keyword)
{
    return (word->kind == RH_WORD_PLAIN || word->kind == RH_WORD_CHARACTER) &&
           strcmp(word->text, keyword) == 0;
}

bool rh_dump_words_skip(rh_dump_words *words, const char *keyword)
{
    rh_dump_words after = *words;
    rh_dump_word word;
    if (!rh_dump_words_next(&after, &word) || !rh_dump_word_is(&word, keyword))
        return false;
    *words = after;
    return true;
}

bool rh_dump_words_name(rh_dump_words *words, char schema[RH_NAME_SIZE], char name[RH_NAME_SIZE])
{
    rh_dump_word word;
    char previous[RH_NAME_SIZE] = "";
    name[0] = 0;
    do {
        rh_dump_words before = *words;
        if (!rh_dump_words_next(words, &word) ||
            (word.kind != RH_WORD_PLAIN && word.kind != RH_WORD_QUOTED)) {
            *words = before;
            return false;
        }
        memcpy(previous, name, sizeof previous);
        word.text[RH_NAME_SIZE - 1] = 0;
        memcpy(name, word.text, RH_NAME_SIZE);
    } while (rh_dump_words_skip(words, "."));
    if (schema)
        memcpy(schema, previous, RH_NAME_SIZE);
    return true;
}
