/* Opening and closing connections; connection strings. */
#include "pg_connection.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONNECT_TIMEOUT_S = 10 };

pg_wait rh_pg_wait(const rh_pg *pg, bool writing, rh_usec deadline)
{
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = PQsocket(pg->conn), .events = (short)(writing ? POLLIN | POLLOUT : POLLIN)},
            {.fd = rh_interrupt_fd(), .events = POLLIN},
        };
        struct timespec limit = {0};
        if (deadline > 0) {
            rh_usec left = deadline - rh_clock_monotonic();
            if (left <= 0)
                return PG_WAIT_TIMEOUT;
            limit = (struct timespec){.tv_sec = left / RH_SECOND, .tv_nsec = left % RH_SECOND * 1000};
        }
        if (rh_interrupt_requested())
            return PG_WAIT_INTERRUPTED;
        int ready = ppoll(fds, 2, deadline > 0 ? &limit : NULL, NULL);
        if (ready > 0 && fds[0].revents)
            return PG_WAIT_READY;
        if (ready < 0 && errno != EINTR)
            return PG_WAIT_READY; /* libpq will say what is wrong with the socket */
    }
}

static void drop_notice(void *user, const PGresult *notice)
{
    (void)user;
    (void)notice;
}

/* libpq's own words only where they cannot hold a password that was quoted wrongly. */
static bool bad_conninfo(const char *words, rh_error *error)
{
    bool harmless = words && (rh_starts_with(words, "invalid connection option") ||
                              rh_starts_with(words, "invalid URI query parameter"));
    int length = harmless ? (int)strcspn(words, "\n") : 0;
    rh_error_set(error, RH_ERROR_USAGE, "the connection string is not valid%s%.*s", harmless ? ": " : "",
                 length, harmless ? words : "");
    return rh_error_hint(
        error, "write it as postgresql://user@host:port/database or as host=… port=… dbname=… user=…");
}

PGconn *rh_pg_start_connection(const char *conninfo, const char *role, rh_error *error)
{
    char *words = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &words);
    if (!options)
        bad_conninfo(words, error);
    PQfreemem(words);
    if (!options)
        return NULL;
    PQconninfoFree(options);
    rh_text name = {0};
    rh_text_printf(&name, "pgrehearse%s", role ? role : "");
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d", CONNECT_TIMEOUT_S);
    /* later entries win: what precedes dbname is a default, what follows it is ours */
    const char *keys[] = {"connect_timeout", "client_encoding", "dbname", "application_name", NULL};
    const char *values[] = {getenv("PGCONNECT_TIMEOUT") ? NULL : timeout, "UTF8",
                            *conninfo ? conninfo : "application_name=pgrehearse", name.data, NULL};
    PGconn *conn = PQconnectStartParams(keys, values, 1);
    rh_text_release(&name);
    if (!conn)
        rh_error_set(error, RH_ERROR_INTERNAL, "no memory for a connection");
    return conn;
}

void rh_pg_connected(rh_pg *pg)
{
    PQsetNoticeReceiver(pg->conn, drop_notice, NULL);
    pg->cancel = PQgetCancel(pg->conn);
}

static rh_usec connect_deadline(PGconn *conn)
{
    int seconds = CONNECT_TIMEOUT_S;
    PQconninfoOption *options = PQconninfo(conn);
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, "connect_timeout") == 0 && o->val && *o->val)
            seconds = rh_leading_int(o->val);
    PQconninfoFree(options);
    return seconds > 0 ? rh_clock_monotonic() + seconds * RH_SECOND : 0;
}

/* libpq's several lines made one, without the user's name: it may be half of what opens the door. */
static bool set_connect_error(PGconn *conn, rh_error *error)
{
    rh_text message = {0};
    const char *user = PQuser(conn);
    size_t length = user ? strlen(user) : 0;
    for (const char *p = PQerrorMessage(conn); *p; p++) {
        if (*p == '\n' && p[1] == '\0')
            break;
        if (*p == '"' && length > 0 && strncmp(p + 1, user, length) == 0 && p[1 + length] == '"') {
            rh_text_append(&message, "«…»");
            p += length + 1;
        } else if (*p == '\n')
            rh_text_append(&message, ";");
        else
            rh_text_append_char(&message, *p == '\t' ? ' ' : *p);
    }
    rh_error_set(error, RH_ERROR_LOST, "%s", rh_text_string(&message));
    rh_text_release(&message);
    if (PQconnectionNeedsPassword(conn))
        rh_error_hint(error, "give the password in ~/.pgpass or PGPASSWORD");
    return false;
}

static bool finish_connection(rh_pg *pg, rh_error *error)
{
    rh_usec deadline = connect_deadline(pg->conn);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        return set_connect_error(pg->conn, error);
    for (;;) {
        if (state == PGRES_POLLING_OK)
            return true;
        if (state == PGRES_POLLING_FAILED)
            return set_connect_error(pg->conn, error);
        switch (rh_pg_wait(pg, state == PGRES_POLLING_WRITING, deadline)) {
        case PG_WAIT_READY:
            break;
        case PG_WAIT_TIMEOUT:
            rh_error_set(error, RH_ERROR_LOST, "the server did not answer in time");
            return rh_error_hint(error, "is it up, and is connect_timeout long enough?");
        case PG_WAIT_INTERRUPTED:
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
        }
        state = PQconnectPoll(pg->conn);
    }
}

rh_pg *rh_pg_connect(const char *conninfo, const char *role, rh_error *error)
{
    PGconn *conn = rh_pg_start_connection(conninfo, role, error);
    if (!conn)
        return NULL;
    rh_pg *pg = rh_alloc(sizeof *pg);
    pg->conn = conn;
    PQsetNoticeReceiver(conn, drop_notice, NULL);
    if (!finish_connection(pg, error)) {
        rh_pg_close(pg);
        return NULL;
    }
    rh_pg_connected(pg);
    return pg;
}

rh_pg *rh_pg_connect_observer(const char *conninfo, const char *role, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(conninfo, role, error);
    if (!pg || rh_pg_execute(pg, "SET lock_timeout = '200ms'", error))
        return pg;
    rh_pg_close(pg);
    return NULL;
}

void rh_pg_close(rh_pg *pg)
{
    if (!pg)
        return;
    PQfreeCancel(pg->cancel);
    PQfinish(pg->conn);
    rh_error_release(&pg->failure);
    rh_text_release(&pg->code);
    rh_text_release(&pg->sent);
    free(pg);
}

int rh_pg_backend_pid(const rh_pg *pg)
{
    return PQbackendPID(pg->conn);
}

int rh_pg_server_version(const rh_pg *pg)
{
    return PQserverVersion(pg->conn);
}

const char *rh_pg_password(const rh_pg *pg)
{
    const char *password = PQconnectionUsedPassword(pg->conn) ? PQpass(pg->conn) : NULL;
    return password ? password : "";
}

const char *rh_pg_user(const rh_pg *pg)
{
    return PQuser(pg->conn);
}

const char *rh_pg_database(const rh_pg *pg)
{
    return PQdb(pg->conn);
}

bool rh_pg_is_unix_socket(const rh_pg *pg)
{
    const char *host = PQhost(pg->conn);
    return host && (host[0] == '/' || host[0] == '@');
}

const char *rh_pg_socket_directory(const rh_pg *pg)
{
    return rh_pg_is_unix_socket(pg) ? PQhost(pg->conn) : NULL;
}

char rh_pg_transaction_state(const rh_pg *pg)
{
    switch (PQtransactionStatus(pg->conn)) {
    case PQTRANS_IDLE:
        return 'I';
    case PQTRANS_ACTIVE:
    case PQTRANS_INTRANS:
        return 'T';
    case PQTRANS_INERROR:
        return 'E';
    case PQTRANS_UNKNOWN:
        break;
    }
    return '?';
}

/* A bare name is a database's name, as in libpq. */
static PQconninfoOption *parse(const char *conninfo, rh_error *error)
{
    char *words = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &words);
    if (!options)
        bad_conninfo(words, error);
    PQfreemem(words);
    return options;
}

static void append_pair(rh_text *out, const char *key, const char *value)
{
    rh_text_printf(out, "%s%s='", out->length ? " " : "", key);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            rh_text_append_char(out, '\\');
        rh_text_append_char(out, *value);
    }
    rh_text_append_char(out, '\'');
}

char *rh_pg_conninfo_with(const char *conninfo, size_t count, const char *const *keys,
                          const char *const *values, rh_error *error)
{
    PQconninfoOption *options = parse(conninfo, error);
    if (!options)
        return NULL;
    rh_text out = {0};
    for (PQconninfoOption *o = options; o->keyword; o++) {
        bool replaced = false;
        for (size_t i = 0; i < count; i++)
            replaced = replaced || strcmp(keys[i], o->keyword) == 0;
        if (!replaced && o->val)
            append_pair(&out, o->keyword, o->val);
    }
    for (size_t i = 0; i < count; i++)
        if (values[i])
            append_pair(&out, keys[i], values[i]);
    PQconninfoFree(options);
    return out.data ? out.data : rh_strdup("");
}

rh_pg *rh_pg_connect_beside(const rh_pg *pg, const char *role, rh_error *error)
{
    rh_text conninfo = {0};
    PQconninfoOption *options = PQconninfo(pg->conn);
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->val && strcmp(o->keyword, "application_name") != 0)
            append_pair(&conninfo, o->keyword, o->val);
    PQconninfoFree(options);
    rh_pg *beside = rh_pg_connect_observer(rh_text_string(&conninfo), role, error);
    rh_text_release(&conninfo);
    return beside;
}

char *rh_pg_conninfo_value(const char *conninfo, const char *keyword)
{
    PQconninfoOption *options = parse(conninfo, NULL);
    char *value = NULL;
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->val && *o->val && strcmp(o->keyword, keyword) == 0)
            value = rh_strdup(o->val);
    PQconninfoFree(options);
    return value;
}

char *rh_pg_conninfo_display(const char *conninfo)
{
    PQconninfoOption *options = parse(conninfo, NULL);
    if (!options)
        return rh_strdup("(connection string not valid)");
    const char *user = NULL, *host = NULL, *port = NULL, *database = NULL;
    for (PQconninfoOption *o = options; o->keyword; o++) {
        const char *fallback = o->envvar ? getenv(o->envvar) : NULL;
        const char *value = o->val && *o->val ? o->val : fallback ? fallback : o->compiled;
        if (strcmp(o->keyword, "user") == 0)
            user = value;
        else if (strcmp(o->keyword, "host") == 0)
            host = value;
        else if (strcmp(o->keyword, "port") == 0)
            port = value;
        else if (strcmp(o->keyword, "dbname") == 0)
            database = value;
    }
    rh_text out = {0};
    rh_text_printf(&out, "%s%s%s:%s/%s", user ? user : "", user ? "@" : "", host ? host : "local",
                   port ? port : "5432",
                   database ? database
                   : user   ? user
                            : "");
    PQconninfoFree(options);
    return out.data;
}
