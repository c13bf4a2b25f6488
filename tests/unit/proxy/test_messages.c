/* Where messages begin and end, however the bytes come; what a session makes of them. */
#include "pgrehearse/base/arena.h"
#include "proxy/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- messages made ---- */

static void number(rh_text *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        rh_text_append_char(out, (char)(value >> shift & 0xff));
}

static void message(rh_text *out, char type, const void *body, size_t length)
{
    if (type)
        rh_text_append_char(out, type);
    number(out, (uint32_t)length + 4);
    rh_text_append_bytes(out, body, length);
}

#define MESSAGE(out, type, literal) message(out, type, literal, sizeof(literal) - 1)

/* ---- the reader ---- */

/* Reads STREAM in pieces of PIECE bytes (the first one of FIRST) and writes down what came. */
static char *read_in_pieces(const rh_text *stream, size_t first, size_t piece, bool untyped)
{
    rh_message_reader reader = {.kept = "QC", .untyped = untyped};
    rh_text seen = {0};
    for (size_t at = 0, end = first; at < stream->length; end += piece) {
        if (end > stream->length)
            end = stream->length;
        while (at < end) {
            bool complete;
            at += rh_message_read(&reader, stream->data + at, end - at, &complete);
            if (complete) {
                const rh_message *m = &reader.message;
                rh_text_printf(&seen, "%c%u=%.*s;", m->type ? m->type : '0', m->length, (int)m->body_count,
                               m->body);
                reader.untyped = false;
            }
        }
    }
    rh_text_printf(&seen, "%s", reader.broken ? "broken" : rh_message_is_open(&reader) ? "open" : "");
    rh_message_reader_release(&reader);
    return seen.data;
}

static void test_every_split(void **state)
{
    (void)state;
    rh_text stream = {0};
    MESSAGE(&stream, 0, "\0\3\0\0user");
    MESSAGE(&stream, 'Q', "select 1");
    MESSAGE(&stream, 'S', "");
    MESSAGE(&stream, 'd', "some data that nobody keeps");
    MESSAGE(&stream, 'C', "x");
    char *whole = read_in_pieces(&stream, stream.length, stream.length, true);
    assert_non_null(strstr(whole, "Q8=select 1;S0=;d27=;C1=x;"));
    for (size_t piece = 1; piece < stream.length; piece++) {
        for (size_t first = 1; first <= piece; first++) {
            char *seen = read_in_pieces(&stream, first, piece, true);
            assert_string_equal(seen, whole);
            free(seen);
        }
    }
    stream.length--;
    char *cut = read_in_pieces(&stream, 3, 7, true);
    assert_non_null(strstr(cut, "open"));
    free(cut);
    free(whole);
    rh_text_release(&stream);
}

static void test_what_is_no_message(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        bool untyped;
    } bad[] = {
        {"Q\0\0\0\3xxx", 8, false},          /* shorter than its own length */
        {"Q\xff\xff\xff\xff", 5, false},     /* 4 GB */
        {"\0\0\0\0\4", 5, false},            /* no type */
        {"\0\0\0\4", 4, true},               /* too short to open anything */
        {"\x16\3\1\2\0\1\0\1\xfc", 9, true}, /* TLS without asking */
        {"GET / HTTP/1.1\r\n", 16, true},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rh_text stream = {0};
        rh_text_append_bytes(&stream, bad[i].bytes, bad[i].length);
        for (size_t piece = 1; piece <= bad[i].length; piece++) {
            char *seen = read_in_pieces(&stream, piece, piece, bad[i].untyped);
            assert_string_equal(seen, "broken");
            free(seen);
        }
        rh_text_release(&stream);
    }
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    rh_text stream = {0};
    char *text = rh_alloc(RH_MESSAGE_TEXT_KEPT + 100);
    memset(text, 'a', RH_MESSAGE_TEXT_KEPT + 99);
    message(&stream, 'Q', text, RH_MESSAGE_TEXT_KEPT + 100);
    rh_message_reader reader = {.kept = "Q"};
    bool complete;
    size_t at = 0;
    do
        at += rh_message_read(&reader, stream.data + at, stream.length - at > 999 ? 999 : stream.length - at,
                              &complete);
    while (!complete);
    assert_int_equal(at, stream.length);
    assert_int_equal(reader.message.length, RH_MESSAGE_TEXT_KEPT + 100);
    assert_int_equal(reader.message.body_count, RH_MESSAGE_TEXT_KEPT);
    assert_int_equal(strlen(reader.message.body), RH_MESSAGE_TEXT_KEPT);
    rh_message_reader_release(&reader);
    rh_text_release(&stream);
    free(text);
}

/* ---- the session ---- */

typedef struct probe {
    rh_proxy_session *session;
    rh_text seen;
    rh_usec now;
} probe;

static void on_begun(void *user, rh_proxy_statement *s)
{
    probe *p = user;
    s->mark = p;
    rh_text_printf(&p->seen, "[%s", s->sql);
}

static void on_ended(void *user, const rh_proxy_statement *s)
{
    probe *p = user;
    assert_true(s->mark == (s->sql ? p : NULL));
    rh_text_printf(&p->seen, "|%s%s%s|%d]", s->command_tag, s->sqlstate ? "!" : "",
                   s->sqlstate ? s->sqlstate : "", (int)(s->ended - s->started - s->held));
}

static void on_transaction(void *user, int connection, rh_usec at)
{
    probe *p = user;
    assert_int_equal(connection, 7);
    assert_int_equal(at, p->now);
    rh_text_append(&p->seen, "#");
}

static const rh_proxy_session_events *events_of(probe *p)
{
    static rh_proxy_session_events events;
    events = (rh_proxy_session_events){
        .user = p, .begun = on_begun, .ended = on_ended, .transaction_ended = on_transaction};
    return &events;
}

/* FROM 'c' or 's'; a microsecond passes with every message. */
static rh_hold say(probe *p, char from, char type, const void *body, size_t length)
{
    rh_message m = {.type = type, .length = (uint32_t)length, .body = body, .body_count = length};
    p->now++;
    rh_hold hold = RH_HOLD_NOT;
    if (from == 'c') {
        hold = rh_proxy_session_holds(p->session, &m);
        rh_proxy_session_sent(p->session, &m, p->now);
    } else {
        rh_proxy_session_received(p->session, &m, p->now);
    }
    return hold;
}

#define CLIENT(p, type, literal) say(p, 'c', type, literal, sizeof(literal) - 1)
#define SERVER(p, type, literal) say(p, 's', type, literal, sizeof(literal) - 1)

static void start(probe *p)
{
    p->session = rh_proxy_session_new(7, 1000, events_of(p));
    CLIENT(p, 0, "\0\3\0\0");
    SERVER(p, 'R', "\0\0\0\0");
    SERVER(p, 'K', "\0\0\1\1abcd");
    SERVER(p, 'Z', "I");
    assert_int_equal(rh_proxy_session_pid(p->session), 257);
}

static void expect(probe *p, const char *seen)
{
    assert_string_equal(rh_text_string(&p->seen), seen);
    assert_false(rh_proxy_session_is_blind(p->session));
    assert_true(rh_proxy_session_is_quiet(p->session));
    rh_proxy_session_free(p->session);
    rh_text_release(&p->seen);
    *p = (probe){0};
}

static void test_simple(void **state)
{
    (void)state;
    probe p = {0};
    start(&p);
    CLIENT(&p, 'Q', "create table t ()\0");
    SERVER(&p, 'C', "CREATE TABLE\0");
    SERVER(&p, 'Z', "I");
    assert_int_equal(CLIENT(&p, 'Q', "commit\0"), RH_HOLD_IDLE); /* of nothing */
    SERVER(&p, 'C', "COMMIT\0");
    SERVER(&p, 'Z', "I");
    CLIENT(&p, 'Q', "begin\0");
    SERVER(&p, 'C', "BEGIN\0");
    SERVER(&p, 'Z', "T");
    CLIENT(&p, 'Q', "nonsense\0");
    SERVER(&p, 'E', "SERROR\0C42601\0Mno\0");
    SERVER(&p, 'Z', "E");
    assert_int_equal(CLIENT(&p, 'Q', "-- done\nCOMMIT WORK\0"), RH_HOLD_COMMIT);
    SERVER(&p, 'C', "ROLLBACK\0");
    SERVER(&p, 'Z', "I");
    expect(&p, "[create table t ()|CREATE TABLE|2]#[commit|COMMIT|2]#[begin|BEGIN|2][nonsense|!42601|2]"
               "[-- done\nCOMMIT WORK|ROLLBACK|2]#");
}

static void test_extended(void **state)
{
    (void)state;
    probe p = {0};
    start(&p);
    CLIENT(&p, 'P', "s\0update t set a = $1\0\0\0");
    CLIENT(&p, 'B', "\0s\0\0\0");
    CLIENT(&p, 'D', "P\0");
    CLIENT(&p, 'E', "\0\0\0\0\0");
    CLIENT(&p, 'P', "\0commit\0\0\0");
    CLIENT(&p, 'B', "\0\0\0\0");
    assert_false(rh_proxy_session_is_quiet(p.session));
    assert_int_equal(CLIENT(&p, 'E', "\0\0\0\0\0"), RH_HOLD_COMMIT);
    CLIENT(&p, 'S', "");
    SERVER(&p, '1', "");
    SERVER(&p, '2', "");
    SERVER(&p, 'n', "");
    SERVER(&p, 'C', "UPDATE 3\0");
    SERVER(&p, '1', "");
    SERVER(&p, '2', "");
    SERVER(&p, 'C', "COMMIT\0");
    SERVER(&p, 'Z', "I");
    expect(&p, "[update t set a = $1|UPDATE 3|8][commit|COMMIT|3]#");
}

/* After an error everything up to the Sync is skipped, whether it was sent before or after the error came. */
static void test_error_in_a_pipeline(void **state)
{
    (void)state;
    probe p = {0};
    start(&p);
    CLIENT(&p, 'P', "\0bad\0\0\0");
    CLIENT(&p, 'B', "\0\0\0\0");
    CLIENT(&p, 'E', "\0\0\0\0\0");
    SERVER(&p, 'E', "SERROR\0C42703\0Mno\0");
    CLIENT(&p, 'P', "\0skipped\0\0\0");
    CLIENT(&p, 'E', "\0\0\0\0\0");
    CLIENT(&p, 'S', "");
    CLIENT(&p, 'P', "\0good\0\0\0");
    CLIENT(&p, 'B', "\0\0\0\0");
    CLIENT(&p, 'E', "\0\0\0\0\0");
    CLIENT(&p, 'S', "");
    SERVER(&p, 'Z', "I");
    SERVER(&p, '1', "");
    SERVER(&p, '2', "");
    SERVER(&p, 'C', "SELECT 1\0");
    SERVER(&p, 'Z', "I");
    const char *seen = rh_text_string(&p.seen);
    assert_non_null(strstr(seen, "[bad"));
    assert_non_null(strstr(seen, "!42703"));
    assert_null(strstr(seen, "skipped"));
    assert_non_null(strstr(seen, "[good|SELECT 1|"));
    assert_false(rh_proxy_session_is_blind(p.session));
    rh_proxy_session_free(p.session);
    rh_text_release(&p.seen);
}

/* The server ignores Syncs while it waits for COPY data. */
static void test_copy(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        probe p = {0};
        start(&p);
        CLIENT(&p, 'P', "\0copy t from stdin\0\0\0");
        CLIENT(&p, 'B', "\0\0\0\0");
        CLIENT(&p, 'E', "\0\0\0\0\0");
        CLIENT(&p, 'S', "");
        if (!early) {
            SERVER(&p, '1', "");
            SERVER(&p, '2', "");
            SERVER(&p, 'G', "\0\0\0");
        }
        CLIENT(&p, 'd', "1\n");
        CLIENT(&p, 'c', "");
        CLIENT(&p, 'S', "");
        if (early) {
            SERVER(&p, '1', "");
            SERVER(&p, '2', "");
            SERVER(&p, 'G', "\0\0\0");
        }
        SERVER(&p, 'C', "COPY 1\0");
        SERVER(&p, 'Z', "I");
        assert_non_null(strstr(rh_text_string(&p.seen), "copy t from stdin|COPY 1|"));
        assert_true(rh_proxy_session_is_quiet(p.session));
        CLIENT(&p, 'Q', "copy t from stdin\0");
        SERVER(&p, 'G', "\0\0\0");
        CLIENT(&p, 'c', "");
        SERVER(&p, 'C', "COPY 0\0");
        SERVER(&p, 'Z', "I");
        CLIENT(&p, 'Q', "select 1\0");
        SERVER(&p, 'C', "SELECT 1\0");
        SERVER(&p, 'Z', "I");
        assert_non_null(strstr(rh_text_string(&p.seen), "[select 1|SELECT 1|"));
        assert_false(rh_proxy_session_is_blind(p.session));
        rh_proxy_session_free(p.session);
        rh_text_release(&p.seen);
    }
}

static void test_holds(void **state)
{
    (void)state;
    probe p = {0};
    start(&p);
    CLIENT(&p, 'P', "\0alter table t add a int\0\0\0");
    CLIENT(&p, 'B', "\0\0\0\0");
    CLIENT(&p, 'E', "\0\0\0\0\0");
    assert_int_equal(CLIENT(&p, 'S', ""), RH_HOLD_COMMIT); /* the end of the implicit transaction */
    rh_proxy_session_waited(p.session, p.now, p.now + 50);
    p.now += 50;
    SERVER(&p, '1', "");
    SERVER(&p, '2', "");
    SERVER(&p, 'C', "ALTER TABLE\0");
    SERVER(&p, 'Z', "I");
    CLIENT(&p, 'Q', "vacuum\0");
    p.now += 2000;
    SERVER(&p, 'C', "VACUUM\0");
    SERVER(&p, 'Z', "I");
    assert_int_equal(CLIENT(&p, 'Q', "select 1\0"), RH_HOLD_READING);
    SERVER(&p, 'C', "SELECT 1\0");
    SERVER(&p, 'Z', "I");
    expect(&p, "[alter table t add a int|ALTER TABLE|4]#[vacuum|VACUUM|2002]#[select 1|SELECT 1|2]#");
}

static void on_answered(void *user, int connection, bool long_before, bool idle)
{
    probe *p = user;
    assert_int_equal(connection, 7);
    rh_text_printf(&p->seen, "{%s%s}", long_before ? "long " : "", idle ? "idle" : "open");
}

static void test_answered(void **state)
{
    (void)state;
    probe p = {0};
    rh_proxy_session_events events = *events_of(&p);
    events.answered = on_answered;
    start(&p);
    rh_proxy_session_free(p.session);
    rh_text_clear(&p.seen);
    p.session = rh_proxy_session_new(7, 1000, &events);
    CLIENT(&p, 0, "\0\3\0\0");
    SERVER(&p, 'K', "\0\0\1\1abcd");
    SERVER(&p, 'Z', "I");
    assert_int_equal(CLIENT(&p, 'Q', "begin\0"), RH_HOLD_IDLE);
    SERVER(&p, 'C', "BEGIN\0");
    SERVER(&p, 'Z', "T");
    assert_int_equal(CLIENT(&p, 'Q', "select 1\0"), RH_HOLD_NOT);
    p.now += 2000;
    SERVER(&p, 'C', "SELECT 1\0");
    SERVER(&p, 'Z', "T");
    assert_int_equal(CLIENT(&p, 'Q', "select 2\0"), RH_HOLD_NOT); /* it was told already */
    assert_int_equal(CLIENT(&p, 'Q', "commit\0"), RH_HOLD_COMMIT);
    SERVER(&p, 'C', "SELECT 1\0");
    SERVER(&p, 'Z', "T"); /* the COMMIT is outstanding: not all is answered */
    SERVER(&p, 'C', "COMMIT\0");
    SERVER(&p, 'Z', "I");
    assert_int_equal(CLIENT(&p, 'X', ""), RH_HOLD_END);
    expect(&p, "{idle}[begin|BEGIN|2]{open}[select 1|SELECT 1|2002]{long open}[select 2|SELECT 1|3]"
               "[commit|COMMIT|2]#{idle}");
}

static void test_is_commit(void **state)
{
    (void)state;
    static const char *const yes[] = {"commit",
                                      "COMMIT;",
                                      " end",
                                      "/* a /* b */ */ Commit and chain",
                                      "--x\n;commit",
                                      "prepare transaction 'a'",
                                      "commit prepared 'a'"};
    static const char *const no[] = {"",          "select 'commit'",       "commits",
                                     "end_of",    "prepare a as select 1", "-- commit",
                                     "/* commit", "begin; commit"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(rh_proxy_session_is_commit(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(rh_proxy_session_is_commit(no[i]));
}

/* What does not fit ends the telling, not the program. */
static void test_blind(void **state)
{
    (void)state;
    probe p = {0};
    start(&p);
    SERVER(&p, 'C', "SELECT 1\0");
    assert_true(rh_proxy_session_is_blind(p.session));
    assert_int_equal(CLIENT(&p, 'Q', "commit\0"), RH_HOLD_NOT);
    SERVER(&p, 'Z', "I");
    assert_string_equal(rh_text_string(&p.seen), "");
    rh_proxy_session_free(p.session);
    rh_text_release(&p.seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_what_is_no_message),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_simple),
        cmocka_unit_test(test_extended),
        cmocka_unit_test(test_error_in_a_pipeline),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_is_commit),
        cmocka_unit_test(test_blind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
