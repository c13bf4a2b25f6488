/* libpg_query: split, parse, normalise, fingerprint, scan. Never aborts on what it does not know: the result says so. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One statement of a text: [offset, offset + length) in bytes, without the semicolon and surrounding blanks and comments;
 * LINE and COLUMN (from 1) of its first token. */
typedef struct rh_sql_span {
    size_t offset, length;
    int line, column;
} rh_sql_span;

/* Splits with the scanner (understands quotes, dollar quotes, comments, BEGIN ATOMIC), so also what does not parse.
 * Fails on an unterminated quote or comment with line and column in FILE_NAME's terms (rh_error_at). */
bool rh_sql_split(const char *sql, const char *file_name, rh_arena *arena, rh_sql_span **spans, size_t *count,
                  rh_error *error);

/* The parse tree of one statement as libpg_query's JSON (the object under stmts[0].stmt); NULL when it does not parse (the error says where:
 * line and column within the statement). The caller frees with rh_json_free. */
rh_json *rh_sql_parse(const char *sql, rh_error *error);

/* SQL with every literal replaced: pg_query_normalize, then the scanner's constant tokens in what it leaves (utility statements, DO bodies).
 * Also works on what does not parse. In ARENA. No literal of the data survives. */
char *rh_sql_redact(const char *sql, rh_arena *arena);

/* pg_query_fingerprint as 16 hex digits; false when it does not parse. */
bool rh_sql_fingerprint(const char *sql, char fingerprint[17]);

/* Tokens, for readers of directives and for lexical checks. KIND is the scanner's own name ("SCONST", "IDENT", "SQL_COMMENT", …), a static string. */
typedef struct rh_sql_token {
    const char *kind;
    size_t start, end; /* bytes */
} rh_sql_token;
bool rh_sql_scan(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count, rh_error *error);
