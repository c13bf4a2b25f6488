/* Runs the program that restores a physical copy (backup.command). */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* What it restored: PLACE/data, which is its $PGDATA, and PLACE/tablespaces. */
typedef struct rh_fetched {
    rh_place place; /* the caller's to remove, also after a failure; nothing was run: lock -1 */
    const char *data;
} rh_fetched;

/* Runs the program, which has our whole environment and the network, until it ends; then recognises what it
 * restored (run->backup). RH_ERROR_BACKUP, at its line of the scenario: it cannot be started, failed, took
 * longer than backup.timeout, or left no physical copy that can be restored. */
bool rh_fetch_backup(rh_run *run, rh_fetched *fetched, const rh_progress *progress, rh_error *error);
