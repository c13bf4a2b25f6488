#include "fault_injection.h"
#include <signal.h>
#include <stdio.h>
#include <time.h>

static const rh_usec GONE_PATIENCE = 30 * RH_SECOND, PROGRAM_PATIENCE = 10 * RH_SECOND;

/* ---- in the migration's thread ---- */

static void before(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                   rh_statement_run *run)
{
    (void)pg, (void)migration, (void)run;
    rh_fault_injection *fault = user;
    if (statement != fault->target || fault->began)
        return;
    pthread_mutex_lock(&fault->mutex);
    fault->began = rh_clock_monotonic();
    fault->armed = true;
    pthread_cond_signal(&fault->wake);
    pthread_mutex_unlock(&fault->mutex);
}

static void after(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                  rh_statement_run *run, bool ok)
{
    (void)pg, (void)migration, (void)run;
    rh_fault_injection *fault = user;
    if (statement == fault->target)
        fault->completed = ok;
}

/* ---- in the thread of a program's proxy ---- */

static void program_started(void *user, pid_t program)
{
    rh_fault_injection *fault = user;
    pthread_mutex_lock(&fault->mutex);
    fault->program = program;
    pthread_mutex_unlock(&fault->mutex);
}

static void program_begun(void *user, const rh_statement *statement, int pid)
{
    rh_fault_injection *fault = user;
    if (statement != fault->target || fault->began)
        return;
    pthread_mutex_lock(&fault->mutex);
    fault->pid = pid;
    fault->began = rh_clock_monotonic();
    fault->armed = true;
    pthread_cond_signal(&fault->wake);
    pthread_mutex_unlock(&fault->mutex);
}

static void program_ended(void *user, const rh_statement *statement, bool ok)
{
    rh_fault_injection *fault = user;
    if (statement == fault->target)
        fault->completed = ok;
}

/* ---- in its own ---- */

static void fire(rh_fault_injection *fault)
{
    if (fault->how == RH_INTERRUPTION_SERVER)
        rh_staging_crash(fault->staging);
    else
        rh_pg_executef(fault->side, NULL, "select pg_terminate_backend(%d)", fault->pid);
    fault->fired_at = rh_clock_monotonic();
}

/* With the mutex; false when it was given up before. */
static bool wait_until(rh_fault_injection *fault, rh_usec due)
{
    struct timespec until = {.tv_sec = due / RH_SECOND, .tv_nsec = due % RH_SECOND * 1000};
    while (!fault->given_up && rh_clock_monotonic() < due)
        pthread_cond_timedwait(&fault->wake, &fault->mutex, &until);
    return !fault->given_up;
}

static void *wait_and_fire(void *user)
{
    rh_fault_injection *fault = user;
    pthread_mutex_lock(&fault->mutex);
    while (!fault->armed && !fault->given_up)
        pthread_cond_wait(&fault->wake, &fault->mutex);
    bool due = wait_until(fault, fault->began + fault->delay);
    pthread_mutex_unlock(&fault->mutex);
    if (!due)
        return NULL;
    fire(fault);
    pthread_mutex_lock(&fault->mutex);
    if (fault->program && wait_until(fault, fault->fired_at + PROGRAM_PATIENCE))
        kill(-fault->program, SIGKILL);
    pthread_mutex_unlock(&fault->mutex);
    return NULL;
}

/* Deadlines are of the monotonic clock. */
static void init_wake(rh_fault_injection *fault)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fault->wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool rh_fault_injection_start(rh_fault_injection *fault, rh_pg *migration, rh_error *error)
{
    fault->hooks = (rh_replay_hooks){.user = fault, .before = before, .after = after};
    fault->program_hooks = (rh_program_hooks){
        .user = fault, .started = program_started, .begun = program_begun, .ended = program_ended};
    fault->pid = migration ? rh_pg_backend_pid(migration) : 0;
    fault->side = rh_pg_connect(rh_staging_conninfo(fault->staging), ": side", error);
    if (!fault->side)
        return false;
    pthread_mutex_init(&fault->mutex, NULL);
    init_wake(fault);
    fault->started = pthread_create(&fault->thread, NULL, wait_and_fire, fault) == 0;
    if (fault->started)
        return true;
    pthread_mutex_destroy(&fault->mutex);
    pthread_cond_destroy(&fault->wake);
    rh_pg_close(fault->side);
    fault->side = NULL;
    return rh_error_set(error, RH_ERROR_INTERNAL, "cannot start a thread");
}

/* The session's changes are undone only when its process has ended. */
static bool wait_until_gone(rh_fault_injection *fault, rh_error *error)
{
    char sql[96];
    snprintf(sql, sizeof sql, "select count(*) from pg_catalog.pg_stat_activity where pid = %d", fault->pid);
    int64_t left = 1;
    for (rh_usec deadline = rh_clock_monotonic() + GONE_PATIENCE; rh_clock_monotonic() < deadline;) {
        if (!rh_pg_query_int(fault->side, sql, &left, error))
            return false;
        if (left == 0)
            return true;
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 100);
    }
    return rh_error_set(error, RH_ERROR_STAGING, "a terminated session was still there after %.0f s",
                        rh_seconds(GONE_PATIENCE));
}

bool rh_fault_injection_finish(rh_fault_injection *fault, rh_error *error)
{
    bool ok = true;
    if (!fault->started)
        return true;
    pthread_mutex_lock(&fault->mutex);
    fault->given_up = true;
    pthread_cond_signal(&fault->wake);
    pthread_mutex_unlock(&fault->mutex);
    pthread_join(fault->thread, NULL);
    pthread_mutex_destroy(&fault->mutex);
    pthread_cond_destroy(&fault->wake);
    if (fault->fired_at)
        ok = fault->how == RH_INTERRUPTION_SERVER ? rh_staging_restart(fault->staging, error)
                                                  : wait_until_gone(fault, error);
    rh_pg_close(fault->side);
    fault->side = NULL;
    fault->started = false;
    return ok;
}
