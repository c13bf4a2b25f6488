/* How long it would take where nothing of what a statement reads is in memory. Pure arithmetic.
 *
 * Staging's passes begin with shared buffers empty and the operating system's cache as the restore left it,
 * which is warm as a rule, and the prediction is for caches like those. A cold one costs the reading of every
 * page that the statement touches, once: a table that it scans page after page, what it finds through an
 * index (and the index) page by page. Those are priced by production's probes, less what they spend on pages
 * that are in memory, and take the place of the reading that the prediction has already.
 */
#pragma once
#include "pgrehearse/predict/translate.h"

/* What a statement touches of what was there before it, at staging's size. */
typedef struct rh_cold_reading {
    double sequential_bytes; /* NAN: not known */
    double random_pages;     /* likewise */
} rh_cold_reading;

/* By what its first quiet run did to relations (rh_statement_work). */
rh_cold_reading rh_cold_reading_of(const rh_statement *statement);

/* Bytes/s that PROBE read from its device; NAN when it read none, or nothing tells its device from the
 * operating system's cache: as fast as a third of shared buffers, or 1.5 GB/s where those were not probed. */
double rh_cold_bytes_per_s(const rh_probe *probe);
/* Seconds of a single page from its device; NAN likewise, below 30 µs. */
double rh_cold_page_s(const rh_probe *probe);

/* Fills cold_s and cold_basis of every predicted statement of PLAN, and of the whole in PREDICTION, whose
 * medians must be final. T NULL: no profile. Where it cannot be told cold_s is RH_NOT_MEASURED and cold_basis
 * says why. Fills prediction->caches: how warm staging was. */
void rh_cold_predict(const rh_plan *plan, const rh_translation *t, rh_arena *arena,
                     rh_run_prediction *prediction);
