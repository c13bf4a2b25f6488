/* A session in another database that looks, on the server, whether anybody waits for a lock: looking 50 times
 * a second from here would cost a round trip each time. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/clock.h"

typedef struct rh_lookout rh_lookout;

/* In the database "postgres" of the server that CONNINFO names. NULL when that is the watched DATABASE
 * itself, or cannot be connected to, or does not have what it needs: then there is none. */
rh_lookout *rh_lookout_open(const char *conninfo, const char *database);
/* Takes NULL. What it is at is cancelled. */
void rh_lookout_close(rh_lookout *lookout);

/* Begins LOOKS looks, NAP apart, the first after a nap. Not while it is at it. */
bool rh_lookout_begin(rh_lookout *lookout, rh_usec nap, int looks);
bool rh_lookout_is_busy(const rh_lookout *lookout);
/* Readable when an answer may be there. */
int rh_lookout_socket(const rh_lookout *lookout);

typedef enum rh_lookout_answer {
    RH_LOOKOUT_BUSY,     /* still at it */
    RH_LOOKOUT_NOBODY,   /* waited in all its looks */
    RH_LOOKOUT_SOMEBODY, /* waits */
    RH_LOOKOUT_LOST      /* it does not look any more */
} rh_lookout_answer;
/* GAP: the longest time between two looks, in whole ms, when it was not busy. */
rh_lookout_answer rh_lookout_ask(rh_lookout *lookout, rh_usec *gap);
/* CPU seconds of its session on this machine. */
double rh_lookout_cpu(const rh_lookout *lookout);
