/* UTF-8, one character at a time: what comes from databases, files and servers is not always what it says it
 * is. */
#pragma once
#include "pgrehearse/base/text.h"
#include <stddef.h>
#include <stdint.h>

/* Reads the character at BYTES (0-terminated) into *CODE and returns its length, 1 to 4. A byte that does not
 * begin a well-formed character (overlong, surrogate, beyond U+10FFFF, cut off) gives *CODE U+FFFD and
 * length 1. 0 at the end of the string. */
size_t rh_utf8_decode(const char *bytes, uint32_t *code);
/* Appends STRING with every bad byte replaced by U+FFFD. */
void rh_text_append_utf8(rh_text *text, const char *string);
/* Characters (not bytes) of STRING: its width on a terminal, near enough for identifiers and SQL. */
size_t rh_utf8_length(const char *string);
