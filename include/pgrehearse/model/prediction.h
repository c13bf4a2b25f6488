/* Predictions: the back-test of the method, durations and lock waits on production, the comparison of earlier
 * predictions with actual durations, and the duration of a whole backfill. */
#pragma once
#include "pgrehearse/model/statement.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a duration grows with the size of the relations. */
typedef enum rh_growth_model {
    RH_GROWTH_WORK, /* by terms of the work, with a price each from the samples */
    RH_GROWTH_LINE, /* in proportion, from the largest sample */
    RH_GROWTH_MEAN, /* the geometric mean of the two */
    RH_GROWTH_COUNT
} rh_growth_model;
/* "terms of the work", "straight line", "mean of both". */
const char *rh_growth_model_name(rh_growth_model model);

/* The model for a class, and why. */
typedef struct rh_growth_choice {
    rh_growth_model model;
    size_t heldouts;               /* samples that each model was compared on */
    double error[RH_GROWTH_COUNT]; /* median |log(actual / predicted)| of each; RH_NOT_MEASURED: no sample */
} rh_growth_choice;

typedef struct rh_backtest_row {
    const char *migration;
    int statement;
    rh_statement_class class_;
    double predicted_s, actual_s, low_s, high_s;             /* low, high may be not measured */
    double linear_largest_s, linear_smallest_s, power_law_s; /* the naive baselines on the same evidence */
    double distance; /* doublings from the largest sample to the size predicted */
    rh_growth_model model;
    const char *basis; /* a sentence: the evidence of the prediction */
} rh_backtest_row;

typedef struct rh_baseline {
    const char *name;
    double median_abs_error, worst_abs_error, bias;
} rh_baseline;

typedef struct rh_backtest {
    rh_backtest_row *rows;
    size_t row_count;
    double median_abs_error, bias, coverage, level; /* relative; RH_NOT_MEASURED with too few rows */
    double worst_abs_error;
    size_t scored;                      /* rows whose durations are long enough to score */
    size_t with_interval, inside;       /* of those: with an interval; within it */
    double coverage_low, coverage_high; /* 95 % Wilson interval of the coverage */
    double width;                       /* median of high/low */
    const char *sentence;               /* the summary; NULL */
    rh_baseline *baselines;
    size_t baseline_count;
    rh_growth_choice growth[RH_CLASS_COUNT]; /* the models by which it predicts */
} rh_backtest;

/* All pending migrations on production. */
typedef struct rh_run_prediction {
    double median_s, low_s, high_s, level;
    double reads_blocked_s, writes_blocked_s;
    int64_t wal_bytes, disk_peak_bytes;
    bool translated; /* false: "hardware not translated" */
    const char *basis;
    rh_duration_parts parts;
    double staging_s;              /* the median on staging, at staging's size */
    const char *drivers, *narrows; /* as in rh_prediction */
    double cold_s;                 /* as in rh_prediction */
    const char *cold_basis;
    const char *caches; /* a sentence: the state of staging's caches; NULL: not known */
    rh_loaded_prediction loaded;
    rh_backtest backtest;
} rh_run_prediction;

/* What a prediction was compared with. */
typedef enum rh_residual_kind {
    RH_RESIDUAL_BACKTEST,   /* the full-size quiet pass of its own run */
    RH_RESIDUAL_PRODUCTION, /* production, by "pgrehearse score" */
} rh_residual_kind;
typedef struct rh_residual {
    rh_residual_kind kind;
    rh_statement_class class_;
    double predicted_s, low_s, high_s; /* low, high: not measured without an interval */
    double correction;                 /* factor in predicted_s, from earlier scores; 1: none */
    double actual_s;
    bool translated; /* to production's hardware, size or settings */
    const char *run; /* id of the run that predicted it */
} rh_residual;

typedef struct rh_history {
    const char *directory; /* the directory of earlier runs; NULL: none */
    rh_residual *rows;     /* the oldest run first */
    size_t row_count;
    size_t runs;          /* runs with rows */
    size_t scored_runs;   /* of those, scored against production */
    const char **skipped; /* sentences: runs that were left out, with reasons */
    size_t skipped_count;
    const char **applied; /* sentences: how the rows changed this run's predictions, by class */
    size_t applied_count;
} rh_history;

/* P(the lock is granted within t_s of the request). */
typedef struct rh_lock_chance {
    double t_s, probability;
} rh_lock_chance;

/* One lock of one statement that waits for other sessions, or for which other sessions wait. */
typedef struct rh_lock_forecast {
    const char *migration;
    int statement;
    const char *relation; /* "public.orders" */
    rh_lock_mode mode;
    bool blocks_reads, blocks_writes;
    bool inferred;   /* inferred from the statement's text, not observed */
    bool concurrent; /* CREATE INDEX CONCURRENTLY and the like: it waits, but blocks no session */

    double lock_timeout_s;           /* in force for the statement; 0: none */
    const char *lock_timeout_source; /* "the migration", "production's setting", "PostgreSQL's default" */

    const rh_lock_chance *chances; /* by t_s; up to lock_timeout_s */
    size_t chance_count;
    double granted;      /* P(an attempt is granted the lock): 1 without lock_timeout */
    double attempts;     /* expected until the lock is granted; INFINITY: never */
    double wait_s;       /* of the successful attempt, expected */
    double wait_high_s;  /* of any attempt, at the level */
    double wait_total_s; /* over all attempts, expected, pauses between them not counted */

    double hold_s, hold_high_s; /* until the end of its transaction */
    /* From the request to the end of its transaction: how long blocked sessions wait. */
    double blocked_s, blocked_high_s;

    double reads_per_s, writes_per_s; /* of the relation on production; upper bounds where rows are counted */
    double waiting;                   /* connections queued at the end of blocked_s */
    double unserved_requests;         /* requests that find none free by then */
    double pool_exhausted_s;          /* after the request; not measured: the pool lasts, or is not known */
    double drain_s;                   /* until the backlog is worked off; INFINITY: never */

    const char *basis;   /* a sentence: what these figures come from */
    const char *unknown; /* a sentence: why figures are missing; NULL */
} rh_lock_forecast;

typedef struct rh_lock_forecasts {
    bool made;       /* false: no profile, or nothing was replayed */
    double level;    /* of every _high_ figure */
    int64_t samples; /* of production's open transactions */
    double watched_s;
    double connections;            /* size of the pool; RH_NOT_MEASURED */
    const char *connections_basis; /* "the scenario", "max_connections"; NULL */
    double service_per_s;   /* the most statements that production completes in a second; RH_NOT_MEASURED */
    rh_lock_forecast *rows; /* in the order the statements run */
    size_t row_count;
    /* The longest time for which a relation is blocked, by the observed rows; RH_NOT_MEASURED if a row that
     * could be the longest is not measured or is inferred. */
    double reads_blocked_s, reads_blocked_high_s, writes_blocked_s, writes_blocked_high_s;
    double reads_at_most_s, writes_at_most_s;           /* the upper ends with the inferred locks included */
    const rh_lock_forecast *reads_worst, *writes_worst; /* the rows of these; NULL: none blocks */
    const char *unknown;                                /* a sentence: why these figures are missing; NULL */
} rh_lock_forecasts;

/* One line of the actual durations. */
typedef struct rh_score_row {
    const char *migration;
    int statement;                     /* ordinal; 0: the migration as a whole */
    double predicted_s, low_s, high_s; /* low, high not measured (NAN) without an interval */
    double actual_s;                   /* without lock_wait_s, as the prediction is */
    double lock_wait_s;                /* lock waits on production; 0: none, or not known */
    const char *class_;                /* of the statement, or of the only statement of its migration; NULL */
    double correction;                 /* factor in predicted_s, from earlier scores; 1: none */
    bool translated;                   /* the prediction was translated to production's hardware */
} rh_score_row;

typedef struct rh_score {
    const char *source; /* "durations", "server log" */
    rh_score_row *rows;
    size_t row_count;
    size_t scored;    /* rows whose durations are long enough to score */
    size_t too_short; /* the other rows */
    size_t with_interval, inside;
    double level;                       /* of the intervals; NAN without one */
    double median_abs_error, bias;      /* relative: |predicted/actual − 1|, and its signed median */
    double coverage;                    /* inside / with_interval; NAN without intervals */
    double coverage_low, coverage_high; /* its 95 % Wilson interval */
    const char **unmatched;             /* sentences: omitted lines, with reasons */
    size_t unmatched_count;
} rh_score;

/* ---- a whole backfill, from a sample of its batches ---- */

/* A figure with its interval; LOW and HIGH not measured where the evidence is not enough for LEVEL. */
typedef struct rh_backfill_figure {
    double median, low, high;
} rh_backfill_figure;

/* The pages in which changing a row leaves something: of the table, the row's old version; of each index, its
 * entry. A checkpoint makes the first change of a page write an image of it. */
typedef struct rh_backfill_pages {
    double along, along_index; /* pages a row, where the walk goes through them in order */
    double heap;               /* pages of the table, if the walk visits them in another order */
    double *random;            /* pages of each index that the walk visits in another order */
    size_t random_count;
    double split_rows; /* after these, the pages of such an index are split: it has twice as many; 0: never */
    double filled_rows; /* after these, split pages are full again: until then their images are smaller */
    double hot_share;   /* of the updates: they leave no entry in an index */
} rh_backfill_pages;

/* Images of a whole backfill. */
typedef struct rh_backfill_images {
    double count, bytes; /* of WAL */
    double cycle_rows;   /* rows from one checkpoint to the next, at its end */
} rh_backfill_images;

/* The cost of a row and of a full page image. */
typedef struct rh_backfill_prices {
    double row_bytes, image_bytes; /* of WAL */
    double image_s;
    /* Images of the batches beyond those that the shape of the pages gives: new row versions that filled free
     * space on pages of the table, which a whole backfill fills only once. */
    double room_images;
} rh_backfill_prices;

/* When the server writes a checkpoint. */
typedef struct rh_backfill_checkpoints {
    double distance_bytes, timeout_s; /* of WAL, and of time, between two */
    double rows_per_s, other_per_s;   /* of the backfill, pauses included; WAL bytes that others write */
} rh_backfill_checkpoints;

/* Autovacuum's settings for the table, and what a vacuum of it costs. */
typedef struct rh_backfill_vacuum {
    bool on;
    double table_rows, threshold, factor; /* it starts from THRESHOLD + FACTOR × rows dead rows on */
    double naptime_s, memory_bytes;       /* memory for dead rows; 0: any number */
    double index_pages;                   /* a vacuum reads all of them */
    double s_per_credit;                  /* seconds a credit of vacuum_cost_limit, measured */
    double slowdown;                      /* time of a batch beside it over the time alone; at least 1 */
} rh_backfill_vacuum;

/* The vacuums during a whole backfill. */
typedef struct rh_backfill_vacuums {
    int64_t count;
    double elapsed_s, beside_s; /* of the backfill; of that beside a vacuum */
    double peak_dead;           /* rows */
    double grown_rows;          /* row versions for which no removed one makes room */
    bool behind;                /* more rows die during a vacuum than it removes */
} rh_backfill_vacuums;

/* What the whole is predicted from. */
typedef struct rh_backfill_whole_input {
    double rows;
    rh_backfill_figure sampled;   /* seconds of all batches as the sample has them */
    double sampled_images;        /* a row of the sample */
    double pauses_s, pause_share; /* in all; of the time of the batches */
    double workers;
    const rh_backfill_pages *pages;
    const rh_backfill_prices *prices;
    rh_backfill_checkpoints checkpoints; /* rows_per_s not set */
    const rh_backfill_vacuum *vacuum;
    bool vacuum_measured; /* false: its price is what the settings say */
    double table_bytes, index_bytes, index_pages;
    double hot_share; /* of the updates; not measured counts as 0 */
} rh_backfill_whole_input;

/* A whole backfill: seconds of the batches, with pauses, and what they consist of. */
typedef struct rh_backfill_whole {
    rh_backfill_figure busy_s, total_s, wal_bytes;
    double sampled_s, images_s,
        vacuum_s;              /* as the sample says; what images and vacuums add: may be negative */
    double images, cycle_rows; /* page images; rows from one checkpoint to the next */
    double exponential_s;      /* of all batches, by the exponential mean of the last */
    rh_backfill_vacuums vacuums;
    rh_backfill_figure dead_share; /* of the table's rows, at its most */
    rh_backfill_figure disk_bytes; /* growth, and WAL that is kept until a checkpoint, at their most */
    double final_bytes;            /* of the table and its indexes */
} rh_backfill_whole;
