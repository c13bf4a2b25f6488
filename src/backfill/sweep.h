/* What the parts of a sweep share. */
#pragma once
#include "census.h"
#include "pgrehearse/backfill/backfill.h"
#include "states.h"
#include "statements.h"
#include "worker.h"

/* A batch, and the setting that it belongs to. */
typedef struct rh_backfill_measured {
    size_t setting; /* index in the result's cells; of a quiet batch: in the backfill's batches */
    bool quiet;
    rh_backfill_batch batch;
} rh_backfill_measured;

/* A window of the load, with or without batches beside it. */
typedef struct rh_backfill_window {
    const char *id;
    size_t setting;       /* index in the result's cells; SIZE_MAX: the baseline */
    rh_usec began, ended; /* monotonic */
    int64_t wal_bytes;    /* of the server */
    rh_backfill_activity activity;
    double lock_wait_s;                     /* the longest that another session waited for a worker */
    double p99_ms, p99_low_ms, p99_high_ms; /* of the load's response time */
    int64_t errors;
} rh_backfill_window;

typedef struct rh_backfill_evidence {
    rh_backfill_measured *batches;
    size_t batch_count;
    rh_backfill_window *windows; /* in the order of time: a baseline before and after each other one */
    size_t window_count;
} rh_backfill_evidence;

typedef struct rh_sweep {
    const rh_backfill *backfill;
    const rh_backfill_place *place;
    rh_arena *arena;
    rh_notes *notes;
    rh_backfill_target target;
    rh_backfill_statements sql;
    rh_backfill_census census;
    int64_t most;     /* BUDGET after a reset */
    int64_t budget;   /* rows that may be changed before the next reset */
    size_t next;      /* stratum that is visited next */
    rh_usec deadline; /* of the sweep */
    rh_backfill_evidence evidence;
    rh_backfill_states states;
    int64_t changed_since_reset;   /* rows */
    rh_backfill_worker **sessions; /* of the workers, open until the next reset */
    size_t session_count;
    /* of a program */
    const char *no_capacity; /* why its batches cannot be observed; NULL */
    bool range_checked;      /* that it keeps to {from} and {to} */
    bool window_open;        /* the run under way has begun its time */
} rh_sweep;

/* Opens as many sessions as are missing to COUNT, and lets each read pages of the table until it has accessed
 * all of shared_buffers: a session pays for its first access to each of them, which a whole backfill does
 * once.
 */
bool rh_sweep_open_sessions(rh_sweep *sweep, size_t count, rh_error *error);
void rh_sweep_close_sessions(rh_sweep *sweep);
/* What the sessions did is in the server's statistics. */
bool rh_sweep_flush_statistics(rh_sweep *sweep, rh_error *error);

/* Batches of at most ROWS rows: as the parameter of the walk, which with ctid counts pages. */
int64_t rh_sweep_units(const rh_sweep *sweep, int64_t rows);

/* The pause after a batch that took BATCH_S. */
double rh_sweep_pause_s(const rh_backfill_setting *setting, double batch_s);

/* Which batches to run: of a setting, for some time, in which strata. */
typedef struct rh_sweep_run {
    rh_backfill_setting setting;
    size_t index; /* of the setting in the result's cells; of a quiet run: of its size in the backfill's
                     batches */
    bool quiet;
    rh_usec until;        /* monotonic */
    int64_t most;         /* batches in all; 0: no limit */
    int visit;            /* consecutive batches in a stratum */
    size_t first, stride; /* one worker takes every STRIDE'th stratum from FIRST on; STRIDE 0: all, from where
                             the last run ended */
    /* A program takes time to start: its time is DURATION from its first batch on, when OPENED is called
     * (never, if there is none). 0: UNTIL counts */
    rh_usec duration;
    void (*opened)(void *data);
    void *data;
} rh_sweep_run;
/* The sessions of the workers. */
typedef struct rh_sweep_pids {
    int *pids;
    size_t count;
} rh_sweep_pids;
/* Runs them, until the budget is used up at the latest, and adds them to the evidence. PIDS may be NULL. */
bool rh_sweep_batches(rh_sweep *sweep, const rh_sweep_run *run, rh_sweep_pids *pids, rh_error *error);

/* The same for a backfill that is a program, which is started on a part of the rows repeatedly. If its
 * batches cannot be observed, NO_CAPACITY says why. False also: it does not keep to its range. */
bool rh_sweep_program_batches(rh_sweep *sweep, const rh_sweep_run *run, rh_sweep_pids *pids, rh_error *error);

/* Batches of the smallest size alone, then beside a vacuum as autovacuum makes it: its cost and their
 * slowdown, in the sweep's states. Does nothing if no vacuum runs during the whole backfill. */
bool rh_sweep_vacuum(rh_sweep *sweep, rh_error *error);

/* Back to the state in which the sweep began, with all rows to do. The sessions are closed; no other
 * connection may be open. */
bool rh_sweep_reset(rh_sweep *sweep, rh_error *error);
/* Every cell of RESULT under load. */
bool rh_sweep_screen(rh_sweep *sweep, rh_backfill_result *result, rh_error *error);

/* Moves those that no session began with to the front. Returns how many to predict from: all if no others. */
size_t rh_sweep_without_warmup(rh_backfill_batch *batches, size_t count);
/* Stretches of the setting to use under load, each predicted before it runs; as many as the rows and the
 * limit allow. They stay out of the evidence. */
bool rh_sweep_stretches(rh_sweep *sweep, rh_backfill_result *result, rh_error *error);

/* The batches of a setting that changed rows, in the order in which they were filed; heap. INDEX as in
 * rh_backfill_measured. */
rh_backfill_batch *rh_sweep_evidence(const rh_sweep *sweep, bool quiet, size_t index, size_t *count);
/* Their seconds, sorted; heap. */
double *rh_sweep_times(const rh_backfill_batch *batches, size_t count, double *median);

/* Figures of every cell from the evidence. */
void rh_sweep_measure_all(const rh_sweep *sweep, rh_backfill_result *result);
/* With the stretches in the intervals: finishing dates, states by the gates, but for the lag of a standby. */
void rh_sweep_conclude(const rh_sweep *sweep, rh_backfill_result *result);
/* The figures of the setting INDEX, in CELL. */
void rh_sweep_measure(const rh_sweep *sweep, size_t index, const rh_backfill_result *result,
                      rh_backfill_cell *cell);
/* The state of CELL: the first gate that it does not hold decides. */
void rh_sweep_judge(const rh_sweep *sweep, bool has_load, rh_backfill_cell *cell);
/* The setting to use, and why; after every state is final. */
void rh_sweep_recommend(const rh_sweep *sweep, rh_backfill_result *result);
/* The setting to use: the recommended one, else the nearest that ran, the fastest that is unclear, or that
 * failed; -1: none ran. */
int rh_sweep_chosen(const rh_backfill_result *result);

/* The finishing date of every cell, by the backfill's schedule; the predicted progress of the setting to use.
 */
void rh_sweep_schedule(rh_backfill_result *result);
void rh_sweep_course(const rh_sweep *sweep, rh_backfill_result *result);
/* The settings to try, and which of them the quiet batches exclude. */
void rh_sweep_plan(const rh_sweep *sweep, rh_backfill_result *result);
