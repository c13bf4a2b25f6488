/* Messages without values of the data and literals.
 *
 * A message is taken apart into words, and a word is shown only where it is known to be none of the data:
 * outside of quotes the words of PostgreSQL's own messages; anywhere the words of the code that was sent
 * (identifiers and keywords, not its literals and comments) and the names that the caller vouches for.
 * Everything else becomes «…». So it does not matter how a message quotes a value, nor in which language it
 * is.
 */
#pragma once
#include "pgrehearse/base/text.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct rh_redaction {
    const char *sql;          /* the statement that was sent; NULL: unknown */
    const char *const *names; /* of objects; may be empty strings or NULL */
    size_t name_count;
    bool user_text; /* put together by code of the user's (RAISE): no word of it is PostgreSQL's own */
    bool catalog;   /* whatever it names exists in the catalogs: only numbers are hidden */
} rh_redaction;

/* The first line of MESSAGE; heap. */
char *rh_redact(const char *message, const rh_redaction *known);
/* SQL without its literals and comments: identifiers, keywords, and of DO blocks and function bodies the
 * same; of RAISE and EXECUTE also what their string says. Appended to CODE. */
void rh_redact_code(const char *sql, rh_text *code);
/* Lines of a program of the user's, which may say anything: without passwords, addresses, long numbers, and
 * what is quoted; of the server's messages among them ("ERROR:  …") only PostgreSQL's own words. Heap. */
char *rh_redact_line(const char *line);
/* "postgresql://user:password@host", "password=…" and the like with the password hidden. Heap. */
char *rh_redact_passwords(const char *text);
