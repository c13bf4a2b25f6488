/* One run of a scenario: all data of the report. rehearsal/ fills it, report/ renders it. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/backfill.h"
#include "pgrehearse/model/contention.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/attempt.h"
#include "pgrehearse/model/passes.h"
#include "pgrehearse/model/prediction.h"
#include "pgrehearse/model/profile.h"
#include "pgrehearse/model/scenario.h"

typedef enum rh_verdict {
    RH_VERDICT_PASS,
    RH_VERDICT_FAIL,
    RH_VERDICT_INCONCLUSIVE,
    RH_VERDICT_ERROR,
    RH_VERDICT_REFUSED,
    RH_VERDICT_COUNT
} rh_verdict;
const char *rh_verdict_name(rh_verdict verdict);

typedef enum rh_gate_outcome {
    RH_GATE_HELD,
    RH_GATE_FAILED,
    RH_GATE_NOT_MEASURED,
    RH_GATE_OUTCOME_COUNT
} rh_gate_outcome;
const char *rh_gate_outcome_name(rh_gate_outcome outcome); /* "held", "failed", "not_measured" */
typedef struct rh_gate {
    rh_gate_kind kind;
    const char *name;       /* as in the scenario */
    const char *limit_text; /* as the user wrote it */
    double limit, measured; /* measured may be RH_NOT_MEASURED */
    rh_gate_outcome outcome;
    const char *worst; /* where the measured value comes from: "migration 000013, statement 1 on
                          public.orders"; or why it was not measured */
} rh_gate;
const char *rh_gate_kind_name(rh_gate_kind kind);

/* One CPU/IO/WAL reading of staging, for samples/resources.csv. */
typedef struct rh_resource_sample {
    double at_s;
    double backend_cpu_s; /* of the migration's backend, cumulative */
    int64_t backend_read_bytes, backend_write_bytes;
    int64_t wal_bytes; /* since the pass began */
    int64_t disk_free_bytes;
} rh_resource_sample;

typedef struct rh_step_result {
    const char *name; /* file or command */
    rh_outcome outcome;
    double elapsed_s;
    int64_t failures;   /* verify SQL: rows returned; commands: exit status */
    const char *detail; /* first failing row or last line of the output, redacted */
} rh_step_result;

/* One pass as a whole. */
typedef struct rh_pass_record {
    rh_pass_kind kind;
    const char *name; /* "quiet pass 1 of 3" */
    double elapsed_s; /* from the first migration's start to the last one's end, observation included */
    bool complete;    /* every pending migration ran */
} rh_pass_record;

/* The role of the sessions of the migrations or of the load. */
typedef struct rh_session_role {
    const char *name; /* NULL: not chosen yet */
    const char *why;  /* why it was chosen: "the owner of the history table schema_migrations" */
    bool superuser;
} rh_session_role;

/* A table whose rows the steps of prepare changed, and the columns. */
typedef struct rh_masked_column {
    int64_t number; /* attnum */
    const char *name;
    bool by_other; /* a trigger, a foreign key or its expression may change it */
} rh_masked_column;

typedef struct rh_masked_table {
    int64_t oid, updated, deleted; /* rows */
    int64_t files;                 /* a sum of its files' numbers */
    bool replaced;                 /* truncated, written again, or created by prepare */
    const char *name;              /* qualified, quoted where needed; NULL: prepare changed no row of it */
    rh_masked_column *columns;
    size_t column_count;
} rh_masked_table;

typedef struct rh_run {
    rh_arena *arena; /* owns everything below */
    const rh_scenario *scenario;
    const char *directory; /* run directory, absolute */
    const char *id;        /* its last component */
    const char *tool_version;
    rh_usec started_wall, started; /* wall; monotonic */
    double elapsed_s;
    rh_verdict verdict;
    int exit_code;
    const char *reason;  /* the reason of the verdict, one sentence */
    rh_failure *failure; /* the error that ended the run early; NULL */
    const char *failed_stage;

    rh_backup_facts backup;
    rh_staging_facts staging;
    rh_production_facts production;
    rh_plan plan;
    rh_session_role migrations_role, workload_role;
    rh_pass_record *passes;
    size_t pass_count;
    rh_load load;
    rh_masked_table *masked; /* by prepare */
    size_t masked_count;
    rh_constraint *constraints_before; /* after prepare; only where a step ran */
    size_t constraint_count_before;
    rh_constraint *constraints_after; /* after the first quiet pass */
    size_t constraint_count_after;
    bool constraints_known; /* the two above were read */
    rh_contention contention;
    rh_compatibility compatibility;
    rh_rollback set_rollback; /* all pending migrations down and up again; run only if there are several and
                                 each has a down migration; irreversible if only some have one */
    rh_disturbance *disturbances; /* in the loaded pass: each disturber beside each migration */
    size_t disturbance_count;
    rh_lock_policy_search lock_policy;
    rh_runners runners;
    rh_backfill_result *backfills; /* in the order of the scenario */
    size_t backfill_count;
    rh_resource_sample *resources;
    size_t resource_count;
    rh_run_prediction prediction;
    rh_gate *gates;
    size_t gate_count;
    rh_step_result *before, *prepare, *verify; /* backup.before, prepare, verify */
    size_t before_count, prepare_count, verify_count;
    rh_outcome verify_outcome;
    const char *inconclusive; /* the first reason of rh_run_inconclusive; NULL */
    rh_notes not_measured;
} rh_run;

/* Adds a sentence to run->not_measured: what was not measured, and why. */
void rh_run_not_measured(rh_run *run, rh_unmeasured code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for something that the verdict needs: instead of passing, the run is inconclusive, for the first
 * such reason. */
void rh_run_inconclusive(rh_run *run, rh_unmeasured code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
