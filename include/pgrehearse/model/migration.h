/* Migrations, their statements, and what each run of a statement did. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/lock_mode.h"
#include "pgrehearse/model/rollback.h"
#include "pgrehearse/model/tables.h"
#include "pgrehearse/model/work.h"

typedef enum rh_direction { RH_UP, RH_DOWN } rh_direction;

typedef enum rh_pass_kind {
    RH_PASS_KIND_QUIET,
    RH_PASS_KIND_LOADED,
    RH_PASS_KIND_SCALED,
    RH_PASS_KIND_ROLLBACK
} rh_pass_kind;

/* How the statements of one file are put into transactions. */
typedef enum rh_transaction_rule {
    RH_TRANSACTION_EACH, /* every statement by itself (autocommit) */
    RH_TRANSACTION_ONE,  /* the file is one transaction */
    RH_TRANSACTION_OWN,  /* the file's own BEGIN and COMMIT; statements outside of them form implicit
                            transactions as in one simple query */
} rh_transaction_rule;

/* What a statement does: by its parse before it ran, by what was measured afterwards. */
typedef enum rh_statement_class {
    RH_CLASS_UNCLASSIFIED,
    RH_CLASS_CATALOG,   /* catalog only */
    RH_CLASS_HEAP_SCAN, /* SET NOT NULL, ADD CHECK … */
    RH_CLASS_REWRITE,   /* the table and all its indexes */
    RH_CLASS_INDEX_BUILD,
    RH_CLASS_INDEX_CONCURRENT,
    RH_CLASS_VALIDATION,     /* VALIDATE CONSTRAINT */
    RH_CLASS_FOREIGN_KEY,    /* ADD FOREIGN KEY with its check */
    RH_CLASS_DATA_CHANGE,    /* INSERT, UPDATE, DELETE, MERGE, COPY */
    RH_CLASS_QUERY,          /* SELECT */
    RH_CLASS_TRANSACTION,    /* BEGIN, COMMIT, SET … */
    RH_CLASS_MAINTENANCE,    /* VACUUM, ANALYZE, CLUSTER, REINDEX, REFRESH */
    RH_CLASS_PROCEDURE,      /* DO, CALL */
    RH_CLASS_BACKFILL_BATCH, /* a data change that is bounded to a part of its table */
    RH_CLASS_COUNT           /* not a class: their number, for tables indexed by class */
} rh_statement_class;
/* "catalog", "heap_scan", "rewrite", "index_build", … as in report.json. */
const char *rh_statement_class_name(rh_statement_class class_);
/* The class of that name; false when there is none. */
bool rh_statement_class_named(const char *name, rh_statement_class *class_);

typedef enum rh_phase { RH_PHASE_NONE, RH_PHASE_EXPAND, RH_PHASE_MIGRATE, RH_PHASE_CONTRACT } rh_phase;
const char *rh_phase_name(rh_phase phase); /* NULL for none */

/* A lock of the migration's own session. */
typedef struct rh_lock {
    const char *relation; /* schema-qualified, quoted where needed */
    rh_lock_mode mode;
    double wait_s; /* until it was granted; 0 when nobody was in the way */
    double held_s; /* until the end of its transaction */
    bool blocks_reads, blocks_writes;
    const char *table; /* of an index or TOAST relation: its table, named likewise; NULL: RELATION itself */
    bool inferred;     /* from the statement's text, because no look saw it: it enters no gate */
} rh_lock;
/* The table whose users meet the lock. */
const char *rh_lock_table(const rh_lock *lock);
/* The strongest of COUNT locks, the first among equals; NULL of none. */
const rh_lock *rh_lock_strongest(const rh_lock *locks, size_t count);

/* How large what a statement works on is, before it runs. 0: not known. */
typedef struct rh_work_size {
    double bytes;                     /* heap and TOAST of the relation */
    double rows;                      /* of it, by its statistics */
    double index_bytes;               /* on it */
    double other_rows;                /* of the other relations that the statement reads */
    double buffers_bytes, sort_bytes; /* the server's shared_buffers and maintenance_work_mem */
} rh_work_size;

/* One run of one statement. Times in s, bytes; RH_NOT_MEASURED and RH_UNKNOWN where nothing measured it. */
typedef struct rh_statement_run {
    rh_pass_kind pass;
    int repeat;            /* from 1 within its pass kind */
    double scale;          /* scaled: the fraction of the pages asked for (1/64 …); else 1 */
    double relation_bytes; /* as in SIZE; RH_NOT_MEASURED when nobody knows */
    rh_work_size size;     /* when its pass began */
    rh_usec started;       /* monotonic */
    double elapsed_s, lock_wait_s, cpu_user_s, cpu_system_s;
    int64_t read_bytes, write_bytes; /* device, of the backend */
    int64_t wal_bytes, temp_bytes, rows;
    int64_t shared_hit_blocks, shared_read_blocks;
    int64_t cached_read_bytes, cached_write_bytes; /* through the page cache, of the backend */
    int64_t wal_images;                            /* full pages in the WAL, of the server */
    int64_t fsyncs;                                /* of the WAL and of data files, of the server */
    /* Where the figures come from ("/proc/PID/schedstat"); NULL: not measured. */
    const char *cpu_source, *io_source, *cache_source, *wal_source, *temp_source;
    const char *command_tag;
    rh_lock *locks;
    size_t lock_count;
    bool locks_complete; /* its transaction's were read before it ended: what is not in LOCKS it did not take
                          */
    double lock_timeout_s;    /* in force when it was sent; 0: none; RH_NOT_MEASURED: not asked */
    double lock_wait_limit_s; /* the shorter of that and statement_timeout; 0: neither is set; likewise */
    const rh_lock *expected; /* by its text, on what the catalog had before it ran; outside of transactions */
    size_t expected_count;
    rh_statement_work *work;   /* NULL: not looked at in this run */
    rh_progress_phase *phases; /* in the order they were seen first */
    size_t phase_count;        /* 0: short, or it reports no progress */
} rh_statement_run;

typedef enum rh_hazard_state {
    RH_HAZARD_EXPECTED, /* by the statement's text, not measured */
    RH_HAZARD_MEASURED, /* what was measured bears it out */
    RH_HAZARD_REFUTED,  /* what was measured says that it is none here */
    RH_HAZARD_SILENCED, /* "-- pgrehearse: ignore RULE reason" stands before the statement */
} rh_hazard_state;
/* "expected", "measured", "refuted", "silenced". */
const char *rh_hazard_state_name(rh_hazard_state state);

typedef struct rh_hazard {
    const char *rule, *message, *evidence, *safer; /* evidence may be NULL before a run */
    rh_hazard_state state;
    const char *silenced; /* the reason given; NULL unless silenced */
} rh_hazard;

/* "-- pgrehearse: ignore RULE reason" before a statement. */
typedef struct rh_ignored {
    const char *rule, *reason;
    int line; /* of the comment */
} rh_ignored;

/* What a duration consists of, in s: together they are the duration. All 0: nothing tells. */
typedef struct rh_duration_parts {
    double cpu_s;   /* the backend and its parallel workers, the page cache's copies included */
    double read_s;  /* waiting for the device to read */
    double write_s; /* waiting for the device to write: data files, temporary files */
    double wal_s;   /* waiting for WAL to be written and flushed */
    double wait_s;  /* everything else that is not CPU: locks, workers, other transactions */
} rh_duration_parts;

/* LOW and HIGH are RH_NOT_MEASURED when the evidence does not carry LEVEL. */
typedef struct rh_prediction {
    double median_s, low_s, high_s;
    double level;      /* 0.9 */
    const char *basis; /* a sentence */
    rh_duration_parts parts;
    double staging_s;       /* the same on staging, at staging's size */
    bool translated;        /* to production's hardware, size or settings */
    double correction;      /* factor in all of these figures, from earlier scores; 0: none */
    const char *drivers;    /* a sentence: what the uncertainty comes from; NULL */
    const char *narrows;    /* a sentence: what would narrow it; NULL */
    double cold_s;          /* the median, were nothing that it reads in production's memory */
    const char *cold_basis; /* what that consists of, or why it is not known; NULL: not predicted */
} rh_prediction;

/* A lock that a statement takes, by its text and the definitions of the schema: expected, never measured. */
typedef struct rh_expected_lock {
    const char *relation; /* schema-qualified where the definitions tell, else as the statement names it */
    rh_lock_mode mode;
    const char *because; /* "the default partition"; NULL: the statement names the relation */
    bool on_new;         /* the migrations made the relation: nobody waits for it yet */
} rh_expected_lock;

/* A statement that is told together with others. */
typedef struct rh_further {
    const char *sql;
    int line, column;
} rh_further;

typedef struct rh_statement {
    int ordinal;               /* from 1 in its file */
    int line;                  /* in its file */
    const char *sql;           /* as it will be sent */
    const char *redacted_sql;  /* for every output */
    const char *command_tag;   /* expected before, measured after */
    rh_statement_class class_; /* the measured one where class_measured, else class_expected */
    rh_phase phase;
    rh_lock_mode expected_lock;       /* RH_LOCK_NONE: none */
    const char *expected_relation;    /* or NULL */
    rh_expected_lock *expected_locks; /* all of them, the two above first */
    size_t expected_lock_count;
    bool works_long; /* by its text: its work grows with the rows of a table that is not new and empty */
    const char
        *unknown_work; /* why the text does not tell its work and locks ("a DO block"); NULL: it does */
    const char *not_understood; /* why the parser does not know it; NULL: it does */
    bool needs_no_transaction;  /* CONCURRENTLY, VACUUM … */
    const char **relations;     /* quoted names of what it works on, the first foremost */
    size_t relation_count;
    rh_statement_run *runs;
    size_t run_count;
    rh_hazard *hazards;
    size_t hazard_count;
    rh_ignored *ignored;
    size_t ignored_count;
    rh_prediction prediction;
    int column;                        /* of its first character in LINE */
    rh_statement_class class_expected; /* by its parse */
    bool class_measured;
    bool class_differs;         /* measured, and its parse said something else */
    const char *class_evidence; /* a sentence: what was measured and what differs, or why it could not be;
                                   NULL: it was not looked at */
    const char *file;           /* where LINE is, when it is not the script's own (an included one); NULL */
    /* In a file of very many: those that are sent right behind it, one by one. What is measured is their sum.
     */
    rh_further *further;
    size_t further_count;
} rh_statement;

/* One file's worth of statements. */
typedef struct rh_script {
    const char *file; /* absolute */
    char sha256[65];
    rh_transaction_rule rule;
    rh_statement *statements;
    size_t statement_count;
} rh_script;

/* Its statements with those that are told together with others. */
size_t rh_script_sent(const rh_script *script);

/* Which transaction of its file (from 1) each statement runs in: NUMBERS has one int a statement. Returns how
 * many transactions there are. Under RH_TRANSACTION_OWN the file goes to the server as one simple query,
 * whose statements share an implicit transaction up to the next COMMIT or ROLLBACK (documentation,
 * section 55.2.2.1); under RH_TRANSACTION_EACH only what stands between the file's own BEGIN and COMMIT
 * shares one. */
int rh_plan_transactions(const rh_script *script, int *numbers);

typedef enum rh_outcome { RH_OUTCOME_NOT_RUN, RH_OUTCOME_OK, RH_OUTCOME_FAILED } rh_outcome;
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
    double down_s, up_again_s;
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
    const char *failed_pass; /* "quiet pass 1"; NULL */
    rh_rollback rollback;
    rh_interruption *interruptions;
    size_t interruption_count;
} rh_migration;

typedef struct rh_plan {
    rh_framework framework;
    const char *framework_name; /* "golang-migrate", "sql" */
    const char *framework_why;  /* what the detection saw */
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
