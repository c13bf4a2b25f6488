#include "session_queue.h"
#include "session.h"
#include "pgrehearse/base/arena.h"
#include "names.h"
#include "first_words.h"
#include <stdlib.h>

const char RH_SESSION_CLIENT_TYPES[] = "QPBEC";
const char RH_SESSION_SERVER_TYPES[] = "CEZKR";

bool rh_outstanding_is_statement(const rh_outstanding *p)
{
    return p->kind == QUERY || p->kind == EXECUTE;
}

rh_outstanding *rh_outstanding_push(rh_proxy_session *s, rh_outstanding_kind what, const char *sql)
{
    rh_outstanding *p = rh_alloc(sizeof *p);
    p->kind = what;
    p->sql = sql ? rh_strdup(sql) : NULL;
    *s->last = p;
    s->last = &p->next;
    return p;
}

void rh_outstanding_drop(rh_proxy_session *s, rh_outstanding **link)
{
    rh_outstanding *p = *link;
    *link = p->next;
    if (s->last == &p->next)
        s->last = link;
    free(p->sql);
    free(p->sqlstate);
    free(p->message);
    free(p->function);
    free(p);
}

rh_proxy_session *rh_proxy_session_new(int connection, rh_usec long_us, const rh_proxy_session_events *events)
{
    rh_proxy_session *s = rh_alloc(sizeof *s);
    s->events = events;
    s->connection = connection;
    s->long_us = long_us;
    s->last = &s->first;
    s->state = '?';
    return s;
}

void rh_proxy_session_free(rh_proxy_session *s)
{
    if (!s)
        return;
    while (s->first)
        rh_outstanding_drop(s, &s->first);
    rh_prepared_names_release(&s->prepared);
    rh_prepared_names_release(&s->portals);
    free(s);
}

bool rh_proxy_session_is_quiet(const rh_proxy_session *s)
{
    for (const rh_outstanding *p = s->first; p; p = p->next)
        if (rh_outstanding_is_statement(p) || p->kind == SYNC || p->kind == CALL || p->kind == STARTUP)
            return false;
    return true;
}

bool rh_proxy_session_is_idle(const rh_proxy_session *s)
{
    return s->state == 'I';
}

bool rh_proxy_session_is_blind(const rh_proxy_session *s)
{
    return s->blind;
}

int rh_proxy_session_pid(const rh_proxy_session *s)
{
    return s->pid;
}

static rh_proxy_statement describe(const rh_proxy_session *s, const rh_outstanding *p)
{
    return (rh_proxy_statement){.connection = s->connection,
                                .pid = s->pid,
                                .sql = p->sql,
                                .connected = s->connected,
                                .started = p->started,
                                .held = p->held,
                                .command_tag = p->tag,
                                .rows = rh_tag_rows(p->tag),
                                .sqlstate = p->sqlstate,
                                .message = p->message,
                                .error_function = p->function,
                                .mark = p->mark};
}

void rh_outstanding_begin(rh_proxy_session *s, rh_outstanding *p, rh_usec now)
{
    p->begun = true;
    p->started = now;
    rh_proxy_statement statement = describe(s, p);
    s->events->begun(s->events->user, &statement);
    p->mark = statement.mark;
    p->started = statement.started;
}

void rh_outstanding_begin_next(rh_proxy_session *s, rh_usec now)
{
    rh_outstanding *p = s->first;
    while (p && !rh_outstanding_is_statement(p) && p->kind != SYNC && p->kind != CALL && p->kind != STARTUP)
        p = p->next;
    if (p && rh_outstanding_is_statement(p) && !p->begun)
        rh_outstanding_begin(s, p, now);
}

void rh_outstanding_end(rh_proxy_session *s, rh_outstanding *p, rh_usec now)
{
    rh_proxy_statement statement = describe(s, p);
    statement.ended = now;
    s->long_before = now - p->started - p->held >= s->long_us;
    s->events->ended(s->events->user, &statement);
}

void rh_outstanding_take_first(rh_proxy_session *s, rh_usec now)
{
    rh_outstanding_drop(s, &s->first);
    while (s->first && s->first->kind == COPY_DONE)
        rh_outstanding_drop(s, &s->first);
    rh_outstanding_begin_next(s, now);
}
