/* Facts about the backup and about staging, for the report. */
#pragma once
#include "pgrehearse/base/clock.h"
#include "pgrehearse/model/scenario.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A figure that was not measured: NAN in a double, -1 in a count. Both become null in report.json. */
#define RH_NOT_MEASURED NAN
#define RH_UNKNOWN INT64_C(-1)

typedef enum rh_backup_shape {
    RH_SHAPE_UNKNOWN,
    RH_SHAPE_PGDUMP_CUSTOM,    /* "PGDMP" */
    RH_SHAPE_PGDUMP_DIRECTORY, /* a directory with toc.dat */
    RH_SHAPE_PGDUMP_TAR,       /* a tar whose first entry is toc.dat */
    RH_SHAPE_PLAIN,            /* SQL text, maybe compressed, maybe inside tar or zip */
    RH_SHAPE_DATA_DIRECTORY,   /* a server's files, as they lie: pg_basebackup --format=plain, a copy */
    RH_SHAPE_BASE_BACKUP_TAR,  /* pg_basebackup --format=tar: base.tar, maybe compressed, and others */
    RH_SHAPE_CSV,              /* a directory of CSV files, one a table, and a file of SQL definitions */
    RH_SHAPE_CLONE,            /* a database that is there already: a branch of production */
    RH_SHAPE_COUNT
} rh_backup_shape;
/* "pgdump_custom", "pgdump_directory", "pgdump_tar", "plain", "data_directory", "base_backup_tar", "csv";
 * NULL: unknown. */
const char *rh_backup_shape_name(rh_backup_shape shape);

typedef struct rh_skipped {
    const char *what, *why;
} rh_skipped;

/* ALTER DATABASE … SET, or ALTER ROLE … IN DATABASE … SET. */
typedef struct rh_database_setting {
    const char *role;    /* sessions of this role in the database; NULL: all sessions */
    const char *name;    /* as pg_settings spells it */
    const char *value;   /* SQL, what follows TO. May be a secret: see rh_database_setting_is_public */
    const char *why_not; /* staging: why it does not apply; NULL: it does */
} rh_database_setting;

/* GRANT or REVOKE on the database: the text before and after its name. */
typedef struct rh_database_grant {
    const char *before, *after;
} rh_database_grant;

/* The properties of the database in the backup. NULL: the backup does not have the property. */
typedef struct rh_database_facts {
    bool created; /* the backup has its CREATE DATABASE, with owner, locale and settings */
    const char *name, *owner;
    const char *encoding;        /* of CREATE DATABASE */
    const char *dump_encoding;   /* of the dump's text: the database's, unless pg_dump --encoding was given */
    const char *provider;        /* "libc", "icu", "builtin" */
    const char *collate, *ctype; /* libc's locales */
    const char *locale;          /* the provider's own locale, unless libc */
    const char *icu_rules;       /* an SQL literal */
    rh_database_setting *settings;
    size_t setting_count;
    rh_database_grant *grants;
    size_t grant_count;
} rh_database_facts;

/* The checksums that the backup's bytes were compared with. */
typedef struct rh_checksum_fact {
    const char *from;    /* where its SHA-256 was found: "backup.sha256", "SHA256SUMS" …; NULL: nowhere */
    const char *vouched; /* the checksum that the bytes were compared with, as a phrase; NULL: not read yet */
    bool whole;          /* the checksum covers all bytes of the backup */
} rh_checksum_fact;

/* A physical copy of a server. The lower part is known once its files lie in staging. */
typedef struct rh_physical_facts {
    const char *path;        /* of the copy, never written to */
    const char *within;      /* but one that was restored for this run into this directory of ours: its files
                                are moved; else NULL */
    bool tar;                /* base.tar and others; else a data directory */
    const char *compression; /* of base.tar, as an rh_archive names it; "none" */
    int major;               /* PG_VERSION */
    const char *label;       /* of backup_label; NULL: the copy has no backup_label */
    const char *started_at;  /* when the backup began, as production wrote it; NULL: not known */
    bool from_standby;
    int timeline;                     /* of the label; 0: no label */
    const char *start_lsn, *stop_lsn; /* of the label, of the manifest; NULL: not known */
    bool manifest;                    /* it has a backup_manifest that is its own */
    const char *manifest_algorithm;   /* "CRC32C" …; NULL: it has no checksums of the files */

    const char *system_identifier;
    const char *state;           /* of the server when it was copied, as pg_controldata names it */
    bool shut_down;              /* it had been stopped in order */
    bool page_checksums;         /* its pages have checksums */
    int64_t taken_at_s;          /* last change of pg_control, in seconds since 1970 */
    uint64_t minimum_recovery;   /* LSN that a recovery must reach; 0: none */
    int tablespaces;             /* besides pg_default and pg_global */
    int64_t files_verified;      /* compared with the manifest */
    int max_prepared, max_locks; /* of the server, max_prepared_transactions and max_locks_per_transaction */
    const char *restore_command; /* a shell's line that brings WAL of production's archive; NULL: none */
    const char *restore_directory; /* where it runs */
    bool wal_complete;             /* pg_wal has all that the recovery to the end of the backup needs */
    const char *recovery_target;   /* "end of the backup", "time 2026-…"; NULL: not recovered yet */
    const char *recovery_stopped;  /* why it ended there, in the server's words; NULL: with its WAL */
    const char *recovered_lsn;     /* of the last record; NULL: not known */
    int64_t wal_brought;           /* segments by restore_command */
    rh_setting *settings;          /* of production's configuration files */
    size_t setting_count;
    const char **neutralised; /* sentences: what of production was not taken over, or removed */
    size_t neutralised_count;
    rh_skipped *doubts; /* what the copy cannot show, and why: the verdict is inconclusive */
    size_t doubt_count;
} rh_physical_facts;

/* A CSV export. */
typedef struct rh_csv_file {
    const char *path;
    const char *stem; /* its name without .csv: "table" or "schema.table" */
    int64_t bytes, rows;
} rh_csv_file;
typedef struct rh_csv_facts {
    const char *definitions; /* the path of the file of SQL */
    const char *null_word;   /* the unquoted field that means NULL: "" or a word; NULL: not chosen yet */
    rh_location word_where;  /* of the first unquoted field \N; no file: there is none */
    bool empty_fields;       /* some are empty without quotes */
    const char *compression; /* of the files: "none", "gzip" …, "mixed" */
    rh_csv_file *files;
    size_t file_count;
} rh_csv_facts;

typedef struct rh_backup_facts {
    const char *path;
    rh_backup_shape shape;
    const char *compression; /* "none", "gzip" … */
    const char *container;   /* "none", "tar", "zip" */
    const char *entry;       /* plain inside a container: the entry that is the dump; else NULL */
    char sha256[65];
    rh_checksum_fact checksum;
    int64_t bytes;
    const char *archive_version; /* "1.14" of pg_dump's own formats; NULL for plain */
    const char *dump_version;    /* pg_dump's version, "15.4"; NULL: not known */
    int server_major;            /* of the dumped database; 0: not known */
    rh_database_facts database;
    bool roles_known; /* it contains the roles' attributes and memberships (pg_dumpall, a physical copy) */
    double restore_s;
    int64_t database_bytes, tables, rows; /* after restore and prepare: user tables, exact row count */
    rh_skipped *skipped;                  /* entries left out, changed or failed without consequence */
    size_t skipped_count;
    rh_skipped *missing; /* parts that the backup lacks: the verdict is inconclusive */
    size_t missing_count;
    const char *selection_unknown; /* why objects that pg_dump's options left out cannot be detected; NULL:
                                      they can */
    const char *dumpall_database; /* of a pg_dumpall: the database to restore; NULL: a dump of one database */
    rh_physical_facts *physical;  /* NULL: a dump or a CSV export */
    rh_csv_facts *csv;            /* NULL: not a CSV export */
} rh_backup_facts;

/* Its files are production's, with their bloat and statistics: a physical copy, or a clone. */
bool rh_backup_is_copy(const rh_backup_facts *backup);

typedef struct rh_setting_fact {
    const char *name, *value;     /* in force during the timed passes */
    const char *restore_value;    /* in force during the restore; NULL: the same */
    const char *production_value; /* NULL: not known */
} rh_setting_fact;

/* One attempt to leave the confinement of the staging server. */
typedef struct rh_isolation_attempt {
    const char *name;          /* of report.json: "unix_socket" */
    const char *what;          /* "connect to a Unix socket" */
    bool succeeded;            /* while confined */
    bool succeeded_unconfined; /* by the same account without the confinement; if false, the attempt proves
                                  nothing */
} rh_isolation_attempt;

typedef struct rh_isolation_layer {
    const char *name; /* "landlock" */
    bool active;
    const char *detail; /* "ABI 7"; what the layer denies, or why it is inactive */
} rh_isolation_layer;

/* The confinement of the staging server, as probed before the server first started. */
typedef struct rh_isolation {
    bool proven;         /* every attempt was made, and none succeeded */
    const char *why_not; /* NULL when proven */
    const char *account; /* that the server runs as; NULL on a given server */
    rh_isolation_layer *layers;
    size_t layer_count;
    rh_isolation_attempt *attempts;
    size_t attempt_count;
} rh_isolation;

typedef struct rh_staging_facts {
    rh_staging_kind kind;
    const char *server_version; /* "15.18 (Debian …)" */
    int server_version_num;
    const char *encoding, *provider, *collate, *ctype, *locale; /* of the rehearsed database; locale: the
                                                                  provider's own, NULL with libc */
    const char *locale_missing, *locale_why; /* a locale of the backup that staging lacks, and why; NULL */
    const char *location;      /* the cluster's directory, or user@host:port/db without a password */
    const char *reset_method;  /* "reflink", "copy of changed files", "template database", "staging.snapshot";
                                  NULL: never reset */
    const char *copy_on_write; /* what the timed passes have of it: "none", "unshared" (an untimed pass had
                                  the blocks copied), "first_pass", "every_pass" (the file system copies
                                  each write, as btrfs, or does not tell what is shared); NULL: never reset,
                                  or not known */
    double snapshot_s, reset_s; /* reset: the median */
    int64_t reset_bytes;        /* that the largest reset copied or shared again; RH_UNKNOWN */
    int64_t snapshot_bytes;
    int resets;
    rh_setting_fact *settings;
    size_t setting_count;
    const char **neutralised; /* sentences: objects that were disabled, such as subscriptions */
    size_t neutralised_count;
    int cpu_count;
    int64_t memory_bytes;
    rh_isolation isolation;
    bool local; /* backends' /proc entries are readable here */
} rh_staging_facts;

/* Rows of a small table as text, read from a database or from the backup itself. */
typedef struct rh_rows {
    bool present; /* the table exists */
    const char **columns;
    size_t column_count;
    const char ***rows; /* [row][column]; NULL is SQL NULL */
    size_t row_count;
} rh_rows;

/* The tables of a database, as its catalog or its backup lists them. */

typedef struct rh_listed_table {
    const char *schema, *name; /* as the catalog has them, without quotes */
    const char **columns;
    size_t column_count;
} rh_listed_table;

/* True if TABLE has a column of that name, in any case. */
bool rh_listed_table_has(const rh_listed_table *table, const char *column);
/* The migration tool whose history table it is, by its name and columns; NULL: of no known tool. */
const char *rh_history_tool(const rh_listed_table *table);
/* True if TABLE belongs to a migration tool, as its history table or otherwise. */
bool rh_is_tool_table(const rh_listed_table *table);

/* Ordinary and partitioned tables outside of the system's schemas that belong to no extension. */
typedef struct rh_listed_tables {
    rh_listed_table *tables;
    size_t count;
    const char **search_path; /* the schemas in which a name without one is looked up, in their order */
    size_t search_path_count;
} rh_listed_tables;
