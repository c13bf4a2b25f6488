#include "observer_state.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- begin ---- */

static void release(rh_observer *o)
{
    rh_work_watch_free(o->work);
    rh_pg_close(o->side);
    free(o);
}

rh_observer *rh_observer_start(const rh_observer_options *options, rh_error *error)
{
    const rh_run *run = options->run;
    rh_observer *o = rh_alloc(sizeof *o);
    *o = (rh_observer){.options = *options,
                       .run = run,
                       .arena = run->arena,
                       .local = run->staging.local,
                       .access = {.local = run->staging.local},
                       .log_from = options->log_path ? rh_lock_log_length(options->log_path) : 0};
    o->hooks = rh_observer_hooks_for(o);
    o->side = rh_pg_connect_observer(options->conninfo, ": observer", error);
    if (o->side && (options->pass == RH_PASS_KIND_QUIET || options->pass == RH_PASS_KIND_ROLLBACK))
        o->work = rh_work_watch_new(o->side);
    rh_sampler_options sampler = {.conninfo = options->conninfo,
                                  .migration_pid = options->migration_pid,
                                  .began = options->began,
                                  .local = o->local};
    o->sampler = o->side ? rh_sampler_start(&sampler, error) : NULL;
    if (o->sampler)
        return o;
    release(o);
    return NULL;
}

const rh_replay_hooks *rh_observer_hooks(const rh_observer *observer)
{
    return &observer->hooks;
}

rh_sampler *rh_observer_sampler(const rh_observer *observer)
{
    return observer->sampler;
}

bool rh_observer_reads_work(const rh_observer *observer)
{
    return observer->work != NULL;
}

void rh_observer_add(rh_observer *o, const rh_attempt *attempt)
{
    rh_observed *one = rh_arena_add(o->arena, &o->executions, &o->execution_count);
    *one = (rh_observed){
        .migration = attempt->migration, .script = rh_attempt_script(attempt), .attempt = *attempt};
}

/* ---- end ---- */

/* Autocommit statements hold nothing any more when they end: what the sampler saw of them, or else what their
 * text says. What was not there before the statement it did not lock. */
static void add_outside_locks(rh_observer *o, const rh_migration *migration, const rh_statement *statement,
                              rh_statement_run *run)
{
    rh_arena *arena = o->arena;
    const rh_usec ended = run->started + (rh_usec)(run->elapsed_s * 1e6);
    const bool pieces = run->transactions > 1; /* else it is released when the statement ends */
    run->lock_count = rh_sampler_locks(o->sampler, migration->id, statement->ordinal, pieces ? ended : 0,
                                       arena, &run->locks);
    for (size_t i = 0; i < run->lock_count; i++)
        run->locks[i].held_s = pieces ? fmin(run->locks[i].held_s, run->elapsed_s) : run->elapsed_s;
    const size_t seen = run->lock_count;
    for (size_t i = 0; seen == 0 && i < run->expected_count; i++) {
        rh_lock *lock = rh_arena_add(arena, &run->locks, &run->lock_count);
        *lock = run->expected[i];
        lock->held_s = run->elapsed_s;
    }
}

/* What it waited for it asked for: that is no inference. */
static void confirm_lock(rh_statement_run *run, const rh_wait *wait)
{
    for (size_t k = 0; wait->relation && wait->mode && k < run->lock_count; k++)
        if (strcmp(rh_lock_table(&run->locks[k]), wait->relation) == 0 && run->locks[k].mode == wait->mode)
            run->locks[k].inferred = false;
}

/* The migration's own waits go to the statement that waited. */
static void add_waits(rh_statement_run *run, const rh_contention *contention, const char *migration,
                      int ordinal)
{
    run->lock_wait_s = 0;
    for (size_t i = 0; i < contention->wait_count; i++) {
        const rh_wait *wait = &contention->waits[i];
        if (!wait->waiter_is_migration || !wait->migration || wait->statement != ordinal ||
            strcmp(wait->migration, migration) != 0)
            continue;
        run->lock_wait_s += wait->wait_s;
        confirm_lock(run, wait);
        for (size_t k = 0; wait->relation && k < run->lock_count; k++)
            if (strcmp(rh_lock_table(&run->locks[k]), wait->relation) == 0)
                run->locks[k].wait_s += wait->wait_s;
    }
}

/* What only the sampler knows of a run. */
static void complete_run(rh_observer *o, const rh_migration *migration, const rh_statement *statement,
                         rh_statement_run *run)
{
    double workers = rh_sampler_worker_cpu(o->sampler, migration->id, statement->ordinal);
    if (workers > 0)
        run->cpu_user_s += workers;
    run->phase_count =
        rh_sampler_phases(o->sampler, migration->id, statement->ordinal, o->arena, &run->phases);
    bool only_ends = statement->class_ == RH_CLASS_TRANSACTION && !statement->expected_lock;
    if (rh_observer_reads_locks(o) && run->lock_count == 0 && !run->locks_complete &&
        !only_ends) /* COMMIT holds what others took */
        add_outside_locks(o, migration, statement, run);
}

/* A program's new statements come behind those that its script had. */
static const rh_statement *statement_of(const rh_observed *one, size_t i)
{
    const size_t index = one->attempt.statements[i].index, known = one->script->statement_count;
    return index < known ? &one->script->statements[index] : &one->attempt.added[index - known];
}

static void complete_runs(rh_observer *o)
{
    for (size_t e = 0; e < o->execution_count; e++) {
        const rh_observed *one = &o->executions[e];
        for (size_t i = 0; i < one->attempt.statement_count; i++)
            complete_run(o, one->migration, statement_of(one, i), one->attempt.statements[i].run);
    }
}

/* Of the migration whose statement failed last. */
static void add_own_failure(const rh_observer *o, rh_contention *contention)
{
    for (size_t e = 0; o->failed_statement > 0 && e < o->execution_count; e++) {
        const rh_observed *one = &o->executions[e];
        const rh_failure *failure = one->attempt.failure;
        if (!failure || !failure->sqlstate)
            continue;
        rh_cancellation event = {.at_s = o->failed_at_s,
                                 .pid = o->options.migration_pid,
                                 .who = rh_arena_printf(o->arena, "migration %s, statement %d",
                                                        one->migration->id, o->failed_statement),
                                 .sqlstate = failure->sqlstate,
                                 .message = failure->message,
                                 .migration = one->migration->id,
                                 .statement = o->failed_statement,
                                 .is_migration = true};
        rh_cancelled_add(&event, o->arena, contention);
    }
}

static void end_sampler(rh_observer *o)
{
    rh_contention *contention = &o->result.contention;
    rh_lock_log_source log = {.path = o->options.log_path,
                              .from = o->log_from,
                              .why_not = "staging is a given server, whose log cannot be read from here",
                              .began = o->options.began,
                              .side = o->side};
    rh_sampler_finish(o->sampler, o->arena, contention);
    rh_lock_log_merge(&log, o->arena, contention);
    add_own_failure(o, contention);
    if (o->unread_locks && !contention->lost) {
        contention->lost = o->unread_locks;
        contention->measured = false;
    }
    for (size_t e = 0; contention->measured && e < o->execution_count; e++) {
        const rh_observed *one = &o->executions[e];
        for (size_t i = 0; i < one->attempt.statement_count; i++)
            add_waits(one->attempt.statements[i].run, contention, one->migration->id,
                      statement_of(one, i)->ordinal);
    }
}

rh_observer_result rh_observer_finish(rh_observer *o)
{
    if (!o)
        return (rh_observer_result){0};
    complete_runs(o);
    end_sampler(o);
    if (o->access.refused)
        rh_notes_printf(
            &o->result.notes, o->arena, RH_UNMEASURED_STATEMENT_RESOURCES,
            "CPU and device I/O of the statements: staging is not on this machine, and its role may "
            "not set log_statement_stats (GRANT SET ON PARAMETER log_statement_stats TO it; before "
            "PostgreSQL 15 it must be a superuser)");
    const rh_observer_result result = o->result;
    release(o);
    return result;
}
