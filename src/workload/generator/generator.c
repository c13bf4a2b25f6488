/* Starts the load's thread, stops it and reports. */
#include "generator_loop.h"
#include "generator.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Arrivals that may wait: a minute's worth, in bounds. Others are dropped, and counted. */
enum { QUEUE_MIN = 1000, QUEUE_MAX = 100000 };

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
    rh_generator_arm(generator);
    rh_loop_run(generator->loop);
    while (generator->queue_count > 0) { /* no client came back to take them */
        load_work work = rh_generator_queue_pop(generator);
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
    if (!generator->loop || !rh_loop_on_wake(generator->loop, rh_generator_on_wake, generator, error))
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
