/* Backfills: changes of many rows in batches, each committed. What a scenario declares, and what the backfill
 * pass measured. Durations are seconds unless the name says otherwise; a figure that was not measured is
 * RH_NOT_MEASURED or RH_UNKNOWN. */
#pragma once
#include "pgrehearse/base/clock.h"
#include "pgrehearse/model/prediction.h"
#include "pgrehearse/model/scenario.h"
#include "pgrehearse/model/statement.h"

/* The most columns that a key may have. */
enum { RH_BACKFILL_KEY_MAX = 8 };

/* How a batch finds its rows. */
typedef enum rh_backfill_walk {
    RH_WALK_KEYSET,    /* the next rows to do in the order of the key */
    RH_WALK_RANGE,     /* a range of key values, whatever number of rows it has; the key is an integer */
    RH_WALK_CTID,      /* the next pages of the table, in physical order */
    RH_WALK_REMAINING, /* any rows that are still to do: no position is kept */
    RH_WALK_COUNT
} rh_backfill_walk;
const char *rh_backfill_walk_name(rh_backfill_walk walk); /* "keyset" … as in scenarios and report.json */

/* Between two batches: a duration, or a share of the time that the batch before took. */
typedef struct rh_backfill_pause {
    const char *text; /* as the user wrote it */
    rh_usec duration; /* if SHARE is 0 */
    double share;     /* 1 for 100% */
} rh_backfill_pause;

/* How a batch of the team's own SQL knows its rows. */
typedef enum rh_backfill_own {
    RH_OWN_RANGE, /* by :from and :to, its first and its last key */
    RH_OWN_AFTER, /* by :after, the last key of the batch before, and :limit; it returns the keys of its rows
                   */
    RH_OWN_LIMIT, /* by :limit alone: any rows that are still to do */
} rh_backfill_own;

typedef struct rh_backfill_setting {
    int64_t batch; /* rows of a batch; RH_WALK_RANGE: key values */
    rh_backfill_pause pause;
    int workers;
} rh_backfill_setting;

typedef enum rh_backfill_gate_kind {
    RH_BACKFILL_GATE_P99_RATIO,   /* p99 response time of the load beside the backfill / without it */
    RH_BACKFILL_GATE_LOCK_WAIT,   /* s: the longest that the load waited for a lock of the backfill */
    RH_BACKFILL_GATE_WAL_RATE,    /* bytes a second */
    RH_BACKFILL_GATE_LOAD_ERRORS, /* count */
    RH_BACKFILL_GATE_DURATION,    /* s: batches and pauses, upper end of the interval */
    RH_BACKFILL_GATE_REPLICA_LAG, /* s: the largest replication lag */
    RH_BACKFILL_GATE_DEAD_ROWS,   /* share of the table's rows, at its most */
    RH_BACKFILL_GATE_DISK,        /* bytes: growth and the WAL that is kept, at their most */
    RH_BACKFILL_GATE_FINISH_BY,   /* s since 1970: the schedule's finishing date, upper end */
    RH_BACKFILL_GATE_COUNT
} rh_backfill_gate_kind;
const char *rh_backfill_gate_name(rh_backfill_gate_kind kind); /* "response_p99_ratio" … */

/* What is proven of a backfill by whole runs on a sample of the database. */
typedef enum rh_proof_claim {
    RH_PROOF_RESUMES,       /* killed and started again, it ends as without the kill */
    RH_PROOF_IDEMPOTENT,    /* run again, in whole or in part, it changes nothing */
    RH_PROOF_COMPLETE,      /* no row is left that is to do, whatever the application writes meanwhile */
    RH_PROOF_KEEPS_UPDATES, /* it overwrites nothing that the application wrote meanwhile */
    RH_PROOF_ENDS,          /* also while rows are inserted */
    RH_PROOF_COMMITS,       /* each batch is a transaction, and no transaction is longer */
    RH_PROOF_READS_ONCE,    /* a batch does not read what earlier ones did */
    RH_PROOF_NO_DEADLOCK,   /* no deadlock hits the application, nor ends the backfill */
    RH_PROOF_STOPS,         /* within two batches when it is asked to */
    RH_PROOF_CONTRACT,      /* the migrations after it pass */
    RH_PROOF_CLAIM_COUNT
} rh_proof_claim;
const char *rh_proof_claim_name(rh_proof_claim claim); /* "resumes" … */

typedef enum rh_proof_outcome {
    RH_PROOF_UNKNOWN, /* it could not be seen */
    RH_PROOF_HELD,
    RH_PROOF_FAILED,
    RH_PROOF_OUTCOME_COUNT
} rh_proof_outcome;
const char *rh_proof_outcome_name(rh_proof_outcome outcome); /* "unknown" … */

/* proof: of a scenario. */
typedef struct rh_proof_options {
    bool off; /* proof: none */
    int kills, runners;
    bool races, twice, procedure; /* PROCEDURE: the printed one is proven instead of the native batches */
    rh_location where;
} rh_proof_options;

/* A claim, and what the runs say of it. */
typedef struct rh_backfill_claim {
    rh_proof_claim claim;
    rh_proof_outcome outcome;
    const char *defect;   /* the name of what is wrong: "backfill-no-resume"; NULL unless it failed */
    const char *why;      /* a sentence with figures, without a value of the data */
    int runs;             /* whole runs of the backfill that it rests on */
    int64_t rows;         /* that are wrong; RH_UNKNOWN: no such figure */
    const char **columns; /* in which they are wrong */
    size_t column_count;
} rh_backfill_claim;

/* From a minute of the day to another; TO is not within, and not after FROM: on the next day. */
typedef struct rh_schedule_window {
    int from, to;
} rh_schedule_window;

/* When the backfill is to run on production. */
typedef struct rh_backfill_schedule {
    bool set;
    int64_t start_s; /* since 1970, UTC */
    rh_zone zone;
    rh_schedule_window *windows; /* none: all day */
    size_t window_count;
    unsigned days;     /* on which windows open, bit 0: Monday; 0: all */
    double hours[168]; /* transactions a second, from Monday 00:00, or of any day */
    size_t hour_count; /* 168, 24, or 0: the rehearsed load all day */
} rh_backfill_schedule;

/* One item of backfills:. Texts of SQL are the user's, checked by the parser; names are as he wrote them. */
typedef struct rh_backfill {
    const char *name;
    const char *after; /* the migration behind which it runs; NULL: the last pending one */
    bool offered;      /* auto: in the scenario, what those have in common that the migrations offer */
    /* The statement of a pending migration, by id and ordinal, instead of which it would run: on the database
     * as the statements before have left it. NULL and 0: none */
    const char *replaces;
    int replaces_statement;
    const char *table;
    const char *set;         /* the assignments of UPDATE … SET */
    const char *from, *join; /* what SET reads, and the condition between it and TABLE; NULL */
    const char *condition;   /* where: of the rows that are still to do; NULL: all */
    const char **key;        /* columns; none: the primary key */
    size_t key_count;
    rh_backfill_walk walk;
    const char *sql; /* a batch in the team's own SQL instead of SET; NULL */
    rh_backfill_own own;
    rh_location sql_where;
    const char *const *command, *const
                                    *resume; /* a program instead of SET, NULL-ended; RESUME NULL: COMMAND */
    const char *const *range; /* arguments by which it does a part, with {from} and {to}; NULL */
    bool stops;               /* the program ends at SIGTERM: stop: TERM */
    rh_location command_where, resume_where, range_where;
    const char *dual_write; /* what fills rows that are inserted meanwhile: "application", "none"; NULL */
    int64_t *batches;       /* the sweep: each of BATCHES with each of PAUSES and each of WORKERS */
    size_t batch_count;
    rh_backfill_pause *pauses;
    size_t pause_count;
    int *workers;
    size_t worker_count;
    double sample;        /* share of the rows that may be changed between two resets, 0 … 1 */
    rh_usec limit;        /* of the sweep */
    rh_usec lock_timeout; /* of a batch */
    rh_standby_mode standby;
    rh_backfill_schedule schedule;
    double archive_rate; /* bytes of WAL that the archiver takes a second; 0: not known */
    rh_gate_limit gates[RH_BACKFILL_GATE_COUNT];
    rh_proof_options proof;
    rh_location where, after_where, table_where, set_where, from_where, condition_where, key_where;
} rh_backfill;

/* One batch that ran and was committed. */
typedef struct rh_backfill_batch {
    size_t stratum;
    int worker;
    rh_usec started;                   /* monotonic */
    double find_s, update_s, commit_s; /* its three statements, waits for locks included */
    double failed_s;                   /* in attempts that failed, and the pauses after them */
    int64_t found, changed;            /* rows; FOUND RH_UNKNOWN where the walk does not count them */
    int64_t wal_bytes;                 /* of the server meanwhile: the batch's own if nothing else writes */
    int retries;                       /* after a lock timeout, a deadlock, a serialization failure */
    bool warmup;                       /* the first of its session: catalogs are read, statements planned */
    double images; /* pages that it changed first since a checkpoint, by the table's shape */
} rh_backfill_batch;

/* A part of the rows to do: from one quantile of their keys to the next. */
typedef struct rh_backfill_stratum {
    int64_t rows;       /* to do */
    int64_t batches;    /* measured in it, of all settings, without load */
    double us_per_row;  /* the median of those; RH_NOT_MEASURED */
    double wal_per_row; /* bytes */
} rh_backfill_stratum;

typedef enum rh_backfill_cell_state {
    RH_CELL_EXCLUDED, /* a bound says that it fails a gate: it was not run */
    RH_CELL_NOT_RUN,  /* the limit of the sweep, or no rows were left */
    RH_CELL_FAILED,   /* a gate does not hold */
    RH_CELL_UNCLEAR,  /* a gate lies within the interval of its figure */
    RH_CELL_HELD,     /* every gate holds with the upper end of its interval */
    RH_CELL_STATE_COUNT
} rh_backfill_cell_state;
const char *rh_backfill_cell_state_name(rh_backfill_cell_state state); /* "excluded" … */

/* What the server did, and became of the table, in some windows; the load's share included. RH_UNKNOWN: the
 * server does not tell in time (before 15). */
typedef struct rh_backfill_activity {
    int64_t page_images; /* full pages in the WAL */
    int64_t checkpoints;
    int64_t temp_bytes;
    int64_t autovacuums;  /* of the table that ended */
    int64_t updated, hot; /* rows of the table; of these without a new entry in an index */
    int64_t table_bytes;  /* growth of the table, its indexes and its TOAST */
} rh_backfill_activity;

/* One setting, and what it measured under load. */
typedef struct rh_backfill_cell {
    rh_backfill_setting setting;
    rh_backfill_cell_state state;
    const char *why;       /* a sentence: which bound or gate; NULL: none */
    int64_t batches, rows; /* that ran */
    double elapsed_s;      /* of its windows */
    double rows_per_s;
    double find_s, update_s, commit_s, pause_s; /* sums over its batches */
    double batch_p50_s, batch_p90_s, batch_max_s;
    double locks_max_s; /* the longest that a batch kept its rows locked: its update and its commit */
    int retries;
    double wal_per_s; /* bytes, the load's included */
    rh_backfill_activity activity;
    rh_backfill_figure p99_ratio; /* of the load's response time, to the windows without backfill beside it */
    double response_p99_ms, baseline_p99_ms;
    double lock_wait_s;                 /* the longest that the load waited for the backfill */
    int64_t load_errors;                /* in its windows */
    rh_backfill_figure busy_s, total_s; /* the whole backfill with this setting: batches; with pauses */
    rh_backfill_figure wal_bytes;       /* that the whole backfill writes */
    rh_backfill_figure finish_s;        /* since 1970: by the schedule; INFINITY: not in three years */
    rh_backfill_whole whole;            /* what busy_s consists of */
    /* MEDIAN: the longest of the confirming run; HIGH: of the whole backfill, as that run and the replay
     * capacity say. */
    rh_backfill_figure replica_lag_s;
    bool recommended;
} rh_backfill_cell;

/* A moment of the backfill on the calendar, and the rows done by then. */
typedef struct rh_backfill_course_point {
    double at_s; /* since 1970 */
    rh_backfill_figure rows;
} rh_backfill_course_point;

/* A setting that the bounds exclude from the sweep is not run. */
typedef struct rh_backfill_bound {
    const char *name; /* "rows of a batch" */
    double limit;     /* rows, or rows a second */
    const char *why;  /* a sentence with the figures that it follows from */
} rh_backfill_bound;

/* How far a standby was behind, at a time since its run began. */
typedef struct rh_lag_point {
    double at_s, lag_s;
    int64_t lag_bytes;
} rh_lag_point;

/* A setting that held its gates, run again under load with the standby. */
typedef struct rh_backfill_confirmed {
    size_t setting;      /* index in the result's cells */
    const char *why_not; /* the lag was not measured: the end of a sentence; NULL */
    int64_t batches, rows;
    double elapsed_s, rows_per_s, wal_per_s;
    rh_backfill_figure p99_ratio; /* with the standby on the same machine */
    double lag_p99_s, lag_max_s;  /* at the times of its readings */
    double lag_bound_s;           /* the longest that it can have been between two readings */
    int64_t lag_max_bytes;
    double predicted_lag_s; /* of the whole backfill, by the replay capacity and this run's WAL */
    rh_lag_point *course;   /* evenly over the run */
    size_t course_count;
} rh_backfill_confirmed;

/* The standby beside a backfill. */
typedef struct rh_backfill_standby {
    rh_standby_mode mode;
    const char *why_not;        /* there was none: the end of a sentence; NULL */
    const char *replay_why_not; /* its capacity was not measured: the same */
    double replay_bytes_per_s;  /* WAL that it replays while nothing else runs */
    int64_t replay_bytes;       /* replayed to measure that */
    rh_backfill_confirmed *confirmed;
    size_t confirmed_count;
} rh_backfill_standby;

/* Estimates of others from the same batches. */
typedef enum rh_stretch_naive {
    RH_STRETCH_FIRST_ROWS,  /* mean of the batches at the beginning of the key */
    RH_STRETCH_LAST_SECOND, /* rate of the last second */
    RH_STRETCH_EXPONENTIAL, /* exponential mean of the last batches */
    RH_STRETCH_RANDOM,      /* mean of all */
    RH_STRETCH_NAIVE_COUNT
} rh_stretch_naive;

/* What the duration is predicted by; chosen from the stretches. */
typedef enum rh_backfill_model {
    RH_MODEL_STATES,      /* the sample by strata, with full page images and vacuums */
    RH_MODEL_EXPONENTIAL, /* rows × the exponential mean of the last batches */
    RH_MODEL_MIX,         /* the geometric mean of both */
    RH_MODEL_COUNT
} rh_backfill_model;
const char *rh_backfill_model_name(rh_backfill_model model); /* "states", "exponential_mean", "mix" */

/* Consecutive batches of the setting to use: µs a row as predicted before they ran, and as they took. */
typedef struct rh_backfill_stretch {
    size_t stratum;  /* in which it begins */
    bool checkpoint; /* it began right after a checkpoint */
    int64_t batches, rows;
    rh_backfill_model model; /* by which US_PER_ROW was predicted: the best of the stretches before */
    rh_backfill_figure us_per_row;
    double states_us_per_row;
    double naive_us_per_row[RH_STRETCH_NAIVE_COUNT], actual_us_per_row;
} rh_backfill_stretch;

/* How far those predictions were off. */
typedef struct rh_stretch_score {
    size_t count, with_interval, inside;
    rh_baseline ours, naive[RH_STRETCH_NAIVE_COUNT];
    rh_backfill_model model;            /* clearly off by the least; else the states */
    bool chosen;                        /* they were enough to choose */
    double model_error[RH_MODEL_COUNT]; /* mean of |ln(actual / predicted)| */
    double
        half_width; /* of MODEL, in log space: that holds LEVEL of them, the largest where they are too few */
    bool enough;    /* for LEVEL */
} rh_stretch_score;

/* What the pass found of one backfill. */
typedef struct rh_backfill_result {
    const rh_backfill *backfill;
    bool measured;
    const char *why_not;      /* a sentence; NULL if MEASURED */
    const char *table;        /* qualified, quoted where needed */
    const char *key;          /* columns, as SQL writes them */
    const char *statement;    /* the UPDATE of one batch, without values */
    int64_t table_rows, rows; /* in the table; to do */
    int64_t table_bytes, index_bytes;
    int64_t changed; /* rows that the sweep changed */
    rh_backfill_stratum *strata;
    size_t stratum_count;
    rh_backfill_stretch *stretches;
    size_t stretch_count;
    rh_stretch_score score; /* of the stretches */
    rh_backfill_bound *bounds;
    size_t bound_count;
    rh_backfill_cell *cells;
    size_t cell_count;
    rh_backfill_standby standby;
    int chosen; /* the setting to use, by index in cells: the recommended, else the nearest; -1: none ran */
    int recommended;    /* index in cells; -1: none holds every gate */
    const char *advice; /* a sentence: why that one; or which gate binds, and what relaxing it gives */
    rh_backfill_course_point *course; /* with the setting to use, by the schedule */
    size_t course_count;
    double hot_share;          /* of the table's updates in the sweep */
    const char *finish_why;    /* a sentence: why the finishing date is missing; NULL */
    double level;              /* of the intervals */
    double rate_per_s;         /* of the load; 0: there was none */
    rh_backfill_claim *claims; /* none: nothing was proven */
    size_t claim_count;
    const char *proof_why_not; /* the end of a sentence: why the proof was not run; NULL */
} rh_backfill_result;

/* The calendar. MOST_LOAD_PER_S: hours with more load than that are closed, because no batch ran
 * beside such a load; NaN: none is. */

/* The load beside which the settings ran may be exceeded by so much before an hour counts as not rehearsed.
 */
#define RH_SCHEDULE_LOAD_MARGIN 1.1

/* Whether the backfill works at this moment. */
bool rh_schedule_is_open(const rh_backfill_schedule *schedule, int64_t utc_s, double most_load_per_s);
/* The moment (since 1970, UTC) at which WORK_S of work are done; INFINITY: not in three years. It grows with
 * the work, so quantiles of the work give those of the moment. */
double rh_schedule_finish(const rh_backfill_schedule *schedule, double work_s, double most_load_per_s);
/* Seconds of work from the start to UNTIL_S. */
double rh_schedule_worked(const rh_backfill_schedule *schedule, double until_s, double most_load_per_s);
