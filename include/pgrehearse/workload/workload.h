/* The mix, the generator that plays it (open loop: Poisson arrivals on absolute deadlines), the trial of its
 * templates, and the disturbers. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/passes.h"
#include "pgrehearse/model/scenario.h"
#include <sys/types.h>

/* Whom the load logs in as: its statements are tried there, and its values come from rows that it sees. */
typedef struct rh_mix_role {
    rh_pg *pg; /* a session of it */
    const char *name;
} rh_mix_role;

/* A mix derived from the schema and data in PG: for each table with a key point reads, short ranges, inserts
 * that follow foreign keys, updates. Values come from real rows. It keeps out of the history tables of
 * migration tools, and to the LIMITS (may be NULL): inserts that could break a constraint which the
 * migrations add are left out. PG's role must see all rows; ROLE, here and below: the load's, NULL where
 * nothing restricts it. */
bool rh_mix_from_schema(rh_pg *pg, const rh_mix_role *role, const rh_load_limits *limits, uint64_t seed,
                        rh_arena *arena, rh_mix *mix, rh_error *error);

/* Every constraint that rows of the user tables in PG must keep to, in ARENA. */
bool rh_constraints_read(rh_pg *pg, rh_arena *arena, rh_constraint **constraints, size_t *count,
                         rh_error *error);
/* What AFTER has and BEFORE, which is sorted here, has not, in ARENA; returns the count. */
size_t rh_constraints_added(rh_constraint *before, size_t before_count, const rh_constraint *after,
                            size_t after_count, rh_arena *arena, rh_constraint **added);

/* A mix that replays production: statements and their shares from an export of pg_stat_statements (PATHS as
 * in statistics.h), values from the rows in PG, ranges, lists and limits turned until each statement returns
 * as many rows a call as on production; where a column is sought by equality, its most common values on
 * production are sought as often as they are frequent there, as far as the copy has them (VALUES, VALUE_COUNT
 * of them, model/load.h; may be none). What cannot be played is in left_out; coverage says how much
 * is. An unreadable export is RH_ERROR_SCENARIO with file and line; a mix without templates is none. */
bool rh_mix_from_statistics(rh_pg *pg, const rh_mix_role *role, const char *const *paths, size_t path_count,
                            const struct rh_profile_values *values, size_t value_count,
                            const rh_load_limits *limits, uint64_t seed, rh_arena *arena, rh_mix *mix,
                            rh_error *error);

/* *USER: the role with the most calls in such an export; NULL: it has no names of roles. */
bool rh_statistics_user(const char *const *paths, size_t path_count, rh_arena *arena, const char **user,
                        rh_error *error);

/* A mix of pgbench scripts as the COUNT FILES say; each script is one transaction, drawn by weight. A script
 * that cannot be read, or with a statement that PG refuses, is RH_ERROR_SCENARIO with file and line. */
bool rh_mix_from_pgbench(rh_pg *pg, const rh_mix_role *role, const rh_workload_file *files, size_t count,
                         rh_arena *arena, rh_mix *mix, rh_error *error);

/* The mix that WORKLOAD, of a scenario, asks for. */
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

/* Opens the connections, prepares every template on each, and starts the thread. Second 0 is now. A template
 * that does not prepare is an error that names it. */
rh_generator *rh_generator_start(const rh_generator_options *options, rh_error *error);
/* From now on arrivals belong to this window (MIGRATION NULL for before and after). Any thread. */
void rh_generator_window(rh_generator *generator, rh_window_kind kind, const char *migration);
/* CALLBACK (may be NULL) is called, in the generator's thread, when answers have been under way for longer
 * than 2.5 ms: they may be waiting for a lock. After this call returns the callback before is not called any
 * more. */
void rh_generator_on_overdue(rh_generator *generator, void (*callback)(void *user), void *user);
/* Stops arrivals, lets what is in flight end (at most 5 s, then cancels; at once after an interrupt), joins
 * the thread, fills LOAD in ARENA. Takes the generator with it. */
void rh_generator_finish(rh_generator *generator, rh_arena *arena, rh_load *load);
/* How it goes, for a progress line. */
void rh_generator_progress(rh_generator *generator, int64_t *transactions, int64_t *errors, int *in_flight);
/* Server pids of its connections, for the observer: template names instead of queries. Returns how many were
 * written. */
size_t rh_generator_pids(const rh_generator *generator, int *pids, size_t capacity);

/* Calling templates as the application would, and undoing it: does this schema still serve them? */

/* Calls a template at most so often, each with another row of values. */
enum { RH_TRIAL_CALLS = 5 };

typedef struct rh_trial {
    bool good[RH_TRIAL_CALLS]; /* the call went well; one that was not made did not */
    int tried, failed;
    const char *sqlstate, *message; /* of the first failure; NULL: there was none */
} rh_trial;

/* What a template's rows of values came to. */
typedef struct rh_value_check {
    size_t tried, kept;  /* the same: all rows of values are kept, also those that were not tried */
    const char *message; /* of the first that the server refused; NULL: none was */
} rh_value_check;

/* Calls TEMPLATE on PG with up to some thousand of its rows of values, each call undone. Where the server
 * refuses some, or a call that has a row to change changes none, TEMPLATE keeps those that went well. Errors
 * as below. */
bool rh_template_check_values(rh_pg *pg, rh_template *template_, rh_arena *arena, rh_value_check *sieve,
                              rh_error *error);

/* Calls TEMPLATE of MIX on PG with the same rows of values each time, in a transaction that is rolled back,
 * each call with its deferred constraints; a call may take 5 s. ONLY (may be NULL): of these calls, those
 * that went well there; others are not made. A server that is lost or an interrupt is an error; what the
 * server refuses is in TRIAL, whose texts are in ARENA. */
bool rh_template_try(rh_pg *pg, const rh_mix *mix, const rh_template *template_, const rh_trial *only,
                     rh_arena *arena, rh_trial *trial, rh_error *error);

/* Disturbers: what else production runs while a migration wants its locks. They are started together, each
 * ends when its time is over, and all of them are stopped together. */

/* Where they run. */
typedef struct rh_disturb_place {
    const char *conninfo;  /* of the database in which migrations run */
    const char *pg_dump;   /* the program */
    const char *directory; /* pg_dump can open files in it */
    uid_t uid;             /* what pg_dump runs as when we are root; 0: as we are */
    gid_t gid;
    bool own_cluster; /* the server is ours: its settings may be changed, transaction numbers burnt */
} rh_disturb_place;

typedef struct rh_disturbers rh_disturbers;

/* What has to be done once before the load begins, while nothing else runs: an autovacuum is only forced on a
 * table that is old, so transaction numbers are burnt (110,000: a second of work). What fails is told when
 * the disturber starts. False only with RH_ERROR_INTERRUPTED. */
bool rh_disturb_prepare(const rh_disturb_place *place, const rh_disturber *specs, size_t count,
                        rh_error *error);

/* Starts COUNT disturbers, beside the migration MIGRATION, and waits until each is in place: its locks taken,
 * its snapshot there, its worker at work (30 s at most). One that cannot be started is told by the rows of
 * rh_disturbers_stop. Call from the main thread (pg_dump is a child). NULL only with RH_ERROR_INTERRUPTED or
 * when there is no memory for a thread. SPECS must outlive it. */
rh_disturbers *rh_disturbers_start(const rh_disturb_place *place, const rh_disturber *const *specs,
                                   size_t count, rh_error *error);

/* How many were in place. */
size_t rh_disturbers_started(const rh_disturbers *disturbers);

/* Stops every one that still runs, waits until its sessions have gone (5 s at most), frees, and appends a row
 * each to ROWS in ARENA, without who was behind it; BEGAN is second 0 of its times. Also after an interrupt.
 * Takes NULL. */
void rh_disturbers_stop(rh_disturbers *disturbers, const char *migration, rh_usec began, rh_arena *arena,
                        rh_disturbance **rows, size_t *row_count);
