/* What lock_policy: search found: each lock_timeout tried, what it cost, and the one to use. */
#pragma once
#include "pgrehearse/model/migration.h"

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
    double victim_ms_max, victim_ms_p99; /* response time of the load meanwhile, the worst of the tries */
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
    double hold_s; /* the transaction without anybody in the way: each statement's quickest quiet run;
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
