/* What the client of a session sends. */
#include "session_queue.h"
#include "session.h"
#include "names.h"
#include "pgrehearse/base/scan.h"
#include "first_words.h"
#include <string.h>

bool rh_proxy_session_is_commit(const char *sql)
{
    const char *rest = rh_sql_skip_blanks(sql);
    if (rh_is_word(rest, "commit") || rh_is_word(rest, "end"))
        return true;
    return rh_is_word(rest, "prepare") &&
           rh_is_word(rh_sql_skip_blanks(rest + strlen("prepare")), "transaction");
}

/* The SQL of a portal; the body begins with its name. */
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
    for (rh_outstanding *p = s->first; p; p = p->next)
        if (p->begun)
            p->held += now - ready;
    s->long_before = false;
}

/* The second of the strings in BODY; "" when it is truncated. */
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
        rh_outstanding_push(s, PARSE, second(message));
        break;
    case 'B':
        sql = rh_prepared_names_find(&s->prepared, second(message));
        rh_prepared_names_set(&s->portals, message->body, sql ? sql : "");
        rh_outstanding_push(s, BIND, sql);
        break;
    case 'D':
        rh_outstanding_push(s, DESCRIBE, NULL);
        break;
    case 'C':
        if (message->body_count > 1)
            rh_prepared_names_remove(*message->body == 'S' ? &s->prepared : &s->portals, message->body + 1);
        rh_outstanding_push(s, CLOSE, NULL);
        break;
    default:
        sql = sql_of_portal(s, message);
        s->batch_has_schema_change |= sql && rh_is_schema_change(sql);
        s->batch_has_begin |= sql && rh_is_begin(sql);
        rh_outstanding_push(s, EXECUTE, sql ? sql : "");
        break;
    }
}

void rh_proxy_session_sent(rh_proxy_session *s, const rh_message *message, rh_usec now)
{
    if (s->blind)
        return;
    switch (message->type) {
    case 0:
        rh_outstanding_push(s, STARTUP, NULL);
        break;
    case 'Q':
        rh_prepared_names_remove(&s->prepared, "");
        rh_outstanding_push(s, QUERY, message->body);
        break;
    case 'F':
        rh_outstanding_push(s, CALL, NULL);
        break;
    case 'S':
        s->batch_has_schema_change = s->batch_has_begin = false;
        if (!s->copying)
            rh_outstanding_push(s, SYNC, NULL);
        s->skipping = false;
        break;
    case 'c':
    case 'f':
        if (s->copying)
            s->copying = false;
        else if (!s->skipping && s->first)
            rh_outstanding_push(s, COPY_DONE, NULL);
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
    rh_outstanding_begin_next(s, now);
}
