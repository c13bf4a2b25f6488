/* Follows the messages of one connection: which statements run, how they end, in which transactions. It only
 * reads; it has no sockets and needs no server.
 *
 * The server answers in order, so what is outstanding is a queue. What the protocol lets it leave out is
 * known: after an error of the extended protocol it skips to the Sync, and while it takes COPY data it
 * ignores Syncs. When something comes that does not fit, the session goes blind: it says no more, and whoever
 * passes the bytes on goes on passing them.
 */
#pragma once
#include "pgrehearse/base/clock.h"
#include "messages.h"

/* A simple query (with all the statements in its text) or one execution of a prepared one. Valid during the
 * call. */
typedef struct rh_proxy_statement {
    int connection;          /* from 1, in the order they came */
    int pid;                 /* of the server's process; 0 unknown */
    const char *sql;         /* at most RH_MESSAGE_TEXT_KEPT bytes of it; NULL: no statement failed, but the
                                connection itself */
    rh_usec connected;       /* monotonic: when the server had first been ready for a query */
    rh_usec started;         /* it was passed on to the server and all before it was answered */
    rh_usec ended;           /* its CommandComplete came (a simple query's ReadyForQuery) */
    rh_usec held;            /* of that time, it stood here */
    const char *command_tag; /* "" when it has none */
    int64_t rows;            /* from the tag; -1 when it has none */
    const char *sqlstate, *message; /* of its failure, unredacted; NULL: it ended well */
    const char *error_function;     /* the server's function that raised it; NULL */
    void *mark;                     /* as begun left it */
} rh_proxy_statement;

typedef struct rh_proxy_session_events {
    void *user;
    /* The server works on it from now on. What the callback itself takes before the message goes out may be
     * left out of the time: by a later started. */
    void (*begun)(void *user, rh_proxy_statement *statement);
    void (*ended)(void *user, const rh_proxy_statement *statement);
    /* ReadyForQuery outside of a transaction. May be NULL. */
    void (*transaction_ended)(void *user, int connection, rh_usec at);
    /* ReadyForQuery, and nothing is outstanding: the server waits for the client. LONG_BEFORE: what ended
     * took long; there will be no RH_HOLD_READING for it. IDLE: no transaction is open. May be NULL. */
    void (*answered)(void *user, int connection, bool long_before, bool idle);
} rh_proxy_session_events;

/* Why a message waits before it is passed on. */
typedef enum rh_hold {
    RH_HOLD_NOT,
    RH_HOLD_COMMIT,  /* it ends a transaction */
    RH_HOLD_READING, /* the statement before it took long; nothing is outstanding */
    RH_HOLD_END,     /* it ends the connection; nothing is outstanding */
    RH_HOLD_IDLE     /* nothing of the kind: no transaction is open, nothing is outstanding */
} rh_hold;

typedef struct rh_proxy_session rh_proxy_session;

/* EVENTS outlives the session. A statement of LONG_US or more is a long one. */
rh_proxy_session *rh_proxy_session_new(int connection, rh_usec long_us,
                                       const rh_proxy_session_events *events);
/* Takes NULL. Statements that were under way have no end. */
void rh_proxy_session_free(rh_proxy_session *session);

/* Types whose bodies it wants to see. */
extern const char RH_SESSION_CLIENT_TYPES[], RH_SESSION_SERVER_TYPES[];

/* MESSAGE of the client, before it is passed on. A COMMIT, END or PREPARE TRANSACTION by simple query or
 * Execute, and the Sync that ends the implicit transaction of a statement that changes the schema. A COMMIT
 * inside of a simple query with several statements cannot wait. */
rh_hold rh_proxy_session_holds(const rh_proxy_session *session, const rh_message *message);
/* It was held, and the server was done with all before it from READY to NOW, at least: that time is no
 * statement's. */
void rh_proxy_session_waited(rh_proxy_session *session, rh_usec ready, rh_usec now);
/* MESSAGE of the client is passed on. */
void rh_proxy_session_sent(rh_proxy_session *session, const rh_message *message, rh_usec now);
/* MESSAGE of the server has come. */
void rh_proxy_session_received(rh_proxy_session *session, const rh_message *message, rh_usec now);

/* No transaction is open by the last ReadyForQuery of the server. */
bool rh_proxy_session_is_idle(const rh_proxy_session *session);
/* No statement is outstanding: at most a Parse, a Bind and the like. */
bool rh_proxy_session_is_quiet(const rh_proxy_session *session);
bool rh_proxy_session_is_blind(const rh_proxy_session *session);
int rh_proxy_session_pid(const rh_proxy_session *session);

/* The text begins with COMMIT, END or PREPARE TRANSACTION, after blanks and comments. */
bool rh_proxy_session_is_commit(const char *sql);
