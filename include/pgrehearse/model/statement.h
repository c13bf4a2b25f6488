/* A statement of a migration: its class, its hazards, and the measurements of each run. */
#pragma once
#include "pgrehearse/base/relation.h"
#include "pgrehearse/base/clock.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/lock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rh_pass_kind {
    RH_PASS_KIND_QUIET,
    RH_PASS_KIND_LOADED,
    RH_PASS_KIND_SCALED,
    RH_PASS_KIND_ROLLBACK,
    RH_PASS_KIND_VERIFY,
    RH_PASS_KIND_COMPATIBILITY,
    RH_PASS_KIND_COUNT /* not a pass: their number */
} rh_pass_kind;
/* "quiet pass", "loaded pass", … */
const char *rh_pass_kind_name(rh_pass_kind kind);

/* What a statement does to a relation: expected by its parse tree, then as measured. */
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

typedef enum rh_phase {
    RH_PHASE_NONE,
    RH_PHASE_EXPAND,
    RH_PHASE_MIGRATE,
    RH_PHASE_CONTRACT,
    RH_PHASE_COUNT
} rh_phase;
const char *rh_phase_name(rh_phase phase); /* NULL for none */

typedef struct rh_relation_work {
    const char *relation; /* qualified, quoted where needed */
    const char *table;    /* of an index: its table; else NULL */
    char kind;            /* pg_class.relkind: 'r', 'm' (materialized view), 'i' */
    bool created;         /* by this statement */
    bool is_private;      /* created by its transaction: no other session can have locked it */
    bool rewritten;       /* it existed before, and has a new pg_class.relfilenode */
    bool valid;           /* false: an invalid index */
    int64_t pages_before; /* pg_class.relpages before the transaction; 0: empty or never analysed; RH_UNKNOWN
                             if private */
    int64_t rows_before;  /* pg_class.reltuples; RH_UNKNOWN: never analysed, or private */
    int64_t pages_after;  /* of its new files; RH_UNKNOWN unless created or rewritten */
    int64_t blocks_read;  /* fetched, from the cache or not; RH_UNKNOWN: the server does not report it */
    int64_t scans;        /* sequential scans, or scans of the index */
    int64_t rows_inserted, rows_updated, rows_deleted;
} rh_relation_work;

/* A phase of a command that reports its progress (pg_stat_progress_*), by samples from a side connection.
 * There are about twenty samples in each doubling of the statement's duration, so that a boundary between two
 * phases is known to a fortieth of the time elapsed by then. */
typedef struct rh_progress_phase {
    const char *command, *phase; /* "CREATE INDEX", "building index: sorting live tuples" */
    double elapsed_s;
    double cpu_s; /* of the backend without parallel workers; NAN: the server is on another machine */
    int64_t read_bytes, write_bytes; /* device I/O of the backend; RH_UNKNOWN likewise */
    int64_t wal_bytes;               /* of the whole server */
} rh_progress_phase;

/* System catalogs, TOAST and temporary tables are not in it. */
typedef struct rh_statement_work {
    rh_relation_work *relations;
    size_t relation_count;
    bool counted;         /* blocks, scans and rows are known */
    int64_t target_pages; /* of the table that the statement's text names, afterwards; 0: it is empty;
                             RH_UNKNOWN */
} rh_statement_work;

/* The sizes of the relations that a statement works on, before it runs. 0: not known. */
typedef struct rh_work_size {
    double bytes;                     /* heap and TOAST of the relation */
    double rows;                      /* of it, by its statistics */
    double index_bytes;               /* on it */
    double referenced_rows;           /* of the other relations that the statement reads */
    double buffers_bytes, sort_bytes; /* the server's shared_buffers and maintenance_work_mem */
} rh_work_size;

/* A table of which the session's role does not see, or does not change, all rows, by row-level security. */
typedef struct rh_hidden_rows {
    const char *table, *role; /* table: qualified, quoted where needed */
    int64_t seen, all;        /* rows; RH_HIDDEN_ROWS_MOST + 1: more than those; RH_UNKNOWN: not counted */
    bool to_change;           /* SEEN are those that the role may change */
} rh_hidden_rows;
/* Rows are counted up to this number. */
enum { RH_HIDDEN_ROWS_MOST = 1000000 };

/* One run of one statement. Times in s, sizes in bytes; RH_NOT_MEASURED and RH_UNKNOWN if not measured. */
typedef struct rh_statement_run {
    rh_pass_kind pass;
    int repeat;            /* from 1 within its pass kind */
    double scale;          /* scaled pass: the requested fraction of the pages (1/64 …); else 1 */
    double relation_bytes; /* as in SIZE; RH_NOT_MEASURED when unknown */
    rh_work_size size;     /* when its pass began */
    rh_usec started;       /* monotonic */
    double elapsed_s, lock_wait_s, cpu_user_s, cpu_system_s;
    double cpu_wait_s;               /* runnable without a CPU: other processes of staging's machine had it */
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
    bool locks_complete;      /* LOCKS was read before its transaction ended: there are no others */
    double lock_timeout_s;    /* in force when it was sent; 0: none; RH_NOT_MEASURED: not read */
    double lock_wait_limit_s; /* the lesser of that and statement_timeout; 0: neither is set; likewise */
    int64_t transactions;     /* number of transactions, by its own COMMITs; 0: not counted */
    rh_lock *expected;        /* outside transactions: by its text and the catalog before it ran */
    size_t expected_count;
    rh_statement_work *work;   /* NULL: not read in this run */
    rh_progress_phase *phases; /* in the order of their first samples */
    size_t phase_count;        /* 0: too short, or it reports no progress */
    rh_hidden_rows *hidden;    /* rows of its tables that row-level security hides from its role */
    size_t hidden_count;
} rh_statement_run;
/* A run before its measurement: nothing of it is known but where it belongs. */
rh_statement_run rh_statement_run_unmeasured(rh_pass_kind pass, int repeat, double scale);

typedef enum rh_hazard_state {
    RH_HAZARD_EXPECTED, /* by the statement's text, not measured */
    RH_HAZARD_MEASURED, /* confirmed by the measurement */
    RH_HAZARD_REFUTED,  /* measured, and absent */
    RH_HAZARD_SILENCED, /* by "-- pgrehearse: ignore RULE reason" before the statement */
    RH_HAZARD_STATE_COUNT
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

/* The components of a duration, in s; their sum is the duration. All 0: not known. */
typedef struct rh_duration_parts {
    double cpu_s;   /* the backend and its parallel workers, the page cache's copies included */
    double read_s;  /* waiting for the device to read */
    double write_s; /* waiting for the device to write: data files, temporary files */
    double wal_s;   /* waiting for WAL to be written and flushed */
    double wait_s;  /* everything else that is not CPU: locks, workers, other transactions */
} rh_duration_parts;

/* A duration under the load of the loaded pass, lock waits included. LOW and HIGH are RH_NOT_MEASURED if
 * there is not enough evidence. */
typedef struct rh_loaded_prediction {
    double median_s, low_s, high_s;
    double wait_s;     /* of these: the expected wait for its locks */
    double factor;     /* by which the load slows it down, without the wait */
    const char *basis; /* a sentence; NULL: nothing ran under load */
} rh_loaded_prediction;

/* LOW and HIGH are RH_NOT_MEASURED if there is not enough evidence for LEVEL. */
typedef struct rh_prediction {
    double median_s, low_s, high_s;
    double level;      /* 0.9 */
    const char *basis; /* a sentence */
    rh_duration_parts parts;
    double staging_s;       /* the median on staging, at staging's size */
    bool translated;        /* to production's hardware, size or settings */
    double correction;      /* factor in all of these figures, from earlier scores; 0: none */
    const char *drivers;    /* a sentence: the sources of the uncertainty; NULL */
    const char *narrows;    /* a sentence: how to reduce it; NULL */
    double cold_s;          /* the median with cold caches on production */
    const char *cold_basis; /* the components of cold_s, or why it is not known; NULL: not predicted */
    rh_loaded_prediction loaded;
} rh_prediction;

/* A statement that is reported with others as one row. */
typedef struct rh_grouped_statement {
    const char *sql;
    int line, column;
} rh_grouped_statement;

typedef struct rh_statement {
    int ordinal;               /* from 1 in its file */
    int line;                  /* in its file */
    const char *sql;           /* as it is sent */
    const char *redacted_sql;  /* for every output */
    const char *command_tag;   /* expected before, measured after */
    rh_statement_class class_; /* the measured one where class_measured, else class_expected */
    rh_phase phase;
    rh_lock_mode expected_lock;       /* RH_LOCK_NONE: none */
    const char *expected_relation;    /* or NULL */
    rh_expected_lock *expected_locks; /* all of them, the two above first */
    size_t expected_lock_count;
    bool works_long; /* by its text: its duration grows with the rows of a table that is not new and empty */
    const char *unknown_effect; /* why its work and locks do not follow from its text ("a DO block"); NULL */
    const char *parse_error;    /* NULL: it parses */
    bool needs_no_transaction;  /* CONCURRENTLY, VACUUM … */
    rh_relation *relations;     /* that it works on, the main one first */
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
    bool class_differs;         /* class_measured, and not class_expected */
    const char *class_evidence; /* a sentence: the measurement and the difference, or why it was not measured;
                                   NULL: not attempted */
    const char *file;           /* the included file in which LINE is; NULL: the script's own file */
    /* In a file with very many statements: those that are sent after it, one by one. Measurements are of the
     * sum.
     */
    rh_grouped_statement *grouped;
    size_t grouped_count;
} rh_statement;
