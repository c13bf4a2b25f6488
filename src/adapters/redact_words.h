/* Private to adapters/. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Whether PostgreSQL's messages use the LENGTH bytes at WORD, in upper or lower case. */
bool rh_is_message_word(const char *word, size_t length);
