/* COPY from the bytes of a file, or from one server to another, in bounded memory. */
#include "pg_connection.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Sends SQL and waits for the server to enter the COPY state WANTED. */
static bool enter_copy(rh_pg *pg, const char *sql, ExecStatusType wanted, rh_error *error)
{
    if (!PQsendQuery(pg->conn, sql))
        return rh_pg_set_error(pg, NULL, sql, error);
    if (!rh_pg_wait_result(pg, 0, error))
        return false;
    PGresult *result = PQgetResult(pg->conn);
    bool entered = PQresultStatus(result) == wanted;
    if (!entered) {
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            rh_pg_set_error(pg, result, sql, error);
        else
            rh_error_set(error, RH_ERROR_INTERNAL, "not a COPY of the expected direction");
        rh_pg_drain(pg, error);
    }
    PQclear(result);
    return entered;
}

/* Waits until the receiver has taken what was put, so that libpq's buffer stays small. */
static bool flush_to(rh_pg *to, rh_error *error)
{
    int left;
    while ((left = PQflush(to->conn)) > 0) {
        if (rh_pg_wait(to, true, 0) == PG_WAIT_INTERRUPTED)
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
        if (!PQconsumeInput(to->conn))
            return rh_pg_set_error(to, NULL, NULL, error);
    }
    return left == 0 || rh_pg_set_error(to, NULL, NULL, error);
}

/* Rows until FROM has no more; false when either side failed. */
static bool pump(rh_pg *from, rh_pg *to, int64_t *rows, rh_error *error)
{
    for (;;) {
        char *row = NULL;
        int length = PQgetCopyData(from->conn, &row, 1);
        if (length == -1)
            return true;
        if (length == -2)
            return rh_pg_set_error(from, NULL, NULL, error);
        if (length == 0) {
            if (rh_pg_wait(from, false, 0) == PG_WAIT_INTERRUPTED)
                return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
            if (!PQconsumeInput(from->conn))
                return rh_pg_set_error(from, NULL, NULL, error);
            continue;
        }
        int put = PQputCopyData(to->conn, row, length);
        PQfreemem(row);
        if (put < 0)
            return rh_pg_set_error(to, NULL, NULL, error);
        if (!flush_to(to, error))
            return false;
        (*rows)++;
    }
}

/* After a failure: the sender is cancelled and read empty. */
static void abandon_from(rh_pg *from)
{
    char *row;
    rh_pg_cancel(from);
    while (PQgetCopyData(from->conn, &row, 0) > 0)
        PQfreemem(row);
    rh_pg_drain(from, NULL);
}

int64_t rh_pg_copy_between(rh_pg *from, const char *from_sql, rh_pg *to, const char *to_sql, rh_error *error)
{
    if (!enter_copy(to, to_sql, PGRES_COPY_IN, error))
        return -1;
    rh_error cause = {0};
    int64_t rows = 0;
    if (enter_copy(from, from_sql, PGRES_COPY_OUT, &cause)) {
        PQsetnonblocking(to->conn, 1);
        bool pumped = pump(from, to, &rows, &cause);
        PQsetnonblocking(to->conn, 0);
        if (pumped)
            rh_pg_drain(from, &cause);
        else
            abandon_from(from);
    }
    PQputCopyEnd(to->conn, rh_error_is_set(&cause) ? "the source of the copy failed" : NULL);
    rh_pg_drain(to, &cause);
    if (!rh_error_is_set(&cause))
        return rows;
    if (error && !rh_error_is_set(error))
        rh_error_move(error, &cause);
    rh_error_release(&cause);
    return -1;
}

bool rh_pg_copy_in_begin(rh_pg *pg, const char *sql, rh_error *error)
{
    return enter_copy(pg, sql, PGRES_COPY_IN, error);
}

bool rh_pg_copy_in_put(rh_pg *pg, const char *bytes, size_t length, rh_error *error)
{
    enum { PIECE = 128 * 1024 };
    PQsetnonblocking(pg->conn, 1);
    bool fine = true;
    while (fine && length > 0) {
        size_t piece = length < PIECE ? length : PIECE;
        fine = PQputCopyData(pg->conn, bytes, (int)piece) > 0 || rh_pg_set_error(pg, NULL, NULL, error);
        fine = fine && flush_to(pg, error);
        bytes += piece;
        length -= piece;
    }
    PQsetnonblocking(pg->conn, 0);
    return fine;
}

/* "COPY a_lines, line 12, column email: …", in whatever language: the first number behind the last comma that
 * precedes any value of the data, and the word behind the next one but one. */
static void read_context(const char *context, rh_pg_copy_place *place)
{
    const char *copy = context ? strstr(context, "COPY ") : NULL;
    for (const char *next = copy; next && (next = strstr(next + 1, "\nCOPY ")) != NULL;)
        copy = next + 1;
    const char *at = copy ? strchr(copy, ',') : NULL;
    while (at && *at && *at != '\n' && !isdigit((unsigned char)*at))
        at++;
    if (!at)
        return;
    char *rest;
    place->line = strtoll(at, &rest, 10);
    const char *name = strncmp(rest, ", ", 2) == 0 ? strchr(rest + 2, ' ') : NULL;
    const char *end = name ? strchr(name + 1, ':') : NULL;
    size_t length = end ? (size_t)(end - name - 1) : 0;
    if (length < sizeof place->column && !*place->column)
        memcpy(place->column, length ? name + 1 : "", length);
}

static void read_place(const PGresult *result, rh_pg_copy_place *place)
{
    const char *column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
    if (column && strlen(column) < sizeof place->column)
        strcpy(place->column, column);
    read_context(PQresultErrorField(result, PG_DIAG_CONTEXT), place);
}

int64_t rh_pg_copy_in_end(rh_pg *pg, rh_pg_copy_place *place, rh_error *error)
{
    rh_error own = {0};
    int64_t rows = -1;
    *place = (rh_pg_copy_place){0};
    bool interrupted = rh_error_is_set(error);
    if (PQputCopyEnd(pg->conn, interrupted ? "interrupted" : NULL) < 0)
        rh_pg_set_error(pg, NULL, NULL, &own);
    while (rh_pg_wait_result(pg, 0, &own)) {
        PGresult *result = PQgetResult(pg->conn);
        if (!result)
            break;
        if (PQresultStatus(result) == PGRES_COMMAND_OK) {
            rows = rh_pg_tag_rows(result);
        } else {
            read_place(result, place);
            rh_pg_set_error(pg, result, NULL, &own);
        }
        PQclear(result);
        if (PQstatus(pg->conn) == CONNECTION_BAD)
            break;
    }
    bool fine = !rh_error_is_set(&own);
    if (!fine && !interrupted)
        rh_error_move(error, &own);
    rh_error_release(&own);
    return fine && !interrupted ? rows : -1;
}
