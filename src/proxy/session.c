#include "session.h"
#include "pgrehearse/base/arena.h"
#include "names.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/scan.h"
#include "first_words.h"
#include <stdlib.h>
#include <string.h>

const char RH_SESSION_CLIENT_TYPES[] = "QPBEC";
const char RH_SESSION_SERVER_TYPES[] = "CEZKR";

typedef enum kind { STARTUP, QUERY, CALL, PARSE, BIND, DESCRIBE, CLOSE, EXECUTE, COPY_DONE, SYNC } kind;

/* A message that the server has not answered yet. */
typedef struct pending {
    kind kind;
    bool begun, failed;
    char *sql; /* QUERY, PARSE, BIND, EXECUTE; may be NULL */
    rh_usec started, held;
    char tag[64];
    char *sqlstate, *message, *function;
    void *mark;
    struct pending *next;
} pending;

struct rh_proxy_session {
    const rh_proxy_session_events *events;
    int connection, pid;
    rh_usec long_us;
    pending *first, **last;
    rh_prepared_names prepared, portals; /* name → SQL */
    char state;                          /* of the last ReadyForQuery; '?' before */
    rh_usec connected;
    bool blind;
    bool skipping;    /* after an error, up to the Sync, which has not been sent yet */
    bool copying;     /* COPY data is due: Syncs are ignored until it ends */
    bool long_before; /* the last statement that ended took long */
    bool batch_has_schema_change, batch_has_begin; /* since the last Sync */
};

/* ---- the queue ---- */

static bool is_statement(const pending *p)
{
    return p->kind == QUERY || p->kind == EXECUTE;
}

static pending *push(rh_proxy_session *s, kind what, const char *sql)
{
    pending *p = rh_alloc(sizeof *p);
    p->kind = what;
    p->sql = sql ? rh_strdup(sql) : NULL;
    *s->last = p;
    s->last = &p->next;
    return p;
}

/* Takes the one that LINK points at out of the queue. */
static void drop(rh_proxy_session *s, pending **link)
{
    pending *p = *link;
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
        drop(s, &s->first);
    rh_prepared_names_release(&s->prepared);
    rh_prepared_names_release(&s->portals);
    free(s);
}

bool rh_proxy_session_is_quiet(const rh_proxy_session *s)
{
    for (const pending *p = s->first; p; p = p->next)
        if (is_statement(p) || p->kind == SYNC || p->kind == CALL || p->kind == STARTUP)
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

/* ---- callbacks ---- */

static rh_proxy_statement describe(const rh_proxy_session *s, const pending *p)
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

static void begin(rh_proxy_session *s, pending *p, rh_usec now)
{
    p->begun = true;
    p->started = now;
    rh_proxy_statement statement = describe(s, p);
    s->events->begun(s->events->user, &statement);
    p->mark = statement.mark;
    p->started = statement.started;
}

/* The server has come to the first one in the queue that it executes. */
static void begin_next(rh_proxy_session *s, rh_usec now)
{
    pending *p = s->first;
    while (p && !is_statement(p) && p->kind != SYNC && p->kind != CALL && p->kind != STARTUP)
        p = p->next;
    if (p && is_statement(p) && !p->begun)
        begin(s, p, now);
}

static void end(rh_proxy_session *s, pending *p, rh_usec now)
{
    rh_proxy_statement statement = describe(s, p);
    statement.ended = now;
    s->long_before = now - p->started - p->held >= s->long_us;
    s->events->ended(s->events->user, &statement);
}

/* The first one is answered; the end of its COPY data, if it had any, needs no answer. */
static void take_first(rh_proxy_session *s, rh_usec now)
{
    drop(s, &s->first);
    while (s->first && s->first->kind == COPY_DONE)
        drop(s, &s->first);
    begin_next(s, now);
}

/* ---- what the client sends ---- */

bool rh_proxy_session_is_commit(const char *sql)
{
    const char *rest = rh_sql_skip_blanks(sql);
    if (rh_is_word(rest, "commit") || rh_is_word(rest, "end"))
        return true;
    return rh_is_word(rest, "prepare") &&
           rh_is_word(rh_sql_skip_blanks(rest + strlen("prepare")), "transaction");
}

/* The SQL behind a body that begins with a portal's name. */
static const char *sql_of_portal(const rh_proxy_session *s, const rh_message *message)
{
    return rh_prepared_names_find(&s->portals, message->body);
}

rh_hold rh_proxy_session_holds(const rh_proxy_session *s, const rh_message *message)
{
    if (s->blind || s->pid == 0)
        return RH_HOLD_NOT;
    const char *sql = message->type == 'Q'   ? message->body
                      : message->type == 'E' ? sql_of_portal(s, message)
                                             : NULL;
    bool idle = s->state == 'I' && !s->first; /* a COMMIT of nothing */
    if (sql && !idle && rh_proxy_session_is_commit(sql))
        return RH_HOLD_COMMIT;
    if (message->type == 'S' && s->state == 'I' && s->batch_has_schema_change && !s->batch_has_begin &&
        !s->skipping)
        return RH_HOLD_COMMIT;
    if (s->first)
        return RH_HOLD_NOT;
    if (message->type == 'X')
        return RH_HOLD_END;
    if (s->long_before && strchr("QPBEF", message->type))
        return RH_HOLD_READING;
    return s->state == 'I' && strchr("QPBF", message->type) ? RH_HOLD_IDLE : RH_HOLD_NOT;
}

void rh_proxy_session_waited(rh_proxy_session *s, rh_usec ready, rh_usec now)
{
    for (pending *p = s->first; p; p = p->next)
        if (p->begun)
            p->held += now - ready;
    s->long_before = false;
}

/* The second of the strings that BODY holds one behind the other; "" when it is cut off. */
static const char *second(const rh_message *message)
{
    size_t first = strlen(message->body) + 1;
    return first < message->body_count ? message->body + first : "";
}

static void sent_extended(rh_proxy_session *s, const rh_message *message)
{
    const char *sql;
    switch (message->type) {
    case 'P':
        rh_prepared_names_set(&s->prepared, message->body, second(message));
        push(s, PARSE, second(message));
        break;
    case 'B':
        sql = rh_prepared_names_find(&s->prepared, second(message));
        rh_prepared_names_set(&s->portals, message->body, sql ? sql : "");
        push(s, BIND, sql);
        break;
    case 'D':
        push(s, DESCRIBE, NULL);
        break;
    case 'C':
        if (message->body_count > 1)
            rh_prepared_names_remove(*message->body == 'S' ? &s->prepared : &s->portals, message->body + 1);
        push(s, CLOSE, NULL);
        break;
    default:
        sql = sql_of_portal(s, message);
        s->batch_has_schema_change |= sql && rh_is_schema_change(sql);
        s->batch_has_begin |= sql && rh_is_begin(sql);
        push(s, EXECUTE, sql ? sql : "");
        break;
    }
}

void rh_proxy_session_sent(rh_proxy_session *s, const rh_message *message, rh_usec now)
{
    if (s->blind)
        return;
    switch (message->type) {
    case 0:
        push(s, STARTUP, NULL);
        break;
    case 'Q':
        rh_prepared_names_remove(&s->prepared, "");
        push(s, QUERY, message->body);
        break;
    case 'F':
        push(s, CALL, NULL);
        break;
    case 'S':
        s->batch_has_schema_change = s->batch_has_begin = false;
        if (!s->copying)
            push(s, SYNC, NULL);
        s->skipping = false;
        break;
    case 'c':
    case 'f':
        if (s->copying)
            s->copying = false;
        else if (!s->skipping && s->first)
            push(s, COPY_DONE, NULL);
        break;
    case 'P':
    case 'B':
    case 'D':
    case 'C':
    case 'E':
        if (!s->skipping)
            sent_extended(s, message);
        break;
    default: /* data, passwords, Flush, Terminate: nothing answers them, or nothing that counts here */
        break;
    }
    begin_next(s, now);
}

/* ---- what the server sends ---- */

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

static void set_failure(pending *p, const rh_message *message)
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
    pending lone = {.kind = STARTUP};
    pending *p = s->first ? s->first : &lone;
    set_failure(p, message);
    if (!p->begun)
        p->started = now;
    if (p->sql && !p->begun)
        begin(s, p, now);
    end(s, p, now);
    free(lone.sqlstate);
    free(lone.message);
    free(lone.function);
    if (s->first && s->first->kind == STARTUP)
        return;
    while (s->first && s->first->kind != SYNC)
        drop(s, &s->first);
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
        end(s, s->first, now);
    if (s->state == 'I' && s->first->kind != STARTUP && s->events->transaction_ended)
        s->events->transaction_ended(s->events->user, s->connection, now);
    take_first(s, now);
    if (s->first || !s->events->answered)
        return;
    bool long_before = s->long_before;
    s->long_before = false;
    s->events->answered(s->events->user, s->connection, long_before, s->state == 'I');
}

/* A statement's end, in a simple query one of several. */
static void received_complete(rh_proxy_session *s, const rh_message *message, rh_usec now)
{
    pending *p = s->first;
    if (!p || !is_statement(p)) {
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
    end(s, p, now);
    take_first(s, now);
}

/* The server takes COPY data now: what was sent behind the Execute, up to the data's end, is ignored if it is
 * a Sync. */
static void received_copy_in(rh_proxy_session *s)
{
    if (!s->first || s->first->kind != EXECUTE)
        return;
    pending **link = &s->first->next;
    while (*link && (*link)->kind != COPY_DONE) {
        if ((*link)->kind == SYNC)
            drop(s, link);
        else
            link = &(*link)->next;
    }
    if (*link)
        drop(s, link);
    else
        s->copying = true;
}

static void received_answer(rh_proxy_session *s, kind expected, rh_usec now)
{
    if (s->first && s->first->kind == expected)
        take_first(s, now);
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
            take_first(s, now);
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
