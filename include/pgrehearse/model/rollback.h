/* Results of the rollback and interruption passes: what differs in schema and data after a down migration,
 * and after a migration that was interrupted. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The verdict on a down migration. */
typedef enum rh_reversibility {
    RH_REVERSIBILITY_UNKNOWN,      /* not rehearsed */
    RH_REVERSIBILITY_FULL,         /* schema and data are as before */
    RH_REVERSIBILITY_LOSSY,        /* the schema is as before, not all data are */
    RH_REVERSIBILITY_IRREVERSIBLE, /* no down migration, one without statements, or one that does not restore
                                      the schema */
    RH_REVERSIBILITY_BROKEN,       /* the down migration failed, or the migration failed after it */
    RH_REVERSIBILITY_COUNT
} rh_reversibility;
/* "reversible", "reversible_with_loss", "irreversible", "broken"; NULL for unknown. */
const char *rh_reversibility_name(rh_reversibility reversibility);

/* What became of an object of the schema or of a column's values. */
typedef enum rh_change {
    RH_CHANGE_MISSING,
    RH_CHANGE_ADDED,
    RH_CHANGE_CHANGED,
    RH_CHANGE_MOVED,   /* the columns of a table: they are in another order */
    RH_CHANGE_EMPTIED, /* a column: it exists, all its values are null */
    RH_CHANGE_COUNT
} rh_change;
const char *rh_change_name(rh_change change); /* "missing" … as in report.json */

/* One object of the schema that is not as it was. */
typedef struct rh_difference {
    const char *object; /* "column public.orders.note" */
    rh_change change;   /* not RH_CHANGE_EMPTIED */
    const char *before, *after;
} rh_difference;

/* A column whose values are not what they were. Counts are of values that are not null; -1: not counted. */
typedef struct rh_column_change {
    const char *column; /* quoted where needed */
    rh_change change;   /* missing, emptied or changed */
    int64_t values_before, values_after;
    int64_t values_lost; /* before − after, at least 0 */
} rh_column_change;

typedef enum rh_data_depth {
    RH_DATA_NOT_COMPARED,
    RH_DATA_COUNTED,  /* rows counted only */
    RH_DATA_DIGESTED, /* every row of the columns that existed before */
    RH_DATA_DEPTH_COUNT
} rh_data_depth;
/* "none", "rows", "digest". */
const char *rh_data_depth_name(rh_data_depth depth);

/* The rows of one table before and after. */
typedef struct rh_table_data {
    const char *table; /* qualified, quoted where needed */
    rh_data_depth depth;
    const char *why;                 /* why it was not read in full; NULL */
    int64_t bytes;                   /* before, with TOAST, without indexes */
    bool affected;                   /* the migration locked it for writing or more */
    bool missing;                    /* the table does not exist any more */
    int64_t rows_before, rows_after; /* -1: not counted */
    int equal;                       /* 1 yes, as far as compared; 0 no; -1 not compared */
    rh_column_change *columns;       /* those that differ */
    size_t column_count;
} rh_table_data;

/* A sequence that went back against its increment, so that nextval will repeat values. NULL: no value was
 * taken from it yet. */
typedef struct rh_sequence_change {
    const char *sequence, *before, *after;
} rh_sequence_change;

typedef struct rh_data_comparison {
    bool measured;
    double elapsed_s; /* of both readings */
    size_t equal, different, counted_only,
        not_compared;      /* tables; a table is in one of them, counted_only when equal */
    rh_table_data *tables; /* that differ, were not read in full, or that the migration locked */
    size_t table_count;
    rh_sequence_change *sequences;
    size_t sequence_count;
} rh_data_comparison;

/* How a migration was interrupted. */
typedef enum rh_interruption_how {
    RH_INTERRUPTION_CONNECTION,
    RH_INTERRUPTION_SERVER,
    RH_INTERRUPTION_FAILURE, /* it failed by itself */
    RH_INTERRUPTION_HOW_COUNT
} rh_interruption_how;
/* "connection_cut", "server_restarted", "failed". */
const char *rh_interruption_how_name(rh_interruption_how how);

typedef enum rh_run_again {
    RH_RUN_AGAIN_NOT_TRIED,
    RH_RUN_AGAIN_OK,
    RH_RUN_AGAIN_FAILED,
    RH_RUN_AGAIN_REFUSED, /* the framework refuses to run because of the history table */
    RH_RUN_AGAIN_SKIPPED, /* the framework considers it applied */
    RH_RUN_AGAIN_COUNT
} rh_run_again;
/* "ok", "failed", "refused", "skipped"; NULL when not tried. */
const char *rh_run_again_name(rh_run_again again);

/* One migration that was interrupted half-way or failed, and the state of the database afterwards. */
typedef struct rh_interruption {
    rh_interruption_how how;
    int statement;              /* ordinal of the statement that was running */
    bool in_statement;          /* false: the statement had ended before the interruption */
    bool hit;                   /* false: the migration had ended before the interruption */
    double after_s;             /* since that statement began */
    rh_difference *differences; /* the schema found, compared with the one before */
    size_t difference_count;
    rh_data_comparison data;      /* rows found, compared with those before */
    const char **invalid_indexes; /* indexes that are invalid now, and were not before */
    size_t invalid_index_count;
    const char *history;  /* new rows of the history table: "version 14, dirty t"; NULL: it has none */
    bool history_changed; /* the history table has other rows than before the interrupted run */
    rh_run_again run_again;
    const char *error;         /* of running again, or why it is refused; NULL */
    rh_run_again after_repair; /* with the history table as before the migration; only tried if refused or
                                  skipped */
    const char **invalid_after_rerun; /* indexes that are invalid after the second run */
    size_t invalid_after_rerun_count;
} rh_interruption;
