#include "relay.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    BUFFER_SIZE = 128 * 1024,
    WHOLE_LIMIT = 8 * 1024, /* a message of the client's up to this is passed on when it is complete: it may
                               have to be held */
};
static const rh_usec SHORTEST_RETRY = 1000, LONGEST_RETRY = 20 * 1000;

/* One direction. */
typedef struct stream {
    char data[BUFFER_SIZE];
    size_t length;  /* bytes that wait */
    size_t scanned; /* of these, looked at */
    size_t cleared; /* of these, may be passed on; cleared ≤ scanned ≤ length */
    bool ended;     /* no more will come */
    bool closed;    /* because the sender closed it */
    bool shut;      /* and the receiver knows */
    rh_message_reader reader;
} stream;

typedef struct side {
    int fd;
    rh_watch *watch;
    int events; /* watched */
} side;

struct rh_relay {
    rh_relay_options options;
    side client, server;
    bool connecting;
    stream up, down; /* to the server, to the client */
    rh_proxy_session *session;
    bool blind; /* the first bytes were no message of the protocol */
    rh_hold held;
    rh_usec held_since, due, held_us;
};

/* ---- sockets ---- */

static void no_delay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on Unix sockets, which have none */
}

static void watch(side *s, int events)
{
    if (s->events == events)
        return;
    s->events = events;
    rh_watch_events(s->watch, events);
}

static void update_watches(rh_relay *r)
{
    int client = (!r->up.ended && r->up.length < BUFFER_SIZE ? RH_READABLE : 0) |
                 (r->down.cleared > 0 ? RH_WRITABLE : 0);
    int server = (!r->down.ended && r->down.length < BUFFER_SIZE ? RH_READABLE : 0) |
                 (r->up.cleared > 0 ? RH_WRITABLE : 0);
    watch(&r->client, client);
    watch(&r->server, r->connecting ? RH_WRITABLE : server);
}

/* Reads what there is room for; returns how many bytes came. */
static size_t fill(stream *s, int fd)
{
    if (s->ended || s->length == BUFFER_SIZE)
        return 0;
    ssize_t got = recv(fd, s->data + s->length, BUFFER_SIZE - s->length, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        s->ended = true;
    s->closed = s->closed || got == 0;
    if (got <= 0)
        return 0;
    s->length += (size_t)got;
    return (size_t)got;
}

static void forget(stream *s, size_t count)
{
    memmove(s->data, s->data + count, s->length - count);
    s->length -= count;
    s->scanned -= count;
    s->cleared -= count;
}

/* Sends up to COUNT bytes and returns how many were sent. *GONE: the peer has closed the connection. */
static size_t send_some(const stream *s, size_t count, int fd, bool *gone)
{
    ssize_t sent = count ? send(fd, s->data, count, MSG_NOSIGNAL) : 0;
    *gone = sent < 0 && errno != EAGAIN && errno != EINTR;
    return sent > 0 ? (size_t)sent : 0;
}

/* Forwards the bytes that may be forwarded, and closes the direction once its sender has. */
static void drain(stream *s, int fd)
{
    bool gone = false;
    if (!s->shut)
        forget(s, send_some(s, s->cleared, fd, &gone));
    if (gone || (s->ended && s->length == 0 && !s->shut)) {
        shutdown(fd, SHUT_WR);
        s->shut = s->ended = true;
    }
    if (s->shut)
        s->length = s->scanned = s->cleared = 0;
}

/* ---- the client's bytes ---- */

/* A request for encryption is answered here and not passed on. */
static void refuse_encryption(rh_relay *r)
{
    stream *up = &r->up;
    size_t message = up->reader.message.length + 4, begin = up->scanned - message;
    memmove(up->data + begin, up->data + up->scanned, up->length - up->scanned);
    up->length -= message;
    up->scanned = begin;
    if (r->down.length < BUFFER_SIZE) {
        r->down.data[r->down.length++] = 'N';
        r->down.scanned = r->down.cleared = r->down.length;
    }
}

/* The messages that open a connection. */
static void read_opening(rh_relay *r)
{
    stream *up = &r->up;
    const size_t length = up->reader.message.length + 4;
    uint32_t code = up->reader.message.body_count >= 4 ? rh_message_number(up->reader.message.body) : 0;
    if ((code == RH_REQUEST_SSL || code == RH_REQUEST_GSS) && length <= up->scanned - up->cleared) {
        refuse_encryption(r);
    } else if (code == RH_REQUEST_CANCEL) {
        r->blind = true;
    } else {
        up->reader.untyped = false;
        r->session = rh_proxy_session_new(r->options.number, r->options.long_us, &r->options.events->session);
        rh_proxy_session_sent(r->session, &up->reader.message, rh_clock_monotonic());
    }
}

/* All that was passed on has been read by the server: exact on a Unix socket. */
static bool is_consumed(const rh_relay *r)
{
    int waiting = 0;
    return r->up.cleared == 0 && (ioctl(r->server.fd, SIOCOUTQ, &waiting) != 0 || waiting == 0);
}

/* True when the message under the reader may go on. */
static bool ask_gate(rh_relay *r)
{
    rh_proxy_held held = {.connection = r->options.number,
                          .pid = rh_proxy_session_pid(r->session),
                          .reason = r->held,
                          .answered = rh_proxy_session_is_quiet(r->session),
                          .idle = rh_proxy_session_is_idle(r->session)};
    rh_usec sent_at = rh_clock_monotonic();
    bool pass = (held.answered || is_consumed(r)) && !r->up.ended
                    ? r->options.events->hold(r->options.events->session.user, &held)
                    : r->up.ended;
    rh_usec now = rh_clock_monotonic();
    if (!pass) {
        rh_usec pause = (now - r->held_since) / 100;
        r->due = now + (pause < SHORTEST_RETRY  ? SHORTEST_RETRY
                        : pause > LONGEST_RETRY ? LONGEST_RETRY
                                                : pause);
        r->options.held(r->options.user);
        return false;
    }
    rh_proxy_session_waited(r->session, sent_at, now);
    r->held_us += now - sent_at;
    r->held = RH_HOLD_NOT;
    r->due = 0;
    return true;
}

/* The message that is complete under the reader, unless it has to wait. */
static bool pass_message(rh_relay *r)
{
    const rh_message *message = &r->up.reader.message;
    if (r->held == RH_HOLD_NOT && r->options.events->hold) {
        r->held = rh_proxy_session_holds(r->session, message);
        r->held_since = rh_clock_monotonic();
    }
    if (r->held != RH_HOLD_NOT && !ask_gate(r))
        return false;
    rh_proxy_session_sent(r->session, message, rh_clock_monotonic());
    return true;
}

/* Looks at what came and clears it up to the last message that is whole, or long. */
static void scan_client(rh_relay *r)
{
    stream *up = &r->up;
    if (r->held != RH_HOLD_NOT) {
        if (!pass_message(r))
            return;
        up->cleared = up->scanned;
    }
    while (up->scanned < up->length && !r->blind) {
        bool complete;
        up->scanned +=
            rh_message_read(&up->reader, up->data + up->scanned, up->length - up->scanned, &complete);
        if (up->reader.broken) {
            r->blind = true;
        } else if (complete && up->reader.untyped) {
            read_opening(r);
            up->cleared = up->scanned;
        } else if (complete) {
            if (!pass_message(r))
                return;
            up->cleared = up->scanned;
        } else if (rh_message_is_open(&up->reader) &&
                   (up->reader.message.length > WHOLE_LIMIT || up->reader.message.type == 'd')) {
            up->cleared = up->scanned;
        }
    }
    if (r->blind || up->ended)
        up->cleared = up->scanned = up->length;
}

static void move_up(rh_relay *r)
{
    fill(&r->up, r->client.fd);
    scan_client(r);
    if (!r->connecting)
        drain(&r->up, r->server.fd);
}

/* ---- the server's bytes ---- */

static void scan_server(rh_relay *r, size_t from, size_t count)
{
    rh_usec now = rh_clock_monotonic();
    const char *bytes = r->down.data + from;
    while (count > 0 && r->session && !rh_proxy_session_is_blind(r->session)) {
        bool complete;
        size_t read = rh_message_read(&r->down.reader, bytes, count, &complete);
        if (complete)
            rh_proxy_session_received(r->session, &r->down.reader.message, now);
        bytes += read;
        count -= read;
    }
}

/* The bytes first, so that the program does not wait for us to read them. */
static void move_down(rh_relay *r)
{
    stream *down = &r->down;
    size_t from = down->length, count = fill(down, r->server.fd);
    bool gone = false;
    down->scanned = down->cleared = down->length;
    size_t sent = down->shut ? 0 : send_some(down, down->cleared, r->client.fd, &gone);
    scan_server(r, from, count);
    forget(down, sent);
    drain(down, r->client.fd);
    if (count && r->held != RH_HOLD_NOT)
        move_up(r);
}

/* ---- events ---- */

/* When the server has gone, and the client has received all that it sent. True when the relay has been given
 * back to its owner. */
static bool close_if_over(rh_relay *r)
{
    if (!r->down.ended || r->down.length > 0)
        return false;
    r->options.closed(r->options.user, r);
    return true;
}

static void on_client(void *user, int events)
{
    rh_relay *r = user;
    if (events & RH_WRITABLE)
        drain(&r->down, r->client.fd);
    if (events & RH_READABLE)
        move_up(r);
    if (!close_if_over(r))
        update_watches(r);
}

static void on_server(void *user, int events)
{
    rh_relay *r = user;
    if (r->connecting) {
        int failure = 0;
        socklen_t length = sizeof failure;
        getsockopt(r->server.fd, SOL_SOCKET, SO_ERROR, &failure, &length);
        r->connecting = false;
        r->down.ended = failure != 0;
    }
    if (events & RH_READABLE)
        move_down(r);
    if (events & RH_WRITABLE)
        drain(&r->up, r->server.fd);
    if (!close_if_over(r))
        update_watches(r);
}

rh_usec rh_relay_due(const rh_relay *r)
{
    return r->due;
}

void rh_relay_retry(rh_relay *r)
{
    if (r->due == 0)
        return;
    r->due = 0;
    scan_client(r);
    drain(&r->up, r->server.fd);
    if (!close_if_over(r))
        update_watches(r);
}

int rh_relay_number(const rh_relay *r)
{
    return r->options.number;
}

bool rh_relay_server_has_gone(const rh_relay *r)
{
    return r->down.closed;
}

rh_usec rh_relay_held_us(const rh_relay *r)
{
    return r->held_us;
}

bool rh_relay_is_blind(const rh_relay *r)
{
    return r->session && rh_proxy_session_is_blind(r->session);
}

/* ---- life ---- */

static bool connect_server(rh_relay *r)
{
    int fd = socket(r->options.server->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r->server.fd = fd;
    if (fd < 0)
        return false;
    bool local =
        r->options.server->sa_family == AF_UNIX; /* connects at once, or waits for a place in the queue */
    if (!local)
        ioctl(fd, FIONBIO, &(int){1});
    if (connect(fd, r->options.server, r->options.server_length) != 0) {
        r->connecting = errno == EINPROGRESS;
        if (!r->connecting)
            return false;
    }
    ioctl(fd, FIONBIO, &(int){1});
    no_delay(fd);
    return true;
}

rh_relay *rh_relay_new(rh_loop *loop, int client, const rh_relay_options *options)
{
    rh_relay *r = rh_alloc(sizeof *r);
    r->options = *options;
    r->client.fd = client;
    r->up.reader = (rh_message_reader){.kept = RH_SESSION_CLIENT_TYPES, .untyped = true};
    r->down.reader = (rh_message_reader){.kept = RH_SESSION_SERVER_TYPES};
    ioctl(client, FIONBIO, &(int){1});
    no_delay(client);
    if (connect_server(r)) {
        r->client.watch = rh_loop_watch(loop, client, on_client, r, NULL);
        r->server.watch = rh_loop_watch(loop, r->server.fd, on_server, r, NULL);
    }
    if (!r->client.watch || !r->server.watch) {
        rh_relay_free(r);
        return NULL;
    }
    update_watches(r);
    return r;
}

void rh_relay_free(rh_relay *r)
{
    rh_watch_remove(r->client.watch);
    rh_watch_remove(r->server.watch);
    close(r->client.fd);
    if (r->server.fd >= 0)
        close(r->server.fd);
    rh_message_reader_release(&r->up.reader);
    rh_message_reader_release(&r->down.reader);
    rh_proxy_session_free(r->session);
    free(r);
}
