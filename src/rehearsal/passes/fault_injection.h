/* Interrupts a migration while one of its statements runs: a thread waits until the statement runs, and
 * then terminates its connection, or crashes the server. A program that continues to wait for a server that
 * has crashed is ended too. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/model/rollback.h"
#include "rehearsal/program/program.h"
#include "pgrehearse/staging/staging.h"
#include <pthread.h>

typedef struct rh_fault_injection {
    rh_staging *staging;
    rh_interruption_how how;
    const rh_statement *target;     /* the statement during which it is fired */
    rh_usec delay;                  /* after its start */
    rh_replay_hooks hooks;          /* hand these to rh_replay */
    rh_program_hooks program_hooks; /* or this to rh_program_run */

    /* afterwards: */
    rh_usec began;    /* of TARGET; 0: it never ran */
    rh_usec fired_at; /* 0: never */
    bool completed;   /* TARGET ended well, before or in spite of the fault */

    /* its own */
    rh_pg *side;
    int pid;
    pid_t program; /* 0: the migration is none */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool started, armed, given_up;
} rh_fault_injection;

/* Call with staging, how, target and delay set. MIGRATION: the session to terminate; NULL: the program's
 * session that sends the target. */
bool rh_fault_injection_start(rh_fault_injection *fault, rh_pg *migration, rh_error *error);
/* Joins the thread; a fault that has not fired yet is cancelled. Waits until the session has ended (at most
 * 30 s), or the crashed server is up again. May be called if it was not started. */
bool rh_fault_injection_finish(rh_fault_injection *fault, rh_error *error);
