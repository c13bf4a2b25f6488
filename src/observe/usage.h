/* Internal to observe/: reads the resource usage of a session's backend over that session. */
#pragma once
#include "pgrehearse/observe/counters.h"

/* Asks the session PG, which is in no failed transaction, about itself; its transaction and settings are
 * afterwards what they were. */
bool rh_usage_ask(rh_pg *pg, rh_usage *usage, rh_error *error);
