/* The open loop, in the load's thread: arrivals on absolute deadlines, a queue, clients. */
#include "generator_loop.h"
#include "generator.h"
#include "pgrehearse/base/interrupt.h"
#include <pthread.h>
#include <string.h>

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

load_work rh_generator_queue_pop(rh_generator *generator)
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
        hand_over(generator, idle, rh_generator_queue_pop(generator));
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

void rh_generator_arm(rh_generator *generator)
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
    rh_generator_arm(generator);
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
        load_work work = rh_generator_queue_pop(generator);
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
    rh_generator_arm(generator);
}

void rh_generator_on_wake(void *user)
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
        rh_generator_arm(generator);
}
