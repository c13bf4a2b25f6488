/* Translates the predictions to the machine and the sizes in production's profile. */
#pragma once
#include "pgrehearse/model/run.h"

/* Fills parts, drivers and narrows of every statement's prediction, and with a profile turns the predictions
 * into production's: its rows, shared_buffers, maintenance_work_mem, full_page_writes, wal_compression,
 * memory and probes. What the profile lacks is taken as on staging and named in the basis. Call after the
 * statements were predicted for staging. */
void rh_translate_predictions(rh_run *run, double level);

/* What they would be, were production's caches cold (predict/cold.h). Call when the medians and their total
 * are final.
 */
void rh_translate_cold(rh_run *run);
