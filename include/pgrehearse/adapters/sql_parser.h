/* libpg_query: scan, split, parse, redact, fingerprint. Never aborts on what it does not know: the result
 * says so.
 *
 * All of it may be called from any thread. The grammar is that of the installed libpg_query (15 or newer).
 * Texts that its scanner refuses (numeric literals of newer versions) are scanned by rules of our own, so
 * splitting and redacting work on every syntax.
 */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One statement of a text: [offset, offset + length) in bytes, without the semicolon and surrounding blanks
 * and comments; LINE and COLUMN (from 1; columns are characters) of its first token. */
typedef struct rh_sql_span {
    size_t offset, length;
    int line, column;
} rh_sql_span;

/* Splits with the scanner (understands quotes, dollar quotes, comments, parentheses, BEGIN ATOMIC), so also
 * what does not parse. A byte-order mark at the start is skipped; empty statements are not counted. Fails
 * with line and column in FILE_NAME's terms (rh_error_at): on an unterminated quote or comment SPANS then
 * still has the statements before it and, as the last one, the unfinished rest of the text (what psql would
 * send at the end of the file); on bytes that are not UTF-8 it has none. The error's code is
 * RH_ERROR_SCENARIO. */
bool rh_sql_split(const char *sql, const char *file_name, rh_arena *arena, rh_sql_span **spans, size_t *count,
                  rh_error *error);

/* The parse tree of one statement as libpg_query's JSON (the object under stmts[0].stmt); NULL when it does
 * not parse (RH_ERROR_SQL, SQLSTATE 42601, line and column within SQL, no file) or is empty. The caller frees
 * with rh_json_free. */
rh_json *rh_sql_parse(const char *sql, rh_error *error);

/* SQL for a person's eyes, without data: every constant (numbers, strings, bodies in dollar quotes) is $1, $2
 * …, comments are gone, blanks are collapsed, and what is longer than 4 kB ends with "…". Type lengths as in
 * varchar(30) stay. Works on every text, also on what does not scan (it ends before the bad token). In ARENA.
 * The scanner's tokens alone are used: pg_query_normalize keeps the literals of utility statements and fails
 * on the rest. */
char *rh_sql_redact(const char *sql, rh_arena *arena);

/* Cuts the text off a syntax error's message when it may be data: «at or near "'secret'"» goes, «at or near
 * "FORM"» stays. In place; for messages of this library and of the server (SQLSTATE 42601). Takes NULL. */
void rh_sql_redact_message(char *message);

/* pg_query_fingerprint as 16 hex digits; false when it does not parse. */
bool rh_sql_fingerprint(const char *sql, char fingerprint[17]);

/* Tokens, for readers of directives and for lexical checks. KIND is a static string: the scanner's own name
 * for constants, identifiers and comments ("IDENT", "UIDENT", "FCONST", "SCONST", "USCONST", "BCONST",
 * "XCONST", "ICONST", "PARAM", "SQL_COMMENT", "C_COMMENT", "TYPECAST"), "KEYWORD" for every keyword (compare
 * its text), the character itself for
 * "(" ")" "," ";" "." "=" ":" "\\" "[" "]", and "OPERATOR" for the rest. */
typedef struct rh_sql_token {
    const char *kind;
    size_t start, end; /* bytes */
} rh_sql_token;
/* False on what does not scan: line and column of the bad token (no file), and TOKENS has those before it. */
bool rh_sql_scan(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count, rh_error *error);
/* The same for a text of any length, part by part, in memory that does not grow with it: a part ends behind a
 * semicolon at the end of a line where nothing is open. Begin with FROM 0. FROM moves behind the part; the
 * tokens' places are in SQL. False behind the last part (no error), and on what does not scan, with TOKENS up
 * to there. */
bool rh_sql_scan_part(const char *sql, size_t *from, rh_arena *arena, rh_sql_token **tokens, size_t *count,
                      rh_error *error);
/* The PostgreSQL whose grammar parses: 15. */
int rh_sql_parser_version(void);
/* It parses. Far cheaper than its tree. */
bool rh_sql_parses(const char *sql);
/* True when TOKEN is the word WORD (lower case), whatever the case in SQL; false for quoted identifiers. */
bool rh_sql_token_is(const char *sql, const rh_sql_token *token, const char *word);

/* Messages without values of the data and literals.
 *
 * A message is taken apart into words, and a word is shown only where it is known to be none of the data:
 * outside of quotes the words of PostgreSQL's own messages; anywhere the words of the code that was sent
 * (identifiers and keywords, not its literals and comments) and the names that the caller vouches for.
 * Everything else becomes «…». So it does not matter how a message quotes a value, nor in which language it
 * is.
 */

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
