#include "statement.h"
#include "pgrehearse/base/scan.h"
#include <ctype.h>
#include <string.h>

static void put(rh_dump_word *word, size_t *length, char c)
{
    if (*length + 1 < sizeof word->text) {
        word->text[(*length)++] = c;
        word->text[*length] = 0;
    }
}

/* What TOKEN holds between its quotes. */
static void put_content(const rh_token *token, rh_dump_word *word)
{
    const char *at = token->at + token->opening, *end = token->at + token->length - token->closing;
    const char quote = token->kind == RH_TOKEN_DOLLAR_STRING ? '\0' : at[-1];
    size_t length = 0;
    for (; at < end; at++) {
        const bool escaped = token->kind == RH_TOKEN_ESCAPE_STRING && *at == '\\';
        if ((escaped || (quote && *at == quote)) && at + 1 < end)
            at++;
        put(word, &length, *at);
    }
}

bool rh_dump_words_next(rh_dump_words *words, rh_dump_word *word)
{
    rh_token token;
    size_t length = 0;
    const bool found = rh_scan_code(&words->at, words->end, &token);
    word->kind = RH_WORD_END;
    word->text[0] = '\0';
    word->raw = token.at;
    word->raw_length = token.length;
    if (!found)
        return false;
    switch (token.kind) {
    case RH_TOKEN_WORD:
    case RH_TOKEN_INTEGER:
    case RH_TOKEN_NUMBER:
        word->kind = RH_WORD_PLAIN;
        for (size_t i = 0; i < token.length; i++)
            put(word, &length, (char)tolower((unsigned char)token.at[i]));
        return true;
    case RH_TOKEN_IDENTIFIER:
    case RH_TOKEN_UNICODE_IDENTIFIER:
        word->kind = RH_WORD_QUOTED;
        put_content(&token, word);
        return true;
    default:
        break;
    }
    if (token.opening) {
        word->kind = RH_WORD_STRING;
        put_content(&token, word);
        return true;
    }
    word->kind = RH_WORD_CHARACTER;
    word->text[0] = *token.at;
    word->text[1] = '\0';
    word->raw_length = 1;
    words->at = token.at + 1;
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
