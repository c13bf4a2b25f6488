/* The capabilities of standard output and standard error, and the removal of control characters from text
 * that is printed there. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/text.h"
#include <stdbool.h>
#include <stdio.h>

typedef struct rh_terminal {
    bool quiet;
    bool result_color; /* standard output is a terminal that takes colours */
    bool status_live;  /* standard error is a terminal that can rewrite a line */
    bool status_color;
    bool utf8; /* the locale's encoding */
} rh_terminal;

/* Looks at the streams, TERM, NO_COLOR (https://no-color.org) and the locale. */
void rh_terminal_init(rh_terminal *terminal, bool quiet, bool no_color);
/* Columns of the terminal behind STREAM; 80 when unknown. */
int rh_terminal_width(FILE *stream);

/* Appends STRING with control characters (except line breaks when LINES) and characters that reorder text
 * replaced: data cannot move the cursor. Bad UTF-8 becomes U+FFFD. */
void rh_text_append_clean(rh_text *text, const char *string, bool lines);
/* Whether a terminal shows all of STRING: no such characters but tabs and the ends of lines, also with CR. */
bool rh_text_is_clean(const char *string);
/* Appends STRING on one line of at most WIDTH characters, cleaned, blanks collapsed, ended by "..." when cut.
 */
void rh_text_append_brief(rh_text *text, const char *string, size_t width);
/* Words of STRING in lines of at most WIDTH characters, each begun by INDENT blanks and ended by a newline;
 * the first one without the indent. */
void rh_text_append_wrapped(rh_text *text, const char *string, size_t indent, size_t width);
/* LINES with those of more than WIDTH characters wrapped, their continuation indented by two. */
void rh_text_append_lines(rh_text *text, const char *lines, size_t width);

/* "pgrehearse: FILE:LINE:COLUMN: message" and, indented below, the hint. */
void rh_error_format(const rh_error *error, rh_text *text);
