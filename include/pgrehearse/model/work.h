/* What one run of a statement did to the relations that it touched: the evidence for its class. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rh_relation_work {
    const char *relation; /* qualified, quoted where needed */
    const char *table;    /* of an index: its table; else NULL */
    char kind;            /* pg_class.relkind: 'r', 'm' (materialized view), 'i' */
    bool created;         /* by this statement */
    bool is_private;      /* made by its transaction: nobody else has ever met it */
    bool rewritten;       /* it was there, and lies in other files now (pg_class.relfilenode) */
    bool valid;           /* an index that is not valid is false */
    int64_t pages_before; /* as the catalog knew them before the transaction (pg_class.relpages); 0: empty or
                             never analysed; RH_UNKNOWN when private */
    int64_t rows_before;  /* pg_class.reltuples; RH_UNKNOWN: never analysed, or private */
    int64_t pages_after;  /* of the files it lies in now; RH_UNKNOWN unless created or rewritten */
    int64_t blocks_read;  /* fetched, from the cache or not; RH_UNKNOWN where the server cannot tell */
    int64_t scans;        /* sequential scans, or scans of the index */
    int64_t rows_inserted, rows_updated, rows_deleted;
} rh_relation_work;

/* A phase of a command that reports its progress (pg_stat_progress_*), as looks from outside saw it, some
 * twenty of them in each doubling of the statement's length: a boundary between two phases is known to a
 * fortieth of the time that had passed by then. */
typedef struct rh_progress_phase {
    const char *command, *phase; /* "CREATE INDEX", "building index: sorting live tuples" */
    double elapsed_s;
    double cpu_s; /* of the backend, not of its parallel workers; NAN: not this machine's */
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
