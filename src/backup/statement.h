/* The kind and the objects of a statement of a dump, as far as the restore needs them. By its words, without
 * a parser.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { RH_NAME_SIZE = 64, RH_MAX_ROLES = 64 }; /* NAMEDATALEN of PostgreSQL */

/* One token: an unquoted word (lower case), a quoted identifier or a string (without quotes), or a single
 * character. Comments are skipped. */
typedef enum rh_dump_word_kind {
    RH_WORD_END,
    RH_WORD_PLAIN,
    RH_WORD_QUOTED,
    RH_WORD_STRING,
    RH_WORD_CHARACTER
} rh_dump_word_kind;
typedef struct rh_dump_word {
    rh_dump_word_kind kind;
    char text[RH_NAME_SIZE * 2]; /* cut when longer */
    const char *raw;             /* its position in the text, with quotes */
    size_t raw_length;
} rh_dump_word;
typedef struct rh_dump_words {
    const char *at, *end;
} rh_dump_words;
/* The next token; false (and RH_WORD_END) at the end. */
bool rh_dump_words_next(rh_dump_words *words, rh_dump_word *word);
bool rh_dump_word_is(const rh_dump_word *word, const char *keyword);
/* The next tokens are KEYWORD…: skips it and returns true, else leaves WORDS alone. */
bool rh_dump_words_skip(rh_dump_words *words, const char *keyword);
/* An identifier, qualified or not: the last part in NAME, the one before it in SCHEMA ("" if none; may be
 * NULL). */
bool rh_dump_words_name(rh_dump_words *words, char schema[RH_NAME_SIZE], char name[RH_NAME_SIZE]);

typedef enum rh_statement_kind {
    RH_STATEMENT_OTHER,
    RH_STATEMENT_COPY_IN,           /* COPY name [(…)] FROM stdin, as text */
    RH_STATEMENT_COPY_OTHER,        /* COPY of a file, a program, a query, to standard output, or binary */
    RH_STATEMENT_SET,               /* SET [SESSION|LOCAL] name = …: name */
    RH_STATEMENT_AUTHORIZATION,     /* SET SESSION AUTHORIZATION: its role, none for DEFAULT */
    RH_STATEMENT_DATABASE,          /* CREATE, ALTER or DROP DATABASE, COMMENT ON DATABASE …: name */
    RH_STATEMENT_SCHEMA,            /* CREATE SCHEMA without IF NOT EXISTS: name */
    RH_STATEMENT_EXTENSION,         /* CREATE EXTENSION: name; schema when it says WITH SCHEMA */
    RH_STATEMENT_LANGUAGE,          /* CREATE LANGUAGE without OR REPLACE: name */
    RH_STATEMENT_ROLE,              /* CREATE ROLE, USER or GROUP: name */
    RH_STATEMENT_ROLE_CHANGE,       /* ALTER or DROP ROLE, USER or GROUP: name */
    RH_STATEMENT_EXTENSION_COMMENT, /* COMMENT ON EXTENSION: name */
    RH_STATEMENT_COMMENT,           /* any other COMMENT ON, SECURITY LABEL */
    RH_STATEMENT_SUBSCRIPTION,      /* CREATE SUBSCRIPTION: name */
    RH_STATEMENT_PRIVILEGED, /* CREATE and ALTER of event triggers and publications; ALTER SUBSCRIPTION */
    RH_STATEMENT_DROP,    /* DROP of anything else: name, value: the kind's first word; ALTER TABLE … DROP;
                             SELECT lo_unlink */
    RH_STATEMENT_INSERT,  /* INSERT INTO: schema, name */
    RH_STATEMENT_INDEX,   /* CREATE INDEX: name; schema and value: its table */
    RH_STATEMENT_REFRESH, /* REFRESH MATERIALIZED VIEW: schema, name */
    RH_STATEMENT_SYSTEM,  /* ALTER SYSTEM */
    RH_STATEMENT_TABLESPACE,     /* CREATE, ALTER or DROP TABLESPACE: name */
    RH_STATEMENT_DATABASE_GRANT, /* GRANT or REVOKE … ON DATABASE: name */
} rh_dump_statement_kind;

typedef struct rh_dump_statement {
    rh_dump_statement_kind kind;
    char schema[RH_NAME_SIZE], name[RH_NAME_SIZE]; /* schema: of COPY's table */
    char roles[RH_MAX_ROLES]
              [RH_NAME_SIZE]; /* roles that must exist: OWNER TO, GRANT, AUTHORIZATION, CREATE POLICY … TO */
    size_t role_count;
    char value[RH_NAME_SIZE]; /* of SET: the first word or string, cut when longer; else see the kind */
    bool only_roles;          /* it sets only ownership and privileges */
    bool defines;             /* CREATE, ALTER or REFRESH of anything */
    bool not_enabled;         /* CREATE SUBSCRIPTION … WITH (connect = false …) */
} rh_dump_statement;

/* Reads one statement (without what follows its semicolon). */
void rh_dump_statement_read(const char *sql, size_t length, rh_dump_statement *statement);
/* True for SET and for statements about the database itself or about roles, which belong to no entry. */
bool rh_dump_statement_is_shared(const rh_dump_statement *statement);
/* The database's name in psql's \connect: WORDS begin after the backslash. */
void rh_dump_connect_name(rh_dump_words *words, char name[RH_NAME_SIZE]);
