/* From staging to production: the parts of a duration, each grown to production's size and priced by
 * production's hardware. Pure arithmetic. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/profile.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/predict/predict.h"

/* Splits SECONDS of STATEMENT as its quiet runs' counters tell: CPU is measured, and what is left is divided
 * among reading, writing and WAL in proportion to what their bytes and flushes would cost at PROBE's prices
 * (an ordinary disk's where it has none); lock waits and what no counter explains is waiting. All 0 without a
 * quiet run whose CPU was measured. */
rh_duration_parts rh_parts_of(const rh_statement *statement, double seconds, const rh_probe *probe);

/* CPUs that the backend of STATEMENT and its parallel workers kept busy at once in its quiet runs: CPU /
 * time, 1 and more. */
double rh_parallel_degree(const rh_statement *statement);

/* What is known of the machine that is predicted. */
typedef struct rh_translation {
    const rh_probe *production, *staging; /* values of 0 or NAN: not measured */
    const rh_work_size
        *sizes; /* of each statement of the plan there, in order; 0 rows and bytes: not known */
    const rh_growth_choice *growth; /* by class; NULL: by the work's terms */
    double memory_bytes;            /* there; NAN: not known */
    /* The share of a full page's WAL that is written there: 1 as here, 0 with full_page_writes off; with
     * compression switched on or off, its usual ratio. NAN: not known, taken as here. */
    double image_share;
} rh_translation;

/* Seconds of production per second of staging for a resource; NAN where a probe is missing, at least 1 where
 * one of them was cut short. */
double rh_translation_ratio(const rh_translation *t, rh_probe_kind kind);

/* Turns the statements' predictions for staging (median, interval) into production's: each part grows as the
 * scaled and quiet runs say (CPU as CPU, WAL as WAL), and is multiplied by the ratio of its probes. The
 * interval is widened by the held-out errors of extrapolations over that distance, and by what the probes of
 * one resource disagree about. Also without a profile (T NULL) it fills what the duration consists of, what
 * drives the uncertainty and what would narrow it. */
void rh_predict_production(rh_plan *plan, const rh_translation *t, const rh_probe *staging,
                           const rh_heldouts *heldouts, double level, rh_arena *arena);

/* How long it would take where nothing of what a statement reads is in memory. Pure arithmetic.
 *
 * Staging's passes begin with shared buffers empty and the operating system's cache as the restore left it,
 * which is warm as a rule, and the prediction is for caches like those. A cold one costs the reading of every
 * page that the statement touches, once: a table that it scans page after page, what it finds through an
 * index (and the index) page by page. Those are priced by production's probes, less what they spend on pages
 * that are in memory, and take the place of the reading that the prediction has already.
 */

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
 * medians must be final. T NULL: no profile. Where it is not known cold_s is RH_NOT_MEASURED and cold_basis
 * says why. Fills prediction->caches: how warm staging was. */
void rh_cold_predict(rh_plan *plan, const rh_translation *t, rh_arena *arena, rh_run_prediction *prediction);
