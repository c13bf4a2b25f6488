/* Definitions shared by the scaled, quiet and loaded passes. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pass.h"
#include "pgrehearse/workload/workload.h"

/* What a pass is made of; every field may be zero. */
typedef struct rh_pass {
    const rh_run *run;
    rh_staging *staging;
    const rh_progress *progress;
    int repeat;
    double scale;
    const rh_work_size *whole; /* of the whole database, on a sample; NULL */
    rh_pg *migration;
    rh_observer *observer;
    rh_generator *generator;
    rh_loaded_result *loaded; /* where disturbers go; NULL: there are none */
    rh_usec began;            /* loaded: second 0 of the load */
    rh_pass_result result;
} rh_pass;

/* Connects and starts to observe; BEGAN is second 0 of samples. */
bool rh_pass_open(rh_pass *pass, rh_usec began, rh_error *error);
/* Every pending migration, each under load with its disturbers and its window; adds the attempts and a
 * record. */
bool rh_pass_replay(rh_pass *pass, rh_error *error);
/* Ends what was opened; returns what the sampler saw. */
rh_contention rh_pass_close(rh_pass *pass);

/* Is the migration that ATTEMPT is of to blame for ERROR, or the server? A session that was lost says nothing
 * of the migration: ERROR then says so. Returns false. */
bool rh_pass_attribute_error(rh_staging *staging, const rh_migration *migration, rh_error *error);
/* Adds ATTEMPT, and its notes. */
void rh_pass_add_attempt(rh_pass_result *result, rh_arena *arena, const rh_attempt *attempt);
