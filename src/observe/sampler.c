/* The sampler's thread: when to look, and what becomes of it. */
#include "pgrehearse/observe/sampler.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/observe/counters.h"
#include "sampler_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const rh_usec BUSY_INTERVAL = RH_SECOND / 50, IDLE_INTERVAL = RH_SECOND / 5;
/* The first pauses after a statement's begin, doubled each time: a short statement is seen too. */
static const rh_usec FIRST_INTERVAL = RH_SECOND / 1000;

/* Sleeps until DEADLINE, or until the sampler is told something. Gives what is to be looked at; false: stop.
 */
static bool next_label(rh_sampler *sampler, rh_usec deadline, rh_sampler_label *label)
{
    struct timespec until = {.tv_sec = deadline / RH_SECOND, .tv_nsec = deadline % RH_SECOND * 1000};
    pthread_mutex_lock(&sampler->mutex);
    while (!sampler->stop && (sampler->label.generation == label->generation || !sampler->label.migration) &&
           rh_clock_monotonic() < deadline)
        pthread_cond_timedwait(&sampler->wake, &sampler->mutex, &until);
    bool go_on = !sampler->stop;
    *label = sampler->label;
    pthread_mutex_unlock(&sampler->mutex);
    return go_on;
}

static double thread_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Of the session that samples; not measured when it is not on this machine. */
static double backend_cpu(const rh_sampler *sampler)
{
    return sampler->options.local ? rh_proc_cpu(rh_pg_backend_pid(sampler->pg)) : RH_NOT_MEASURED;
}

static void *run(void *argument)
{
    rh_sampler *sampler = argument;
    double began = backend_cpu(sampler);
    rh_usec deadline = rh_clock_monotonic(), pause = FIRST_INTERVAL;
    rh_sampler_label label = {0};
    bool was_running = false;
    for (unsigned generation = 0; next_label(sampler, deadline, &label); generation = label.generation) {
        if (!rh_sampler_take(sampler, &label, &sampler->failure))
            break;
        rh_usec now = rh_clock_monotonic();
        bool running = label.migration != NULL;
        bool fresh = running && label.generation != generation;
        pause = fresh ? FIRST_INTERVAL : 2 * pause < BUSY_INTERVAL ? 2 * pause : BUSY_INTERVAL;
        rh_usec interval = running && pause < BUSY_INTERVAL ? pause
                           : running || was_running || rh_wait_graph_waiting(sampler->graph) > 0
                               ? BUSY_INTERVAL
                               : IDLE_INTERVAL;
        was_running = running;
        /* Deadlines are absolute, so that the time a sample takes does not stretch the interval. */
        deadline = fresh || deadline + interval < now ? now + interval : deadline + interval;
    }
    if (!rh_error_is_set(&sampler->failure)) /* what ended since the last sample */
        rh_sampler_take(sampler, &label, &sampler->failure);
    sampler->server_cpu_s = backend_cpu(sampler) - began;
    sampler->client_cpu_s = thread_cpu();
    return NULL;
}

static void release(rh_sampler *sampler)
{
    rh_pg_close(sampler->pg);
    rh_wait_graph_free(sampler->graph);
    rh_arena_free(sampler->arena);
    rh_arena_free(sampler->shared);
    rh_text_release(&sampler->watched);
    rh_text_release(&sampler->settings);
    rh_error_release(&sampler->failure);
    pthread_cond_destroy(&sampler->wake);
    pthread_mutex_destroy(&sampler->mutex);
    free((char *)sampler->options.conninfo);
    free(sampler);
}

rh_sampler *rh_sampler_start(const rh_sampler_options *options, rh_error *error)
{
    rh_sampler *sampler = rh_alloc(sizeof *sampler);
    sampler->options = *options;
    sampler->options.conninfo = rh_strdup(options->conninfo);
    sampler->label.pid = options->migration_pid;
    sampler->shared = rh_arena_new();
    sampler->arena = rh_arena_new();
    sampler->graph = rh_wait_graph_new(options->began);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&sampler->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&sampler->mutex, NULL);
    if (rh_sampler_open(sampler, error)) {
        if (pthread_create(&sampler->thread, NULL, run, sampler) == 0)
            return sampler;
        rh_error_set(error, RH_ERROR_INTERNAL, "the lock sampler's thread could not be started");
    }
    release(sampler);
    return NULL;
}

static const char *intern_migration(rh_sampler *sampler, const char *migration)
{
    for (size_t i = 0; i < sampler->migration_count; i++)
        if (strcmp(sampler->migrations[i], migration) == 0)
            return sampler->migrations[i];
    const char **slot =
        rh_arena_add(sampler->shared, &sampler->migrations, &sampler->migration_count, sizeof *slot);
    return *slot = rh_arena_strdup(sampler->shared, migration);
}

void rh_sampler_statement(rh_sampler *sampler, const char *migration, int statement)
{
    pthread_mutex_lock(&sampler->mutex);
    sampler->label.migration = migration ? intern_migration(sampler, migration) : NULL;
    sampler->label.statement = migration ? statement : 0;
    sampler->label.since = rh_clock_monotonic();
    sampler->label.generation++;
    pthread_cond_signal(&sampler->wake);
    pthread_mutex_unlock(&sampler->mutex);
}

void rh_sampler_migration_pid(rh_sampler *sampler, int pid)
{
    pthread_mutex_lock(&sampler->mutex);
    sampler->label.pid = pid;
    sampler->label.generation++;
    pthread_mutex_unlock(&sampler->mutex);
}

static const char *why_incomplete(const rh_sampler *sampler, rh_arena *arena)
{
    if (!rh_error_is_set(&sampler->failure))
        return NULL;
    return rh_arena_printf(arena, "lock waits were watched only for the first %.1f s: %s",
                           rh_seconds(sampler->last_at > 0 ? sampler->last_at - sampler->options.began : 0),
                           sampler->failure.message);
}

void rh_sampler_finish(rh_sampler *sampler, rh_arena *arena, rh_contention *contention)
{
    if (!sampler)
        return;
    pthread_mutex_lock(&sampler->mutex);
    sampler->stop = true;
    pthread_cond_signal(&sampler->wake);
    pthread_mutex_unlock(&sampler->mutex);
    pthread_join(sampler->thread, NULL);
    contention->lost = why_incomplete(sampler, arena);
    contention->measured = sampler->samples > 0 && !contention->lost;
    if (!contention->lost) {
        rh_sampler_look_up(sampler, true);
        rh_wait_graph_rename(sampler->graph, rh_sampler_rename, sampler);
    }
    rh_wait_graph_finish(sampler->graph, sampler->last_at, arena, contention);
    contention->samples = sampler->samples;
    contention->sampler_client_cpu_s = sampler->client_cpu_s;
    contention->sampler_server_cpu_s = sampler->server_cpu_s;
    contention->sampler_cpu_s =
        sampler->client_cpu_s + (isnan(sampler->server_cpu_s) ? 0 : sampler->server_cpu_s);
    contention->sampler_elapsed_s =
        sampler->samples > 0 ? rh_seconds(sampler->last_at - sampler->options.began) : RH_NOT_MEASURED;
    contention->log.why_not = "it has not been looked at";
    contention->sampler_interval_ms = rh_seconds(BUSY_INTERVAL) * 1e3;
    contention->shortest_sure_wait_ms =
        sampler->longest_gap > 0 ? rh_seconds(sampler->longest_gap) * 1e3 : RH_NOT_MEASURED;
    contention->waitstart_available = !sampler->options.without_waitstart;
    release(sampler);
}
