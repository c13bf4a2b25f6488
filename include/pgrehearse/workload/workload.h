/* The mix, the generator that runs it (open loop: Poisson arrivals on absolute deadlines), trial calls of its
 * templates, and the disturbers. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/passes.h"
#include "pgrehearse/model/scenario.h"
#include <sys/types.h>

/* The application role, which the load logs in as: it must be able to run the statements, and parameter
 * values come from rows that it sees. */
typedef struct rh_mix_role {
    rh_pg *pg; /* a session of the role */
    const char *name;
} rh_mix_role;

/* A mix derived from the schema and data in PG: for each table with a key point reads, short ranges, inserts
 * that satisfy foreign keys, updates. Values come from real rows. History tables of migration tools are left
 * out, and so are inserts that could violate a constraint that the migrations add (LIMITS, may be NULL). PG's
 * role must see all rows. ROLE, here and below: the application role; NULL if nothing restricts it. */
bool rh_mix_from_schema(rh_pg *pg, const rh_mix_role *role, const rh_load_limits *limits, uint64_t seed,
                        rh_arena *arena, rh_mix *mix, rh_error *error);

/* The constraints on rows of the user tables in PG, in ARENA. */
bool rh_constraints_read(rh_pg *pg, rh_arena *arena, rh_constraint **constraints, size_t *count,
                         rh_error *error);
/* The constraints in AFTER that BEFORE does not have, in ARENA; returns the count. Sorts BEFORE. */
size_t rh_constraints_added(rh_constraint *before, size_t before_count, const rh_constraint *after,
                            size_t after_count, rh_arena *arena, rh_constraint **added);

/* A mix that replays production: statements and their shares from an export of pg_stat_statements (PATHS as
 * in statistics.h), values from the rows in PG. Ranges, lists and limits are adjusted until each statement
 * returns as many rows per call as on production. Where a column is compared by equality, production's most
 * common values are used with their frequencies, if the copy has them (VALUES, VALUE_COUNT of them; may be
 * none). Statements that cannot be run are in left_out; coverage has the share of the others. An unreadable
 * export is RH_ERROR_SCENARIO with file and line; a mix without templates is not an error. */
bool rh_mix_from_statistics(rh_pg *pg, const rh_mix_role *role, const char *const *paths, size_t path_count,
                            const struct rh_profile_values *values, size_t value_count,
                            const rh_load_limits *limits, uint64_t seed, rh_arena *arena, rh_mix *mix,
                            rh_error *error);

/* *USER: the role with the most calls in such an export; NULL: it has no names of roles. */
bool rh_statistics_user(const char *const *paths, size_t path_count, rh_arena *arena, const char **user,
                        rh_error *error);

/* A mix of the pgbench scripts in the COUNT FILES; each script is one transaction, chosen by weight. A script
 * that cannot be read, or with a statement that PG refuses, is RH_ERROR_SCENARIO with file and line. */
bool rh_mix_from_pgbench(rh_pg *pg, const rh_mix_role *role, const rh_workload_file *files, size_t count,
                         rh_arena *arena, rh_mix *mix, rh_error *error);

/* The mix that WORKLOAD, of a scenario, specifies. */
bool rh_mix_from_workload(rh_pg *pg, const rh_mix_role *role, const rh_workload *workload, uint64_t seed,
                          rh_arena *arena, rh_mix *mix, rh_error *error);

/* The statement INDEX of a template, as its sessions send it; NULL after the last. */
const char *rh_template_statement(const rh_template *template_, size_t index);

typedef struct rh_generator rh_generator;
typedef struct rh_generator_options {
    const char *conninfo;
    const rh_mix *mix; /* must outlive the generator */
    double rate;
    int connections;
    uint64_t seed;
} rh_generator_options;

/* Opens the connections, prepares every template on each, and starts the thread and the load's clock. A
 * template that cannot be prepared is an error that names it. */
rh_generator *rh_generator_start(const rh_generator_options *options, rh_error *error);
/* Begins a window: arrivals belong to it from now on (MIGRATION NULL: before, after). Any thread. */
void rh_generator_window(rh_generator *generator, rh_window_kind kind, const char *migration);
/* CALLBACK (may be NULL) is called, in the generator's thread, when an answer takes longer than 2.5 ms: its
 * session may be waiting for a lock. Once this function returns, an earlier callback is not called any more.
 */
void rh_generator_on_overdue(rh_generator *generator, void (*callback)(void *user), void *user);
/* Stops arrivals, waits for running requests (at most 5 s, then cancels them; at once after an interrupt),
 * joins the thread, fills LOAD in ARENA. Frees the generator. */
void rh_generator_finish(rh_generator *generator, rh_arena *arena, rh_load *load);
/* Current counts, for the progress line. */
void rh_generator_progress(rh_generator *generator, int64_t *transactions, int64_t *errors, int *in_flight);
/* The backends' pids of its connections, with which the observer names templates. Returns the number written.
 */
size_t rh_generator_pids(const rh_generator *generator, int *pids, size_t capacity);

/* ---- trial calls: whether templates work on the current schema ---- */

/* The most calls of a template, each with another set of parameter values. */
enum { RH_TRIAL_CALLS = 5 };

typedef struct rh_trial {
    bool good[RH_TRIAL_CALLS]; /* the call succeeded; false also if it was not made */
    int tried, failed;
    const char *sqlstate, *message; /* of the first failure; NULL: there was none */
} rh_trial;

/* The result of checking a template's parameter values. */
typedef struct rh_value_check {
    size_t tried, kept;  /* if equal, all sets of values are kept, also those not tried */
    const char *message; /* of the first that the server refused; NULL: none */
} rh_value_check;

/* Calls TEMPLATE on PG with up to some thousand of its sets of values, and rolls each call back. If the
 * server refuses some, or a call that should change a row changes none, TEMPLATE keeps only those that
 * succeeded. Errors as below. */
bool rh_template_check_values(rh_pg *pg, rh_template *template_, rh_arena *arena, rh_value_check *sieve,
                              rh_error *error);

/* Calls TEMPLATE of MIX on PG with the same sets of values each time, in a transaction that is rolled back,
 * and checks deferred constraints after each call; a call may take 5 s. ONLY (may be NULL): makes only the
 * calls that succeeded in that trial. A lost server or an interrupt is an error; errors of the server are in
 * TRIAL, whose strings are in ARENA. */
bool rh_template_try(rh_pg *pg, const rh_mix *mix, const rh_template *template_, const rh_trial *only,
                     rh_arena *arena, rh_trial *trial, rh_error *error);

/* ---- disturbers: started together, each ends when its time is over, all are stopped together ---- */

/* Where they run. */
typedef struct rh_disturb_place {
    const char *conninfo;   /* of the database in which migrations run */
    const char *pg_dump;    /* the program; NULL: there is none that fits the server */
    const char *no_pg_dump; /* why not */
    const char *directory;  /* in which pg_dump can open files */
    uid_t uid;              /* account of pg_dump if this program runs as root; 0: this program's */
    gid_t gid;
    bool own_cluster; /* embedded: settings may be changed and transaction ids consumed */
} rh_disturb_place;

typedef struct rh_disturbers rh_disturbers;

/* Call once before the load begins, while nothing else runs: autovacuum to prevent wraparound only runs on an
 * old table, so transaction ids are consumed (110,000, in about a second). A failure is reported when the
 * disturber starts. False only with RH_ERROR_INTERRUPTED. */
bool rh_disturb_prepare(const rh_disturb_place *place, const rh_disturber *specs, size_t count,
                        rh_error *error);

/* Starts COUNT disturbers and waits until each is in place (at most 30 s): it has its locks or its snapshot,
 * or its worker runs. One that cannot be started is reported in the rows of rh_disturbers_stop. Call from the
 * main thread (pg_dump is a child). NULL only with RH_ERROR_INTERRUPTED or when there is no memory for a
 * thread. SPECS must outlive it. */
rh_disturbers *rh_disturbers_start(const rh_disturb_place *place, const rh_disturber *const *specs,
                                   size_t count, rh_error *error);

/* The number of disturbers that were started. */
size_t rh_disturbers_started(const rh_disturbers *disturbers);

/* Stops those that still run, waits until their sessions have ended (at most 5 s), frees, and appends a row
 * for each to ROWS in ARENA, without the sessions that waited; times count from BEGAN. Also after an
 * interrupt. Takes NULL.
 */
void rh_disturbers_stop(rh_disturbers *disturbers, const char *migration, rh_usec began, rh_arena *arena,
                        rh_disturbance **rows, size_t *row_count);
