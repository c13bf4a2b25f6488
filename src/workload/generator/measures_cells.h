/* Internal to workload/generator/: the counters and times behind rh_measures. */
#pragma once
#include "measures.h"
#include <pthread.h>

/* Response and service times of one template, or of all, in one window. Histograms are made when first
 * needed. */
typedef struct rh_measure_cell {
    int64_t transactions, errors, dropped, retries;
    rh_usec longest, longest_from; /* the longest response, and its intended start */
    rh_histogram *response, *service;
} rh_measure_cell;

struct rh_measure_window {
    rh_window_kind kind;
    char *migration;
    rh_usec start;
    int64_t arrivals, pending;
    rh_measure_cell *cells; /* one a template, then one for all; NULL once folded */
    rh_load_window folded;
    rh_template_window *folded_templates; /* in the heap */
};

/* Times as they came: exact, and for the rates of an application smaller than a histogram. */
typedef struct rh_measure_times {
    uint32_t *us;
    size_t count, capacity;
} rh_measure_times;

typedef struct rh_measure_second {
    int64_t arrivals, transactions, errors, dropped, pending;
    rh_measure_times response, service;
} rh_measure_second;

/* An rh_load_error that is counted still. */
typedef struct rh_measure_error {
    const char *template_name;
    char *sqlstate, *message;
    int64_t count, before;
} rh_measure_error;

struct rh_measures {
    const rh_mix *mix;
    pthread_mutex_t mutex; /* guards windows, window_count and what a window starts with */
    rh_measure_window **windows;
    size_t window_count, first_open;
    rh_measure_cell *during; /* over all migrations */
    rh_load_second *seconds; /* [0, live_from) are folded */
    rh_measure_second *live; /* [live_from, live_from + live_count) */
    size_t live_from, live_count, live_capacity;
    rh_measure_error *errors;
    size_t error_count;
    bool saturated;
};

void rh_measures_free_cells(rh_measure_cell *cells, const rh_mix *mix);
/* Windows that ended before INTENDED and have nothing pending. Call with the mutex held. */
void rh_measures_fold_windows(rh_measures *measures, rh_usec intended);
/* The seconds before SECOND, oldest first, up to one that has an arrival pending. */
void rh_measures_fold_seconds(rh_measures *measures, size_t second);
/* The windows of LOAD, once all arrivals have ended. */
void rh_measures_fill_windows(rh_measures *measures, rh_usec end_us, rh_arena *arena, rh_load *load);
