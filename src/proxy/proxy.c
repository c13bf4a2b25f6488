#include "pgrehearse/proxy/proxy.h"
#include "peer.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include "relay.h"
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct listener {
    int fd;
    bool checks_account; /* every user of this machine can connect */
    rh_watch *watch;
    rh_proxy *proxy;
} listener;

/* A relay in the list. */
typedef struct client {
    rh_relay *relay;
    struct client *next;
} client;

struct rh_proxy {
    rh_proxy_events events;
    rh_usec long_us;
    struct sockaddr_storage server;
    socklen_t server_length;
    char directory[sizeof((struct sockaddr_un){0}.sun_path)],
        socket[sizeof((struct sockaddr_un){0}.sun_path)];
    int port;
    listener tcp, local;
    rh_loop *loop;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    client *clients;
    int connections, blind;
    rh_usec held_us;
};

/* ---- connections; in the thread ---- */

static void remove_client(rh_proxy *proxy, rh_relay *relay)
{
    for (client **link = &proxy->clients; *link; link = &(*link)->next) {
        if ((*link)->relay != relay)
            continue;
        client *gone = *link;
        *link = gone->next;
        free(gone);
        break;
    }
    proxy->blind += rh_relay_is_blind(relay);
    proxy->held_us += rh_relay_held_us(relay);
    rh_relay_free(relay);
}

static void on_closed(void *user, rh_relay *relay)
{
    rh_proxy *proxy = user;
    if (proxy->events.closed && rh_relay_server_has_gone(relay))
        proxy->events.closed(proxy->events.session.user, rh_relay_number(relay));
    remove_client(proxy, relay);
}

static void set_deadline(rh_proxy *proxy);

static void on_deadline(void *user)
{
    rh_proxy *proxy = user;
    rh_usec now = rh_clock_monotonic();
    for (client *c = proxy->clients, *next; c; c = next) {
        next = c->next;
        rh_usec due = rh_relay_due(c->relay);
        if (due && due <= now)
            rh_relay_retry(c->relay);
    }
    set_deadline(proxy);
}

static void set_deadline(rh_proxy *proxy)
{
    rh_usec first = 0;
    for (const client *c = proxy->clients; c; c = c->next) {
        rh_usec due = rh_relay_due(c->relay);
        if (due && (!first || due < first))
            first = due;
    }
    rh_loop_deadline(proxy->loop, first, on_deadline, proxy);
}

static void on_held(void *user)
{
    set_deadline(user);
}

static void on_connection(void *user, int events)
{
    (void)events;
    listener *l = user;
    rh_proxy *proxy = l->proxy;
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (l->checks_account && !rh_peer_is_ours(fd)) {
        close(fd);
        return;
    }
    rh_relay_options options = {.number = proxy->connections + 1,
                                .server = (const struct sockaddr *)&proxy->server,
                                .server_length = proxy->server_length,
                                .long_us = proxy->long_us,
                                .events = &proxy->events,
                                .closed = on_closed,
                                .held = on_held,
                                .user = proxy};
    rh_relay *relay = rh_relay_new(proxy->loop, fd, &options);
    if (!relay)
        return;
    proxy->connections++;
    client *c = rh_alloc(sizeof *c);
    *c = (client){relay, proxy->clients};
    proxy->clients = c;
}

static void on_wake(void *user)
{
    rh_proxy *proxy = user;
    if (atomic_load(&proxy->stop))
        rh_loop_stop(proxy->loop);
}

static void *run(void *user)
{
    rh_proxy *proxy = user;
    rh_loop_prompt_thread(); /* a message is not to wait for what the server computes */
    rh_loop_run(proxy->loop);
    while (proxy->clients)
        remove_client(proxy, proxy->clients->relay);
    return NULL;
}

/* ---- listening ---- */

static bool listen_at(listener *l, const struct sockaddr *address, socklen_t length, rh_error *error)
{
    l->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || bind(l->fd, address, length) != 0 || listen(l->fd, 64) != 0)
        return rh_error_errno(error, errno, "cannot listen for the program's connections");
    l->watch = rh_loop_watch(l->proxy->loop, l->fd, on_connection, l, error);
    if (l->watch)
        rh_watch_events(l->watch, RH_READABLE);
    return l->watch != NULL;
}

static bool listen_tcp(rh_proxy *proxy, rh_error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    proxy->tcp = (listener){.fd = -1, .proxy = proxy, .checks_account = true};
    if (!listen_at(&proxy->tcp, (const struct sockaddr *)&address, sizeof address, error))
        return false;
    if (getsockname(proxy->tcp.fd, (struct sockaddr *)&address, &length) != 0)
        return rh_error_errno(error, errno, "cannot listen for the program's connections");
    proxy->port = ntohs(address.sin_port);
    return true;
}

/* A directory of our own in DIRECTORY, or in /tmp when that path is too long for a socket's. */
static bool make_directory(rh_proxy *proxy, const char *directory, rh_error *error)
{
    static const char longest[] = "/pgrehearse-XXXXXX/.s.PGSQL.65535";
    if (!directory || strlen(directory) + sizeof longest > sizeof proxy->socket)
        directory = "/tmp";
    snprintf(proxy->directory, sizeof proxy->directory, "%s/pgrehearse-XXXXXX", directory);
    if (mkdtemp(proxy->directory)) /* 0700 */
        return true;
    rh_error_errno(error, errno, "cannot make a directory in %s", directory);
    proxy->directory[0] = '\0';
    return false;
}

static bool listen_local(rh_proxy *proxy, const char *directory, rh_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    proxy->local = (listener){.fd = -1, .proxy = proxy};
    if (!make_directory(proxy, directory, error))
        return false;
    int length =
        snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", proxy->directory, proxy->port);
    if (length >= (int)sizeof address.sun_path)
        return rh_error_set(error, RH_ERROR_IO, "%s is too long a name for a socket", proxy->directory);
    memcpy(proxy->socket, address.sun_path, (size_t)length + 1);
    return listen_at(&proxy->local, (const struct sockaddr *)&address, sizeof address, error);
}

static bool find_server(rh_proxy *proxy, const rh_pg *server, rh_error *error)
{
    proxy->server_length = sizeof proxy->server;
    if (getpeername(rh_pg_socket(server), (struct sockaddr *)&proxy->server, &proxy->server_length) == 0)
        return true;
    return rh_error_set(error, RH_ERROR_LOST, "the connection to the server is gone");
}

/* ---- life ---- */

rh_proxy *rh_proxy_start(const rh_proxy_options *options, rh_error *error)
{
    rh_proxy *proxy = rh_alloc(sizeof *proxy);
    proxy->events = options->events;
    proxy->long_us = options->long_us;
    proxy->tcp.fd = proxy->local.fd = -1;
    proxy->loop = rh_loop_new(error);
    bool ok = proxy->loop && find_server(proxy, options->server, error) &&
              rh_loop_on_wake(proxy->loop, on_wake, proxy, error) && listen_tcp(proxy, error) &&
              listen_local(proxy, options->directory, error);
    if (ok && pthread_create(&proxy->thread, NULL, run, proxy) != 0)
        rh_error_set(error, RH_ERROR_INTERNAL, "the proxy's thread could not be started");
    else
        proxy->started = ok;
    if (proxy->started)
        return proxy;
    rh_proxy_free(proxy);
    return NULL;
}

void rh_proxy_stop(rh_proxy *proxy)
{
    if (!proxy || !proxy->started)
        return;
    atomic_store(&proxy->stop, true);
    rh_loop_wake(proxy->loop);
    pthread_join(proxy->thread, NULL);
    proxy->started = false;
}

static void close_listener(listener *l)
{
    rh_watch_remove(l->watch);
    if (l->fd >= 0)
        close(l->fd);
}

void rh_proxy_free(rh_proxy *proxy)
{
    if (!proxy)
        return;
    rh_proxy_stop(proxy);
    close_listener(&proxy->tcp);
    close_listener(&proxy->local);
    rh_loop_free(proxy->loop);
    if (proxy->socket[0])
        unlink(proxy->socket);
    if (proxy->directory[0])
        rmdir(proxy->directory);
    free(proxy);
}

int rh_proxy_port(const rh_proxy *proxy)
{
    return proxy->port;
}

const char *rh_proxy_socket_directory(const rh_proxy *proxy)
{
    return proxy->directory;
}

rh_usec rh_proxy_held_us(const rh_proxy *proxy)
{
    return proxy->held_us;
}

int rh_proxy_connections(const rh_proxy *proxy, int *blind)
{
    if (blind)
        *blind = proxy->blind;
    return proxy->connections;
}
