/* The mix, and the generator that plays it: open loop, Poisson arrivals on absolute deadlines. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/load.h"
#include "pgrehearse/model/scenario.h"

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
 * of them, model/common_values.h; may be none). What cannot be played is in left_out; coverage says how much
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
/* CALLBACK (NULL: nobody) is called, in the generator's thread, when answers have been under way for longer
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
