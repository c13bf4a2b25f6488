/* A growing string, and the few string helpers that libc lacks. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. DATA is NULL or 0-terminated; LENGTH does not count the 0. Owned:
 * rh_text_release. */
typedef struct rh_text {
    char *data;
    size_t length, capacity;
} rh_text;

void rh_text_release(rh_text *text);
void rh_text_clear(rh_text *text);
void rh_text_append(rh_text *text, const char *string);
void rh_text_append_bytes(rh_text *text, const void *bytes, size_t length);
void rh_text_append_char(rh_text *text, char c);
void rh_text_printf(rh_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rh_text_vprintf(rh_text *text, const char *format, va_list args);
/* "" rather than NULL when empty. */
const char *rh_text_string(const rh_text *text);

bool rh_starts_with(const char *string, const char *prefix);
bool rh_ends_with(const char *string, const char *suffix);
/* PATH after its last '/'; all of it if it has none. */
const char *rh_base_name(const char *path);
/* LIST ends with NULL. */
bool rh_is_one_of(const char *string, const char *const *list);
/* The whole number that TEXT begins with (blanks before it allowed); 0 when there is none or it does not fit.
 */
int rh_leading_int(const char *text);
/* Edit distance (Levenshtein), for "did you mean". */
size_t rh_edit_distance(const char *a, const char *b);
/* The nearest of CANDIDATES within distance 3 (and under half the word), or NULL. */
const char *rh_nearest(const char *word, const char *const *candidates, size_t count);
/* Compares by runs of digits as numbers, so "2_x" < "10_x"; ties by strcmp. For qsort-like ordering of names.
 */
int rh_natural_compare(const char *a, const char *b);

/* UTF-8, one character at a time. Text from databases, files and servers may be malformed. */

/* Reads the character at BYTES (0-terminated) into *CODE and returns its length, 1 to 4. A byte that does not
 * begin a well-formed character (overlong, surrogate, beyond U+10FFFF, cut off) gives *CODE U+FFFD and
 * length 1. 0 at the end of the string. */
size_t rh_utf8_decode(const char *bytes, uint32_t *code);
/* Appends STRING with every bad byte replaced by U+FFFD. */
void rh_text_append_utf8(rh_text *text, const char *string);
/* Characters (not bytes) of STRING: its width on a terminal, near enough for identifiers and SQL. */
size_t rh_utf8_length(const char *string);
