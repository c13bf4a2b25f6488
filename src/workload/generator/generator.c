/* The open loop: arrivals on absolute deadlines, a queue, clients. One thread of its own. */
#include "generator.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Arrivals that may wait: a minute's worth, in bounds. Further ones are dropped, and counted. */
enum { QUEUE_MIN = 1000, QUEUE_MAX = 100000 };
static const rh_usec DRAIN_LIMIT = 5 * RH_SECOND, CANCEL_LIMIT = 2 * RH_SECOND;

rh_usec rh_generator_now(const rh_generator *generator)
{
    return rh_clock_monotonic() - generator->began;
}

void rh_generator_work_ended(rh_generator *generator, const load_work *work, rh_request_outcome outcome,
                             rh_usec sent)
{
    rh_usec now = rh_generator_now(generator);
    rh_measures_end(generator->measures, work->slot, outcome, now - work->arrival.intended,
                    sent < 0 ? -1 : now - sent);
    if (sent >= 0)
        atomic_fetch_sub(&generator->in_flight, 1);
    if (outcome == RH_REQUEST_DONE)
        atomic_fetch_add(&generator->transactions, 1);
    else if (outcome == RH_REQUEST_ERROR)
        atomic_fetch_add(&generator->errors, 1);
}

static void hand_over(rh_generator *generator, load_client *client, load_work work)
{
    atomic_fetch_add(&generator->in_flight, 1);
    rh_client_run(client, work);
}

static load_work queue_pop(rh_generator *generator)
{
    load_work work = generator->queue[generator->queue_head];
    generator->queue_head = (generator->queue_head + 1) % generator->queue_capacity;
    generator->queue_count--;
    return work;
}

static bool is_drained(const rh_generator *generator)
{
    for (size_t i = 0; i < generator->client_count; i++)
        if (rh_client_is_busy(&generator->clients[i]))
            return false;
    return generator->queue_count == 0;
}

void rh_generator_client_free(rh_generator *generator, load_client *client)
{
    generator->idle[generator->idle_count++] = client;
    if (generator->handing_over)
        return; /* the loop below, further up the stack, sees it */
    generator->handing_over = true;
    while (generator->queue_count > 0 && generator->idle_count > 0) {
        load_client *idle = generator->idle[--generator->idle_count];
        hand_over(generator, idle, queue_pop(generator));
    }
    generator->handing_over = false;
    if (generator->phase != LOAD_RUNNING && is_drained(generator))
        rh_loop_stop(generator->loop);
}

void rh_generator_forget_idle(rh_generator *generator, const load_client *client)
{
    for (size_t i = 0; i < generator->idle_count; i++)
        if (generator->idle[i] == client) {
            memmove(generator->idle + i, generator->idle + i + 1,
                    (generator->idle_count - i - 1) * sizeof(load_client *));
            generator->idle_count--;
            return;
        }
}

/* A queue that is full: the arrival is given up. It would have waited for all before it, so it counts with
 * the time that the oldest of them has waited already: less than the truth, never more. */
static void drop(rh_generator *generator, const load_work *work)
{
    rh_usec waited = rh_generator_now(generator) - generator->queue[generator->queue_head].arrival.intended;
    rh_measures_end(generator->measures, work->slot, RH_REQUEST_DROPPED, waited, -1);
}

static void note_saturation(rh_generator *generator)
{
    if (generator->saturated_by > 0) /* the first window that shows it is enough */
        return;
    generator->saturated_by = generator->queue_count;
    generator->saturated_in = rh_measures_slot_kind(generator->last_slot);
}

/* More than a second's arrivals wait at the end of a window without migrations: the server does not hold the
 * rate. */
static void check_saturation(rh_generator *generator)
{
    if (generator->arrival_count > 0 && rh_measures_slot_kind(generator->last_slot) != RH_WINDOW_DURING &&
        (double)generator->queue_count > generator->rate && generator->queue_count > generator->client_count)
        note_saturation(generator);
}

static void take_arrival(rh_generator *generator, rh_usec now)
{
    load_work work = {.arrival = generator->next};
    rh_usec lag = now - work.arrival.intended;
    generator->lag_sum += lag;
    generator->lag_max = lag > generator->lag_max ? lag : generator->lag_max;
    work.slot = rh_measures_begin(generator->measures, work.arrival.intended, work.arrival.template_index);
    if (work.slot.window != generator->last_slot.window)
        check_saturation(generator);
    generator->last_slot = work.slot;
    generator->arrival_count++;
    if (generator->idle_count > 0) {
        hand_over(generator, generator->idle[--generator->idle_count], work);
    } else if (generator->queue_count < generator->queue_capacity) {
        size_t tail = (generator->queue_head + generator->queue_count++) % generator->queue_capacity;
        generator->queue[tail] = work;
    } else {
        drop(generator, &work);
    }
}

static void on_deadline(void *user);

/* An answer that takes longer may be waiting for a lock. */
static const rh_usec OVERDUE = RH_SECOND / 400;

/* Sets the loop's deadline for the next arrival, wake-up or end of a phase. */
static void arm(rh_generator *generator)
{
    rh_usec deadline = generator->phase == LOAD_RUNNING ? generator->began + generator->next.intended
                                                        : generator->phase_ends;
    rh_loop_deadline(generator->loop, generator->next_wake < deadline ? generator->next_wake : deadline,
                     on_deadline, generator);
}

/* When CLIENT wants to be looked at: at its wake_at, or when its answer is overdue; INT64_MAX: never. */
static rh_usec wake_time(const load_client *client)
{
    if (rh_client_is_timed(client))
        return client->wake_at;
    return client->state == LOAD_CLIENT_RUNNING && client->sent_at > 0 ? client->sent_at + OVERDUE
                                                                       : INT64_MAX;
}

void rh_generator_wake_later(rh_generator *generator, const load_client *client)
{
    rh_usec at = wake_time(client);
    if (at >= generator->next_wake)
        return;
    generator->next_wake = at;
    arm(generator);
}

/* The phase of draining ran out: cancel; that of cancelling: give up. */
static void next_phase(rh_generator *generator, rh_usec now)
{
    if (generator->phase == LOAD_CANCELLING) {
        rh_loop_stop(generator->loop);
        return;
    }
    generator->phase = LOAD_CANCELLING;
    generator->phase_ends = now + CANCEL_LIMIT;
    while (generator->queue_count > 0) {
        load_work work = queue_pop(generator);
        rh_generator_work_ended(generator, &work, RH_REQUEST_DROPPED, -1);
    }
    for (size_t i = 0; i < generator->client_count; i++)
        if (rh_client_is_busy(&generator->clients[i]))
            rh_client_cancel(&generator->clients[i]);
    if (is_drained(generator))
        rh_loop_stop(generator->loop);
}

/* Reports statements whose answer is overdue, once each. */
static void report_overdue(rh_generator *generator, rh_usec now)
{
    bool any = false;
    for (size_t i = 0; i < generator->client_count; i++) {
        load_client *client = &generator->clients[i];
        if (client->state != LOAD_CLIENT_RUNNING || client->sent_at == 0 || client->sent_at + OVERDUE > now)
            continue;
        client->sent_at = 0;
        any = true;
    }
    if (!any)
        return;
    pthread_mutex_lock(&generator->overdue_mutex);
    if (generator->overdue)
        generator->overdue(generator->overdue_user);
    pthread_mutex_unlock(&generator->overdue_mutex);
}

static void wake_clients(rh_generator *generator, rh_usec now)
{
    report_overdue(generator, now);
    generator->next_wake = INT64_MAX;
    for (size_t i = 0; i < generator->client_count; i++) {
        load_client *client = &generator->clients[i];
        if (rh_client_is_timed(client) && client->wake_at <= now)
            rh_client_wake(client);
        rh_usec at = wake_time(client);
        if (at < generator->next_wake)
            generator->next_wake = at;
    }
}

void rh_generator_on_overdue(rh_generator *generator, void (*callback)(void *user), void *user)
{
    pthread_mutex_lock(&generator->overdue_mutex);
    generator->overdue = callback;
    generator->overdue_user = user;
    pthread_mutex_unlock(&generator->overdue_mutex);
}

static void on_deadline(void *user)
{
    rh_generator *generator = user;
    rh_usec now = rh_clock_monotonic();
    while (generator->phase == LOAD_RUNNING && generator->began + generator->next.intended <= now) {
        take_arrival(generator, now - generator->began);
        generator->next = rh_arrivals_next(&generator->arrivals);
        now = rh_clock_monotonic();
    }
    if (generator->next_wake <= now)
        wake_clients(generator, now);
    if (generator->phase != LOAD_RUNNING && generator->phase_ends <= now)
        next_phase(generator, now);
    arm(generator);
}

/* Another thread asks to stop. What was due by now still arrives: nothing is dropped. */
static void on_wake(void *user)
{
    rh_generator *generator = user;
    if (generator->phase != LOAD_RUNNING || !atomic_load(&generator->stop))
        return;
    on_deadline(generator);
    check_saturation(generator);
    generator->phase = LOAD_DRAINING;
    generator->stopped = rh_generator_now(generator);
    generator->phase_ends = rh_clock_monotonic() + (rh_interrupt_requested() ? 0 : DRAIN_LIMIT);
    if (is_drained(generator))
        rh_loop_stop(generator->loop);
    else
        arm(generator);
}

static double thread_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void *run_thread(void *user)
{
    rh_generator *generator = user;
    rh_loop_prompt_thread();
    arm(generator);
    rh_loop_run(generator->loop);
    while (generator->queue_count > 0) { /* no client came back to take them */
        load_work work = queue_pop(generator);
        rh_generator_work_ended(generator, &work, RH_REQUEST_DROPPED, -1);
    }
    for (size_t i = 0; i < generator->client_count; i++)
        rh_client_close(&generator->clients[i]);
    generator->cpu_s = thread_cpu();
    return NULL;
}

/* Signals are for the main thread. */
static bool start_thread(rh_generator *generator, rh_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&generator->thread, NULL, run_thread, generator);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0 || rh_error_errno(error, status, "cannot start the load's thread");
}

static void free_generator(rh_generator *generator)
{
    for (size_t i = 0; i < generator->client_count; i++)
        rh_client_close(&generator->clients[i]);
    rh_loop_free(generator->loop);
    rh_measures_free(generator->measures);
    rh_arrivals_release(&generator->arrivals);
    for (size_t i = 0; i < generator->statement_count; i++)
        free(generator->statements[i].name);
    free(generator->statements);
    free(generator->first_statement);
    free(generator->clients);
    free(generator->idle);
    free(generator->queue);
    free(generator->conninfo);
    rh_arena_free(generator->cancelled_arena);
    pthread_mutex_destroy(&generator->overdue_mutex);
    free(generator);
}

static void add_statement(rh_generator *generator, const char *sql)
{
    rh_text name = {0};
    rh_text_printf(&name, "rh_%zu", generator->statement_count);
    generator->statements[generator->statement_count++] = (load_statement){name.data, sql};
}

/* One of each template, and all of each script. */
static void list_statements(rh_generator *generator)
{
    const rh_mix *mix = generator->mix;
    size_t count = 0;
    for (size_t i = 0; i < mix->template_count; i++)
        count += mix->templates[i].script ? mix->templates[i].script->command_count : 1;
    generator->statements = rh_alloc((count + 1) * sizeof *generator->statements);
    generator->first_statement = rh_alloc((mix->template_count + 1) * sizeof *generator->first_statement);
    for (size_t i = 0; i < mix->template_count; i++) {
        const rh_pgbench_script *script = mix->templates[i].script;
        generator->first_statement[i] = generator->statement_count;
        if (!script)
            add_statement(generator, mix->templates[i].sql);
        for (size_t s = 0; script && s < script->step_count; s++)
            if (script->steps[s].type == RH_STEP_SEND)
                add_statement(generator, script->steps[s].sql);
    }
}

static rh_generator *new_generator(const rh_generator_options *options)
{
    rh_generator *generator = rh_alloc(sizeof *generator);
    pthread_mutex_init(&generator->overdue_mutex, NULL);
    generator->mix = options->mix;
    generator->rate = options->rate;
    generator->conninfo = rh_strdup(options->conninfo);
    generator->measures = rh_measures_new(options->mix);
    rh_arrivals_init(&generator->arrivals, options->mix, options->rate, options->seed);
    generator->seed = options->seed;
    generator->next_wake = INT64_MAX;
    list_statements(generator);
    double minute = 60 * options->rate;
    generator->queue_capacity = minute < QUEUE_MIN   ? QUEUE_MIN
                                : minute > QUEUE_MAX ? QUEUE_MAX
                                                     : (size_t)minute;
    generator->queue = rh_alloc(generator->queue_capacity * sizeof *generator->queue);
    size_t clients = (size_t)options->connections;
    generator->clients = rh_alloc(clients * sizeof *generator->clients);
    generator->idle = rh_alloc(clients * sizeof *generator->idle);
    return generator;
}

static bool open_clients(rh_generator *generator, int connections, rh_error *error)
{
    generator->loop = rh_loop_new(error);
    if (!generator->loop || !rh_loop_on_wake(generator->loop, on_wake, generator, error))
        return false;
    for (int i = 0; i < connections; i++) {
        load_client *client = &generator->clients[generator->client_count++];
        if (!rh_client_open(client, generator, error) || !rh_client_start(client, error))
            return false;
        generator->idle[generator->idle_count++] = client;
    }
    return true;
}

rh_generator *rh_generator_start(const rh_generator_options *options, rh_error *error)
{
    if (options->mix->template_count == 0 || options->rate <= 0 || options->connections < 1) {
        rh_error_set(error, RH_ERROR_SCENARIO,
                     "there is no load to run: the mix is empty, or rate or connections is 0");
        return NULL;
    }
    rh_generator *generator = new_generator(options);
    if (open_clients(generator, options->connections, error)) {
        generator->next = rh_arrivals_next(&generator->arrivals);
        generator->began = rh_clock_monotonic();
        generator->began_wall = rh_clock_wall();
        if (start_thread(generator, error))
            return generator;
    }
    free_generator(generator);
    return NULL;
}

void rh_generator_window(rh_generator *generator, rh_window_kind kind, const char *migration)
{
    rh_measures_window(generator->measures, rh_generator_now(generator), kind, migration);
}

static const char *saturation(const rh_generator *generator, rh_arena *arena)
{
    if (generator->saturated_by == 0)
        return "more than 5 % of the arrivals of a window without migrations were dropped";
    return rh_arena_printf(
        arena, "%zu arrivals still waited at the end of the window %s the migrations, at %.0f per second",
        generator->saturated_by, generator->saturated_in == RH_WINDOW_BEFORE ? "before" : "after",
        generator->rate);
}

void rh_generator_finish(rh_generator *generator, rh_arena *arena, rh_load *load)
{
    if (!generator)
        return;
    atomic_store(&generator->stop, true);
    rh_loop_wake(generator->loop);
    pthread_join(generator->thread, NULL);
    *load = (rh_load){
        .measured = true,
        .rate_per_s = generator->rate,
        .connections = (int)generator->client_count,
        .began = generator->began,
        .began_wall_s = rh_seconds(generator->began_wall),
        .pacing_lag_mean_ms = generator->arrival_count > 0
                                  ? (double)generator->lag_sum / 1000 / (double)generator->arrival_count
                                  : RH_NOT_MEASURED,
        .pacing_lag_max_ms =
            generator->arrival_count > 0 ? (double)generator->lag_max / 1000 : RH_NOT_MEASURED,
        .generator_cpu_s = generator->cpu_s,
        .reconnects = generator->reconnects,
        .saturated = generator->saturated_by > 0,
        .mix_source = generator->mix->source ? generator->mix->source : "unknown",
        .mix = *generator->mix,
    };
    rh_measures_finish(generator->measures, generator->stopped, arena, load);
    rh_generator_report_cancelled(generator, arena, load);
    if (load->saturated)
        load->saturated_reason = saturation(generator, arena);
    free_generator(generator);
}

void rh_generator_progress(rh_generator *generator, int64_t *transactions, int64_t *errors, int *in_flight)
{
    if (transactions)
        *transactions = atomic_load(&generator->transactions);
    if (errors)
        *errors = atomic_load(&generator->errors);
    if (in_flight)
        *in_flight = atomic_load(&generator->in_flight);
}

size_t rh_generator_pids(const rh_generator *generator, int *pids, size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; i < generator->client_count && count < capacity; i++) {
        int pid = atomic_load(&generator->clients[i].pid);
        if (pid > 0)
            pids[count++] = pid;
    }
    return count;
}

const char *rh_template_statement(const rh_template *template_, size_t index)
{
    if (!template_->script)
        return index == 0 ? template_->sql : NULL;
    for (size_t i = 0; i < template_->script->step_count; i++)
        if (template_->script->steps[i].type == RH_STEP_SEND && index-- == 0)
            return template_->script->steps[i].sql;
    return NULL;
}
