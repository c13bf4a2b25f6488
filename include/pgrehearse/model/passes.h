/* What the passes beside the quiet and the loaded one found. */
#pragma once
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/rollback.h"
#include "pgrehearse/model/lock.h"

/* Whether two releases of the application can share a database while one replaces the other: the running
 * one's statements on the schema that the migrations make, the next one's on every schema before that. */

typedef enum rh_release { RH_RELEASE_CURRENT, RH_RELEASE_NEXT, RH_RELEASE_COUNT } rh_release;
const char *rh_release_name(rh_release release); /* "current", "next" */

/* A template that fails on a schema that is not its release's own. One row a stretch of migrations. */
typedef struct rh_incompatibility {
    rh_release application;    /* whose template it is */
    const char *template_name; /* as in its mix */
    const char *sql;           /* without constants */
    double share;              /* of its mix's arrivals, 0 … 1 */
    const char *broken_by;     /* the first migration after which it fails; NULL: it fails before the first */
    const char *fixed_by;      /* the first after which it works again; NULL: it fails to the end */
    const char *sqlstate, *message;
    int tried, failed; /* calls where it failed first; all of them went well on its own schema */
} rh_incompatibility;

typedef struct rh_compatibility {
    bool measured;
    bool next_measured;               /* the next release's mix was tried, too */
    size_t current_tried, next_tried; /* templates */
    rh_incompatibility *rows;         /* the running release's first, then in the order of the migrations */
    size_t row_count;
    rh_mix next; /* the next release's: its coverage and what it leaves out; no templates: there is none */
} rh_compatibility;

/* Disturbers: what else production runs while a migration wants its locks, and who waited for it. */

/* "pg_dump", "idle_in_transaction", "query", "autovacuum", "snapshot": in scenarios and in report.json. */
const char *rh_disturber_kind_name(rh_disturber_kind kind);

typedef enum rh_disturbance_outcome {
    RH_DISTURBANCE_STOPPED,     /* by us: its time was over, or the migration had ended */
    RH_DISTURBANCE_ENDED,       /* by itself or by the server, before that */
    RH_DISTURBANCE_NOT_STARTED, /* nothing was disturbed */
    RH_DISTURBANCE_OUTCOME_COUNT
} rh_disturbance_outcome;
/* "stopped", "ended", "not_started" */
const char *rh_disturbance_outcome_name(rh_disturbance_outcome outcome);

/* One party that waited with the disturber somewhere in its blocker chain: all its waits together. */
typedef struct rh_disturbed {
    const char *who; /* "migration 000013, statement 1", a template's name or a redacted query */
    bool is_migration;
    int statement;        /* of the migration; 0 for others */
    const char *relation; /* of its longest wait; NULL when that was not about one */
    rh_lock_mode mode;
    int64_t waits;
    double wait_s, longest_s; /* in all; the longest */
} rh_disturbed;

/* One disturber beside one migration. */
typedef struct rh_disturbance {
    rh_disturber_kind kind;
    const char *name;      /* "idle transaction on public.orders": "disturber: " and this in blocker names */
    const char *table;     /* qualified; NULL: none in particular */
    const char *migration; /* id of the one beside which it ran */
    double from_s, to_s;   /* since the load began; RH_NOT_MEASURED when it was not started */
    int *pids;             /* its sessions on staging */
    size_t pid_count;
    rh_disturbance_outcome outcome;
    const char *detail;      /* why it was not started or ended early, what is special; NULL */
    double migration_wait_s; /* what the migration's statements waited with it in the way */
    rh_disturbed *behind;    /* longest wait first, the migration before others */
    size_t behind_count;
} rh_disturbance;

/* What lock_policy: search found: each lock_timeout tried, what it cost, and the one to use. */

/* What a CONCURRENTLY left when it gave up: found after a failed attempt, and dropped before the next. */
typedef struct rh_invalid_index {
    const char *name; /* qualified */
    bool dropped;
} rh_invalid_index;

/* One lock_timeout on one transaction (or on all of them together). Figures over its tries. */
typedef struct rh_lock_policy {
    double lock_timeout_s;              /* 0: none, the statement waits as long as it takes */
    int tries, successes;               /* a try is up to ATTEMPTS attempts with pauses between them */
    int attempts_max;                   /* that a successful try needed; 0: none succeeded */
    double attempts_mean;               /* of the successful tries; RH_NOT_MEASURED: none */
    double total_s_median, total_s_max; /* from the first attempt's start to the end, pauses included */
    double lock_wait_s_max;             /* the longest that one attempt stood in the queue; RH_NOT_MEASURED */
    double response_max_ms, response_p99_ms; /* response time of the load meanwhile, the worst of the tries */
    int64_t load_errors;
    const char *failure; /* the last attempt's error when a try did not succeed; NULL */
    bool recommended;
} rh_lock_policy;

/* One transaction of a migration that was tried. */
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
    int recommended; /* index in policies; -1: none got through every time */
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
    bool measured;       /* false: not asked for, or nothing could be tried (then not_tried says why) */
    int attempts, tries; /* at most so many attempts a try; tries a policy that were wanted */
    const char *backoff; /* the pauses, in words */
    double rate_per_s, elapsed_s;
    bool disturbed; /* the scenario's disturbers ran, too */
    rh_lock_policy_case *cases;
    size_t case_count;
    rh_lock_policy *overall; /* per lock_timeout over all cases: worst victims, sums of times */
    size_t overall_count;
    int recommended; /* index in overall; -1: none */
    const char *why;
    rh_lock_policy_setting *settings;
    size_t setting_count;
    const char **not_tried; /* sentences: what was left out, and why */
    size_t not_tried_count;
} rh_lock_policy_search;

/* Several of the program that migrates, started at once, as two deploying hosts do. */

typedef enum rh_runners_outcome {
    RH_RUNNERS_NOT_RUN,
    RH_RUNNERS_WAITED,     /* one migrated, the others waited for its advisory lock and found nothing to do */
    RH_RUNNERS_REFUSED,    /* one migrated, the others saw its advisory lock and gave up */
    RH_RUNNERS_SERIALISED, /* it was a lock on a relation that kept the others waiting */
    RH_RUNNERS_BOTH_RAN,   /* the same change was made by more than one */
    RH_RUNNERS_COLLIDED,   /* more than one began, and not all ended well */
    RH_RUNNERS_NOT_MET,    /* they were not seen to meet: nothing is proven */
    RH_RUNNERS_OUTCOME_COUNT
} rh_runners_outcome;
/* "waited", "refused", "serialised", "both_ran", "collided", "not_met"; NULL when not run. */
const char *rh_runners_outcome_name(rh_runners_outcome outcome);

typedef struct rh_runner {
    int status; /* its exit status, or 128 + signal */
    double elapsed_s;
    int statements, changes;  /* that it sent; of these, ended well and neither queries nor BEGIN, SET … */
    double lock_wait_s;       /* the longest that was seen; 0: none */
    const char *waited_for;   /* "an advisory lock", "public.schema_migrations"; NULL */
    bool waited_for_advisory; /* what it waited for is an advisory lock */
    const char *said;         /* the last line of one that did not end well; NULL */
} rh_runner;

typedef struct rh_runners {
    rh_runners_outcome outcome;
    const char *why; /* one sentence */
    rh_runner *runners;
    size_t count;
    size_t repeated;            /* changes that more than one made */
    const char *repeated_sql;   /* the first of them, redacted; NULL */
    rh_difference *differences; /* of the schema, against what one program alone leaves */
    size_t difference_count;
    const char **row_differences; /* sentences: tables with another number of rows than one program leaves */
    size_t row_difference_count;
} rh_runners;
