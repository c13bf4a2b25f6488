/* A migration that is a program: run as it is, with the staging database in its environment, through the
 * proxy. */
#pragma once
#include "rehearsal/passes/observer.h"
#include "pgrehearse/staging/staging.h"

/* Callbacks while a program runs. */
typedef struct rh_program_hooks {
    void *user;
    void (*started)(void *user, pid_t program); /* its process, which leads a group of its own */
    /* In the proxy's thread: a statement of the migration's script, known from an earlier run, is handed to
     * the server's process PID; it ended. */
    void (*begun)(void *user, const rh_statement *statement, int pid);
    void (*ended)(void *user, const rh_statement *statement, bool ok);
} rh_program_hooks;

typedef struct rh_program_options {
    rh_direction direction;
    rh_pass_kind pass;
    int repeat;
    double scale;
    bool record;                           /* its statements become rows and runs of the migration's script */
    rh_observer *observer;                 /* gets the running statements; NULL: none */
    const rh_program_hooks *program_hooks; /* may be NULL */
} rh_program_options;

/* Runs the program, as rh_replay runs files. The attempt's elapsed_s is the program's time without the time
 * for which messages were held. RH_ERROR_MIGRATION if the program's exit status is not 0: the message has the
 * last line of its output and its last SQL error. */
rh_attempt rh_program_run(const rh_run *run, const rh_staging *staging, const rh_migration *migration,
                          const rh_program_options *options, rh_error *error);
