/* Reads an export of pg_stat_statements in CSV: production's statements, calls and times. No server, no SQL
 * parser.
 *
 * The columns of PostgreSQL 12 to 18 are known, in any order and any case; query and calls must be there.
 * Besides the view's own, these are understood, from a query like RH_STATISTICS_EXPORT: captured_at (when the
 * snapshot was taken), stats_reset, stats_since (PostgreSQL 17), age_s.
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>

/* For hints: run in psql on production. */
#define RH_STATISTICS_EXPORT                                                                                 \
    "\\copy (select now() as captured_at, i.stats_reset, pg_get_userbyid(s.userid) as rolname, s.* "         \
    "from pg_stat_statements s, pg_stat_statements_info i) to 'statements.csv' csv header"

/* One statement text of one database, all users together. Figures are of the whole interval; NaN where the
 * export lacks the column. */
typedef struct rh_statement_stats {
    const char *query;
    const char *database; /* dbid or datname as exported; "" without such a column */
    bool nested;          /* not toplevel: run by a function that is counted itself */
    bool cut_off;         /* its text ends where the file's texts are cut off */
    double calls, rows, exec_ms, blocks;
    int line; /* in the file, of the row */
} rh_statement_stats;

typedef struct rh_statistics {
    rh_statement_stats *statements; /* the most called first */
    size_t count;
    const char *user;  /* with the most calls, by name; NULL: the export has no names (rolname, usename) */
    double seconds;    /* that the calls were counted over; NaN when the export does not say */
    const char *basis; /* "between two snapshots, 3600 s apart", … */
} rh_statistics;

/* One file (the counts since the last reset, or several snapshots, distinguished by captured_at) or two (an
 * earlier and a later snapshot). Errors are RH_ERROR_SCENARIO with file and line. */
bool rh_statistics_read(const char *const *paths, size_t path_count, rh_arena *arena,
                        rh_statistics *statistics, rh_error *error);
