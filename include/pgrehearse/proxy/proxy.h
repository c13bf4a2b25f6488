/* A proxy between a migration program and the staging server. It forwards every byte unchanged and reports
 * the statements in the protocol's messages by callbacks.
 *
 * The program connects to a Unix socket in a directory that only this account can enter, or to a port of
 * 127.0.0.1 that accepts connections of this account and of root only, because the server may authenticate by
 * "trust". The proxy refuses SSL and GSS encryption, as a server without them does; it forwards everything
 * else, authentication and cancel requests included. A held message delays only its own connection.
 */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "proxy/session.h"

typedef struct rh_proxy rh_proxy;

/* A client's message that the proxy holds back. */
typedef struct rh_proxy_held {
    int connection, pid;
    rh_hold reason;
    /* All statements before it were answered. If false (a pipeline), the server may still execute earlier
     * ones; pg_stat_activity.wait_event is ClientRead when it no longer does. */
    bool answered;
    bool idle; /* no transaction is open on the connection, by the server's last answer */
} rh_proxy_held;

/* All are called in the proxy's thread. */
typedef struct rh_proxy_events {
    rh_proxy_session_events session; /* user, begun, ended, transaction_ended */
    /* Decides about a held message. True: forward it. False: hold it and the client's later bytes, and call
     * again soon; the server's answers are forwarded meanwhile. NULL: no message is held. */
    bool (*hold)(void *user, const rh_proxy_held *held);
    /* The server has closed the connection, so its backend has ended. May be NULL. */
    void (*closed)(void *user, int connection);
} rh_proxy_events;

typedef struct rh_proxy_options {
    const rh_pg *server;   /* a connection to the server to which programs are forwarded */
    const char *directory; /* parent of the socket's directory; NULL, or if its path is too long for a socket:
                              /tmp */
    rh_usec long_us; /* after a statement that took longer, the next message is held (RH_HOLD_READING) */
    rh_proxy_events events;
} rh_proxy_options;

/* Opens the listeners and starts the proxy's thread. */
rh_proxy *rh_proxy_start(const rh_proxy_options *options, rh_error *error);
/* Closes every connection and joins the thread: no event comes after it. Takes NULL. */
void rh_proxy_stop(rh_proxy *proxy);
/* Stops the proxy, removes the socket and frees. Takes NULL. */
void rh_proxy_free(rh_proxy *proxy);

/* The port, the same for the Unix socket and for 127.0.0.1. */
int rh_proxy_port(const rh_proxy *proxy);
/* The directory of the Unix socket, for PGHOST. */
const char *rh_proxy_socket_directory(const rh_proxy *proxy);
/* After rh_proxy_stop: the total time for which messages were held; the number of connections, and in *BLIND
 * how many of them the proxy forwarded without observing them, because a message did not follow the protocol.
 */
rh_usec rh_proxy_held_us(const rh_proxy *proxy);
int rh_proxy_connections(const rh_proxy *proxy, int *blind);
