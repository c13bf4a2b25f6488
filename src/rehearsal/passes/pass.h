/* One pass: every pending migration once, from the restored state, watched. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

/* Makes the sample of FRACTION and times every migration on it, REPEATS times, each on a fresh copy with
 * memory in proportion (rh_staging_sample_run). WHOLE: the sizes of the whole database. A migration that
 * fails on a sample is no failure of the migration: it goes to run->not_measured. */
bool rh_pass_scaled(rh_run *run, rh_staging *staging, double fraction, int repeats, const rh_work_size *whole,
                    const rh_progress *progress, rh_error *error);

/* ERROR is set. When it is a lost connection (RH_ERROR_LOST) and the staging server is dead, it becomes the
 * server's last words, which tell a full disk. */
void rh_pass_blame_server(rh_staging *staging, rh_error *error);

/* Is ERROR one that the verdict gives to a migration? */
bool rh_pass_is_of_migration(const rh_error *error);
/* False when the server ended or lost a process (rh_staging_unbroken) during a stage that came out as OK and
 * ERROR: then ERROR is that, whatever it was. */
bool rh_pass_check_server(rh_staging *staging, bool ok, rh_error *error);

/* Resets staging and times every migration while nothing else runs. False with RH_ERROR_MIGRATION (and the
 * like) when one fails: its outcome and failure are set in the plan. */
bool rh_pass_quiet(rh_run *run, rh_staging *staging, int repeat, const rh_progress *progress,
                   rh_error *error);

/* Resets staging, starts the load, measures the window before, every migration with its window, and the
 * window after. Fills run->load and run->contention. */
bool rh_pass_loaded(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error);

/* What is to be looked at in each state: MIGRATION is the id of the last one that ran, NULL before the first.
 */
typedef bool (*rh_pass_look)(void *user, const char *migration, rh_error *error);
/* Resets staging and runs every pending migration at full size; measures nothing. LOOK (may be NULL) is
 * called before the first and after each one. */
bool rh_pass_settle(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_pass_look look,
                    void *user, rh_error *error);

/* Every migration with a way down: up, down and up again, comparing the schema and the rows of what existed
 * before; then the whole set likewise (run->set_rollback), also when some fail one by one. The statements of
 * the way down get a run each, with their locks. A failure is recorded in the migration's rollback, not
 * returned. What is timed here runs with warm caches, since all rows have just been read. */
bool rh_pass_rollback(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error);

/* Kills every pending migration in the middle of its longest statement: its connection is cut, and for the
 * one with the longest statement of all the server is crashed too (embedded). Each starts from the restored
 * state with the migrations before it, and is then run again. What was found is in the migration's
 * interruptions. */
bool rh_pass_interruption(rh_run *run, rh_staging *staging, const rh_progress *progress, rh_error *error);
