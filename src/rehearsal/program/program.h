/* A migration that is a program: run as it is, with the staging database in its environment, through the
 * proxy. */
#pragma once
#include "rehearsal/passes/observer.h"
#include "pgrehearse/staging/staging.h"

/* Who is told what a program does while it does it. */
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
    rh_observer *observer;                 /* whose sampler is told what runs; NULL: none */
    const rh_program_hooks *program_hooks; /* may be NULL */
} rh_program_options;

/* What rh_replay is for files. The attempt's elapsed_s is the program's own time, without what messages were
 * held for. It fails (RH_ERROR_MIGRATION) when the program does not end with 0: the message has its last
 * word, and the last SQL error it met. */
rh_attempt rh_program_run(const rh_run *run, const rh_staging *staging, const rh_migration *migration,
                          const rh_program_options *options, rh_error *error);
