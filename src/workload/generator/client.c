/* A load client: one connection, one arrival at a time, driven by its socket. */
#include "generator.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_ATTEMPTS = 4 /* an application's first try and three more */ };
static const rh_usec CONNECT_LIMIT = 10 * RH_SECOND;
static const rh_usec BACKOFF_MIN = RH_SECOND / 10, BACKOFF_MAX = 2 * RH_SECOND;
/* Before the second try; twice as long before each further one, each between a half and the whole of it. */
static const rh_usec RETRY_AFTER = RH_SECOND / 20;

static void on_socket(void *user, int events);
static void start_connecting(load_client *client);

/* Failures that a well-behaved application answers by trying again: serialization, deadlock, lock timeout. */
static bool is_retryable(const char *sqlstate)
{
    return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0 || strcmp(sqlstate, "55P03") == 0;
}

bool rh_client_open(load_client *client, rh_generator *generator, rh_error *error)
{
    client->generator = generator;
    client->prepared = rh_alloc(generator->statement_count + 1);
    client->pg = rh_pg_connect(generator->conninfo, ": load", error);
    if (!client->pg)
        return rh_error_context(error, "load");
    for (size_t i = 0, t = 0; i < generator->statement_count; i++) {
        while (t + 1 < generator->mix->template_count && generator->first_statement[t + 1] <= i)
            t++;
        const load_statement *statement = &generator->statements[i];
        if (!rh_pg_prepare(client->pg, statement->name, statement->sql, error))
            return rh_error_context(error, "load template \"%s\"", generator->mix->templates[t].name);
        client->prepared[i] = true;
    }
    atomic_store(&client->pid, rh_pg_backend_pid(client->pg));
    return rh_pg_set_nonblocking(client->pg, error);
}

static void unwatch(load_client *client)
{
    rh_watch_remove(client->watch);
    client->watch = NULL;
}

static bool watch(load_client *client, int events, rh_error *error)
{
    int fd = rh_pg_socket(client->pg);
    client->watch = fd >= 0 ? rh_loop_watch(client->generator->loop, fd, on_socket, client, error) : NULL;
    if (client->watch)
        rh_watch_events(client->watch, events);
    return client->watch != NULL;
}

bool rh_client_start(load_client *client, rh_error *error)
{
    client->state = LOAD_CLIENT_IDLE;
    return watch(client, RH_READABLE, error);
}

static void drop_connection(load_client *client)
{
    unwatch(client);
    rh_pg_close(client->pg);
    client->pg = NULL;
    atomic_store(&client->pid, 0);
    memset(client->prepared, 0, client->generator->statement_count);
}

static const rh_template *template_of(const load_client *client)
{
    return &client->generator->mix->templates[client->work.arrival.template_index];
}

static void record_error(load_client *client, const char *name, const char *sqlstate)
{
    const char *message = client->pg ? rh_pg_failure(client->pg) : NULL;
    const bool before =
        rh_client_is_busy(client) && rh_measures_slot_kind(client->work.slot) == RH_WINDOW_BEFORE;
    rh_measures_error(client->generator->measures, name, sqlstate, message ? message : "", before);
    rh_generator_cancelled(client->generator, client, name, sqlstate, message ? message : "");
}

/* The work ends without having been done: an error, or dropped because it was cancelled here. */
static void fail_work(load_client *client, const char *sqlstate)
{
    bool ours = client->generator->phase == LOAD_CANCELLING;
    if (!ours)
        record_error(client, template_of(client)->name, sqlstate);
    rh_generator_work_ended(client->generator, &client->work, ours ? RH_REQUEST_DROPPED : RH_REQUEST_ERROR,
                            client->sent);
}

static void wait_to_reconnect(load_client *client)
{
    drop_connection(client);
    client->state = LOAD_CLIENT_WAITING;
    client->backoff = client->backoff == 0                ? BACKOFF_MIN
                      : 2 * client->backoff > BACKOFF_MAX ? BACKOFF_MAX
                                                          : 2 * client->backoff;
    client->wake_at = rh_clock_monotonic() + client->backoff;
    rh_generator_wake_later(client->generator, client);
}

/* The connection broke in any state. */
static void lose(load_client *client, const char *sqlstate)
{
    const char *state = *sqlstate ? sqlstate : "08006";
    if (rh_client_is_busy(client))
        fail_work(client, state);
    else
        record_error(client, "(idle connection)", state);
    if (client->state == LOAD_CLIENT_IDLE)
        rh_generator_forget_idle(client->generator, client);
    drop_connection(client);
    start_connecting(client);
}

/* After a command was handed to libpq. */
static void sent(load_client *client, bool ok)
{
    if (!ok)
        lose(client, "");
    else
        rh_watch_events(client->watch,
                        rh_pg_wants_write(client->pg) ? RH_READABLE | RH_WRITABLE : RH_READABLE);
}

/* Sends client->statement, or first its PREPARE. */
static void send_statement(load_client *client)
{
    const rh_template *template_ = template_of(client);
    const load_statement *statement = &client->generator->statements[client->statement];
    if (!client->prepared[client->statement]) {
        client->state = LOAD_CLIENT_PREPARING;
        sent(client, rh_pg_send_prepare(client->pg, statement->name, statement->sql));
        return;
    }
    client->state = LOAD_CLIENT_RUNNING;
    client->sent_at = rh_clock_monotonic();
    rh_generator_wake_later(client->generator, client);
    size_t count = template_->parameter_count;
    const char *const *values = count > 0 ? template_->values[client->work.arrival.value_row] : NULL;
    if (template_->script) {
        count = client->run.step->parameter_count;
        values = client->run.parameters;
    }
    sent(client, rh_pg_send_prepared(client->pg, statement->name, count, values));
}

static void become_free(load_client *client);

/* The work is over; a transaction that it left open is not. */
static void clean_up(load_client *client)
{
    if (rh_pg_transaction_state(client->pg) == 'I') {
        become_free(client);
        return;
    }
    client->state = LOAD_CLIENT_CLEANING;
    sent(client, rh_pg_send(client->pg, "ROLLBACK"));
}

/* A failure of ours, not of the server. */
static void fail_script(load_client *client, const char *why)
{
    bool ours = client->generator->phase == LOAD_CANCELLING;
    if (!ours)
        rh_measures_error(client->generator->measures, template_of(client)->name, "", why,
                          rh_measures_slot_kind(client->work.slot) == RH_WINDOW_BEFORE);
    rh_generator_work_ended(client->generator, &client->work, ours ? RH_REQUEST_DROPPED : RH_REQUEST_ERROR,
                            client->sent);
    client->stale_after = false;
    clean_up(client);
}

/* The script's next statement or pause, or its end. */
static void continue_work(load_client *client)
{
    if (client->generator->phase == LOAD_CANCELLING) {
        fail_script(client, "");
        return;
    }
    switch (rh_pgbench_script_next(&client->run)) {
    case RH_SCRIPT_SEND:
        client->statement = client->generator->first_statement[client->work.arrival.template_index] +
                            client->run.step->command;
        send_statement(client);
        break;
    case RH_SCRIPT_PAUSE:
        client->state = LOAD_CLIENT_SLEEPING;
        client->wake_at = rh_clock_monotonic() + client->run.sleep;
        rh_generator_wake_later(client->generator, client);
        break;
    case RH_SCRIPT_ENDED:
        rh_generator_work_ended(client->generator, &client->work, RH_REQUEST_DONE, client->sent);
        client->stale_after = false;
        clean_up(client);
        break;
    case RH_SCRIPT_FAILED:
        fail_script(client, client->run.failure);
        break;
    }
}

/* From the beginning, with the same random numbers each time. */
static void send_work(load_client *client)
{
    rh_generator *generator = client->generator;
    const rh_template *template_ = template_of(client);
    client->attempts++;
    client->statement = generator->first_statement[client->work.arrival.template_index];
    if (!template_->script) {
        send_statement(client);
        return;
    }
    rh_pgbench_script_begin(
        &client->run, template_->script, generator->mix->scale, client - generator->clients,
        generator->seed ^ ((uint64_t)client->work.arrival.intended * UINT64_C(0x9e3779b97f4a7c15)));
    continue_work(client);
}

void rh_client_run(load_client *client, load_work work)
{
    client->work = work;
    client->attempts = 0;
    client->sent = rh_generator_now(client->generator);
    send_work(client);
}

static void become_free(load_client *client)
{
    client->state = LOAD_CLIENT_IDLE;
    rh_generator_client_free(client->generator, client);
}

/* A plan that DDL made useless is thrown away. */
static void deallocate(load_client *client)
{
    rh_text sql = {0};
    rh_text_printf(&sql, "DEALLOCATE %s", client->generator->statements[client->stale].name);
    client->state = LOAD_CLIENT_DEALLOCATING;
    client->stale_after = false;
    sent(client, rh_pg_send(client->pg, sql.data));
    rh_text_release(&sql);
}

/* Two that met in a deadlock do not begin again at the same moment: as applications do, each waits for a time
 * of its own, longer each time. */
static void back_off(load_client *client)
{
    rh_random random;
    rh_random_seed(&random, client->generator->seed ^ (uint64_t)client->work.arrival.intended ^
                                (uint64_t)client->attempts << 56);
    double most = (double)(RETRY_AFTER << (client->attempts - 1));
    client->state = LOAD_CLIENT_BACKING_OFF;
    client->wake_at = rh_clock_monotonic() + (rh_usec)(most * (0.5 + rh_random_uniform(&random) / 2));
    rh_generator_wake_later(client->generator, client);
}

static void try_again(load_client *client, const char *sqlstate)
{
    record_error(client, template_of(client)->name, sqlstate);
    rh_measures_retry(client->generator->measures, client->work.slot);
    if (rh_pg_transaction_state(client->pg) == 'I') {
        back_off(client);
        return;
    }
    client->state = LOAD_CLIENT_RESTARTING;
    sent(client, rh_pg_send(client->pg, "ROLLBACK"));
}

/* The server refused it. DDL that changed a result makes the plan useless once: an application sees that
 * error, then prepares again. */
static void on_failed(load_client *client, const char *sqlstate)
{
    bool running = client->state == LOAD_CLIENT_RUNNING;
    bool again = running && is_retryable(sqlstate) && client->attempts < MAX_ATTEMPTS &&
                 client->generator->phase != LOAD_CANCELLING;
    if (again) {
        try_again(client, sqlstate);
        return;
    }
    client->stale = client->statement;
    client->stale_after = running && strcmp(sqlstate, "0A000") == 0;
    if (strcmp(sqlstate, "26000") == 0)
        client->prepared[client->statement] = false;
    fail_work(client, sqlstate);
    if (client->stale_after && rh_pg_transaction_state(client->pg) == 'I')
        deallocate(client);
    else
        clean_up(client);
}

static void on_done(load_client *client)
{
    switch (client->state) {
    case LOAD_CLIENT_RUNNING:
        if (template_of(client)->script) {
            continue_work(client);
            break;
        }
        rh_generator_work_ended(client->generator, &client->work, RH_REQUEST_DONE, client->sent);
        become_free(client);
        break;
    case LOAD_CLIENT_PREPARING:
        client->prepared[client->statement] = true;
        send_statement(client);
        break;
    case LOAD_CLIENT_RESTARTING:
        back_off(client);
        break;
    case LOAD_CLIENT_CLEANING:
        if (client->stale_after)
            deallocate(client);
        else
            become_free(client);
        break;
    case LOAD_CLIENT_DEALLOCATING:
        client->prepared[client->stale] = false;
        become_free(client);
        break;
    case LOAD_CLIENT_IDLE: /* a parameter's new value or the like */
    case LOAD_CLIENT_SLEEPING:
    case LOAD_CLIENT_BACKING_OFF:
    case LOAD_CLIENT_CONNECTING:
    case LOAD_CLIENT_WAITING:
    case LOAD_CLIENT_CLOSED:
        break;
    }
}

static void continue_connecting(load_client *client)
{
    unwatch(client); /* the poll may replace the socket, even by one of the same number */
    rh_pg_connecting how = rh_pg_connect_poll(client->pg);
    int events = how == RH_PG_CONNECT_READING ? RH_READABLE : RH_WRITABLE;
    switch (how) {
    case RH_PG_CONNECT_READING:
    case RH_PG_CONNECT_WRITING:
        if (watch(client, events, NULL))
            return;
        break;
    case RH_PG_CONNECT_DONE:
        if (!rh_pg_set_nonblocking(client->pg, NULL) || !watch(client, RH_READABLE, NULL))
            break;
        atomic_store(&client->pid, rh_pg_backend_pid(client->pg));
        client->backoff = 0;
        client->generator->reconnects++;
        become_free(client);
        return;
    case RH_PG_CONNECT_FAILED:
        break;
    }
    wait_to_reconnect(client);
}

static void start_connecting(load_client *client)
{
    client->pg = rh_pg_connect_start(client->generator->conninfo, ": load", NULL);
    client->state = LOAD_CLIENT_CONNECTING;
    client->wake_at = rh_clock_monotonic() + CONNECT_LIMIT;
    if (!client->pg || !watch(client, RH_WRITABLE, NULL))
        wait_to_reconnect(client);
    else
        rh_generator_wake_later(client->generator, client);
}

static void on_socket(void *user, int events)
{
    load_client *client = user;
    if (client->state == LOAD_CLIENT_CONNECTING) {
        continue_connecting(client);
        return;
    }
    if (events & RH_WRITABLE)
        sent(client, rh_pg_flush(client->pg));
    if (!(events & RH_READABLE) || !client->pg || client->state == LOAD_CLIENT_CONNECTING)
        return;
    char sqlstate[6] = "";
    switch (rh_pg_consume(client->pg, NULL, sqlstate)) {
    case RH_PG_BUSY:
        break;
    case RH_PG_DONE:
        on_done(client);
        break;
    case RH_PG_FAILED:
        if (rh_client_is_busy(client))
            on_failed(client, sqlstate);
        else if (client->state == LOAD_CLIENT_DEALLOCATING)
            become_free(client);
        else if (client->state == LOAD_CLIENT_CLEANING)
            lose(client, sqlstate); /* not even ROLLBACK: this connection is of no more use */
        break;
    case RH_PG_LOST:
        lose(client, sqlstate);
        break;
    }
}

void rh_client_wake(load_client *client)
{
    if (client->state == LOAD_CLIENT_WAITING)
        start_connecting(client);
    else if (client->state == LOAD_CLIENT_CONNECTING)
        wait_to_reconnect(client);
    else if (client->state == LOAD_CLIENT_SLEEPING)
        continue_work(client);
    else if (client->state == LOAD_CLIENT_BACKING_OFF)
        send_work(client);
}

bool rh_client_is_timed(const load_client *client)
{
    return client->state == LOAD_CLIENT_WAITING || client->state == LOAD_CLIENT_CONNECTING ||
           client->state == LOAD_CLIENT_SLEEPING || client->state == LOAD_CLIENT_BACKING_OFF;
}

void rh_client_cancel(load_client *client)
{
    if (client->state == LOAD_CLIENT_SLEEPING)
        continue_work(client);
    else if (client->state == LOAD_CLIENT_BACKING_OFF)
        fail_script(client, "");
    else
        rh_pg_cancel(client->pg);
}

bool rh_client_is_busy(const load_client *client)
{
    return client->state == LOAD_CLIENT_RUNNING || client->state == LOAD_CLIENT_PREPARING ||
           client->state == LOAD_CLIENT_SLEEPING || client->state == LOAD_CLIENT_BACKING_OFF ||
           client->state == LOAD_CLIENT_RESTARTING;
}

void rh_client_close(load_client *client)
{
    if (rh_client_is_busy(client))
        rh_generator_work_ended(client->generator, &client->work, RH_REQUEST_DROPPED, client->sent);
    client->state = LOAD_CLIENT_CLOSED;
    if (client->prepared)
        drop_connection(client);
    free(client->prepared);
    client->prepared = NULL;
    rh_pgbench_script_release(&client->run);
}
