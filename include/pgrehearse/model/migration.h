/* Migrations: their files, statements and outcomes; the plan. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/rollback.h"
#include "pgrehearse/model/statement.h"

typedef enum rh_direction { RH_UP, RH_DOWN } rh_direction;

/* How the statements of one file are put into transactions. */
typedef enum rh_transaction_rule {
    RH_TRANSACTION_EACH, /* every statement by itself (autocommit) */
    RH_TRANSACTION_ONE,  /* the file is one transaction */
    RH_TRANSACTION_OWN,  /* the file's own BEGIN and COMMIT; statements outside of them form implicit
                            transactions as in one simple query */
    RH_TRANSACTION_RULE_COUNT
} rh_transaction_rule;
const char *rh_transaction_rule_name(rh_transaction_rule rule); /* "each", "one", "own" */

/* One file's worth of statements. */
typedef struct rh_script {
    const char *file; /* absolute */
    char sha256[65];
    rh_transaction_rule rule;
    rh_statement *statements;
    size_t statement_count;
} rh_script;

/* The number of statements that are sent, those grouped with others included. */
size_t rh_script_sent(const rh_script *script);

/* Which transaction of its file (from 1) each statement runs in: NUMBERS has one int a statement. Returns how
 * many transactions there are. Under RH_TRANSACTION_OWN the file goes to the server as one simple query,
 * whose statements share an implicit transaction up to the next COMMIT or ROLLBACK (documentation,
 * section 55.2.2.1); under RH_TRANSACTION_EACH only the statements between the file's own BEGIN and COMMIT
 * share one. */
int rh_plan_transactions(const rh_script *script, int *numbers);

typedef enum rh_outcome { RH_OUTCOME_NOT_RUN, RH_OUTCOME_OK, RH_OUTCOME_FAILED, RH_OUTCOME_COUNT } rh_outcome;
const char *rh_outcome_name(rh_outcome outcome); /* "ok", "failed", "not_run" */

/* The error of a migration, with its position in the user's file. */
typedef struct rh_failure {
    const char *message, *sqlstate, *hint, *file;
    int line, column;
} rh_failure;
/* A copy of ERROR, in ARENA. */
rh_failure *rh_failure_of_error(const rh_error *error, rh_arena *arena);

typedef struct rh_rollback {
    rh_outcome outcome; /* of the down migration and of the reapply */
    bool has_down;
    bool down_is_empty; /* the down migration has no statement: HAS_DOWN is false then */
    double down_s, reapply_s;
    int schema_restored; /* 1 yes, 0 no, -1 not checked */
    rh_difference *differences;
    size_t difference_count;
    rh_failure *failure; /* NULL unless failed */
    rh_data_comparison data;
    rh_reversibility reversibility;
    const char *why; /* one sentence on the reversibility; NULL when unknown */
} rh_rollback;

typedef struct rh_migration {
    const char *id;   /* "000012" or the file's name */
    const char *name; /* "add_public_id" */
    bool applied_in_backup;
    bool pending;          /* runs in every pass: not applied, and chosen by pending: and --only */
    const char *not_sql;   /* the kind of its file ("a program in Go"), which cannot be replayed; NULL: SQL */
    const char *joined_id; /* id of the migration in whose transaction this one's statements run; NULL */
    const void *framework_data; /* private data of its framework's reader; NULL */
    const char *skipped;        /* why its framework does not run it ("below the baseline 7"); NULL */
    rh_script up;
    bool has_down;      /* a down migration with statements */
    bool down_is_empty; /* a down migration without statements */
    rh_script down;
    const char *const *command; /* a program instead of the files, NULL-ended; NULL: files */
    const char *const *down_command;
    rh_location where; /* of a program: its place in the scenario */
    double *own_s;     /* of a program: its time outside its statements, by quiet pass */
    size_t own_count;
    rh_outcome outcome; /* over all passes: failed if any failed */
    rh_failure *failure;
    rh_pass_kind failed_in;  /* the pass in which it failed */
    const char *failed_pass; /* its name, "quiet pass 1 of 3"; NULL: it has not failed in a pass */
    rh_rollback rollback;
    rh_interruption *interruptions;
    size_t interruption_count;
} rh_migration;

typedef struct rh_plan {
    rh_framework framework;
    const char *framework_name;   /* "golang-migrate", "sql" */
    const char *framework_reason; /* why this framework was detected */
    const char
        *history_table; /* as SQL text: schema_migrations, "Billing".versions; NULL: the framework has none */
    size_t other_tables;          /* number of tables besides the history table, once that was searched */
    const char *history_located;  /* the history table in the database, with its schema; NULL: none */
    const char *history_registry; /* a schema of the framework that holds its history; NULL: none */
    const char *folder;           /* of the migrations; NULL: the scenario names none */
    rh_migration *migrations;     /* in the order they run; only the pending ones have statements */
    size_t migration_count;
    size_t pending_count;
    const char *const *schema; /* the backup's definitions as SQL; none: not known */
    size_t schema_count;
    const char *database_owner;     /* by the backup: the default role of the migrations; NULL: not known */
    const char *const *search_path; /* of the migrations' sessions, NULL-ended; NULL: the default */
    rh_listed_tables small_tables;  /* tables with few rows in the backup */
    const struct rh_setting *settings; /* of the server, at the start of a migration's session */
    size_t setting_count;
    int server_major; /* of the database that was backed up; 0: not known, or SCHEMA was not requested */
} rh_plan;

/* The inferred lock with the longest duration that blocks reads (else writes); LOCK is NULL if there is none.
 */
typedef struct rh_unseen_lock {
    const rh_migration *migration;
    const rh_statement *statement;
    const rh_lock *lock; /* its held_s is the duration of the statement, an upper bound */
} rh_unseen_lock;
/* By the loaded pass; for statements that did not run in it, by the quiet pass. MIGRATION: an id; NULL: all.
 */
rh_unseen_lock rh_plan_unseen_lock(const rh_plan *plan, const char *migration, bool reads);
/* SEEN_S, the observed time for which reads (else writes) were blocked; RH_NOT_MEASURED if an inferred lock
 * may have blocked them for longer. */
double rh_plan_blocked_s(const rh_plan *plan, const char *migration, bool reads, double seen_s);
