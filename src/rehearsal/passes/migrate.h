/* Runs one migration: replays its files as their framework would, or runs the migration program. */
#pragma once
#include "fault_injection.h"
#include "observer.h"
#include "pgrehearse/staging/staging.h"

typedef struct rh_migrate_options {
    rh_direction direction;
    rh_pass_kind pass;
    int repeat;
    double scale;
    rh_usec statement_timeout;       /* of files; 0: none */
    bool record, again;              /* as in rh_replay_options */
    rh_observer *observer;           /* observes it; NULL */
    const rh_fault_injection *fault; /* interrupts it, started; NULL */
} rh_migrate_options;

/* Calls rh_replay for files or rh_program_run for a program. PG is the session for files. If the migration
 * failed for missing privileges (SQLSTATE 42501), the hint has its role and what to do. */
rh_attempt rh_migrate(const rh_run *run, const rh_staging *staging, rh_pg *pg, const rh_migration *migration,
                      const rh_migrate_options *options, rh_error *error);
