/* Where psql (fe_utils/psqlscan.l) is outside of quotes and comments: only there it looks for its own
 * commands and variables. */
#pragma once
#include <stddef.h>

/* The end of the quoted text, comment, number, word or single character at TEXT[AT]. */
size_t rh_psql_skip(const char *text, size_t at);
