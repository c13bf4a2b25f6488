/* Whether a running server has lost a process: PostgreSQL then ends all the others and starts again within a
 * moment, and a session that is opened afterwards notices nothing. */
#pragma once
#include "pgrehearse/adapters/pg.h"

/* The checkpointer lives as long as the server does without a crash. Its start time tells it from a later
 * process of the same number. */
typedef struct rh_server_life {
    int checkpointer;      /* 0: nothing was noted */
    long long start_ticks; /* since the machine started */
} rh_server_life;

/* By a superuser's connection to a server on this machine. False while the server has no checkpointer yet. */
bool rh_server_life_note(rh_pg *pg, rh_server_life *life);
/* Has the checkpointer of then ended? False when nothing was noted. */
bool rh_server_life_has_ended(const rh_server_life *life);
