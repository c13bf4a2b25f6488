/* Private to adapters/. */
#pragma once
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether PostgreSQL's messages use the LENGTH bytes at WORD, in upper or lower case. */
bool rh_is_message_word(const char *word, size_t length);

/* Of a name or a number, or of a character past ASCII. */
static inline bool rh_is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The length of the first line of TEXT, which may be as long as a value: at most 8 KiB (CUT). */
size_t rh_shown_length(const char *text, bool *cut);
