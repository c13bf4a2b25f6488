/* The workload mix, and the measurements of the load. */
#pragma once
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/statistics.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rh_template_kind {
    RH_TEMPLATE_READ,
    RH_TEMPLATE_WRITE,
    RH_TEMPLATE_KIND_COUNT
} rh_template_kind;
const char *rh_template_kind_name(rh_template_kind kind); /* "read", "write" */

/* Rows and shared blocks (hit or read) of an average call of a template, on production by pg_stat_statements
 * and on staging; RH_NOT_MEASURED where not known. */
typedef struct rh_template_replay {
    double production_rows, rows, production_blocks, blocks, production_mean_ms;
    const char *caveat; /* why the template may differ from production's statement: a figure differs by a
                          factor of more than two, or calls failed; NULL: no reason */
} rh_template_replay;

/* Production's most common values of a column. They are row data, so they exist only on request. */
typedef struct rh_profile_values {
    const char *schema, *table, *column;
    const char **values; /* as text, the most frequent first */
    double *frequencies; /* share of the table's rows */
    size_t count;
} rh_profile_values;

struct rh_pgbench_script;

/* One parameterised statement, or a script of several. Parameters come from a pool of value rows read from
 * the restored copy. */
typedef struct rh_template {
    const char *name; /* "read orders by key" */
    const char *sql;  /* with $1 … */
    const char *relation;
    rh_template_kind kind;
    double weight; /* share of the arrivals, sums to 1 over the mix */
    size_t parameter_count;
    const char ***values; /* [value_row][parameter]; text form; NULL is SQL NULL */
    size_t value_row_count;
    bool by_policy;                         /* its relation has policies that restrict the load's role */
    bool has_row;                           /* each call is expected to change a row */
    const struct rh_pgbench_script *script; /* NULL: SQL is one statement; else SQL is only for the report */
    const rh_template_replay *replay;       /* NULL: nothing to compare with */
} rh_template;

/* The part of production's statements that the mix covers. */
typedef struct rh_mix_coverage {
    bool measured;     /* false: the mix does not come from statistics */
    double calls;      /* share of the calls, 0 … 1 */
    double time;       /* share of the execution time; RH_NOT_MEASURED when the export has none */
    double rate_per_s; /* production's calls of the covered statements; RH_NOT_MEASURED without times */
    const char *basis; /* the counts that the shares are of */
} rh_mix_coverage;

typedef struct rh_mix {
    int64_t scale;      /* of scripts: rows of pgbench_branches, 1 without it */
    const char *source; /* "schema", "pg_stat_statements" … */
    rh_template *templates;
    size_t template_count;
    const char **left_out; /* sentences: which tables or statements got no template, and why */
    size_t left_out_count;
    const char **unseen; /* sentences: the tables of which row-level security hides all rows, and why */
    size_t unseen_count;
    rh_mix_coverage coverage;
} rh_mix;

/* A constraint on the rows of a table. */
typedef struct rh_constraint {
    int64_t table;       /* OID */
    char kind;           /* 'u' unique, 'x' exclusion, 'n' not null, 'c' check, 'f' foreign key */
    const char *columns; /* attribute numbers, such as "3 1" */
    const char
        *condition; /* c, f: SQL that is true or null if the row rh_row satisfies the constraint; else NULL */
} rh_constraint;

/* Limits of the load: the tables that it must not use, and the constraints that its rows must satisfy because
 * the migrations add them. */
typedef struct rh_load_limits {
    const char *history_table;  /* of the migrations, as SQL text; NULL: none */
    const rh_constraint *added; /* by the migrations */
    size_t added_count;
} rh_load_limits;

/* Quantiles in ms; RH_NOT_MEASURED if there are no values. */
typedef struct rh_quantiles {
    double p50, p95, p99, max;
} rh_quantiles;

typedef enum rh_window_kind {
    RH_WINDOW_BEFORE,
    RH_WINDOW_DURING,
    RH_WINDOW_AFTER,
    RH_WINDOW_COUNT
} rh_window_kind;
const char *rh_window_kind_name(rh_window_kind kind); /* "before", "during", "after" */

/* A template's longest stall is response_ms.max, the longest response time of one of its arrivals. */
typedef struct rh_template_window {
    const char *name;
    int64_t transactions, errors;
    rh_quantiles response_ms, service_ms;
    rh_template_kind kind;
    int64_t dropped;
    int64_t retries; /* of transactions that failed by a deadlock, lock timeout or serialization failure */
    double longest_stall_at_s; /* the intended start of that arrival, since the load began */
} rh_template_window;

/* Arrivals whose intended start lies in [start, end). */
typedef struct rh_load_window {
    rh_window_kind kind;
    const char *migration; /* its id; NULL: before, after, and "during" as a whole */
    double start_s, end_s; /* since the load began */
    int64_t transactions, errors, dropped;
    rh_quantiles response_ms, service_ms;
    rh_template_window *templates;
    size_t template_count;
    int64_t retries;
    /* 90 % interval of response_ms.p99 by order statistics, which takes arrivals as independent. */
    double response_p99_low_ms, response_p99_high_ms;
} rh_load_window;

/* One second of the load, by intended start. */
typedef struct rh_load_second {
    int second; /* since the load began */
    int64_t arrivals, transactions, errors, dropped;
    double response_p50_ms, response_p99_ms, response_max_ms, service_p99_ms;
} rh_load_second;

typedef struct rh_load_error {
    const char *template_name, *sqlstate, *message;
    int64_t count;
    int64_t before; /* of these, of arrivals before the first migration */
} rh_load_error;

/* One statement that the server cancelled: SQLSTATE 40P01, 55P03 or 57014. */
typedef struct rh_load_cancelled {
    rh_usec at; /* monotonic */
    int pid;    /* of the session */
    const char *template_name, *sqlstate, *message;
} rh_load_cancelled;

typedef struct rh_load {
    bool measured;
    double rate_per_s;
    int connections;
    rh_usec began;           /* monotonic: times "since the load began" count from here */
    double began_wall_s;     /* seconds since 1970 */
    rh_load_window *windows; /* before, each migration, "during" as a whole, after */
    size_t window_count;
    rh_load_second *seconds;
    size_t second_count;
    rh_load_error *errors;
    size_t error_count;
    rh_load_cancelled *cancelled; /* the first 2,000; the counts of errors include all */
    size_t cancelled_count;
    double pacing_lag_mean_ms,
        pacing_lag_max_ms; /* from an arrival's intended start to its dispatch or queueing */
    double generator_cpu_s;
    bool saturated;               /* the server could not hold the rate outside the migrations */
    const char *saturated_reason; /* a sentence; NULL unless SATURATED */
    const char *mix_source;
    rh_mix mix;
    const char *rate_basis, *connections_basis; /* their sources: "the scenario" … */
    int64_t reconnects;                         /* connections that were lost and opened again */
} rh_load;
