/* What earlier predictions of the same scenario were off by: plain data for the intervals. */
#pragma once
#include "pgrehearse/model/migration.h"

/* What the prediction was held against. */
typedef enum rh_residual_kind {
    RH_RESIDUAL_BACKTEST,   /* the full-size quiet pass of its own run */
    RH_RESIDUAL_PRODUCTION, /* production, by "pgrehearse score" */
} rh_residual_kind;
typedef struct rh_residual {
    rh_residual_kind kind;
    rh_statement_class class_;
    double predicted_s, low_s, high_s; /* low, high: not measured without an interval */
    double correction;                 /* that predicted_s has from scores before it; 1: none */
    double actual_s;
    bool translated; /* to production's hardware, size or settings */
    const char *run; /* id of the run that predicted it */
} rh_residual;

typedef struct rh_history {
    const char *directory; /* where it was looked for; NULL: nowhere */
    rh_residual *rows;     /* the oldest run first */
    size_t row_count;
    size_t runs;          /* that gave rows */
    size_t scored_runs;   /* of those, held against production */
    const char **skipped; /* sentences: runs that were left out, and why */
    size_t skipped_count;
    const char **applied; /* sentences: what this run's predictions made of it, by class */
    size_t applied_count;
} rh_history;
