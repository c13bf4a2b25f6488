/* Interrupts a migration while one of its statements runs: a thread waits until the statement is under way,
 * and then terminates its connection, or crashes the server. A program that goes on waiting for a server that
 * is gone is ended too. */
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
    const rh_statement *target;     /* during which it is fired */
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

/* With staging, how, target and delay set. MIGRATION: the session to be terminated; NULL: that of the
 * program's that sends the target. */
bool rh_fault_injection_start(rh_fault_injection *fault, rh_pg *migration, rh_error *error);
/* Joins the thread. A fault that has not fired yet does not any more. Waits until the session has gone (30 s
 * at most), or until the crashed server is up again. Takes one that never started. */
bool rh_fault_injection_finish(rh_fault_injection *fault, rh_error *error);
