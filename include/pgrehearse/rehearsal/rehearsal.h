/* The pipeline. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* The exit codes of the contract. */
enum {
    RH_EXIT_OK = 0,
    RH_EXIT_GATE = 1,
    RH_EXIT_MIGRATION = 2,
    RH_EXIT_INCONCLUSIVE = 3,
    RH_EXIT_REFUSED = 4,
    RH_EXIT_FAILED = 5,
    RH_EXIT_USAGE = 64,
    RH_EXIT_INTERRUPTED = 130
};
/* The exit code an error ends with. */
int rh_exit_code(const rh_error *error);

typedef struct rh_rehearsal_options {
    const char *output; /* run directory; NULL: reports/runs/<name>/<UTC time> under the working directory */
    bool keep_staging;
    const rh_progress *progress;
} rh_rehearsal_options;

/* Rehearses the scenario: every stage in order, report written, everything that was started stopped. RUN
 * (zeroed) is filled in ARENA also on failure; its exit_code is returned. ERROR is set when the run ended
 * early or the report could not be written. */
int rh_rehearse(const rh_scenario *scenario, const rh_rehearsal_options *options, rh_arena *arena,
                rh_run *run, rh_error *error);

/* Makes the plan of SCENARIO without a server. */
bool rh_rehearsal_plan(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan, rh_backup_facts *backup,
                       rh_error *error);

/* Fills schema, settings and server version of PLAN: the backup's definitions (a physical copy's are read
 * from STAGING, which a dump does not need), and the settings in the scenario. */
bool rh_rehearsal_read_schema(const rh_scenario *scenario, const rh_backup_facts *backup, rh_staging *staging,
                              rh_arena *arena, rh_plan *plan, rh_error *error);

/* SCENARIO with a backfill for each pending UPDATE or DELETE of PLAN that changes a whole table and is the
 * sum of batches, in place of the item auto; SCENARIO itself where it has none. Those that cannot be run in
 * batches are in NOTES, with the reason. In ARENA. */
const rh_scenario *rh_backfills_offered(const rh_scenario *scenario, const rh_plan *plan, rh_arena *arena,
                                        rh_notes *notes);

/* Loads a scenario, for cli/. */
bool rh_rehearsal_load(const char *path, const char *const *sets, size_t set_count, rh_arena *arena,
                       rh_scenario *scenario, rh_error *error);
