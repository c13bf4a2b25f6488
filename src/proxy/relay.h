/* Internal to proxy/: one client's connection and the corresponding connection to the server. */
#pragma once
#include "pgrehearse/adapters/event_loop.h"
#include "pgrehearse/proxy/proxy.h"
#include <sys/socket.h>

typedef struct rh_relay rh_relay;

typedef struct rh_relay_options {
    int number;
    const struct sockaddr *server;
    socklen_t server_length;
    rh_usec long_us;
    const rh_proxy_events *events;
    void (*closed)(void *user, rh_relay *relay); /* both sides are gone: the owner frees it */
    void (*held)(void *user);                    /* rh_relay_due has changed */
    void *user;
} rh_relay_options;

/* Takes CLIENT over (closed with it, also on failure) and begins to connect to the server. OPTIONS->events
 * outlives it. NULL on failure. */
rh_relay *rh_relay_new(rh_loop *loop, int client, const rh_relay_options *options);
/* Closes both connections. */
void rh_relay_free(rh_relay *relay);
/* When to ask again for what is held (monotonic); 0: nothing is. */
rh_usec rh_relay_due(const rh_relay *relay);
/* Asks again. */
void rh_relay_retry(rh_relay *relay);
int rh_relay_number(const rh_relay *relay);
/* The server closed its side. */
bool rh_relay_server_has_gone(const rh_relay *relay);
rh_usec rh_relay_held_us(const rh_relay *relay);
bool rh_relay_is_blind(const rh_relay *relay);
