/* Internal to proxy/: the first words of a statement, and a command tag's number. A parser would be too slow
 * while a program waits. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* SQL begins with WORD (lower case), as a whole word. */
bool rh_is_word(const char *sql, const char *word);
/* BEGIN or START TRANSACTION. */
bool rh_is_begin(const char *sql);
/* CREATE, ALTER, DROP and the like: what takes locks that keep others out. */
bool rh_is_schema_change(const char *sql);
/* Rows that a command tag counts; -1 when it counts none. */
int64_t rh_tag_rows(const char *tag);
