/* The data of every page, from the record alone: derived figures, sentences, and cleaned text. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One pending migration. Figures that were not measured are NaN, counts -1. */
typedef struct rh_view_migration {
    const rh_json *record;
    const char *id, *title; /* "000012", "000012 add_public_id" */
    const char *outcome;    /* "ok", "failed", "not_run" */
    int quiet_runs;
    double quiet_median_s, quiet_min_s, quiet_max_s; /* all its statements, run alone */
    double loaded_s;
    const char *lock_mode, *lock_relation;
    bool lock_inferred;
    /* inferred from a statement's text */ /* the strongest that it took; NULL: none seen */
    double reads_blocked_s, writes_blocked_s, longest_load_wait_s;
    int64_t load_waits;
    double p99_before_ms, p99_during_ms;
    size_t hazard_count;
    bool failed; /* the migration failed, or its rollback */
} rh_view_migration;

typedef struct rh_view {
    const rh_json *report;
    rh_arena *arena;                     /* owns every string that these functions return */
    rh_view_migration *migrations;       /* pending ones, in the order they run */
    rh_view_migration **by_blocked_time; /* the same, the longest blocking first */
    size_t migration_count;
} rh_view;

/* REPORT must outlive the view. Release with rh_view_release. */
void rh_view_init(rh_view *view, const rh_json *report);
void rh_view_release(rh_view *view);

const char *rh_view_printf(const rh_view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "3.2 s"; "not measured" for NaN. The second gives DASH instead. */
const char *rh_view_seconds(const rh_view *view, double seconds);
const char *rh_view_seconds_or(const rh_view *view, double seconds, const char *dash);
/* The longest lock wait of the load behind M; "none", or "–" if it was not measured. */
const char *rh_view_longest_wait(const rh_view *view, const rh_view_migration *m);
const char *rh_view_bytes_or(const rh_view *view, int64_t bytes, const char *dash);
const char *rh_view_count_or(const rh_view *view, int64_t count, const char *dash);
/* "7.4 %" of 0.074. */
const char *rh_view_percent(const rh_view *view, double share);
/* "ACCESS EXCLUSIVE" of "AccessExclusiveLock". */
const char *rh_view_mode(const char *mode);
/* One line of valid UTF-8 without control characters, at most WIDTH characters (0: any), cut with "…". NULL
 * gives "". */
const char *rh_view_line(const rh_view *view, const char *text, size_t width);
/* The last component of a path. */
const char *rh_view_basename(const char *path);
/* isolation.c: "proven: …"; NULL when staging never started. */
const char *rh_view_isolation(const rh_view *view);
/* A gate's measured figure in its unit. */
const char *rh_view_gate_measured(const rh_view *view, const rh_json *gate);
/* "5.8–6.1 s", or "950 ms – 1.2 s". */
const char *rh_view_range(const rh_view *view, double low_s, double high_s);
/* Time of a migration run alone, "5.9 s" with "5.8–6.1 s" as its range (NULL: one run only); loaded when it
 * never ran alone. */
const char *rh_view_time(const rh_view *view, const rh_view_migration *migration, const char **range);

/* A session that waited or failed in the loaded pass: a template of the load, the migration itself, another
 * session. Figures of the load are NaN (counts -1) unless it is a template. */
typedef struct rh_view_waiter {
    const char *who;
    bool is_template, is_migration;
    int64_t waits; /* lock waits; 0: it only had errors */
    double wait_s, longest_wait_s;
    const char *behind;          /* the end of the chain of its longest wait; NULL: it did not wait */
    const char *relation, *mode; /* of that wait; may be NULL */
    double p50_before_ms, p99_before_ms, p50_during_ms, p99_during_ms;
    double longest_stall_ms, stall_at_s; /* the slowest response while migrations ran, and when it began */
    int64_t transactions, errors;
    int64_t retries, dropped;
} rh_view_waiter;
/* contention.c: *WAITERS in the view's arena, who stalled longest first. Returns how many. */
size_t rh_view_waiters(const rh_view *view, rh_view_waiter **waiters);
/* What a row of contention.blockers held: "ACCESS EXCLUSIVE on public.orders". */
const char *rh_view_blocker(const rh_view *view, const rh_json *blocker);
/* Number, longest and root blocker of the lock waits; NULL if no pass was observed. */
const char *rh_view_contention(const rh_view *view);

/* Sentences. */
const char *rh_view_verdict_word(const rh_view *view); /* "PASS" … */
const char *rh_view_verdict(const rh_view *view);      /* one plain sentence, the page's headline */
const char *
rh_view_cold(const rh_view *view); /* with production's caches cold; NULL: there is no word on it */
const char *rh_view_prediction(const rh_view *view); /* duration, interval or why none, translation */
const char *rh_view_backtest(const rh_view *view);   /* how far predictions were off */
/* advice.c; each NULL when the scenario did not ask for it. */
const char *rh_view_lock_policy(const rh_view *view);   /* the lock_timeout to use */
const char *rh_view_disturbers(const rh_view *view);    /* the longest wait of a migration for a disturber */
const char *rh_view_compatibility(const rh_view *view); /* statements of two releases that fail */
const char *rh_view_runners(const rh_view *view);       /* of several programs, who was kept out */
const char *rh_view_rollback(const rh_view *view);      /* over all migrations */
/* What became of those that were killed half-way; NULL when none was. */
/* As which roles the migrations and the load ran, and why; NULL: none was chosen. */
const char *rh_view_roles(const rh_view *view);
const char *rh_view_interruptions(const rh_view *view);
/* The state after the failed migration; NULL if none failed, or the state was not read. */
const char *rh_view_after_failure(const rh_view *view);
/* The interruption record of a MIGRATION's record that tells it; NULL. */
const rh_json *rh_view_left_by_failure(const rh_json *migration);
/* rollback.c: "reversible with loss" of a rollback record; "not rehearsed". */
const char *rh_view_reversibility(const rh_json *rollback);
/* False if a down migration was rehearsed and is not fully reversible. */
bool rh_view_rollback_works(const rh_json *rollback);
/* Of STATEMENTS, the lock record with the strongest mode, held longest; NULL: none. */
const rh_json *rh_view_strongest_lock(const rh_json *statements);
/* The same of one statement. */
const rh_json *rh_view_strongest_lock_of(const rh_json *statement);
/* "file:line:column: message" of a failure record. */
const char *rh_view_failure(const rh_view *view, const rh_json *failure);
/* What ended the run or failed: the run's failure, else the first failed migration's error; NULL: nothing.
 * *WHAT names it. */
const rh_json *rh_view_first_failure(const rh_view *view, const char **what);
/* Shorthand for reading the record. */
const char *rh_view_string(const rh_json *object, const char *key);
double rh_view_real(const rh_json *object, const char *key);
bool rh_view_is(const rh_json *object, const char *key, const char *value);
