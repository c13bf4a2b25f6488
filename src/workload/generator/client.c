/* A load client: one connection, driven by its socket, with one arrival at a time. */
#include "client_work.h"
#include "generator.h"
#include "pgrehearse/base/arena.h"
#include <stdlib.h>
#include <string.h>

static const rh_usec CONNECT_LIMIT = 10 * RH_SECOND;
static const rh_usec BACKOFF_MIN = RH_SECOND / 10, BACKOFF_MAX = 2 * RH_SECOND;

static void on_socket(void *user, int events);
static void start_connecting(load_client *client);

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
        rh_client_fail_work(client, state);
    else
        rh_client_record_error(client, "(idle connection)", state);
    if (client->state == LOAD_CLIENT_IDLE)
        rh_generator_forget_idle(client->generator, client);
    drop_connection(client);
    start_connecting(client);
}

void rh_client_sent(load_client *client, bool ok)
{
    if (!ok)
        lose(client, "");
    else
        rh_watch_events(client->watch,
                        rh_pg_wants_write(client->pg) ? RH_READABLE | RH_WRITABLE : RH_READABLE);
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
        rh_client_become_free(client);
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
        rh_client_sent(client, rh_pg_flush(client->pg));
    if (!(events & RH_READABLE) || !client->pg || client->state == LOAD_CLIENT_CONNECTING)
        return;
    char sqlstate[6] = "";
    switch (rh_pg_consume(client->pg, NULL, sqlstate)) {
    case RH_PG_BUSY:
        break;
    case RH_PG_DONE:
        rh_client_on_done(client);
        break;
    case RH_PG_FAILED:
        if (rh_client_is_busy(client))
            rh_client_on_failed(client, sqlstate);
        else if (client->state == LOAD_CLIENT_DEALLOCATING)
            rh_client_become_free(client);
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
        rh_client_continue_work(client);
    else if (client->state == LOAD_CLIENT_BACKING_OFF)
        rh_client_send_work(client);
}

bool rh_client_is_timed(const load_client *client)
{
    return client->state == LOAD_CLIENT_WAITING || client->state == LOAD_CLIENT_CONNECTING ||
           client->state == LOAD_CLIENT_SLEEPING || client->state == LOAD_CLIENT_BACKING_OFF;
}

void rh_client_cancel(load_client *client)
{
    if (client->state == LOAD_CLIENT_SLEEPING)
        rh_client_continue_work(client);
    else if (client->state == LOAD_CLIENT_BACKING_OFF)
        rh_client_fail_script(client, "");
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
