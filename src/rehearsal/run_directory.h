/* The run directory: created first, marked incomplete until the end, never shared by two runs; and the
 * run's log. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"
#include <stdio.h>

/* Creates OUTPUT (it must not exist, or be empty), or reports/runs/<scenario name>/<UTC time> under the
 * working directory when NULL, with samples/ and log/ and the file INCOMPLETE in it. Sets run->directory and
 * run->id. */
bool rh_run_directory_make(rh_run *run, const char *output, rh_error *error);
/* Removes INCOMPLETE: everything that belongs into the directory is there. */
bool rh_run_directory_complete(const rh_run *run, rh_error *error);

/* Appends every progress event to log/pgrehearse.log with its time, and passes it on. */
typedef struct rh_run_log {
    FILE *file;
    const rh_progress *next;
    rh_progress progress; /* hand this to the stages */
} rh_run_log;
bool rh_run_log_open(rh_run_log *log, const rh_run *run, const rh_progress *next, rh_error *error);
/* Takes a log that never opened. */
void rh_run_log_close(rh_run_log *log);
