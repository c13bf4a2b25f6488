/* COPY from one server to another, a row at a time: never the table in memory. */
#include "pg_internal.h"
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
