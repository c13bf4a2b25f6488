/* A session in another database that checks, on the server, whether a session waits for a lock: 50 checks a
 * second from here would cost a round trip each. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/clock.h"

typedef struct rh_waiter_watch rh_waiter_watch;

/* In the database "postgres" of the server that CONNINFO names. NULL if that is the sampled DATABASE
 * itself, or the connection or its preparation fails. */
rh_waiter_watch *rh_waiter_watch_open(const char *conninfo, const char *database);
/* NULL is a no-op. Cancels the query in progress. */
void rh_waiter_watch_close(rh_waiter_watch *watch);

/* Begins ROUNDS checks, INTERVAL apart, the first after one INTERVAL. Not while it is busy. */
bool rh_waiter_watch_begin(rh_waiter_watch *watch, rh_usec interval, int rounds);
bool rh_waiter_watch_is_busy(const rh_waiter_watch *watch);
/* Readable when an answer may be there. */
int rh_waiter_watch_socket(const rh_waiter_watch *watch);

typedef enum rh_waiters {
    RH_WAITERS_PENDING, /* its checks are not complete */
    RH_WAITERS_ABSENT,  /* no session waited in any of its checks */
    RH_WAITERS_PRESENT, /* a session waits */
    RH_WAITERS_UNKNOWN  /* its connection is lost */
} rh_waiters;
/* GAP: the longest time between two checks, in whole ms, when it was not busy. */
rh_waiters rh_waiter_watch_ask(rh_waiter_watch *watch, rh_usec *gap);
/* CPU seconds of its session on this machine. */
double rh_waiter_watch_cpu(const rh_waiter_watch *watch);
