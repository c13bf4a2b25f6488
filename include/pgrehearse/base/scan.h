/* The tokens of SQL text, by the lexical rules of PostgreSQL's server and of psql (documentation,
 * section 4.1; psqlscan.l), with standard_conforming_strings on. All code that reads SQL token by token uses
 * this scanner. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef enum rh_token_kind {
    RH_TOKEN_END,
    RH_TOKEN_WORD,               /* a keyword, or an identifier without quotes */
    RH_TOKEN_IDENTIFIER,         /* "…" */
    RH_TOKEN_UNICODE_IDENTIFIER, /* U&"…" */
    RH_TOKEN_STRING,             /* '…' */
    RH_TOKEN_ESCAPE_STRING,      /* E'…' */
    RH_TOKEN_UNICODE_STRING,     /* U&'…' */
    RH_TOKEN_NATIONAL_STRING,    /* N'…' */
    RH_TOKEN_BINARY_STRING,      /* B'…' */
    RH_TOKEN_HEX_STRING,         /* X'…' */
    RH_TOKEN_DOLLAR_STRING,      /* $$…$$, $tag$…$tag$ */
    RH_TOKEN_INTEGER,            /* 42, 1_000, 0x1F; also 12abc, which the server refuses */
    RH_TOKEN_NUMBER,             /* with a point */
    RH_TOKEN_PARAMETER,          /* $1 */
    RH_TOKEN_TYPECAST,           /* :: */
    RH_TOKEN_OPERATOR,           /* one or several of + - * / < > = ~ ! @ # % ^ & | ` ? */
    RH_TOKEN_CHARACTER,          /* any other byte */
    RH_TOKEN_LINE_COMMENT,       /* without the end of its line */
    RH_TOKEN_BLOCK_COMMENT,      /* with the comments nested in it */
} rh_token_kind;

typedef struct rh_token {
    rh_token_kind kind;
    const char *at;
    size_t length;
    size_t opening, closing; /* bytes of its quotes, with a prefix or a tag; 0: it has none */
    bool open;               /* a quote or a comment that is never closed: it ends with the text */
} rh_token;

/* Reads the first token from *AT on, blanks skipped, and moves *AT past it. END points past the text's last
 * byte; if END is NULL, the text ends at its NUL byte. False, with RH_TOKEN_END, when only blanks are left.
 */
bool rh_scan(const char **at, const char *end, rh_token *token);
/* The same, comments skipped. */
bool rh_scan_code(const char **at, const char *end, rh_token *token);
/* The end of the blank or the token at SQL[AT], for readers who look at other bytes between tokens (psql's
 * commands and variables). */
size_t rh_scan_past(const char *sql, size_t at);
/* The same, but only a variable as psql writes it, :name: NAME is the word. False when none is left. */
bool rh_scan_variable(const char **at, const char *end, rh_token *name);
/* TOKEN is the word WORD (lower case), in any case. */
bool rh_token_is(const rh_token *token, const char *word);
/* SQL behind blanks, comments and semicolons: where its first word begins. */
const char *rh_sql_skip_blanks(const char *sql);
