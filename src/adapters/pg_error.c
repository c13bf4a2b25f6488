/* Turns libpq's errors into rh_error, without values of the data. */
#include "pg_connection.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

/* The first line, without what follows it. Heap. */
static char *first_line(const char *text)
{
    size_t length = strcspn(text, "\n");
    rh_text line = {0};
    rh_text_append_bytes(&line, text, length);
    return line.data ? line.data : rh_strdup("");
}

/* PL/pgSQL's RAISE and ASSERT, and errors of other languages, carry text that the user's code put together.
 */
static bool is_user_text(const char *function, const char *sqlstate)
{
    static const char *const raising[] = {"exec_stmt_raise", "exec_stmt_assert", "croak_cstr", NULL};
    return (function && (rh_is_one_of(function, raising) || rh_starts_with(function, "PLy_") ||
                         rh_starts_with(function, "plperl_") || rh_starts_with(function, "pltcl_"))) ||
           (sqlstate && (strcmp(sqlstate, "P0001") == 0 || strcmp(sqlstate, "P0004") == 0));
}

/* Functions of the server whose messages name only what its catalogs hold. */
static bool names_catalog(const char *function)
{
    static const char *const names[] = {"aclcheck_error",
                                        "aclcheck_error_col",
                                        "aclcheck_error_type",
                                        "reportDependentObjects",
                                        "CheckTableNotInUse",
                                        "ri_ReportViolation",
                                        "ExecConstraints",
                                        "ATRewriteTable",
                                        "_bt_check_unique",
                                        "comparetup_index_btree",
                                        "check_exclusion_or_unique_constraint",
                                        NULL};
    return function && rh_is_one_of(function, names);
}

static char *redact(const char *sqlstate, const char *function, const char *text, const char *sql,
                    const char *const *names, size_t name_count)
{
    bool user = is_user_text(function, sqlstate);
    return rh_redact(text, &(rh_redaction){.sql = sql,
                                           .names = names,
                                           .name_count = user ? 0 : name_count,
                                           .user_text = user,
                                           .catalog = !user && names_catalog(function)});
}

char *rh_pg_redact_message(const char *sqlstate, const char *function, const char *text, const char *sql)
{
    return redact(sqlstate, function, text, sql, NULL, 0);
}

/* The objects that the server itself says its error is about are names, too. */
static char *redact_result(const rh_pg *pg, const PGresult *result, const char *text, const char *sql)
{
    static const int fields[] = {PG_DIAG_SCHEMA_NAME, PG_DIAG_TABLE_NAME, PG_DIAG_COLUMN_NAME,
                                 PG_DIAG_DATATYPE_NAME, PG_DIAG_CONSTRAINT_NAME};
    enum { FIELDS = sizeof fields / sizeof *fields, COUNT = FIELDS + 1 };
    const char *names[COUNT] = {[FIELDS] = pg->code.data};
    for (size_t i = 0; i < FIELDS; i++)
        names[i] = PQresultErrorField(result, fields[i]);
    return redact(PQresultErrorField(result, PG_DIAG_SQLSTATE),
                  PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION), text, sql, names, COUNT);
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

static bool set_unread(const rh_pg *pg, rh_error *error)
{
    char *line = first_line(PQerrorMessage(pg->conn));
    bool lost = PQstatus(pg->conn) == CONNECTION_BAD;
    if (lost)
        rh_error_set(error, RH_ERROR_LOST, "%s", *line ? line : "the connection to the server is gone");
    else /* libpq's own: a row or message that does not fit into memory */
        rh_error_set(error, RH_ERROR_IO, "an answer of the server could not be read: %s", line);
    free(line);
    return false;
}

/* What an asynchronous command may name: the code of what this connection has prepared. */
void rh_pg_note_code(rh_pg *pg, const char *sql)
{
    enum { MOST_BYTES = 64 * 1024 };
    if (pg->code.length > MOST_BYTES)
        rh_text_clear(&pg->code);
    rh_redact_code(sql, &pg->code);
    rh_text_append_char(&pg->code, ' ');
}

bool rh_pg_set_error(const rh_pg *pg, const PGresult *result, const char *sql, rh_error *error)
{
    if (!error || rh_error_is_set(error))
        return false;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!primary || !sqlstate)
        return set_unread(pg, error);
    char *message = redact_result(pg, result, primary, sql);
    rh_error_set(error, code_of(pg, sqlstate), "%s", message);
    rh_error_sqlstate(error, sqlstate);
    free(message);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    if (hint) {
        char *shown = redact_result(pg, result, hint, sql);
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
