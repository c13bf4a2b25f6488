/* Results of the compatibility, lock policy and concurrent runners passes, and of disturbers. */
#pragma once
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/rollback.h"
#include "pgrehearse/model/lock.h"

/* Whether two releases of the application can share a database while one replaces the other: the running
 * one's statements on the schema that the migrations make, the next one's on every schema before that. */

typedef enum rh_release { RH_RELEASE_CURRENT, RH_RELEASE_NEXT, RH_RELEASE_COUNT } rh_release;
const char *rh_release_name(rh_release release); /* "current", "next" */

/* A template that fails on a schema other than its release's. One row per interval of migrations. */
typedef struct rh_incompatibility {
    rh_release application;    /* whose template it is */
    const char *template_name; /* as in its mix */
    const char *sql;           /* without constants */
    double share;              /* of its mix's arrivals, 0 … 1 */
    const char *broken_by;     /* the first migration after which it fails; NULL: it fails before the first */
    const char *fixed_by;      /* the first after which it works again; NULL: none */
    const char *sqlstate, *message;
    int tried, failed; /* calls on the first schema on which it fails; on its own schema, all succeeded */
} rh_incompatibility;

typedef struct rh_compatibility {
    bool measured;
    bool next_measured;               /* the next release's mix was tried, too */
    size_t current_tried, next_tried; /* templates */
    rh_incompatibility *rows;         /* the running release's first; by the order of the migrations */
    size_t row_count;
    rh_mix next; /* the next release's coverage and omissions; without templates: no mix was given */
} rh_compatibility;

/* ---- disturbers: concurrent activity beside the migrations, and the sessions that waited for it ---- */

/* "pg_dump", "idle_in_transaction", "query", "autovacuum", "snapshot": in scenarios and in report.json. */
const char *rh_disturber_kind_name(rh_disturber_kind kind);

typedef enum rh_disturbance_outcome {
    RH_DISTURBANCE_STOPPED, /* by pgrehearse: its time was over, or the migration had ended */
    RH_DISTURBANCE_ENDED,   /* earlier, by itself or by the server */
    RH_DISTURBANCE_NOT_STARTED,
    RH_DISTURBANCE_OUTCOME_COUNT
} rh_disturbance_outcome;
/* "stopped", "ended", "not_started" */
const char *rh_disturbance_outcome_name(rh_disturbance_outcome outcome);

/* One session or template that waited with the disturber in its chain of blockers: the sum of its waits. */
typedef struct rh_disturbed {
    const char *who; /* "migration 000013, statement 1", a template's name or a redacted query */
    bool is_migration;
    int statement;        /* of the migration; 0 for others */
    const char *relation; /* of its longest wait; NULL if that was not on a relation */
    rh_lock_mode mode;
    int64_t waits;
    double wait_s, longest_s; /* total; the longest */
} rh_disturbed;

/* One disturber beside one migration. */
typedef struct rh_disturbance {
    rh_disturber_kind kind;
    const char *name;      /* "idle transaction on public.orders": "disturber: " and this in blocker names */
    const char *table;     /* qualified; NULL: no particular table */
    const char *migration; /* id of the migration beside which it ran */
    double from_s, to_s;   /* since the load began; RH_NOT_MEASURED when it was not started */
    int *pids;             /* its sessions on staging */
    size_t pid_count;
    rh_disturbance_outcome outcome;
    const char *detail;      /* why it was not started or ended early, or a remark; NULL */
    double migration_wait_s; /* total waits of the migration's statements with it in the chain of blockers */
    rh_disturbed *behind;    /* longest wait first, the migration before others */
    size_t behind_count;
} rh_disturbance;

/* ---- lock policy: each lock_timeout tried, its effect on the load, and the recommended one ---- */

/* An invalid index that a failed attempt of CONCURRENTLY left; it is dropped before the next attempt. */
typedef struct rh_invalid_index {
    const char *name; /* qualified */
    bool dropped;
} rh_invalid_index;

/* One lock_timeout on one transaction (or on all of them together), over all trials. */
typedef struct rh_lock_policy {
    double lock_timeout_s;                   /* 0: none, the statement waits without limit */
    int tries, successes;                    /* a trial is up to ATTEMPTS attempts with pauses between them */
    int attempts_max;                        /* the most of a successful trial; 0: none succeeded */
    double attempts_mean;                    /* of the successful trials; RH_NOT_MEASURED: none */
    double total_s_median, total_s_max;      /* from the first attempt's start to the end, pauses included */
    double lock_wait_s_max;                  /* the longest wait of one attempt; RH_NOT_MEASURED */
    double response_max_ms, response_p99_ms; /* of the load meanwhile, of the worst trial */
    int64_t load_errors;
    const char *failure; /* the last error of a trial that did not succeed; NULL */
    bool recommended;
} rh_lock_policy;

/* The trials of one transaction of a migration. */
typedef struct rh_lock_policy_case {
    const char *migration;
    int first_statement, last_statement; /* ordinals */
    int line;                            /* of the statement below */
    const char *statement;               /* redacted: the one with the strongest lock */
    const char *relation;
    rh_lock_mode mode;
    double hold_s; /* the transaction without conflicting sessions: each statement's quickest quiet run;
                      RH_NOT_MEASURED */
    rh_lock_policy *policies; /* shortest lock_timeout first, none last */
    size_t policy_count;
    int recommended; /* index in policies; -1: none succeeded in every trial */
    const char *why; /* a sentence */
    rh_invalid_index *invalid_indexes;
    size_t invalid_index_count;
} rh_lock_policy_case;

/* A setting ready to paste. */
typedef struct rh_lock_policy_setting {
    const char *where; /* "at the top of the migration", "golang-migrate: the database URL" */
    const char *text;
} rh_lock_policy_setting;

typedef struct rh_lock_policy_search {
    bool measured;       /* false: not requested, or nothing could be tried (not_tried has the reasons) */
    int attempts, tries; /* the most attempts per trial; trials per lock_timeout */
    const char *backoff; /* the pauses, in words */
    double rate_per_s, elapsed_s;
    bool disturbed; /* the scenario's disturbers ran meanwhile */
    rh_lock_policy_case *cases;
    size_t case_count;
    rh_lock_policy *overall; /* per lock_timeout over all cases: the worst response times, sums of times */
    size_t overall_count;
    int recommended; /* index in overall; -1: none */
    const char *why;
    rh_lock_policy_setting *settings;
    size_t setting_count;
    const char **not_tried; /* sentences: omitted transactions, with reasons */
    size_t not_tried_count;
} rh_lock_policy_search;

/* ---- concurrent runners: the migration program, started several times at once ---- */

typedef enum rh_runners_outcome {
    RH_RUNNERS_NOT_RUN,
    RH_RUNNERS_WAITED,     /* one migrated, the others waited for its advisory lock and found nothing to do */
    RH_RUNNERS_REFUSED,    /* one migrated, the others gave up because of its advisory lock */
    RH_RUNNERS_SERIALISED, /* a lock on a relation, not an advisory lock, made the others wait */
    RH_RUNNERS_BOTH_RAN,   /* more than one made the same change */
    RH_RUNNERS_COLLIDED,   /* more than one began, and not all succeeded */
    RH_RUNNERS_NOT_MET,    /* they did not overlap: nothing is proven */
    RH_RUNNERS_OUTCOME_COUNT
} rh_runners_outcome;
/* "waited", "refused", "serialised", "both_ran", "collided", "not_met"; NULL when not run. */
const char *rh_runners_outcome_name(rh_runners_outcome outcome);

typedef struct rh_runner {
    int status; /* its exit status, or 128 + signal */
    double elapsed_s;
    int statements,
        changes;        /* statements sent; those that succeeded and are neither queries nor BEGIN, SET … */
    double lock_wait_s; /* the longest observed; 0: none */
    const char *waited_for; /* "an advisory lock", "public.schema_migrations"; NULL */
    bool waited_for_advisory;
    const char *last_line; /* of its output, if it failed; NULL */
} rh_runner;

typedef struct rh_runners {
    rh_runners_outcome outcome;
    const char *why; /* one sentence */
    rh_runner *runners;
    size_t count;
    size_t repeated;            /* changes that more than one of them made */
    const char *repeated_sql;   /* the first of them, redacted; NULL */
    rh_difference *differences; /* of the schema, compared with a run of one program alone */
    size_t difference_count;
    const char **row_differences; /* sentences: tables whose row count differs from such a run */
    size_t row_difference_count;
} rh_runners;
