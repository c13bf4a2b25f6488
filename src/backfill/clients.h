/* Clients that write beside a run of the proof, as an application does, always near the rows that the
 * backfill is about to reach. */
#pragma once
#include "proof.h"

typedef enum rh_client_kind {
    RH_CLIENT_UPDATE, /* other columns of rows that are about to be changed */
    RH_CLIENT_DELETE, /* such rows */
    RH_CLIENT_LOCK,   /* keeps such rows locked for a while */
    RH_CLIENT_INSERT, /* copies of rows with other keys */
    RH_CLIENT_PARENT, /* updates such a row, then locks the row that it refers to by a foreign key */
    RH_CLIENT_PAIR,   /* updates two such rows in a transaction, in either order */
    RH_CLIENT_COUNT
} rh_client_kind;

typedef struct rh_clients rh_clients;

/* One thread a kind of KINDS (bits: 1 << kind). INSERTS_UNTIL: the share of the rows at which inserts end. */
rh_clients *rh_clients_start(rh_proof *proof, unsigned kinds, double inserts_until, rh_error *error);

typedef struct rh_clients_done {
    int64_t done[RH_CLIENT_COUNT];    /* transactions that changed or locked something */
    int64_t failed[RH_CLIENT_COUNT];  /* that the server refused */
    int64_t deadlocks;                /* in which a client was the victim */
    const char *why[RH_CLIENT_COUNT]; /* of the last that was refused; NULL: none. In the arena */
} rh_clients_done;
/* Stops and frees. Takes NULL. */
rh_clients_done rh_clients_stop(rh_clients *clients);

/* A column that UPDATE may change; NULL: there is none. */
const rh_digest_column *rh_clients_column(const rh_proof *proof);
