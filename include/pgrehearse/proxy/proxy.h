/* A relay between a program and its server. It forwards every byte unchanged and reports, by callbacks, what
 * the messages of the protocol say.
 *
 * The program connects to a Unix socket in a directory that only this account can enter, or to a port of
 * 127.0.0.1 that takes connections of this account (and root's) alone, because the server behind it may trust
 * whoever reaches it. Requests for SSL and GSS encryption are answered with a no, as a server without them
 * would; everything else, authentication and cancel requests too, goes through. What is held is never more
 * than one connection's: the others go on.
 */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "proxy/session.h"

typedef struct rh_proxy rh_proxy;

/* A client's message that the proxy holds back. */
typedef struct rh_proxy_held {
    int connection, pid;
    rh_hold reason;
    /* All statements before it were answered. When false (a pipeline), the server has taken all that was
     * sent, and may still work on it: pg_stat_activity.wait_event says ClientRead when it does not. */
    bool answered;
    bool idle; /* no transaction is open on the connection, as far as the server has answered */
} rh_proxy_held;

/* All are called in the proxy's thread. */
typedef struct rh_proxy_events {
    rh_proxy_session_events session; /* user, begun, ended, transaction_ended */
    /* Decides about a held message. True: forward it; false: hold it, and call again soon. The client's later
     * bytes wait with it; the server's answers do not. NULL: no message is held. */
    bool (*hold)(void *user, const rh_proxy_held *held);
    /* The server has closed the connection, so its backend has ended. May be NULL. */
    void (*closed)(void *user, int connection);
} rh_proxy_events;

typedef struct rh_proxy_options {
    const rh_pg *server;   /* a connection to the server: its address is where programs are passed on to */
    const char *directory; /* where the socket's directory is made; /tmp when NULL or when its path is too
                              long for a socket */
    rh_usec long_us;       /* a statement that takes longer is one that is read behind: RH_HOLD_READING */
    rh_proxy_events events;
} rh_proxy_options;

/* Listens and starts the thread. */
rh_proxy *rh_proxy_start(const rh_proxy_options *options, rh_error *error);
/* Closes every connection and joins the thread: no event comes after it. Takes NULL. */
void rh_proxy_stop(rh_proxy *proxy);
/* Stops it, removes the socket and frees. Takes NULL. */
void rh_proxy_free(rh_proxy *proxy);

/* The same number for both. */
int rh_proxy_port(const rh_proxy *proxy);
/* What PGHOST takes for the Unix socket. */
const char *rh_proxy_socket_directory(const rh_proxy *proxy);
/* After rh_proxy_stop: how long messages were held, in all; the number of connections; and how many of them
 * were only relayed from some message on, because it did not follow the protocol. */
rh_usec rh_proxy_held_us(const rh_proxy *proxy);
int rh_proxy_connections(const rh_proxy *proxy, int *blind);
