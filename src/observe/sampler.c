/* The sampler's thread: schedules the samples and collects their result. */
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/observe/sampler.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/observe/counters.h"
#include "sampler_state.h"
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BUSY_INTERVAL_US (RH_SECOND / 50)
static const rh_usec BUSY_INTERVAL = BUSY_INTERVAL_US, IDLE_INTERVAL = RH_SECOND / 5;
/* The first pauses after a statement's begin, doubled each time: a short statement is seen too. */
static const rh_usec FIRST_INTERVAL = RH_SECOND / 1000;
/* While the waiter watch checks for waiters, samples only read the locks of the migration. */
static const rh_usec HELD_INTERVAL = RH_SECOND;
/* Duration of one query of the waiter watch. */
enum { LOOKS = 100 };
static const rh_usec WATCH_PATIENCE = 3 * LOOKS * BUSY_INTERVAL_US;
/* The shortest and longest pause between samples that are requested; it doubles while they find no waiter. */
static const rh_usec REQUEST_PAUSE_MIN = RH_SECOND / 250, REQUEST_PAUSE_MAX = RH_SECOND / 10;

/* What the thread knows between two samples. */
typedef struct rounds {
    rh_sampler_label label;
    unsigned generation; /* of the label at the sample before */
    rh_usec deadline, pause;
    bool was_running;
    bool requested; /* this sample was requested */
} rounds;

/* Takes the label. False: stop. */
static bool take_label(rh_sampler *sampler, rounds *r, bool *changed, rh_usec *sample_at)
{
    pthread_mutex_lock(&sampler->mutex);
    bool go_on = !sampler->stop;
    *changed = sampler->label.generation != r->generation && sampler->label.migration;
    *sample_at = sampler->sample_at;
    r->label = sampler->label;
    pthread_mutex_unlock(&sampler->mutex);
    return go_on;
}

/* Keeps the waiter watch running while a migration statement runs and no waiting session is known. True if
 * the watch found one. */
static bool tend_waiter_watch(rh_sampler *sampler, const rounds *r)
{
    rh_waiters answer = RH_WAITERS_ABSENT;
    rh_usec gap = 0, now = rh_clock_monotonic();
    if (!sampler->waiter_watch)
        return false;
    if (rh_waiter_watch_is_busy(sampler->waiter_watch)) {
        answer = rh_waiter_watch_ask(sampler->waiter_watch, &gap);
        if (answer == RH_WAITERS_PENDING && now - sampler->waiter_watch_began < WATCH_PATIENCE)
            return false;
        if (answer == RH_WAITERS_PENDING) { /* its naps end by the wall clock, which was set back */
            rh_waiter_watch_close(sampler->waiter_watch);
            sampler->waiter_watch = NULL;
            return true;
        }
        rh_usec before = sampler->last_at > 0 ? sampler->waiter_watch_began - sampler->last_at : 0;
        if (r->label.migration && gap + before > sampler->longest_gap)
            sampler->longest_gap = gap + before;
        sampler->samples += (now - sampler->waiter_watch_began) / BUSY_INTERVAL;
        sampler->last_at = now;
    }
    bool wanted =
        answer == RH_WAITERS_ABSENT && r->label.migration && rh_wait_graph_waiting(sampler->graph) == 0;
    sampler->waiter_watch_began = now;
    if (answer == RH_WAITERS_UNKNOWN ||
        (wanted && !rh_waiter_watch_begin(sampler->waiter_watch, BUSY_INTERVAL, LOOKS))) {
        rh_waiter_watch_close(sampler->waiter_watch);
        sampler->waiter_watch = NULL;
    }
    return answer == RH_WAITERS_PRESENT;
}

/* Sleeps until UNTIL, or until the sampler is woken or the waiter watch answers. */
static void sleep_until(rh_sampler *sampler, rh_usec until)
{
    struct pollfd events[2] = {{.fd = sampler->wake, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    if (sampler->waiter_watch && rh_waiter_watch_is_busy(sampler->waiter_watch))
        events[1].fd = rh_waiter_watch_socket(sampler->waiter_watch);
    rh_usec left = until - rh_clock_monotonic();
    struct timespec timeout = {left > 0 ? left / RH_SECOND : 0, left > 0 ? left % RH_SECOND * 1000 : 0};
    eventfd_t count;
    if (ppoll(events, 2, &timeout, NULL) > 0 && events[0].revents)
        eventfd_read(sampler->wake, &count);
}

/* Sleeps until a sample is due. Gives what is to be looked at; false: stop. */
static bool next_round(rh_sampler *sampler, rounds *r)
{
    for (;;) {
        bool changed;
        rh_usec sample_at;
        if (!take_label(sampler, r, &changed, &sample_at))
            return false;
        bool seen = tend_waiter_watch(sampler, r);
        rh_sampler_sample_phase(sampler, &r->label);
        rh_usec now = rh_clock_monotonic();
        r->requested = sample_at > 0 && sample_at <= now;
        if (seen || changed || r->requested || now >= r->deadline)
            return true;
        rh_usec until = sample_at > 0 && sample_at < r->deadline ? sample_at : r->deadline;
        bool workers = sampler->live_workers > 0 && r->label.migration;
        if (workers && now + BUSY_INTERVAL < until)
            until = now + BUSY_INTERVAL;
        if (sampler->phase_at > 0 && sampler->phase_at < until)
            until = sampler->phase_at;
        sleep_until(sampler, until);
        if (workers)
            rh_sampler_read_workers(sampler, &r->label);
    }
}

/* When the next sample is due, after the one just taken. */
static void plan_round(rh_sampler *sampler, rounds *r)
{
    rh_usec now = rh_clock_monotonic();
    bool running = r->label.migration != NULL, waiting = rh_wait_graph_waiting(sampler->graph) > 0;
    bool fresh = running && r->label.generation != r->generation;
    rh_usec longest = sampler->waiter_watch && !waiting ? HELD_INTERVAL : BUSY_INTERVAL;
    r->pause = fresh ? FIRST_INTERVAL : 2 * r->pause < longest ? 2 * r->pause : longest;
    rh_usec busy = waiting || !running ? BUSY_INTERVAL : r->pause;
    rh_usec interval = running && r->pause < busy             ? r->pause
                       : running || r->was_running || waiting ? busy
                                                              : IDLE_INTERVAL;
    r->was_running = running;
    r->generation = r->label.generation;
    /* Deadlines are absolute, so that the time a sample takes does not stretch the interval; but a sample may
     * have come before its deadline, or too late to keep up. */
    bool in_step = r->deadline <= now && r->deadline + interval >= now && !fresh;
    r->deadline = in_step ? r->deadline + interval : now + interval;
    pthread_mutex_lock(&sampler->mutex);
    if (r->requested) {
        sampler->sample_at = 0;
        sampler->request_pause = waiting                                          ? REQUEST_PAUSE_MIN
                                 : 2 * sampler->request_pause < REQUEST_PAUSE_MAX ? 2 * sampler->request_pause
                                                                                  : REQUEST_PAUSE_MAX;
        sampler->next_request = now + sampler->request_pause;
    }
    pthread_mutex_unlock(&sampler->mutex);
}

static double thread_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Of the sessions that sample; not measured when they are not on this machine. */
static double backend_cpu(const rh_sampler *sampler)
{
    if (!sampler->options.local)
        return RH_NOT_MEASURED;
    return rh_proc_cpu(rh_pg_backend_pid(sampler->pg)) +
           (sampler->waiter_watch ? rh_waiter_watch_cpu(sampler->waiter_watch) : 0);
}

static void *run(void *argument)
{
    rh_sampler *sampler = argument;
    double began = backend_cpu(sampler);
    rounds r = {.deadline = rh_clock_monotonic(), .pause = FIRST_INTERVAL};
    bool ok = true;
    while (ok && next_round(sampler, &r)) {
        ok = rh_sampler_take(sampler, &r.label, &sampler->failure);
        plan_round(sampler, &r);
    }
    if (ok) /* what ended since the last sample */
        rh_sampler_take(sampler, &r.label, &sampler->failure);
    sampler->server_cpu_s = backend_cpu(sampler) - began;
    sampler->client_cpu_s = thread_cpu();
    return NULL;
}

static void release(rh_sampler *sampler)
{
    rh_waiter_watch_close(sampler->waiter_watch);
    rh_pg_close(sampler->pg);
    rh_wait_graph_free(sampler->graph);
    rh_arena_free(sampler->arena);
    rh_arena_free(sampler->shared);
    rh_text_release(&sampler->watched);
    rh_text_release(&sampler->settings);
    rh_error_release(&sampler->failure);
    if (sampler->wake >= 0)
        close(sampler->wake);
    pthread_mutex_destroy(&sampler->mutex);
    free(sampler->conninfo);
    free(sampler);
}

rh_sampler *rh_sampler_start(const rh_sampler_options *options, rh_error *error)
{
    rh_sampler *sampler = rh_alloc(sizeof *sampler);
    sampler->options = *options;
    sampler->options.conninfo = sampler->conninfo = rh_strdup(options->conninfo);
    sampler->label.pid = options->migration_pid;
    sampler->shared = rh_arena_new();
    sampler->arena = rh_arena_new();
    sampler->graph = rh_wait_graph_new(options->began);
    sampler->last_at = options->began; /* checks that find no waiter take no sample */
    sampler->request_pause = REQUEST_PAUSE_MIN;
    sampler->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
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
    const char **slot = rh_arena_add(sampler->shared, &sampler->migrations, &sampler->migration_count);
    return *slot = rh_arena_strdup(sampler->shared, migration);
}

void rh_sampler_statement(rh_sampler *sampler, const char *migration, int statement)
{
    pthread_mutex_lock(&sampler->mutex);
    if (sampler->label.migration)
        sampler->ended_at = rh_clock_monotonic();
    sampler->label.migration = migration ? intern_migration(sampler, migration) : NULL;
    sampler->label.statement = migration ? statement : 0;
    sampler->label.since = rh_clock_monotonic();
    sampler->label.generation++;
    eventfd_write(sampler->wake, 1);
    pthread_mutex_unlock(&sampler->mutex);
}

void rh_sampler_migration_pid(rh_sampler *sampler, int pid)
{
    pthread_mutex_lock(&sampler->mutex);
    sampler->label.pid = pid;
    sampler->label.generation++;
    pthread_mutex_unlock(&sampler->mutex);
}

void rh_sampler_sample_now(rh_sampler *sampler)
{
    pthread_mutex_lock(&sampler->mutex);
    rh_usec now = rh_clock_monotonic();
    if (sampler->sample_at == 0) {
        sampler->sample_at = sampler->next_request > now ? sampler->next_request : now;
        eventfd_write(sampler->wake, 1);
    }
    pthread_mutex_unlock(&sampler->mutex);
}

static const char *why_incomplete(const rh_sampler *sampler, rh_arena *arena)
{
    if (!rh_error_is_set(&sampler->failure))
        return NULL;
    return rh_arena_printf(arena, "lock waits were sampled only for the first %.1f s: %s",
                           rh_seconds(sampler->last_at > 0 ? sampler->last_at - sampler->options.began : 0),
                           sampler->failure.message);
}

void rh_sampler_finish(rh_sampler *sampler, rh_arena *arena, rh_contention *contention)
{
    if (!sampler)
        return;
    pthread_mutex_lock(&sampler->mutex);
    sampler->stop = true;
    eventfd_write(sampler->wake, 1);
    pthread_mutex_unlock(&sampler->mutex);
    pthread_join(sampler->thread, NULL);
    contention->lost = why_incomplete(sampler, arena);
    contention->measured = sampler->samples > 0 && !contention->lost;
    if (!contention->lost) {
        rh_sampler_resolve_names(sampler, true);
        rh_wait_graph_rename(sampler->graph, rh_sampler_rename, sampler);
    }
    rh_wait_graph_finish(sampler->graph, sampler->last_at, arena, contention);
    contention->samples = sampler->samples;
    contention->sampler_client_cpu_s = sampler->client_cpu_s;
    contention->sampler_server_cpu_s = sampler->server_cpu_s;
    contention->sampler_cpu_s =
        sampler->client_cpu_s + (isnan(sampler->server_cpu_s) ? 0 : sampler->server_cpu_s);
    contention->sampler_elapsed_s =
        sampler->samples > 0 ? rh_seconds(rh_clock_monotonic() - sampler->options.began) : RH_NOT_MEASURED;
    contention->log.why_not = "it was not read";
    contention->sampler_interval_ms = rh_seconds(BUSY_INTERVAL) * 1e3;
    contention->shortest_sure_wait_ms =
        sampler->longest_gap > 0 ? rh_seconds(sampler->longest_gap) * 1e3 : RH_NOT_MEASURED;
    contention->clock_stepped = sampler->clock_stepped;
    contention->waitstart_available = !sampler->options.without_waitstart;
    release(sampler);
}
