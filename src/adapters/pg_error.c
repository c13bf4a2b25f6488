/* From libpq's failures to rh_error, without a single value of the data. */
#include "pg_internal.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char MASK[] = "«…»";

static bool is_class(const char *sqlstate, const char *class_)
{
    return sqlstate && strncmp(sqlstate, class_, 2) == 0;
}

/* The first line, without what follows it. Heap. */
static char *first_line(const char *text)
{
    size_t length = strcspn(text, "\n");
    rh_text line = {0};
    rh_text_append_bytes(&line, text, length);
    return line.data ? line.data : rh_strdup("");
}

/* Everything between the first and the last double quote: a value may hold quotes itself. Hex bytes too. */
static char *mask_quoted(const char *message)
{
    rh_text out = {0};
    const char *first = strchr(message, '"'), *last = strrchr(message, '"');
    for (const char *p = message; *p; p++) {
        if (p == first && last > first) {
            rh_text_append(&out, MASK);
            p = last;
        } else if (p[0] == '0' && p[1] == 'x' && isxdigit((unsigned char)p[2])) {
            rh_text_append(&out, MASK);
            for (p += 2; isxdigit((unsigned char)p[1]); p++)
                ;
        } else {
            rh_text_append_char(&out, *p);
        }
    }
    return out.data ? out.data : rh_strdup("");
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Whether SQL holds the LENGTH bytes at WORD as a whole word. */
static bool holds_word(const char *sql, const char *word, size_t length)
{
    for (const char *p = sql; (p = strstr(p, word)) != NULL; p++)
        if ((p == sql || !is_word_byte(p[-1])) && !is_word_byte(p[length]))
            return true;
    return false;
}

/* A text that a function of the user's made (RAISE): a word stays when the statement that was sent holds it,
 * for it then comes from the code; any other may come from a row. */
static char *mask_foreign_words(const char *message, const char *sql)
{
    rh_text out = {0};
    bool masked = false;
    while (*message) {
        size_t length = 0;
        while (message[length] && is_word_byte(message[length]))
            length++;
        if (length == 0) {
            if (!(masked && *message == ' ' && message[1] && !is_word_byte(message[1])))
                rh_text_append_char(&out, *message);
            message++;
            continue;
        }
        char *word = strndup(message, length);
        masked = !sql || !holds_word(sql, word, length);
        if (!masked)
            rh_text_append_bytes(&out, word, length);
        else if (!(out.length >= sizeof MASK && rh_ends_with(out.data, "«…» ")))
            rh_text_append(&out, MASK);
        free(word);
        message += length;
    }
    while (out.length && out.data[out.length - 1] == ' ')
        out.data[--out.length] = '\0';
    if (strcmp(rh_text_string(&out), MASK) == 0) {
        rh_text_clear(&out);
        rh_text_append(&out, "a function raised an exception; its text may hold data and is not shown");
    }
    return out.data ? out.data : rh_strdup("");
}

/* PL/pgSQL's RAISE and errors of other languages carry text that the user's code put together. */
static bool is_user_text(const char *function, const char *sqlstate)
{
    return (function && (strcmp(function, "exec_stmt_raise") == 0 || strncmp(function, "PLy_", 4) == 0)) ||
           is_class(sqlstate, "38") || is_class(sqlstate, "39");
}

char *rh_pg_redact_message(const char *sqlstate, const char *function, const char *text, const char *sql)
{
    char *masked = NULL;
    bool command = rh_starts_with(text, "could not execute command") || rh_starts_with(text, "program \"");
    if (!command && is_user_text(function, sqlstate))
        masked = mask_foreign_words(text, sql);
    else if (command || is_class(sqlstate, "22"))
        masked = mask_quoted(text);
    char *line = first_line(masked ? masked : text);
    free(masked);
    return line;
}

static char *redact(const PGresult *result, const char *text, const char *sql)
{
    return rh_pg_redact_message(PQresultErrorField(result, PG_DIAG_SQLSTATE),
                                PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION), text, sql);
}

/* PostgreSQL counts characters from 1; so do line and column. */
static void place(const char *sql, long position, int *line, int *column)
{
    *line = 1;
    *column = 1;
    for (const char *p = sql; *p && position > 1; p++) {
        if (((unsigned char)p[1] & 0xc0) == 0x80)
            continue; /* the character goes on */
        position--;
        if (*p == '\n') {
            (*line)++;
            *column = 1;
        } else {
            (*column)++;
        }
    }
}

static rh_error_code code_of(const rh_pg *pg, const char *sqlstate)
{
    if (sqlstate && strcmp(sqlstate, "53100") == 0)
        return RH_ERROR_NO_SPACE;
    if (PQstatus(pg->conn) == CONNECTION_BAD || (sqlstate && strncmp(sqlstate, "57P0", 4) == 0))
        return RH_ERROR_LOST;
    return RH_ERROR_SQL;
}

static bool set_lost(const rh_pg *pg, rh_error *error)
{
    char *line = first_line(PQerrorMessage(pg->conn));
    rh_error_set(error, code_of(pg, NULL), "%s", *line ? line : "the connection to the server is gone");
    free(line);
    return false;
}

bool rh_pg_set_error(const rh_pg *pg, const PGresult *result, const char *sql, rh_error *error)
{
    if (!error || rh_error_is_set(error))
        return false;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!primary || !sqlstate)
        return set_lost(pg, error);
    char *message = redact(result, primary, sql);
    rh_error_set(error, code_of(pg, sqlstate), "%s", message);
    rh_error_sqlstate(error, sqlstate);
    free(message);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    if (hint) {
        char *shown = redact(result, hint, sql);
        rh_error_hint(error, "%s", shown);
        free(shown);
    }
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (position && sql) {
        int line, column;
        place(sql, strtol(position, NULL, 10), &line, &column);
        rh_error_at(error, NULL, line, column);
    }
    return false;
}
