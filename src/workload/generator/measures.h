/* Counts and times of arrivals by outcome, for each window, template and second of their intended start.
 *
 * rh_measures_window may be called from any thread; everything else belongs to the generator's thread (and
 * after that was joined, to whoever joined it). Memory does not grow with the length of the run but for one
 * rh_load_second a second: a window or second whose arrivals have all ended is folded to its quantiles.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/load.h"

typedef struct rh_measures rh_measures;
typedef struct rh_measure_window rh_measure_window;

/* How an arrival ended. Dropped: it did not run because the queue was full or the run ended; its time until
 * then counts. */
typedef enum rh_request_outcome { RH_REQUEST_DONE, RH_REQUEST_ERROR, RH_REQUEST_DROPPED } rh_request_outcome;

/* The counters of an arrival that has not ended yet. */
typedef struct rh_measure_slot {
    rh_measure_window *window;
    rh_usec intended;
    int second;
    uint32_t template_index;
} rh_measure_slot;

/* The first window, from 0 on, is BEFORE. MIX must outlive it. */
rh_measures *rh_measures_new(const rh_mix *mix);
void rh_measures_free(rh_measures *measures);
/* From AT_US (since the load began, not before the last one) on. The window in force set again changes
 * nothing. */
void rh_measures_window(rh_measures *measures, rh_usec at_us, rh_window_kind kind, const char *migration);
/* An arrival whose intended start is INTENDED µs since the load began; in rising order. */
rh_measure_slot rh_measures_begin(rh_measures *measures, rh_usec intended, uint32_t template_index);
/* Of the window that the arrival belongs to. */
rh_window_kind rh_measures_slot_kind(rh_measure_slot slot);
/* RESPONSE_US from the intended start; SERVICE_US from the send, -1 when it was never sent. Errors and
 * dropped arrivals count in the response times, too. */
void rh_measures_end(rh_measures *measures, rh_measure_slot slot, rh_request_outcome outcome,
                     rh_usec response_us, rh_usec service_us);
/* The arrival's attempt failed and is made again. */
void rh_measures_retry(rh_measures *measures, rh_measure_slot slot);
/* Counts one failure of TEMPLATE_NAME (kept, not copied), also if a retry succeeds; BEFORE: of an arrival
 * before the first migration. Copies the other strings. */
void rh_measures_error(rh_measures *measures, const char *template_name, const char *sqlstate,
                       const char *message, bool before);
/* All arrivals ended, the load stops at END_US: fills windows, seconds, errors and saturated of LOAD in
 * ARENA. */
void rh_measures_finish(rh_measures *measures, rh_usec end_us, rh_arena *arena, rh_load *load);
