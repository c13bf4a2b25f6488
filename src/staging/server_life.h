/* Whether a running server has lost a process: PostgreSQL then ends all the others and starts again within a
 * moment, and a session that is opened afterwards notices nothing. */
#pragma once
#include "pgrehearse/adapters/pg.h"

/* The checkpointer lives as long as the server does without a crash. Its start time tells it from a later
 * process of the same number. */
typedef struct rh_server_life {
    int checkpointer;      /* pid; 0: not recorded */
    long long start_ticks; /* since the machine started */
    bool recovered;        /* from a crash, since the postmaster started */
} rh_server_life;

/* Records the checkpointer over a superuser's connection to a server on this machine. False while there is
 * none yet. */
bool rh_server_life_note(rh_pg *pg, rh_server_life *life);
/* True if the recorded checkpointer has ended. False if none was recorded. */
bool rh_server_life_has_ended(const rh_server_life *life);
