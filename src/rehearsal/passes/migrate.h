/* One migration, whatever it is: files, replayed as their framework would, or a program, run as it is. */
#pragma once
#include "observer.h"
#include "pgrehearse/staging/staging.h"

/* What rh_replay is for files and rh_program_run for programs. PG is the session that migrates files;
 * OBSERVER (may be NULL) is whose sampler is told what runs. */
bool rh_migrate(rh_run *run, const rh_staging *staging, rh_pg *pg, rh_migration *migration,
                const rh_replay_options *options, rh_observer *observer, double *elapsed_s, rh_error *error);
