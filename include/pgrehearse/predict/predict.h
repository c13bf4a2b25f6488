/* Pure arithmetic: from what was measured to what production will see. No I/O, no server.
 *
 * Durations are the statement's own: elapsed_s − lock_wait_s of its runs, and without the load
 * − cpu_wait_s: what programs beside the rehearsal took from it. The size of a statement is that of
 * what it works on when its pass begins.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/backfill.h"
#include "pgrehearse/model/contention.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/prediction.h"
#include "pgrehearse/model/profile.h"

/* Shorter statements are all overhead and noise: they are predicted, but neither scored nor used to score
 * others. */
#define RH_PREDICT_FLOOR_S 0.010

/* How far predictions were off, as evidence for the width of the next ones.
 *
 * Split conformal prediction (Vovk, Gammerman, Shafer 2005; Lei et al. 2018): the interval is the prediction
 * times exp(±q), q being the ⌈(n + 1) · level⌉-th smallest of n held-out |log(actual / predicted)|. Errors of
 * extrapolations over different distances are made comparable first: divided by distance^¼, and multiplied by
 * that of the distance at hand. That lies between the two things that they consist of: what repeats of the
 * same size differ by, which does not grow with the distance, and errors of the model that add up at random
 * with each doubling, √distance; tests/bench/prediction.sh tells their shares.
 */

/* One prediction that was held against what then happened. */
typedef struct rh_heldout {
    rh_statement_class class_;
    double distance;  /* doublings from the largest size that was seen to the one predicted; 0: none */
    double log_error; /* log(actual / predicted) */
} rh_heldout;

typedef struct rh_heldouts {
    rh_heldout *rows;
    size_t count;
} rh_heldouts;

void rh_heldouts_add(rh_heldouts *heldouts, rh_heldout residual, rh_arena *arena);

/* Of each statement of PLAN that ran on three samples or more: what the smaller ones say of the largest,
 * against what it took there. Where these, and what HELDOUTS has, are fewer than NEEDED, the second largest
 * is held out as well. GROWTH: the model of each class. */
void rh_heldouts_of_samples(const rh_plan *plan, size_t needed, const rh_growth_choice growth[RH_CLASS_COUNT],
                            rh_heldouts *heldouts, rh_arena *arena);

/* The rows of a scored back-test. */
void rh_heldouts_of_backtest(const rh_backtest *backtest, rh_heldouts *heldouts, rh_arena *arena);

/* The back-tests of earlier runs (whose samples were an eighth of the whole, too). */
void rh_heldouts_of_history(const rh_history *history, rh_heldouts *heldouts, rh_arena *arena);

/* The half-width q in log space that LEVEL needs for a statement of CLASS over DISTANCE: from the residuals
 * of its class when they are enough, else from all. NAN when those are too few. *USED: how many. */
double rh_heldouts_width(const rh_heldouts *heldouts, rh_statement_class class_, double distance,
                         double level, size_t *used);

/* A back-test row for every statement with scaled runs: its prediction and the naive baselines at SIZES[i],
 * for the i-th statement of the plan's migrations in order (applied ones have no statements). The interval
 * comes from the samples' own held-out residuals and those of HISTORY (may be NULL). Call before the quiet
 * passes: what it says is to be written down first. */
void rh_backtest_predict(const rh_plan *plan, const rh_work_size *sizes, const rh_heldouts *history,
                         double level, rh_arena *arena, rh_backtest *backtest);

/* Fills in the actual durations (median of the quiet runs) and scores the rows of RH_PREDICT_FLOOR_S or more:
 * median and worst absolute relative error, bias (median of predicted/actual − 1), and the same of each
 * baseline; of the intervals coverage and width. Rows that never ran are dropped. */
void rh_backtest_score(const rh_plan *plan, rh_arena *arena, rh_backtest *backtest);

/* Predicts every statement from its quiet runs: their median; and median · exp(±q), where q is the
 * ⌈(n+1)·level⌉-th smallest of the n held-out |log residuals| (each quiet run after the first against the
 * median of those before it, pooled over the statements above, or else below, the floor): split conformal
 * prediction (Vovk et al. 2005; Lei et al. 2018). No interval where n is too small for LEVEL. */
void rh_predict_statements(rh_plan *plan, double level, rh_arena *arena);

/* How long STATEMENT took: the median of its quiet runs, without lock waits; NAN without one. */
double rh_predict_quiet_s(const rh_statement *statement);

/* The fewest held-out residuals that carry LEVEL: ⌈level / (1 − level)⌉. */
size_t rh_predict_residuals_needed(double level);

/* The whole set: medians add; half-widths add in quadrature (independent errors), and only where every
 * statement of RH_PREDICT_FLOOR_S or more has an interval; a shorter one without counts as anything from
 * nothing to the floor more than its median. Blocked times are those of the loaded pass. Leaves backtest and
 * disk_peak_bytes alone. */
void rh_predict_total(const rh_plan *plan, const rh_contention *contention, double level, rh_arena *arena,
                      rh_run_prediction *prediction);

/* What durations under the load are predicted from, besides the runs. */
typedef struct rh_predict_load {
    const rh_lock_forecasts *locks; /* where made, waits for locks come from there */
    bool disturbed;                 /* disturbers made the loaded pass wait: its waits are not production's */
    double level;
} rh_predict_load;
/* Fills `loaded` of the statements' predictions and of PREDICTION. Statement by statement: the median alone,
 * times (own time in the loaded pass / median of the quiet passes), at least 1, plus the expected lock wait;
 * the factor of statements below RH_PREDICT_FLOOR_S is that of their sums. The interval's half-width, in
 * logarithms, is that of the prediction alone and, in quadrature, the spread of the factors or as much again.
 * Not measured unless every statement ran under load. Call after rh_predict_total. */
void rh_predict_loaded(rh_plan *plan, const rh_predict_load *load, rh_arena *arena,
                       rh_run_prediction *prediction);

/* What earlier predictions were off by, put into this run's. Pure arithmetic. */

/* Corrects, widens or narrows the predictions of PLAN's statements by class, from HISTORY's rows that were
 * held against production, and appends a sentence for every class to history->applied. Residuals are r =
 * ln(actual / predicted before correction), of rows of RH_PREDICT_FLOOR_S or more whose prediction was
 * translated to production's hardware exactly if this one is.
 *   shift     from RH_HISTORY_CORRECTS rows of a class on: their median; the figures times exp(shift)
 *   interval  from ⌈level / (1 − level)⌉ rows on: exp(± the ⌈(n+1)·level⌉-th smallest |r − shift without
 * it|), which replaces what there was (jackknife; Barber et al. 2021); with fewer rows the largest of them,
 * where it is wider than what there was A class without rows of its own is widened by all the rows together.
 * Statements without a median, and shorter ones, are left alone. Call once, between rh_predict_statements and
 * rh_predict_total. */
void rh_history_apply(rh_plan *plan, rh_history *history, double level, rh_arena *arena);

enum { RH_HISTORY_CORRECTS = 3 };

/* Scores of predictions against actual durations. */

/* Fills every figure of SCORE from its rows. Those that are predicted and took less than RH_PREDICT_FLOOR_S
 * are counted, but not scored: they are all overhead and noise. */
void rh_score_rows(rh_score *score);

/* 95 % confidence interval of a share: SUCCESSES of COUNT (Wilson 1927). NAN for a COUNT of 0. */
void rh_wilson_interval(size_t successes, size_t count, double *low, double *high);

/* Backfills. */

/* How long BATCH took, with its failed attempts, without the pause behind it. */
double rh_predict_batch_s(const rh_backfill_batch *batch);

/* Seconds of all batches over the rows of the COUNT STRATA: in each stratum its rows times the time a row of
 * the batches measured there (stratified ratio estimator; Cochran, Sampling Techniques, 1977, section 6.10),
 * so that what differs along the key is weighted by rows. The interval is the bootstrap's, by batches within
 * strata: it has the scatter of the batches, not what the sample cannot meet (a vacuum, later checkpoints,
 * growth). Not measured below the batches that LEVEL needs. */
rh_backfill_figure rh_predict_backfill(const rh_backfill_stratum *strata, size_t count,
                                       const rh_backfill_batch *batches, size_t batch_count, double level,
                                       uint64_t seed);

/* The states that a whole backfill meets and a sample does not (src/predict/occupancy.c, vacuum_forecast.c).
 */

/* Pages changed for the first time by ROWS rows behind a checkpoint: along × n + Σ L(1 − exp(−n / L)); those
 * of indexes by the rows that were not updated HOT. */
double rh_predict_images(const rh_backfill_pages *pages, double rows);

/* What a row and an image cost, from batches that ran alone, by the least sum of relative errors:
 * WAL = row_bytes × rows + image_bytes × images; seconds = b × rows + image_s × images + a. */
rh_backfill_prices rh_predict_prices(const rh_backfill_batch *batches, size_t count);

/* Rows from one checkpoint to the next: those whose WAL, images included, is distance_bytes, but at most
 * those of timeout_s. INFINITY: there is none. */
double rh_predict_cycle_rows(const rh_backfill_pages *pages, const rh_backfill_prices *prices,
                             const rh_backfill_checkpoints *checkpoints);

/* Images of a whole backfill of ROWS rows, cycle by cycle; from split_rows on, with twice the pages of the
 * indexes in another order. *CYCLE_ROWS: of the last of its cycles. */
rh_backfill_images rh_predict_images_of(const rh_backfill_pages *pages, const rh_backfill_prices *prices,
                                        const rh_backfill_checkpoints *checkpoints, double rows);

/* How much longer batches took beside a vacuum than alone, from the seconds a row of each (sorted by the
 * call): the ratio of the medians less its standard error, at least 1, so that the scatter of a few batches
 * is no slow-down. NaN where a side has fewer than LEAST. */
double rh_predict_slowdown(double *alone, size_t alone_count, double *beside, size_t beside_count,
                           size_t least);

/* Credits of vacuum_cost_limit that a vacuum of DEAD rows takes: it reads every page of the indexes, as often
 * as its memory makes it, and changes the pages of dead rows and entries. */
double rh_predict_vacuum_credits(const rh_backfill_vacuum *vacuum, const rh_backfill_pages *pages,
                                 double dead);

/* The vacuums beside a backfill of ROWS rows that does ROWS_PER_S without them. */
rh_backfill_vacuums rh_predict_vacuums(const rh_backfill_vacuum *vacuum, const rh_backfill_pages *pages,
                                       double rows, double rows_per_s);

/* The whole: the sample's seconds, and per image more or less than the sample met, its price; then the
 * slow-down beside the vacuums. Not measured where nothing was sampled. */
rh_backfill_whole rh_predict_whole(const rh_backfill_whole_input *input);

/* Microseconds a row as others estimate them from the batches so far, in US_PER_ROW by rh_stretch_naive. */
void rh_predict_naive(const rh_backfill_batch *batches, size_t count, double *us_per_row);

/* The figure of MODEL, from those of the other two. */
double rh_predict_by_model(rh_backfill_model model, double states, double exponential);

/* The STRETCHES against what they took, relative errors as in a back-test. */
rh_stretch_score rh_predict_stretch_score(const rh_backfill_stretch *stretches, size_t count, double level);
/* FIGURE with an interval at least as wide as median × exp(± HALF_WIDTH). */
rh_backfill_figure rh_predict_widen(const rh_backfill_figure *figure, double half_width);

/* The calendar (model/backfill.h has the schedule). */

/* The share of the work that the first ROWS rows are, by the cost along the key; and back. */
double rh_predict_work_at(const rh_backfill_stratum *strata, size_t count, double rows);
double rh_predict_rows_at(const rh_backfill_stratum *strata, size_t count, double share);

/* The rows done at POINTS moments from the start to the upper end of the finish, in COURSE. Returns how many:
 * 0 if it does not finish. */
size_t rh_predict_course(const rh_backfill_schedule *schedule, const rh_backfill_figure *total_s,
                         const rh_backfill_stratum *strata, size_t count, double most_load_per_s,
                         size_t points, rh_backfill_course_point *course);

/* The migrations' locks on production: waits from what its profile saw of open transactions (lock_wait.h),
 * holds from the predicted durations, queues from its rates.
 *
 * A lock is held from the statement that takes it to the end of its transaction: as long as in the last quiet
 * run, times what is predicted for the statements in between over what they took then. Blocked sessions stand
 * still from the request on, because PostgreSQL makes later conflicting requests queue behind it.
 *
 * Rates: a read of the relation is a scan of it or of its indexes that is not an update's or a delete's, a
 * write a row inserted, updated or deleted; together at most the database's commits. A statement that touches
 * several rows counts more than once, so queues are upper bounds. What production completes in a second:
 * CPUs / mean time of a statement.
 */

/* lock_timeout as it is in force when a statement begins. */
typedef struct rh_lock_timeout {
    double seconds;   /* 0: none; RH_NOT_MEASURED: not known */
    const char *from; /* "the migration", "production's setting" … */
} rh_lock_timeout;

typedef struct rh_lock_forecast_input {
    const rh_plan *plan; /* replayed, its statements predicted */
    const rh_profile *profile;
    const char *const *unlisted; /* "public.orders": tables of the copy that the profile does not have */
    size_t unlisted_count;
    const rh_lock_timeout *timeouts; /* of the plan's statements in order */
    double connections;              /* the application's; RH_NOT_MEASURED: what max_connections leaves */
    double level;                    /* 0.9 */
} rh_lock_forecast_input;

/* The fewest samples of the open transactions after which having seen none supports, with confidence LEVEL,
 * that the lock is free with probability LEVEL: exp(−N) ≥ level, and n samples that saw nothing bound N by
 * −ln(1 − level) / n. */
int64_t rh_lock_samples_needed(double level);

/* A row for every lock of a pending statement that keeps others out of a table of the copy, or waits for
 * others: ShareUpdateExclusiveLock and stronger. Tables that the migrations made themselves have none. What
 * the profile does not tell is RH_NOT_MEASURED, with the reason in the row's unknown. */
void rh_lock_forecast_make(const rh_lock_forecast_input *input, rh_arena *arena,
                           rh_lock_forecasts *forecasts);
