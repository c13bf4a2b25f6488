/* What the server of a session answers. */
#include "session_queue.h"
#include "session.h"
#include "pgrehearse/base/arena.h"
#include <stdlib.h>
#include <string.h>

/* The field CODE of an ErrorResponse; heap, NULL when it has none. */
static char *error_field(const rh_message *message, char code)
{
    size_t at = 0;
    while (at + 1 < message->body_count && message->body[at]) {
        const char *value = message->body + at + 1;
        if (message->body[at] == code)
            return rh_strdup(value);
        at += strlen(value) + 2;
    }
    return NULL;
}

static void set_failure(rh_outstanding *p, const rh_message *message)
{
    if (p->failed)
        return;
    p->failed = true;
    p->sqlstate = error_field(message, 'C');
    p->message = error_field(message, 'M');
    p->function = error_field(message, 'R');
    if (!p->sqlstate)
        p->sqlstate = rh_strdup("XX000");
    if (!p->message)
        p->message = rh_strdup("");
}

/* An error outside of a simple query: what is outstanding up to the next Sync is skipped. */
static void fail_batch(rh_proxy_session *s, const rh_message *message, rh_usec now)
{
    rh_outstanding lone = {.kind = STARTUP};
    rh_outstanding *p = s->first ? s->first : &lone;
    set_failure(p, message);
    if (!p->begun)
        p->started = now;
    if (p->sql && !p->begun)
        rh_outstanding_begin(s, p, now);
    rh_outstanding_end(s, p, now);
    free(lone.sqlstate);
    free(lone.message);
    free(lone.function);
    if (s->first && s->first->kind == STARTUP)
        return;
    while (s->first && s->first->kind != SYNC)
        rh_outstanding_drop(s, &s->first);
    s->skipping = !s->first;
    s->copying = false;
}

static void received_error(rh_proxy_session *s, const rh_message *message, rh_usec now)
{
    if (s->first && (s->first->kind == QUERY || s->first->kind == CALL)) {
        set_failure(s->first, message);
        s->copying = false;
    } else {
        fail_batch(s, message, now);
    }
}

static void received_ready(rh_proxy_session *s, const rh_message *message, rh_usec now)
{
    if (!s->first || (s->first->kind != QUERY && s->first->kind != CALL && s->first->kind != SYNC &&
                      s->first->kind != STARTUP)) {
        s->blind = true;
        return;
    }
    s->state = message->body_count ? *message->body : '?';
    s->copying = false;
    if (s->first->kind == STARTUP)
        s->connected = now;
    if (s->first->kind == QUERY)
        rh_outstanding_end(s, s->first, now);
    if (s->state == 'I' && s->first->kind != STARTUP && s->events->transaction_ended)
        s->events->transaction_ended(s->events->user, s->connection, now);
    rh_outstanding_take_first(s, now);
    if (s->first || !s->events->answered)
        return;
    bool long_before = s->long_before;
    s->long_before = false;
    s->events->answered(s->events->user, s->connection, long_before, s->state == 'I');
}

/* A statement's end, in a simple query one of several. */
static void received_complete(rh_proxy_session *s, const rh_message *message, rh_usec now)
{
    rh_outstanding *p = s->first;
    if (!p || !rh_outstanding_is_statement(p)) {
        s->blind = true;
        return;
    }
    if (message->type == 'C') {
        size_t length = strnlen(message->body, sizeof p->tag - 1);
        memcpy(p->tag, message->body, length);
        p->tag[length] = '\0';
    }
    if (p->kind == QUERY)
        return;
    rh_outstanding_end(s, p, now);
    rh_outstanding_take_first(s, now);
}

/* The server takes COPY data now: what was sent after the Execute, up to the end of the data, is ignored if
 * it is a Sync. */
static void received_copy_in(rh_proxy_session *s)
{
    if (!s->first || s->first->kind != EXECUTE)
        return;
    rh_outstanding **link = &s->first->next;
    while (*link && (*link)->kind != COPY_DONE) {
        if ((*link)->kind == SYNC)
            rh_outstanding_drop(s, link);
        else
            link = &(*link)->next;
    }
    if (*link)
        rh_outstanding_drop(s, link);
    else
        s->copying = true;
}

static void received_answer(rh_proxy_session *s, rh_outstanding_kind expected, rh_usec now)
{
    if (s->first && s->first->kind == expected)
        rh_outstanding_take_first(s, now);
    else
        s->blind = true;
}

void rh_proxy_session_received(rh_proxy_session *s, const rh_message *message, rh_usec now)
{
    if (s->blind)
        return;
    switch (message->type) {
    case 'K':
        if (message->body_count >= 4)
            s->pid = (int)rh_message_number(message->body);
        break;
    case 'E':
        received_error(s, message, now);
        break;
    case 'Z':
        received_ready(s, message, now);
        break;
    case 'C':
    case 'I':
    case 's':
        received_complete(s, message, now);
        break;
    case '1':
        received_answer(s, PARSE, now);
        break;
    case '2':
        received_answer(s, BIND, now);
        break;
    case '3':
        received_answer(s, CLOSE, now);
        break;
    case 'T':
    case 'n':
        if (s->first && s->first->kind == DESCRIBE)
            rh_outstanding_take_first(s, now);
        break;
    case 'G':
        received_copy_in(s);
        break;
    case 'W': /* replication */
        s->blind = true;
        break;
    default:
        break;
    }
}
