#include "cut.h"
#include <signal.h>
#include <stdio.h>
#include <time.h>

static const rh_usec GONE_PATIENCE = 30 * RH_SECOND, PROGRAM_PATIENCE = 10 * RH_SECOND;

/* ---- in the migration's thread ---- */

static void before(void *user, rh_pg *pg, rh_migration *migration, rh_statement *statement,
                   rh_statement_run *run)
{
    (void)pg, (void)migration, (void)run;
    rh_cut *cut = user;
    if (statement != cut->target || cut->began)
        return;
    pthread_mutex_lock(&cut->mutex);
    cut->began = rh_clock_monotonic();
    cut->armed = true;
    pthread_cond_signal(&cut->wake);
    pthread_mutex_unlock(&cut->mutex);
}

static void after(void *user, rh_pg *pg, rh_migration *migration, rh_statement *statement,
                  rh_statement_run *run, bool ok)
{
    (void)pg, (void)migration, (void)run;
    rh_cut *cut = user;
    if (statement == cut->target)
        cut->completed = ok;
}

/* ---- in the thread of a program's proxy ---- */

static void program_started(void *user, pid_t program)
{
    rh_cut *cut = user;
    pthread_mutex_lock(&cut->mutex);
    cut->program = program;
    pthread_mutex_unlock(&cut->mutex);
}

static void program_begun(void *user, const rh_statement *statement, int pid)
{
    rh_cut *cut = user;
    if (statement != cut->target || cut->began)
        return;
    pthread_mutex_lock(&cut->mutex);
    cut->pid = pid;
    cut->began = rh_clock_monotonic();
    cut->armed = true;
    pthread_cond_signal(&cut->wake);
    pthread_mutex_unlock(&cut->mutex);
}

static void program_ended(void *user, const rh_statement *statement, bool ok)
{
    rh_cut *cut = user;
    if (statement == cut->target)
        cut->completed = ok;
}

/* ---- in its own ---- */

static void strike(rh_cut *cut)
{
    if (cut->how == RH_INTERRUPTION_SERVER)
        rh_staging_crash(cut->staging);
    else
        rh_pg_executef(cut->side, NULL, "select pg_terminate_backend(%d)", cut->pid);
    cut->struck = rh_clock_monotonic();
}

/* With the mutex; false when it was given up before. */
static bool wait_until(rh_cut *cut, rh_usec due)
{
    struct timespec until = {.tv_sec = due / RH_SECOND, .tv_nsec = due % RH_SECOND * 1000};
    while (!cut->given_up && rh_clock_monotonic() < due)
        pthread_cond_timedwait(&cut->wake, &cut->mutex, &until);
    return !cut->given_up;
}

static void *wait_and_strike(void *user)
{
    rh_cut *cut = user;
    pthread_mutex_lock(&cut->mutex);
    while (!cut->armed && !cut->given_up)
        pthread_cond_wait(&cut->wake, &cut->mutex);
    bool due = wait_until(cut, cut->began + cut->delay);
    pthread_mutex_unlock(&cut->mutex);
    if (!due)
        return NULL;
    strike(cut);
    pthread_mutex_lock(&cut->mutex);
    if (cut->program && wait_until(cut, cut->struck + PROGRAM_PATIENCE))
        kill(-cut->program, SIGKILL);
    pthread_mutex_unlock(&cut->mutex);
    return NULL;
}

/* Deadlines are of the monotonic clock. */
static void init_wake(rh_cut *cut)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cut->wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool rh_cut_start(rh_cut *cut, rh_pg *migration, rh_error *error)
{
    cut->hooks = (rh_replay_hooks){.user = cut, .before = before, .after = after};
    cut->witness = (rh_program_witness){
        .user = cut, .started = program_started, .begun = program_begun, .ended = program_ended};
    cut->pid = migration ? rh_pg_backend_pid(migration) : 0;
    cut->side = rh_pg_connect(rh_staging_conninfo(cut->staging), ": side", error);
    if (!cut->side)
        return false;
    pthread_mutex_init(&cut->mutex, NULL);
    init_wake(cut);
    cut->started = pthread_create(&cut->thread, NULL, wait_and_strike, cut) == 0;
    if (cut->started)
        return true;
    pthread_mutex_destroy(&cut->mutex);
    pthread_cond_destroy(&cut->wake);
    rh_pg_close(cut->side);
    cut->side = NULL;
    return rh_error_set(error, RH_ERROR_INTERNAL, "cannot start a thread");
}

/* What the session did is undone only when its process has gone. */
static bool wait_until_gone(rh_cut *cut, rh_error *error)
{
    char sql[96];
    snprintf(sql, sizeof sql, "select count(*) from pg_catalog.pg_stat_activity where pid = %d", cut->pid);
    int64_t left = 1;
    for (rh_usec deadline = rh_clock_monotonic() + GONE_PATIENCE; rh_clock_monotonic() < deadline;) {
        if (!rh_pg_query_int(cut->side, sql, &left, error))
            return false;
        if (left == 0)
            return true;
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 100);
    }
    return rh_error_set(error, RH_ERROR_STAGING, "a session that was terminated had not gone after %.0f s",
                        rh_seconds(GONE_PATIENCE));
}

bool rh_cut_finish(rh_cut *cut, rh_error *error)
{
    bool ok = true;
    if (!cut->started)
        return true;
    pthread_mutex_lock(&cut->mutex);
    cut->given_up = true;
    pthread_cond_signal(&cut->wake);
    pthread_mutex_unlock(&cut->mutex);
    pthread_join(cut->thread, NULL);
    pthread_mutex_destroy(&cut->mutex);
    pthread_cond_destroy(&cut->wake);
    if (cut->struck)
        ok = cut->how == RH_INTERRUPTION_SERVER ? rh_staging_restart(cut->staging, error)
                                                : wait_until_gone(cut, error);
    rh_pg_close(cut->side);
    cut->side = NULL;
    cut->started = false;
    return ok;
}
