/* The statements' predictions, gathered from the record for the chart and its table. */
#pragma once
#include "view.h"

enum { RH_PARTS = 5 }; /* CPU, read, write, WAL, waiting */

typedef struct rh_prediction_bar {
    const char *label; /* "000012.1 ALTER TABLE" */
    double median_s, low_s, high_s, staging_s;
    bool has_parts;
    double parts_s[RH_PARTS]; /* they add up to the median */
    const char *drivers, *narrows, *basis, *cold_basis;
    double cold_s;
} rh_prediction_bar;

/* *BARS in the view's arena, the longest first. Returns how many. */
size_t rh_prediction_bars(const rh_view *view, rh_prediction_bar **bars);
