/* Disturbers: what else production runs while a migration wants its locks, and who waited for it. */
#pragma once
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/lock_mode.h"

/* "pg_dump", "idle_in_transaction", "query", "autovacuum", "snapshot": in scenarios and in report.json. */
const char *rh_disturber_kind_name(rh_disturber_kind kind);

typedef enum rh_disturbance_outcome {
    RH_DISTURBANCE_STOPPED,     /* by us: its time was over, or the migration had ended */
    RH_DISTURBANCE_ENDED,       /* by itself or by the server, before that */
    RH_DISTURBANCE_NOT_STARTED, /* nothing was disturbed */
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
