/* Windows under load: what the screening and the confirming run share. */
#pragma once
#include "pgrehearse/observe/sampler.h"
#include "pgrehearse/workload/workload.h"
#include "sweep.h"

/* One state of the database, from a reset to the next. */
typedef struct rh_sweep_round {
    rh_sweep *sweep;
    rh_generator *generator; /* NULL: no load */
    rh_sampler *sampler;
    rh_pg *side;
    rh_usec began;
    size_t first_window; /* of this round, in the evidence */
    rh_sweep_pids pids;  /* of the workers */
} rh_sweep_round;

/* Starts the load and the sampler; ROUND has only its sweep. */
bool rh_sweep_round_begin(rh_sweep_round *round, rh_error *error);
/* One window of DURATION: of the setting INDEX of RESULT, or SIZE_MAX: without batches. */
bool rh_sweep_window(rh_sweep_round *round, const rh_backfill_result *result, size_t index, rh_usec duration,
                     rh_error *error);
/* Stops the load and the sampler, and gives the windows what these saw; also after a begin that failed. */
void rh_sweep_round_end(rh_sweep_round *round);
