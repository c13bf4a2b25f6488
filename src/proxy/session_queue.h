/* Internal to proxy/: the messages of a session that the server has not answered yet. */
#pragma once
#include "session.h"
#include "names.h"

typedef enum rh_outstanding_kind {
    STARTUP,
    QUERY,
    CALL,
    PARSE,
    BIND,
    DESCRIBE,
    CLOSE,
    EXECUTE,
    COPY_DONE,
    SYNC
} rh_outstanding_kind;

/* A message that the server has not answered yet. */
typedef struct rh_outstanding {
    rh_outstanding_kind kind;
    bool begun, failed;
    char *sql; /* QUERY, PARSE, BIND, EXECUTE; may be NULL */
    rh_usec started, held;
    char tag[64];
    char *sqlstate, *message, *function;
    void *mark;
    struct rh_outstanding *next;
} rh_outstanding;

struct rh_proxy_session {
    const rh_proxy_session_events *events;
    int connection, pid;
    rh_usec long_us;
    rh_outstanding *first, **last;
    rh_prepared_names prepared, portals; /* name → SQL */
    char state;                          /* of the last ReadyForQuery; '?' before */
    rh_usec connected;
    bool blind;
    bool skipping;    /* after an error, up to the Sync, which has not been sent yet */
    bool copying;     /* COPY data is due: Syncs are ignored until it ends */
    bool long_before; /* the last statement that ended took long */
    bool batch_has_schema_change, batch_has_begin; /* since the last Sync */
};

/* A simple query or one execution: those that are reported to the callbacks. */
bool rh_outstanding_is_statement(const rh_outstanding *p);
/* A message of the client's, at the end of the queue. */
rh_outstanding *rh_outstanding_push(rh_proxy_session *s, rh_outstanding_kind what, const char *sql);
/* Takes the one that LINK points at out of the queue. */
void rh_outstanding_drop(rh_proxy_session *s, rh_outstanding **link);
void rh_outstanding_begin(rh_proxy_session *s, rh_outstanding *p, rh_usec now);
/* The server has come to the first one in the queue that it executes. */
void rh_outstanding_begin_next(rh_proxy_session *s, rh_usec now);
void rh_outstanding_end(rh_proxy_session *s, rh_outstanding *p, rh_usec now);
/* The first one is answered; the end of its COPY data, if it had any, needs no answer. */
void rh_outstanding_take_first(rh_proxy_session *s, rh_usec now);
