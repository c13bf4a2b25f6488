/* Migrations: their files, statements and outcome, and the plan that they make up. */
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

/* Its statements with those that are reported together with others. */
size_t rh_script_sent(const rh_script *script);

/* Which transaction of its file (from 1) each statement runs in: NUMBERS has one int a statement. Returns how
 * many transactions there are. Under RH_TRANSACTION_OWN the file goes to the server as one simple query,
 * whose statements share an implicit transaction up to the next COMMIT or ROLLBACK (documentation,
 * section 55.2.2.1); under RH_TRANSACTION_EACH only what stands between the file's own BEGIN and COMMIT
 * shares one. */
int rh_plan_transactions(const rh_script *script, int *numbers);

typedef enum rh_outcome { RH_OUTCOME_NOT_RUN, RH_OUTCOME_OK, RH_OUTCOME_FAILED, RH_OUTCOME_COUNT } rh_outcome;
const char *rh_outcome_name(rh_outcome outcome); /* "ok", "failed", "not_run" */

/* The error of a migration, with its place in the user's file. */
typedef struct rh_failure {
    const char *message, *sqlstate, *hint, *file;
    int line, column;
} rh_failure;
/* A copy of ERROR, in ARENA. */
rh_failure *rh_failure_of_error(const rh_error *error, rh_arena *arena);

typedef struct rh_rollback {
    rh_outcome outcome; /* of down, and of up again */
    bool has_down;
    bool down_is_empty; /* there is a way down, and no statement in it: HAS_DOWN is false then */
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
    bool pending;        /* runs in every pass: not applied, and chosen by pending: and --only */
    const char *not_sql; /* what its file is instead ("a program in Go"): it cannot be replayed; NULL: SQL */
    const char *joined_id; /* of the migration that has this one's statements, in one transaction; NULL */
    const void *framework_data; /* what its framework's reader keeps with it; NULL */
    const char *skipped;        /* why its framework passes over it ("below the baseline 7"); NULL */
    rh_script up;
    bool has_down;      /* with a statement in it */
    bool down_is_empty; /* there is one without */
    rh_script down;
    const char *const *command; /* a program instead of the files, NULL-ended; NULL: files */
    const char *const *down_command;
    rh_location where; /* a program: in the scenario */
    double *own_s;     /* a program's time outside of its statements, by quiet pass */
    size_t own_count;
    rh_outcome outcome; /* over all passes: failed if any failed */
    rh_failure *failure;
    rh_pass_kind failed_in;  /* where it failed */
    const char *failed_pass; /* the same for people: "quiet pass 1 of 3"; NULL: it has not failed in a pass */
    rh_rollback rollback;
    rh_interruption *interruptions;
    size_t interruption_count;
} rh_migration;

typedef struct rh_plan {
    rh_framework framework;
    const char *framework_name;   /* "golang-migrate", "sql" */
    const char *framework_reason; /* what the detection saw */
    const char
        *history_table; /* as SQL text: schema_migrations, "Billing".versions; NULL: the framework has none */
    size_t other_tables;          /* beside the history, once it was looked for */
    const char *history_located;  /* the table itself, with its schema; NULL: the database has none */
    const char *history_registry; /* the schema that is the framework's own, with its history; NULL: none */
    const char *folder;           /* of the migrations; NULL: the scenario names none */
    rh_migration *migrations;     /* in the order they run; only the pending ones have statements */
    size_t migration_count;
    size_t pending_count;
    const char *const *schema; /* the backup's definitions as SQL; none: not known */
    size_t schema_count;
    const char *database_owner;     /* by the backup: whom migrations run as unless said; NULL: not known */
    const char *const *search_path; /* of the migrations' sessions, NULL-ended; NULL: the default */
    rh_listed_tables small_tables;  /* with next to no rows in the backup */
    const struct rh_setting *settings; /* of the server, as a migration's session finds them */
    size_t setting_count;
    int server_major; /* of the database that was backed up, where SCHEMA was asked for; 0: not known */
} rh_plan;

/* The longest lock that blocks reads (else writes) and that no look saw; LOCK is NULL where there is none. */
typedef struct rh_unseen_lock {
    const rh_migration *migration;
    const rh_statement *statement;
    const rh_lock *lock; /* its held_s is how long the statement took: it blocked at most that long */
} rh_unseen_lock;
/* In the loaded pass, of statements that did not run there in the quiet one. MIGRATION: an id; NULL: all. */
rh_unseen_lock rh_plan_unseen_lock(const rh_plan *plan, const char *migration, bool reads);
/* SEEN_S, what was seen to block reads (else writes); not measured where a lock that was not seen may have
 * blocked them longer. */
double rh_plan_blocked_s(const rh_plan *plan, const char *migration, bool reads, double seen_s);
