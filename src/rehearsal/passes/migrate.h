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

/* What rh_replay is for files and rh_program_run for programs. PG is the session that migrates files. To one
 * that failed for want of rights (SQLSTATE 42501), the hint says as whom it ran, and what to do. */
rh_attempt rh_migrate(const rh_run *run, const rh_staging *staging, rh_pg *pg, const rh_migration *migration,
                      const rh_migrate_options *options, rh_error *error);
