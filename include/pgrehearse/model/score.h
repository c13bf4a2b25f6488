/* A prediction held against what production really took. */
#pragma once
#include <stddef.h>

/* One line of the actual durations. */
typedef struct rh_score_row {
    const char *migration;
    int statement;                     /* ordinal; 0: the migration as a whole */
    double predicted_s, low_s, high_s; /* low, high not measured (NAN) without an interval */
    double actual_s;
} rh_score_row;

typedef struct rh_score {
    rh_score_row *rows;
    size_t row_count;
    size_t with_interval, inside;
    double level;                       /* of the intervals; NAN without one */
    double median_abs_error, bias;      /* relative: |predicted/actual − 1|, and its signed median */
    double coverage;                    /* inside / with_interval; NAN without intervals */
    double coverage_low, coverage_high; /* its 95 % Wilson interval */
    const char **unmatched;             /* sentences: lines of the file that fit nothing in the run */
    size_t unmatched_count;
} rh_score;
