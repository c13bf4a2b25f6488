/* One command at a time without blocking, driven by the socket: for the load generator. */
#include "pg_connection.h"
#include "pgrehearse/base/arena.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int rh_pg_socket(const rh_pg *pg)
{
    return PQsocket(pg->conn);
}

bool rh_pg_set_nonblocking(rh_pg *pg, rh_error *error)
{
    return PQsetnonblocking(pg->conn, 1) == 0 || rh_pg_set_error(pg, NULL, NULL, error);
}

bool rh_pg_prepare(rh_pg *pg, const char *name, const char *sql, rh_error *error)
{
    rh_pg_note_code(pg, sql);
    if (!PQsendPrepare(pg->conn, name, sql, 0, NULL))
        return rh_pg_set_error(pg, NULL, sql, error);
    rh_error first = {0};
    rh_pg_drain(pg, &first);
    bool ok = !rh_error_is_set(&first);
    if (!ok && error && !rh_error_is_set(error))
        rh_error_move(error, &first);
    rh_error_release(&first);
    return ok;
}

static bool begun(rh_pg *pg, int sent)
{
    rh_error_release(&pg->failure);
    pg->rows = -1;
    return sent && PQflush(pg->conn) >= 0;
}

bool rh_pg_send_prepared(rh_pg *pg, const char *name, size_t count, const char *const *parameters)
{
    return begun(pg, PQsendQueryPrepared(pg->conn, name, (int)count, parameters, NULL, NULL, 0));
}

bool rh_pg_send_prepare(rh_pg *pg, const char *name, const char *sql)
{
    rh_pg_note_code(pg, sql);
    return begun(pg, PQsendPrepare(pg->conn, name, sql, 0, NULL));
}

bool rh_pg_send(rh_pg *pg, const char *sql)
{
    rh_text_clear(&pg->sent);
    rh_text_append(&pg->sent, sql);
    return begun(pg, PQsendQuery(pg->conn, sql));
}

bool rh_pg_wants_write(rh_pg *pg)
{
    return PQflush(pg->conn) > 0;
}

bool rh_pg_flush(rh_pg *pg)
{
    return PQflush(pg->conn) >= 0;
}

rh_pg_poll rh_pg_consume(rh_pg *pg, int64_t *rows, char *sqlstate)
{
    /* what arrived before a broken connection is still read: it says why it broke */
    bool readable = PQconsumeInput(pg->conn) == 1;
    while (!PQisBusy(pg->conn)) {
        PGresult *result = PQgetResult(pg->conn);
        if (!result) {
            if (PQstatus(pg->conn) == CONNECTION_BAD)
                break;
            if (rows)
                *rows = pg->rows;
            if (sqlstate)
                snprintf(sqlstate, 6, "%s", pg->failure.sqlstate);
            return rh_error_is_set(&pg->failure) ? RH_PG_FAILED : RH_PG_DONE;
        }
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
            rh_pg_set_error(pg, result, rh_text_string(&pg->sent), &pg->failure);
        else
            pg->rows = rh_pg_tag_rows(result);
        PQclear(result);
    }
    if (readable && PQstatus(pg->conn) != CONNECTION_BAD)
        return RH_PG_BUSY;
    rh_pg_set_error(pg, NULL, NULL, &pg->failure);
    if (sqlstate)
        snprintf(sqlstate, 6, "%s", pg->failure.sqlstate);
    return RH_PG_LOST;
}

const char *rh_pg_failure(const rh_pg *pg)
{
    return rh_error_is_set(&pg->failure) ? pg->failure.message : NULL;
}

bool rh_pg_cancel(rh_pg *pg)
{
    char why[256];
    return pg->cancel && PQcancel(pg->cancel, why, sizeof why) == 1;
}

rh_pg *rh_pg_connect_start(const char *conninfo, const char *role, rh_error *error)
{
    PGconn *conn = rh_pg_start_connection(conninfo, role, error);
    if (!conn)
        return NULL;
    rh_pg *pg = rh_alloc(sizeof *pg);
    pg->conn = conn;
    return pg;
}

rh_pg_connecting rh_pg_connect_poll(rh_pg *pg)
{
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        return RH_PG_CONNECT_FAILED;
    switch (PQconnectPoll(pg->conn)) {
    case PGRES_POLLING_OK:
        rh_pg_connected(pg);
        return RH_PG_CONNECT_DONE;
    case PGRES_POLLING_READING:
        return RH_PG_CONNECT_READING;
    case PGRES_POLLING_WRITING:
    case PGRES_POLLING_ACTIVE:
        return RH_PG_CONNECT_WRITING;
    case PGRES_POLLING_FAILED:
        break;
    }
    return RH_PG_CONNECT_FAILED;
}
