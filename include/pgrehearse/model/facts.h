/* What is known of the backup and of staging: plain facts for the report. */
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
} rh_backup_shape;

typedef struct rh_skipped {
    const char *what, *why;
} rh_skipped;

typedef struct rh_backup_facts {
    const char *path;
    rh_backup_shape shape;
    const char *compression; /* "none", "gzip" … */
    const char *container;   /* "none", "tar", "zip" */
    const char *entry;       /* plain inside a container: the entry that is the dump; else NULL */
    char sha256[65];
    int64_t bytes;
    const char *archive_version; /* "1.14" of pg_dump's own formats; NULL for plain */
    const char *dump_version;    /* "15.4" pg_dump's own version; NULL if it does not say */
    int server_major;            /* of the database dumped; 0 unknown */
    double restore_s;
    int64_t database_bytes, tables, rows; /* after restore and prepare: user tables, exact row count */
    rh_skipped *skipped;                  /* harmless errors and ignored parts, each with why */
    size_t skipped_count;
} rh_backup_facts;

typedef struct rh_setting_fact {
    const char *name, *value;       /* in force during the timed passes */
    const char *restore_value;      /* in force during the restore; NULL: the same */
    const char *production_value;   /* NULL: not told */
} rh_setting_fact;

typedef struct rh_staging_facts {
    rh_staging_kind kind;
    const char *server_version; /* "15.18 (Debian …)" */
    int server_version_num;
    const char *location;     /* the cluster's directory, or user@host:port/db without a password */
    const char *reset_method; /* "reflink", "copy of changed files", "template database"; NULL: never reset */
    double snapshot_s, reset_s; /* reset: the median */
    int64_t snapshot_bytes;
    int resets;
    rh_setting_fact *settings;
    size_t setting_count;
    const char **neutralised; /* sentences: what was made harmless */
    size_t neutralised_count;
    int cpu_count;
    int64_t memory_bytes;
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
