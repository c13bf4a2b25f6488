/* A checked scenario: the YAML with defaults filled in and every path resolved. Lives in an arena.
 */
#pragma once
#include "pgrehearse/base/clock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in the user's file; line 0 when it is a default. */
typedef struct rh_location {
    const char *file;
    int line, column;
} rh_location;

typedef struct rh_setting {
    const char *name, *value;
} rh_setting;

typedef enum rh_step_kind { RH_STEP_SQL, RH_STEP_COMMAND } rh_step_kind;
/* One entry of prepare: or verify:. */
typedef struct rh_step {
    rh_step_kind kind;
    const char *path;  /* SQL: absolute path of the file */
    const char **argv; /* command: NULL-ended */
    rh_location where;
} rh_step;

/* One of migrations.steps: a program among the migrations that are files. */
typedef struct rh_migration_step {
    const char *after;    /* the migration behind which it runs, as in migrations.pending; NULL: the last */
    const char **command; /* NULL-ended */
    const char **down;    /* the one that leads back; NULL */
    rh_location where;
} rh_migration_step;

/* Whether a run goes on when the staging server could reach something outside. */
typedef enum rh_isolation_demand { RH_ISOLATION_FULL, RH_ISOLATION_WEAK } rh_isolation_demand;

/* backup.target: where the recovery of a physical copy ends. */
typedef struct rh_recovery_target {
    const char *time, *name, *lsn; /* one of them, as PostgreSQL's recovery_target_… takes it; all NULL: at
                                      the end of the backup */
    int64_t time_s;                /* of time, in seconds since 1970 */
    rh_location where;
} rh_recovery_target;

/* One of backup.skip: an entry of the backup, as pg_restore --list names it. */
typedef struct rh_skip {
    const char *entry;
    rh_location where;
} rh_skip;

typedef enum rh_staging_kind { RH_STAGING_EMBEDDED, RH_STAGING_SERVER } rh_staging_kind;
typedef enum rh_framework {
    RH_FRAMEWORK_AUTO,
    RH_FRAMEWORK_SQL,
    RH_FRAMEWORK_GOLANG_MIGRATE,
    RH_FRAMEWORK_DBMATE,
    RH_FRAMEWORK_GOOSE,
    RH_FRAMEWORK_DIESEL,
    RH_FRAMEWORK_PRISMA,
    RH_FRAMEWORK_FLYWAY,
    RH_FRAMEWORK_POP,
    RH_FRAMEWORK_MORPH,
    RH_FRAMEWORK_POSTGRATOR,
    RH_FRAMEWORK_SQITCH,
    RH_FRAMEWORK_NODE_PG_MIGRATE,
    RH_FRAMEWORK_RAILS,
    RH_FRAMEWORK_DRIZZLE,
    RH_FRAMEWORK_SQLX,
    RH_FRAMEWORK_COMMAND, /* a program of the user's */
} rh_framework;
typedef enum rh_pending_kind { RH_PENDING_AUTO, RH_PENDING_ALL, RH_PENDING_LIST } rh_pending_kind;
/* migrations.transaction: how plain SQL files are put into transactions. */
typedef enum rh_file_transaction {
    RH_FILE_TRANSACTION_EACH, /* every statement by itself, as psql -f does */
    RH_FILE_TRANSACTION_FILE, /* a transaction a file, as psql -1 -f does */
    RH_FILE_TRANSACTION_ALL,  /* one transaction for all that is pending */
} rh_file_transaction;
typedef enum rh_workload_source {
    RH_WORKLOAD_SCHEMA,
    RH_WORKLOAD_NONE,
    RH_WORKLOAD_STATISTICS, /* pg_stat_statements */
    RH_WORKLOAD_PGBENCH,
} rh_workload_source;

/* One of workload.path: an export or snapshot of pg_stat_statements, or a pgbench script. */
typedef struct rh_workload_file {
    const char *path; /* absolute */
    double weight;    /* scripts: its share against the others'; 1 by default */
    rh_location where;
} rh_workload_file;

/* Where a mix comes from. */
typedef struct rh_workload {
    rh_workload_source source;
    rh_workload_file *files;
    size_t file_count;
    const struct rh_profile_values
        *values; /* production's most common values (model/load.h); NULL: not known */
    size_t value_count;
    const struct rh_load_limits *limits; /* model/load.h; NULL: none are known */
} rh_workload;

/* Bits of rh_scenario.passes. */
enum { RH_PASS_QUIET = 1, RH_PASS_LOADED = 2, RH_PASS_SCALED = 4, RH_PASS_BACKFILL = 8, RH_PASS_ALL = 15 };

typedef enum rh_gate_kind {
    RH_GATE_PREDICTED_DURATION, /* s, upper end of the interval */
    RH_GATE_READS_BLOCKED,  /* s, longest interval in which a relation's reads were blocked by a migration's
                               lock */
    RH_GATE_WRITES_BLOCKED, /* s */
    RH_GATE_RESPONSE_P99_RATIO,      /* during / before */
    RH_GATE_LOAD_ERRORS,             /* count */
    RH_GATE_BACKUP_CHECKSUM,         /* backups without a checksum of all bytes: 0 or 1 */
    RH_GATE_COUNT,                   /* of those above, which are keys of gates: */
    RH_GATE_BACKFILL = RH_GATE_COUNT /* all gates of one backfill */
} rh_gate_kind;

typedef struct rh_gate_limit {
    bool set;
    double limit;     /* seconds, ratio or count */
    const char *text; /* as the user wrote it */
    rh_location where;
} rh_gate_limit;

/* A standby beside the embedded primary. */
typedef enum rh_standby_mode {
    RH_STANDBY_NONE,
    RH_STANDBY_ASYNC,
    RH_STANDBY_SYNC,         /* a commit waits until it has flushed the WAL */
    RH_STANDBY_REMOTE_APPLY, /* until it has replayed it */
    RH_STANDBY_COUNT
} rh_standby_mode;
const char *rh_standby_mode_name(rh_standby_mode mode); /* "none" … as in scenarios and report.json */

typedef enum rh_disturber_kind {
    RH_DISTURBER_PG_DUMP,             /* the real program, of staging */
    RH_DISTURBER_IDLE_IN_TRANSACTION, /* holds a row of a table, and its table's lock as an UPDATE does */
    RH_DISTURBER_QUERY,               /* long and analytic */
    RH_DISTURBER_AUTOVACUUM,          /* to prevent wraparound: it does not give way */
    RH_DISTURBER_SNAPSHOT,            /* REPEATABLE READ: what CREATE INDEX CONCURRENTLY waits for */
    RH_DISTURBER_COUNT
} rh_disturber_kind;

/* One entry of disturb:. It runs beside each of its migrations. */
typedef struct rh_disturber {
    rh_disturber_kind kind;
    const char *table;       /* as the user wrote it; NULL */
    const char *sql;         /* query: absolute path of its file; NULL: a scan of the table over and over */
    rh_usec duration;        /* at most; it ends with its migration, too */
    const char **migrations; /* named as in pending; NULL: every one */
    size_t migration_count;
    rh_location where;
} rh_disturber;

/* lock_policy: search, or its mapping. */
typedef struct rh_lock_policy_options {
    bool search;
    rh_usec *timeouts; /* tried; 0: none */
    size_t timeout_count;
    int attempts, tries;
    rh_usec limit; /* of the whole search */
    rh_location where;
} rh_lock_policy_options;

typedef struct rh_scenario {
    const char *path;      /* of the file, absolute */
    const char *directory; /* that holds it */
    char sha256[65];       /* of the file's bytes */
    const char *name;
    struct {
        const char *path;            /* absolute; NULL: a command restores it */
        const char *clone;           /* a database on staging.url's server, to be copied there; NULL */
        const char **command;        /* fills $PGDATA with a physical copy, NULL-ended; NULL: path */
        rh_usec timeout;             /* of the command, and of each restore_command */
        const char *restore_command; /* a shell's line that brings WAL, as PostgreSQL's; NULL */
        rh_recovery_target target;
        const char *sha256; /* 64 hex digits in lower case; NULL: looked for beside the backup */
        rh_location sha256_where;
        int jobs;
        const char *database; /* of a physical copy; NULL: its only one */
        bool atomic_snapshot; /* a physical copy without a label is one of all files at one moment */
        const char *csv_null; /* the unquoted field of CSV files that means NULL; NULL: found in them */
        bool partial;         /* it may lack objects that pg_dump's switches left out */
        rh_skip *skip;
        size_t skip_count;
        rh_step *before; /* in the empty database, before the restore */
        size_t before_count;
        rh_location where;
    } backup;
    struct {
        rh_staging_kind kind;
        const char *url;       /* server only */
        const char *directory; /* embedded: where clusters live; absolute */
        const char *bindir;    /* NULL: the newest that can read the backup */
        rh_setting *settings;  /* production's, for the timed passes */
        size_t setting_count;
        rh_isolation_demand isolation;
        bool warm_up; /* where a reset shares blocks */
        struct {
            const char **take, **reset, **remove; /* programs, NULL-ended; take is NULL: our own snapshot */
            const char *directory; /* on the storage that they act on: of the data directory; NULL */
            rh_usec timeout;       /* of each */
            rh_location where;
        } snapshot;
        rh_location where;
    } staging;
    struct {
        const char *profile; /* absolute; NULL: none */
        int connections;     /* of the application; 0: what max_connections leaves */
        rh_location where;
    } production;
    struct {
        const char
            *path; /* absolute: the folder of earlier runs; NULL: where the run directory lies by default */
        bool off;
    } history;
    rh_step *prepare;
    size_t prepare_count;
    struct {
        const char *path;     /* absolute directory or file; NULL: no migrations, or a program */
        const char **command; /* the program that migrates, NULL-ended; NULL: there is none */
        const char **down;    /* the one that leads back; NULL */
        rh_framework framework;
        rh_pending_kind pending;
        const char *history; /* the history table as SQL text; NULL: the framework's own */
        rh_location history_where;
        rh_file_transaction transaction;
        rh_location transaction_where;
        const char **pending_ids;
        size_t pending_id_count;
        int concurrent_runners; /* of the program, at once; 1: not tried */
        rh_migration_step *steps;
        size_t step_count;
        const char *role; /* who runs them; NULL: found in the backup */
        rh_location role_where;
        rh_usec statement_timeout; /* 0: none. A statement that takes longer fails its migration. */
        rh_location where;
    } migrations;
    struct {
        rh_workload_source source;
        rh_workload_file *files;
        size_t file_count;
        double rate;      /* transactions per second; 0: production's */
        int connections;  /* 0: production's */
        rh_workload next; /* the next release's mix; source none: not given */
        rh_location next_where;
        rh_usec before, after;
        const char *role; /* the application's; NULL: found in the statistics or the backup */
        rh_location role_where;
        uint64_t seed;
        rh_location where;
    } workload;
    bool rollback;
    bool interrupt; /* each migration is killed half-way, too */
    rh_step *verify;
    size_t verify_count;
    int repeat;
    rh_gate_limit gates[RH_GATE_COUNT];
    rh_disturber *disturb;
    size_t disturb_count;
    rh_lock_policy_options lock_policy;
    struct rh_backfill *backfills; /* model/backfill.h */
    size_t backfill_count;
    /* From the command line: */
    unsigned passes;   /* RH_PASS_* bits */
    const char **only; /* migration ids; NULL: all pending */
    size_t only_count;
} rh_scenario;
