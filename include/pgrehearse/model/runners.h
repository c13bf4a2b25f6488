/* Several of the program that migrates, started at once, as two deploying hosts do. */
#pragma once
#include "pgrehearse/model/rollback.h"

typedef enum rh_runners_outcome {
    RH_RUNNERS_NOT_RUN,
    RH_RUNNERS_WAITED,     /* one migrated, the others waited for its advisory lock and found nothing to do */
    RH_RUNNERS_REFUSED,    /* one migrated, the others saw its advisory lock and gave up */
    RH_RUNNERS_SERIALISED, /* it was a lock on a relation that kept the others waiting */
    RH_RUNNERS_BOTH_RAN,   /* the same change was made by more than one */
    RH_RUNNERS_COLLIDED,   /* more than one began, and not all ended well */
    RH_RUNNERS_NOT_MET,    /* they were not seen to meet: nothing is proven */
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
