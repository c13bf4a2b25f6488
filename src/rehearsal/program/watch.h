/* Internal to rehearsal/: turns the proxy's events into statements and runs. */
#pragma once
#include "pgrehearse/proxy/proxy.h"
#include "program.h"

typedef struct rh_program_watch rh_program_watch;

/* The last error of the server. */
typedef struct rh_program_failure {
    int ordinal;               /* of the statement; 0: the connection, or a statement that is not listed */
    const char *raw, *message; /* as sent, and without values of the data; NULL: there was none */
    const char *sqlstate;
} rh_program_failure;

/* Of one run of the program. SIDE is used by the proxy's thread only; everything lives in the run's arena,
 * which no other code may use between the proxy's start and its stop. */
rh_program_watch *rh_program_watch_new(const rh_run *run, rh_pg *side, const rh_migration *migration,
                                       const rh_program_options *options);
/* The events for the proxy. */
rh_proxy_events rh_program_watch_events(rh_program_watch *watch);
/* After the proxy has stopped: adds new statements and all runs to ATTEMPT; also the run of a failed
 * statement if the program ended WELL, because then it handled the error. */
void rh_program_watch_finish(rh_program_watch *watch, bool well, rh_attempt *attempt);
rh_program_failure rh_program_watch_failure(const rh_program_watch *watch);
