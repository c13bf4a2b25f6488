/* The passes: every pending migration once, from the restored state, watched. A pass only reads the run, and
 * gives its result, also when it breaks off (ok is false, and ERROR is set): whoever called it files that
 * into the run (rehearsal/results.h). Everything in a result lives in the run's arena. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/attempt.h"
#include "pgrehearse/model/run.h"
#include "observer.h"
#include "pgrehearse/staging/staging.h"

/* What every pass gives. */
typedef struct rh_pass_result {
    bool ok;
    rh_pass_kind kind;
    const char *name;        /* for people: "quiet pass 1 of 3" */
    rh_pass_record *records; /* of the times that all migrations ran */
    size_t record_count;
    rh_attempt *attempts; /* that count for their migrations */
    size_t attempt_count;
    rh_observer_result observed; /* but for the contention, which not every pass files */
    rh_notes notes;
} rh_pass_result;

enum { RH_SAMPLES_MOST = 4 };
/* The samples that scaled passes run on: parts of the pages, the smallest first, each REPEATS times. */
typedef struct rh_samples {
    double fractions[RH_SAMPLES_MOST];
    int count, repeats;
} rh_samples;
/* SIZES: of rh_sizes_read. Where all statements work on small tables and production's are not known to be
 * larger, samples of different sizes show the same constant: one is enough. Otherwise all, and at least as
 * many repeats as quiet passes. */
rh_samples rh_samples_choose(const rh_run *run, const rh_work_size *sizes);

/* Makes the sample of FRACTION and times every migration on it, REPEATS times, each on a fresh copy with
 * memory in proportion (rh_staging_sample_run). WHOLE: the sizes of the whole database. A migration that
 * fails on a sample is no failure of the migration: it is noted. */
rh_pass_result rh_pass_scaled(const rh_run *run, rh_staging *staging, double fraction, int repeats,
                              const rh_work_size *whole, const rh_progress *progress, rh_error *error);

typedef struct rh_quiet_result {
    rh_pass_result pass;
    int repeat;
    rh_usec began;
    rh_contention contention;   /* replaced by that of a loaded pass */
    rh_constraint *constraints; /* of the database that it left */
    size_t constraint_count;
    bool constraints_known;
    int64_t disk_growth; /* bytes at most; RH_UNKNOWN: not watched */
} rh_quiet_result;
/* Resets staging and times every migration while nothing else runs. False with RH_ERROR_MIGRATION (and the
 * like) when one fails. When a process of the server ends, the pass is repeated: a crash that comes again is
 * the migration's. */
rh_quiet_result rh_pass_quiet(const rh_run *run, rh_staging *staging, int repeat, const rh_progress *progress,
                              rh_error *error);

typedef struct rh_loaded_result {
    rh_pass_result pass;
    bool prepared;   /* the load's mix was made: LOAD has it, and what was measured */
    bool began_load; /* it was run: CONTENTION is of it */
    rh_usec began;   /* second 0 of the load */
    rh_load load;
    rh_contention contention; /* without what the run's templates and disturbers say of it */
    rh_disturbance *disturbances;
    size_t disturbance_count;
} rh_loaded_result;
/* Resets staging, starts the load, measures the window before, every migration with its window, and the
 * window after. */
rh_loaded_result rh_pass_loaded(const rh_run *run, rh_staging *staging, const rh_progress *progress,
                                rh_error *error);

/* What is to be looked at in each state: MIGRATION is the id of the last one that ran, NULL before the first.
 */
typedef bool (*rh_pass_inspect)(void *user, const char *migration, rh_error *error);
/* Resets staging and runs every pending migration at full size, up to the one called LAST (NULL: all);
 * measures nothing. INSPECT (may be NULL) is called before the first and after each one. KIND: the pass that
 * it is for. */
rh_pass_result rh_pass_settle(const rh_run *run, rh_staging *staging, rh_pass_kind kind, const char *last,
                              const rh_progress *progress, rh_pass_inspect inspect, void *user,
                              rh_error *error);

typedef struct rh_rollback_result {
    rh_pass_result pass;
    rh_rollback *rollbacks; /* one a migration of the plan */
    size_t migration_count;
    rh_rollback set;
} rh_rollback_result;
/* Every migration with a down migration: up, down and up again, comparing the schema and the rows of what
 * existed before; then the whole set likewise, also when some fail one by one. The down migrations'
 * statements get a run each, with their locks. A failure is in the migration's rollback. What is timed here
 * runs with warm caches, since all rows have just been read. */
rh_rollback_result rh_pass_rollback(const rh_run *run, rh_staging *staging, const rh_progress *progress,
                                    rh_error *error);

/* What was found of one migration. */
typedef struct rh_found_interruption {
    const rh_migration *migration;
    rh_interruption interruption;
} rh_found_interruption;

typedef struct rh_interruption_result {
    rh_pass_result pass;
    rh_found_interruption *found;
    size_t found_count;
} rh_interruption_result;
/* Kills every pending migration in the middle of its longest statement: its connection is cut, and for the
 * one with the longest statement of all the server is crashed too (embedded). Each starts from the restored
 * state with the migrations before it, and is then run again. */
rh_interruption_result rh_pass_interruption(const rh_run *run, rh_staging *staging,
                                            const rh_progress *progress, rh_error *error);

/* ERROR is set. When it is a lost connection (RH_ERROR_LOST) and the staging server is dead, it becomes the
 * server's last words, which tell a full disk. */
void rh_pass_server_error(rh_staging *staging, rh_error *error);

/* Is ERROR one that the verdict gives to a migration? */
bool rh_pass_is_of_migration(const rh_error *error);
/* False when the server ended or lost a process (rh_staging_was_up) during a stage that came out as OK and
 * ERROR: then ERROR is that, whatever it was. */
bool rh_pass_check_server(rh_staging *staging, bool ok, rh_error *error);
