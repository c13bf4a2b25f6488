/* Shared by the files of the PostgreSQL adapter. No other file includes this. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include <libpq-fe.h>

enum { PG_PREPARED_LIMIT = 8 };

struct rh_pg {
    PGconn *conn;
    PGcancel *cancel;   /* made at connect: PQcancel on it is safe from any thread */
    rh_text code, sent; /* asynchronous: code that was prepared (rh_pg_note_code), and what was sent last */
    rh_error failure;   /* asynchronous: the first error of the command that runs */
    int64_t rows;       /* asynchronous: rows of the last result */
    rh_usec watch_every;
    bool (*watch_check)(void *user, rh_error *error); /* of rh_pg_watch; NULL: no watch */
    void *watch_user;
    const char *prepared[PG_PREPARED_LIMIT]; /* the texts that rh_pg_query_again has prepared; the index is
                                                the statement's name */
};

struct rh_pg_result {
    PGresult *rows;
};

typedef enum pg_wait { PG_WAIT_READY, PG_WAIT_TIMEOUT, PG_WAIT_INTERRUPTED } pg_wait;

/* Waits until the socket is readable (or writable, when WRITING) or the monotonic DEADLINE (0: none) passes.
 */
pg_wait rh_pg_wait(const rh_pg *pg, bool writing, rh_usec deadline);

/* Waits until PQgetResult will not block. An interrupt or the DEADLINE cancels the statement once, sets ERROR
 * and goes on waiting for the server's answer; false when the connection is gone (ERROR is set). */
bool rh_pg_wait_result(rh_pg *pg, rh_usec deadline, rh_error *error);

/* Reads and drops everything up to ReadyForQuery. ERROR gets the first failure of the server (may be set
 * already). */
void rh_pg_drain(rh_pg *pg, rh_error *error);

/* Sets ERROR from a failed RESULT (NULL: from the connection). SQL is what was sent, for the place; may be
 * NULL. */
bool rh_pg_set_error(const rh_pg *pg, const PGresult *result, const char *sql, rh_error *error);

void rh_pg_note_code(rh_pg *pg, const char *sql);

/* The rows that a command tag counts; -1 when it counts none. */
int64_t rh_pg_tag_rows(PGresult *result);

/* Starts a connection attempt: every parameter as documented at rh_pg_connect. NULL and ERROR when CONNINFO
 * is no such string. */
PGconn *rh_pg_start_connection(const char *conninfo, const char *role, rh_error *error);
/* After PGRES_POLLING_OK: notices off, the cancel handle made. */
void rh_pg_connected(rh_pg *pg);
