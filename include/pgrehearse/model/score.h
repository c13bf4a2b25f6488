/* A prediction held against what production really took. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* One line of the actual durations. */
typedef struct rh_score_row {
    const char *migration;
    int statement;                     /* ordinal; 0: the migration as a whole */
    double predicted_s, low_s, high_s; /* low, high not measured (NAN) without an interval */
    double actual_s;                   /* without lock_wait_s, as the prediction is */
    double lock_wait_s;                /* that production waited for locks besides; 0 when it is not told */
    const char *class_;                /* of the statement, or of the one that makes up its migration; NULL */
    double correction;                 /* that predicted_s has from earlier scores; 1: none */
    bool translated;                   /* the prediction was, to production's hardware */
} rh_score_row;

typedef struct rh_score {
    const char *source; /* "durations", "server log" */
    rh_score_row *rows;
    size_t row_count;
    size_t scored;    /* rows long enough that their error means something */
    size_t too_short; /* rows that are not */
    size_t with_interval, inside;
    double level;                       /* of the intervals; NAN without one */
    double median_abs_error, bias;      /* relative: |predicted/actual − 1|, and its signed median */
    double coverage;                    /* inside / with_interval; NAN without intervals */
    double coverage_low, coverage_high; /* its 95 % Wilson interval */
    const char **unmatched;             /* sentences: what was left out, and why */
    size_t unmatched_count;
} rh_score;
