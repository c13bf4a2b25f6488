/* For each relation, when and for how much of the time its reads and its writes were blocked. */
#pragma once
#include "view.h"

enum { RH_HEAT_LEVELS = 4 };

/* An interval. LEVEL 1 … RH_HEAT_LEVELS: up to that share of it, in quarters, was blocked. */
typedef struct rh_heat_cell {
    double from_s, to_s; /* since the load began */
    int level;
} rh_heat_cell;

typedef struct rh_heat_row {
    rh_heat_cell *cells; /* in order; nothing was blocked between two cells */
    size_t cell_count;
    double total_s, longest_s; /* total blocked time; the longest continuous one */
} rh_heat_row;

typedef struct rh_heat_strip {
    const char *relation;
    rh_heat_row reads, writes;
} rh_heat_strip;

/* From contention.blocked of the record, the time FROM_S to TO_S divided into BINS; intervals that overlap
 * count once. *STRIPS, in the view's arena: the relations that were blocked longest first. Returns how many.
 */
size_t rh_heat_gather(const rh_view *view, double from_s, double to_s, size_t bins, rh_heat_strip **strips);
